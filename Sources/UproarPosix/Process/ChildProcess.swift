import Glibc
import UproarCore
import UproarRuntime

/// A child of ours (`uproar agent`, `uproar providers`, …) as the run sees it: started with a config file and a control socket,
/// awaited until it serves, watched until it ends.
///
/// ```
///   starting ── ready{ports} ──► serving ── exit ──► over
///       └── exit, error frame, broken frame, limit passed ──► over (failed)
/// ```
package final class ChildProcess {
    package let name: String
    /// The same text that stands in the config file; run by hand with `uproar NAME --config FILE`.
    package let configFile: String
    package let outputFile: String
    package private(set) var hosted: (any HostedProcess)?
    package private(set) var control: ControlConnection?
    /// By name, as the child told them; empty before it serves.
    package private(set) var ports: [String: UInt16] = [:]
    package private(set) var exit: ProcessExit?
    package weak var handler: (any ChildProcessHandler)?

    private let loop: EventLoop
    private var state = State.starting
    private var limit = TimerID.none
    private var complaint: String?

    private enum State { case starting, serving, over }

    /// Between the exit and the end of the control socket.
    private static let lastWordsLimit = Duration.milliseconds(500)

    /// Writes `<folder>/NAME.yaml` and starts `uproar NAME --config …`; output goes to `<folder>/NAME.log`.
    ///
    /// `secrets` travel by environment alone. The child is killed when it does not serve within `limit`.
    package init(
        _ plan: ChildPlan, folder: String, host: any ProcessHost, loop: EventLoop,
        handler: any ChildProcessHandler
    ) throws(Errno) {
        name = plan.name
        configFile = "\(folder)/\(plan.name).yaml"
        outputFile = "\(folder)/\(plan.name).log"
        self.loop = loop
        self.handler = handler
        try AtomicFile.makeFolder(folder)
        // JSON is YAML, so our reader takes it and people can.
        try AtomicFile.write(plan.config.encoded(pretty: true) + [0x0a], to: configFile)

        var command = ProcessCommand(
            name: plan.name, executable: plan.program,
            arguments: plan.arguments + ["--config", configFile])
        command.environment = plan.secrets
        command.outputFile = outputFile
        command.openFiles = plan.openFiles
        command.wantsControl = true
        let hosted = host.start(command, handler: self)
        self.hosted = hosted
        control = hosted.control.map { ControlConnection(stream: $0, handler: self) }
        limit = loop.schedule(at: loop.now + plan.limit) { [weak self] in
            self?.tookTooLong(plan.limit)
        }
    }

    /// Sends SIGTERM, SIGKILL, …; `tree` also to what the child started itself.
    package func send(_ signal: ProcessSignal, tree: Bool = false) {
        hosted?.send(signal, tree: tree)
    }

    /// Asks it to finish its work and go; it answers with its last evidence and its exit.
    package func drain() { control?.send(.drain) }

    private func tookTooLong(_ limit: Duration) {
        guard state == .starting else { return }
        complaint = "not ready within \(NumberText.duration(limit))"
        send(.kill, tree: true)
    }

    private func serves(_ value: JSONValue) {
        guard state == .starting else { return }
        state = .serving
        loop.cancel(limit)
        for member in value["ports"]?.members ?? [] {
            if let port = member.value.int.flatMap(UInt16.init(exactly:)) {
                ports[member.key] = port
            }
        }
        handler?.childReady(self)
    }

    /// Why it went, in words for a person: the step or limit that failed, its exit, what it said last.
    private func failure(_ exit: ProcessExit) -> String {
        var text: String
        switch exit {
        case .notStarted(let step, let errno):
            text = "\(name) could not be started: \(step): \(Errno.words(for: errno))"
        default:
            text = "\(name) ended with \(exit)"
            if state == .starting { text += " before it was ready" }
        }
        if let complaint { text += " (\(complaint))" }
        if let tail = ProcessOutput.tail(of: outputFile) {
            text += "; \(outputFile) ends:\n\(tail)"
        }
        return text
    }
}

/// What to start as a child of ours.
package struct ChildPlan: Hashable, Sendable {
    /// `agent`, `providers`, …: names the process, its files and its subcommand.
    package var name: String
    package var config: JSONValue
    package var secrets: [EnvironmentEntry] = []
    package var program = ownExecutable()
    package var arguments: [String]
    package var openFiles: Int?
    /// Until it must have said `ready`.
    package var limit = Duration.seconds(15)

    package init(name: String, config: JSONValue) {
        self.name = name
        self.config = config
        arguments = [name]
    }
}

/// Takes what happens to a child. Calls come on the loop.
package protocol ChildProcessHandler: AnyObject {
    /// It serves; its ports are known.
    func childReady(_ child: ChildProcess)
    func child(_ child: ChildProcess, evidence: JSONValue)
    /// Whole 32-byte records; valid during the call only.
    func child(_ child: ChildProcess, facts records: RawSpan)
    /// A signal asked for was sent.
    func child(_ child: ChildProcess, signalled: ProcessSignal, at: Instant)
    /// It is gone, called once, last. `failure` is nil for an exit with code 0 after it had served; else it says in words why.
    func childEnded(_ child: ChildProcess, exit: ProcessExit, failure: String?)
}

extension ChildProcessHandler {
    package func child(_ child: ChildProcess, evidence: JSONValue) {}
    package func child(_ child: ChildProcess, facts records: RawSpan) {}
    package func child(_ child: ChildProcess, signalled: ProcessSignal, at: Instant) {}
}

extension ChildProcess: HostedProcessHandler {
    package func signalled(_ process: any HostedProcess, signal: ProcessSignal, at: Instant) {
        handler?.child(self, signalled: signal, at: at)
    }

    package func exited(_ process: any HostedProcess, exit: ProcessExit) {
        self.exit = exit
        loop.cancel(limit)
        guard control != nil else { return end() }
        // Its last words may still wait in the socket, whose end comes next, unless somebody else holds it open.
        limit = loop.schedule(at: loop.now + Self.lastWordsLimit) { [weak self] in self?.end() }
    }

    private func end() {
        guard let exit, state != .over else { return }
        loop.cancel(limit)
        control?.close()
        control = nil
        let failure = exit == .code(0) && state == .serving ? nil : failure(exit)
        state = .over
        handler?.childEnded(self, exit: exit, failure: failure)
    }
}

extension ChildProcess: ControlHandler {
    package func controlReceived(
        _ kind: ControlKind, _ value: JSONValue, on connection: ControlConnection
    ) {
        switch kind {
        case .hello:
            // Another boot's clock cannot be compared with ours.
            if let id = value["boot_id"]?.text, let own = MachineLimits.ownBootID(), id != own {
                complaint = "it runs on another boot (\(id)); its facts would be worthless"
                send(.kill, tree: true)
            }
        case .ready: serves(value)
        case .evidence: handler?.child(self, evidence: value)
        case .error: complaint = value["message"]?.text ?? value.text(pretty: false)
        case .arm, .clear, .drain, .facts: break
        }
    }

    package func controlReceived(facts records: RawSpan, on connection: ControlConnection) {
        handler?.child(self, facts: records)
    }

    package func controlClosed(_ connection: ControlConnection, error: ControlError?) {
        control = nil
        if let error { complaint = complaint ?? error.description }
        if exit != nil { return end() }
        if error != nil { send(.kill, tree: true) }
    }
}
