import Glibc
import UproarCore
import UproarRuntime

/// An agent that is not ours, from its start to its end: a process behind the guardian, ready when it can be called.
///
/// ```
///   starting ── port open, or 2xx/3xx ──► ready ── stop ──► stopping ── exit ──► over
///       └── exit, limit passed ──► over (failed)              └ SIGTERM, limit, SIGKILL of the tree
/// ```
package final class CommandAgent {
    package enum Readiness: Hashable, Sendable {
        case port(Endpoint)
        case http(String)

        var text: String {
            switch self {
            case .port(let endpoint): "nothing accepts a connection on \(endpoint)"
            case .http(let url): "GET \(url) is not answered"
            }
        }
    }

    package struct Plan: Sendable {
        package var command: ProcessCommand
        package var readiness: Readiness
        package var startLimit: Duration
        package var stopLimit: Duration
        /// The command line as people know it, for messages; nil: the command's own.
        package var shown: String?

        package init(
            command: ProcessCommand, readiness: Readiness, startLimit: Duration,
            stopLimit: Duration
        ) {
            self.command = command
            self.readiness = readiness
            self.startLimit = startLimit
            self.stopLimit = stopLimit
        }
    }

    private enum State { case starting, ready, stopping, over }

    private let plan: Plan
    private let loop: EventLoop
    private let network: any Network
    private let http: any HTTPClient
    private var state = State.starting
    private var hosted: (any HostedProcess)?
    /// What faults act on.
    package var process: (any HostedProcess)? { hosted }
    private var deadline = TimerID.none
    private var retry = TimerID.none
    private var probe: (any ReadinessProbe)?
    /// What the last probe met, for the message when the time is over.
    private var lastAnswer: String?
    private var isTooLate = false
    private var stopped: (() -> Void)?

    package var onStarted: ((Int32) -> Void)?
    package var onReady: (() -> Void)?
    /// It is gone without having been asked: why, in words. Called at most once.
    package var onEnded: ((String) -> Void)?

    private static let probeEvery = Duration.milliseconds(50)
    private static let probeLimit = Duration.seconds(2)

    package init(
        _ plan: Plan, host: any ProcessHost, network: any Network, http: any HTTPClient,
        loop: EventLoop
    ) {
        self.plan = plan
        self.loop = loop
        self.network = network
        self.http = http
        hosted = host.start(plan.command, handler: self)
        deadline = loop.schedule(at: loop.now + plan.startLimit) { [weak self] in
            self?.tookTooLong()
        }
    }

    /// SIGTERM, and SIGKILL to the whole tree of what has not gone by the limit. `then` follows in every case.
    package func stop(then: @escaping () -> Void) {
        guard state == .starting || state == .ready else {
            loop.schedule(at: loop.now, then)
            return
        }
        state = .stopping
        stopped = then
        loop.cancel(retry)
        loop.cancel(deadline)
        hosted?.send(.terminate, tree: false)
        deadline = loop.schedule(at: loop.now + plan.stopLimit) { [weak self] in
            self?.hosted?.send(.kill, tree: true)
        }
    }

    // MARK: Is it ready?

    private func ask(after wait: Duration) {
        retry = loop.schedule(at: loop.now + wait) { [weak self] in self?.ask() }
    }

    private func ask() {
        guard state == .starting else { return }
        switch plan.readiness {
        case .port(let endpoint):
            let probe = PortProbe { [weak self] in self?.answered($0) }
            self.probe = probe
            var options = ConnectOptions()
            options.timeout = Self.probeLimit
            probe.stream = network.connect(to: endpoint, options: options, handler: probe)
        case .http(let url):
            let probe = GetProbe { [weak self] in self?.answered($0) }
            self.probe = probe
            var request = HTTPRequest(method: "GET", url: url)
            request.deadlines.connect = Self.probeLimit
            request.deadlines.total = Self.probeLimit
            probe.exchange = http.send(request, handler: probe)
        }
    }

    /// nil: it is ready.
    private func answered(_ refusal: String?) {
        probe = nil
        guard state == .starting else { return }
        if let refusal {
            lastAnswer = refusal
            return ask(after: Self.probeEvery)
        }
        state = .ready
        loop.cancel(deadline)
        onReady?()
    }

    private func tookTooLong() {
        guard state == .starting else { return }
        isTooLate = true
        loop.cancel(retry)
        hosted?.send(.kill, tree: true)
    }

    private func failure(_ exit: ProcessExit) -> String {
        let line =
            plan.shown
            ?? ([plan.command.executable] + plan.command.arguments).joined(separator: " ")
        var text = "the agent (\(line)) "
        switch exit {
        case .notStarted(let step, let errno):
            return text + "could not be started: \(step): \(Errno.words(for: errno))"
        case _ where isTooLate:
            text += "was not ready within \(NumberText.duration(plan.startLimit)): "
            text += plan.readiness.text + (lastAnswer.map { " (\($0))" } ?? "")
        case _ where state == .starting: text += "ended with \(exit) before it was ready"
        default: text += "ended with \(exit)"
        }
        if let file = plan.command.outputFile, let tail = ProcessOutput.tail(of: file) {
            text += "; \(file) ends:\n\(tail)"
        }
        return text
    }
}

extension CommandAgent: HostedProcessHandler {
    package func started(_ process: any HostedProcess) {
        if let pid = process.pid { onStarted?(pid) }
        // Not sooner: an address that another process answers must not be ready before this one runs.
        if state == .starting { ask(after: Self.probeEvery) }
    }

    package func exited(_ process: any HostedProcess, exit: ProcessExit) {
        loop.cancel(deadline)
        loop.cancel(retry)
        let words = failure(exit)
        let wasStopping = state == .stopping
        state = .over
        hosted = nil
        if wasStopping {
            stopped?()
            stopped = nil
        } else {
            onEnded?(words)
        }
    }
}

private protocol ReadinessProbe: AnyObject {}

/// One attempt to connect.
private final class PortProbe: ReadinessProbe, ByteStreamHandler {
    var stream: (any ByteStream)?
    private var isOpen = false
    private let then: (String?) -> Void

    init(_ then: @escaping (String?) -> Void) { self.then = then }

    func opened(_ stream: any ByteStream) {
        isOpen = true
        stream.reset()
    }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {}

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        if isOpen { return then(nil) }
        switch reason {
        case .unreachable(let code), .failed(let code): then(Errno.words(for: code))
        default: then("the connection was closed")
        }
    }
}

/// One GET.
private final class GetProbe: ReadinessProbe, HTTPExchangeHandler {
    var exchange: (any HTTPExchange)?
    private var status = 0
    private let then: (String?) -> Void

    init(_ then: @escaping (String?) -> Void) { self.then = then }

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        self.status = status
    }

    func received(body: RawSpan, on exchange: any HTTPExchange) {}

    func finished(_ exchange: any HTTPExchange) {
        self.exchange = nil
        then((200..<400).contains(status) ? nil : "it answers HTTP \(status)")
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        self.exchange = nil
        switch failure {
        case .unreachable(let words), .tls(let words), .untrusted(let words),
            .malformed(let words):
            then(words)
        case .timedOut(let what): then("no answer in time (\(what))")
        case .cut: then("the connection ended before the answer")
        }
    }
}
