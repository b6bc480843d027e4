import UproarCore
import UproarPosix
import UproarProviders
import UproarRuntime

/// Where a run finds emulators that it has not started: a loopback port on which they tell one run at a time what they see.
///
/// The protocol is the one between a run and its own children (`ControlConnection`), with two members more in the greeting: the
/// clock's zero (`epoch_ns`), by which the run reads the times of facts, and the seed, without which references mean nothing.
final class AttachPoint: ListenerHandler, FactSink {
    private let loop: EventLoop
    private let greeting: JSONValue
    private var listener: (any Listener)?
    private var run: ControlConnection?
    private var sink: ControlFactSink?
    /// What the emulators know at the end of a run.
    var evidence: () -> JSONValue = { .null }
    /// Requests that are still open.
    var unfinished: () -> [ProviderRequest] = { [] }
    private var outbox = RequestOutbox()

    private static let flushEvery = Duration.milliseconds(50)

    /// - port: 0 asks for any.
    init(port: UInt16, clock: RunClock, seed: Seed, isTagging: Bool, network: PosixNetwork)
        throws(NetworkError)
    {
        loop = network.loop
        greeting = [
            "role": "providers", "boot_id": JSONValue(MachineLimits.ownBootID()),
            "epoch_ns": .string(String(clock.epoch)), "seed": .string(String(seed.value)),
            "tagging": .bool(isTagging),
        ]
        listener = try network.listen(
            on: .loopback(port), options: ListenOptions(), handler: self)
    }

    var url: String { "tcp://\(listener?.endpoint ?? .loopback(0))" }

    func state(_ fact: Fact) { sink?.state(fact) }

    /// A request that ended while a run is attached is told to it.
    func take(_ request: ProviderRequest) { if run != nil { outbox.put(request) } }

    private func tellRequests() {
        while let requests = outbox.take() { run?.send(.evidence, ["requests": requests]) }
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        let connection = ControlConnection(stream: stream, handler: self)
        guard run == nil else {
            connection.send(.error, ["message": "another run is attached to these providers"])
            connection.close()
            return connection
        }
        run = connection
        sink = ControlFactSink(connection: connection)
        connection.send(.hello, greeting)
        flush()
        return connection
    }

    private func flush() {
        guard let sink else { return }
        tellRequests()
        sink.flush()
        loop.schedule(at: loop.now + Self.flushEvery) { [weak self] in self?.flush() }
    }
}

extension AttachPoint: ControlHandler {
    func controlReceived(
        _ kind: ControlKind, _ value: JSONValue, on connection: ControlConnection
    ) {
        guard kind == .drain, connection === run else { return }
        unfinished().forEach(take)
        sink?.flush()
        tellRequests()
        connection.send(.evidence, evidence())
        connection.close()
    }

    func controlClosed(_ connection: ControlConnection, error: ControlError?) {
        guard connection === run else { return }
        run = nil
        sink = nil
        outbox = RequestOutbox()
    }
}
