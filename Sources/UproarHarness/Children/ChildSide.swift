import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// The child's end of the control socket, or none when it runs by hand (`UPROAR_CONTROL_FD` is absent).
package final class ChildSide: ControlHandler {
    private let loop: EventLoop
    private var connection: ControlConnection?
    private var sink: ControlFactSink?
    /// The run says that the work is over.
    package var onDrain: (() -> Void)?
    /// The same, with what the run says beside it.
    package var onWork: ((JSONValue) -> Void)?
    /// A fault to carry out.
    package var onArm: ((FaultPlan) -> Void)?
    /// The id of a fault that is over.
    package var onClear: ((String) -> Void)?

    /// Before each flush: what this process wants to tell with it.
    package var onFlush: (() -> JSONValue?)?

    private static let flushEvery = Duration.milliseconds(50)

    package init(name: String, loop: EventLoop, network: PosixNetwork) throws {
        self.loop = loop
        connection = try ControlSocket.claim(role: name, network: network, handler: self)
        guard let connection else { return }
        sink = ControlFactSink(connection: connection)
        flush()
    }

    package var isAttached: Bool { connection != nil }

    /// Where this process states its facts; those of a child run by hand go nowhere.
    package var facts: any FactSink { sink ?? NoFacts() }

    package func ready(ports: [(String, UInt16)]) {
        let members = ports.map { JSONValue.Member($0.0, .integer(Int64($0.1))) }
        connection?.send(.ready, ["ports": .object(members)])
    }

    package func fail(_ reason: String) {
        connection?.send(.error, ["message": .string(reason)])
        sink?.flush()
    }

    /// Tells something before the next flush.
    package func tell(_ evidence: JSONValue) { connection?.send(.evidence, evidence) }

    /// Sends what is left, with what only this process knows, and closes.
    package func finish(evidence: JSONValue) {
        sink?.flush()
        connection?.send(.evidence, evidence)
        connection?.close()
    }

    package func controlReceived(
        _ kind: ControlKind, _ value: JSONValue, on connection: ControlConnection
    ) {
        switch kind {
        case .drain:
            onDrain?()
            onWork?(value)
        case .arm: if let plan = FaultPlan(json: value) { onArm?(plan) }
        case .clear: if let id = value["id"]?.text { onClear?(id) }
        case .hello, .ready, .evidence, .facts, .error: break
        }
    }

    package func controlClosed(_ connection: ControlConnection, error: ControlError?) {
        // The run is gone: so is the reason to be here.
        loop.stop()
    }

    private func flush() {
        if let told = onFlush?() { connection?.send(.evidence, told) }
        sink?.flush()
        loop.schedule(at: loop.now + Self.flushEvery) { [weak self] in self?.flush() }
    }
}

private final class NoFacts: FactSink {
    func state(_ fact: Fact) {}
}
