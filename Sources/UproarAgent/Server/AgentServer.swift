import UproarCore
import UproarRuntime
import UproarWire

/// The agent on one loop: takes calls as media streams, and serves health, metrics and TwiML beside them.
///
/// | request | answer |
/// |---|---|
/// | `GET` media path, upgrade | a call; 503 when full or draining, 415 when its encoding fits no provider |
/// | `GET` browser path, upgrade | the same over a browser stream |
/// | `POST /voice` | TwiML that connects the call to the media path; `/voice/after`: what comes when the stream has ended |
/// | `GET` `/health…`, `/ready`, `/` | see `HealthPage` |
/// | `GET /metrics` | Prometheus text |
/// | `POST /mcp` | the tools, see `ToolServer` |
package final class AgentServer: ListenerHandler {
    /// A caller who stops reading is cut off when so much waits for it: 90 s of audio.
    private static let queueLimit = 1 << 20

    package let settings: AgentSettings
    package let metrics: AgentMetrics
    let parts: AgentParts
    let worker: CallWorker
    /// Decoded caller audio, on its way to a call; shared by all calls of the loop.
    var audio: [UInt8] = []
    /// A message of a call, as it is read; shared in the same way.
    var unmasked = [UInt8](repeating: 0, count: 16 << 10)
    var mediaShapes = TwilioStreamMessage.mediaShapes

    /// Of those who ask by `/mcp`, where there is no store.
    private let ownTasks = MemoryTaskStore()
    private var listeners: [any Listener] = []
    private var watch: MemoryWatch?
    private var grace = TimerID.none
    private var calls: [UInt64: AgentConnection] = [:]
    private var lastConnection: UInt64 = 0
    private var whenDrained: (() -> Void)?
    package private(set) var isDraining = false

    package init(_ settings: AgentSettings, parts: AgentParts) {
        precondition(
            settings.echoes
                || !(parts.recognisers.isEmpty || parts.models.isEmpty || parts.voices.isEmpty),
            "an agent that does not echo needs a provider of each role")
        self.settings = settings
        self.parts = parts
        metrics = AgentMetrics(worker: settings.worker)
        metrics.set(.queueDepth, to: 0)
        metrics.set(.maximumSessions, to: Double(settings.maximumCalls))
        worker = CallWorker(settings, parts: parts, metrics: metrics)
    }

    package var activeCalls: Int { calls.count }

    /// Starts to listen and returns where calls come in.
    package func start() throws(NetworkError) -> Endpoint {
        var options = ListenOptions()
        options.queueLimit = Self.queueLimit
        var ports = [settings.port]
        for port in [settings.metricsPort, settings.healthPort] where port > 0 {
            ports.append(UInt16(clamping: port))
        }
        for port in ports {
            do throws(NetworkError) {
                listeners.append(
                    try parts.network.listen(
                        on: .tcp(host: settings.host, port: port), options: options,
                        handler: self))
            } catch {
                for listener in listeners { listener.close() }
                listeners = []
                throw error
            }
        }
        worker.start()
        worker.preparePhrases(in: settings.speakingFormat.isEmpty ? .telephone : nil)
        watchMemory()
        parts.log.say(.info, "listening at \(listeners[0].endpoint)")
        return listeners[0].endpoint
    }

    private func watchMemory() {
        guard settings.memoryDrain, let meter = parts.meter else { return }
        let watch = MemoryWatch(meter, metrics: metrics, loop: parts.loop) { [weak self] level in
            guard let self else { return }
            metrics.count(.errors, ["memory_\(level)", "worker"])
            parts.log.say(.warning, "memory is \(level): no more calls are taken")
            switch level {
            case .normal: break
            case .high: beginDraining()
            case .critical: onExhaustion?()
            }
        }
        self.watch = watch
        watch.start()
    }

    /// The worker has to end before the machine ends it.
    package var onExhaustion: (() -> Void)?

    private func beginDraining() {
        guard !isDraining else { return }
        isDraining = true
        parts.log.say(.info, "draining, \(calls.count) calls go on")
    }

    /// Takes no more calls and is not ready; `then` is called when the last one has ended, or the grace is over.
    package func drain(then: @escaping () -> Void) {
        beginDraining()
        whenDrained = then
        grace = parts.loop.schedule(at: parts.loop.now + settings.drainGrace) { [weak self] in
            guard let self else { return }
            parts.log.say(.warning, "the grace is over, \(calls.count) calls are cut")
            for key in calls.keys.sorted() { calls[key]?.cut() }
        }
        noteDrained()
    }

    /// Cuts what is left and stops listening.
    package func stop() {
        for listener in listeners { listener.close() }
        listeners = []
        watch?.stop()
        parts.loop.cancel(grace)
        worker.stop()
        for key in calls.keys.sorted() { calls[key]?.cut() }
    }

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        lastConnection += 1
        return AgentConnection(stream, number: lastConnection, server: self)
    }

    // MARK: Calls

    /// Nil where no stream is served.
    func wire(of path: String) -> MediaWire? {
        if path == settings.mediaPath { return .twilio }
        return path == settings.browserPath && !settings.browserPath.isEmpty ? .browser : nil
    }

    func refusal(of head: HTTPRequestHead, _ wire: MediaWire?) -> (status: Int, reason: String)? {
        guard let wire else { return (404, "no media stream at \(head.path)\n") }
        if let problem = encodingProblem(of: wire) {
            refused(problem)
            return (415, problem + "\n")
        }
        if isDraining {
            metrics.sessionRefused("draining")
            return (503, "the agent is draining\n")
        }
        if calls.count >= settings.maximumCalls {
            metrics.sessionRefused("full")
            return (503, "all \(settings.maximumCalls) calls are taken\n")
        }
        return nil
    }

    /// Why no call of this wire can start: an encoding that fits a provider by no declared converter.
    private func encodingProblem(of wire: MediaWire) -> String? {
        guard !settings.echoes else { return nil }
        return settings.encodings.problems(wire.channel, carrying: wire.format).first
    }

    /// What is wrong with a stream that says it carries this; nil when it is what is heard here.
    func mismatch(of wire: MediaWire, _ contentType: String) -> String? {
        guard !contentType.isEmpty, MediaWire.format(contentType) != wire.format else { return nil }
        return "\(wire.channel) says it carries \(contentType), the agent hears \(wire.format) mono"
    }

    func refused(_ problem: String) {
        metrics.sessionRefused("encoding")
        metrics.count(.errors, ["encoding_mismatch", "media"])
        parts.log.say(.error, "a call is refused: \(problem)")
    }

    /// Audio or a picture before the person has agreed.
    func tooSoon() { metrics.count(.errors, ["before_consent", "media"]) }

    /// What a browser shows before the microphone opens.
    var consentRequest: [UInt8] {
        BrowserStreamWriter.consent(
            settings.consentText, isRecording: worker.recordings != nil)
    }

    func callBegan(_ connection: AgentConnection) {
        calls[connection.number] = connection
    }

    func callEnded(_ connection: AgentConnection) {
        calls[connection.number] = nil
        noteDrained()
    }

    private func noteDrained() {
        guard isDraining, calls.isEmpty, let then = whenDrained else { return }
        whenDrained = nil
        then()
    }

    func begin(_ introduction: CallIntroduction, over channel: AgentConnection)
        -> any CallChannelHandler
    {
        if settings.echoes {
            return EchoCall(
                over: channel, settings: settings, metrics: metrics, now: parts.loop.now)
        }
        let call = CallSession(introduction, over: channel, worker: worker)
        call.begin()
        return call
    }

    // MARK: Requests

    struct Answer {
        var status: Int
        var headers: HTTPHeaders = [:]
        var body: [UInt8] = []
        /// The path as metrics name it: few, whatever is asked for.
        var endpoint: String
    }

    /// - then: called once, at once or later.
    func answer(
        _ head: HTTPRequestHead, body: [UInt8], then: @escaping (Answer) -> Void
    ) {
        let json: HTTPHeaders = ["Content-Type": "application/json"]
        if head.method == "GET" || head.method == "HEAD",
            let (status, page) = health.answer(head.path)
        {
            return then(
                Answer(status: status, headers: json, body: page.encoded(), endpoint: head.path))
        }
        switch (head.method, head.path) {
        case ("GET", "/metrics"):
            then(
                Answer(
                    status: 200, headers: ["Content-Type": PrometheusText.contentType],
                    body: metrics.text(), endpoint: "/metrics"))
        case ("POST", "/voice"), ("GET", "/voice"):
            then(
                Answer(
                    status: 200, headers: ["Content-Type": "text/xml"],
                    body: CallMarkup.connect(head, settings), endpoint: "/voice"))
        case ("POST", CallMarkup.afterPath):
            then(
                Answer(
                    status: 200, headers: ["Content-Type": "text/xml"],
                    body: CallMarkup.after(body, settings) { worker.takeHandOff($0) },
                    endpoint: CallMarkup.afterPath))
        case ("POST", "/mcp"):
            guard ToolServer.admits(head, key: parts.toolKey) else {
                return then(
                    Answer(
                        status: 401, headers: ["WWW-Authenticate": "Bearer"], endpoint: "/mcp"))
            }
            ToolServer(
                tasks: worker.tasks ?? ownTasks, offersTools: settings.offersTools,
                metrics: metrics, loop: parts.loop,
                now: { [worker] in worker.unixMilliseconds }
            ).answer(body, person: head.headers["X-User-Id"]) { status, body in
                then(Answer(status: status, headers: json, body: body, endpoint: "/mcp"))
            }
        case (_, "/mcp"):
            // It sends nothing of its own accord, and keeps no sessions.
            then(Answer(status: 405, headers: ["Allow": "POST"], endpoint: "/mcp"))
        case ("GET", let path) where wire(of: path) != nil:
            then(Answer(status: 426, headers: ["Upgrade": "websocket"], endpoint: path))
        default: then(Answer(status: 404, endpoint: "other"))
        }
    }

    private var health: HealthPage {
        var checks = [
            HealthPage.Check(
                name: "capacity", isGood: true,
                detail: "\(calls.count) of \(settings.maximumCalls) calls"),
            HealthPage.Check(
                name: "media", isGood: !listeners.isEmpty,
                detail: listeners.isEmpty ? "not listening" : "listening"),
            // Calls go on from memory: a lost store makes nobody unready.
            HealthPage.Check(
                name: "session_store", isGood: true,
                detail: worker.sessions.isReachable ? "reachable" : "unreachable, in memory"),
        ]
        if let watch {
            checks.append(
                HealthPage.Check(
                    name: "memory", isGood: watch.level == .normal, detail: "\(watch.level)"))
        }
        return HealthPage(
            worker: settings.worker, unixTime: worker.unixTime, activeCalls: calls.count,
            maximumCalls: settings.maximumCalls, isDraining: isDraining, checks: checks)
    }
}
