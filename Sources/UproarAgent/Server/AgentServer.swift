import UproarCore
import UproarRuntime
import UproarWire

/// The agent on one loop: takes calls as media streams, and serves health, metrics and TwiML beside them.
///
/// | request | answer |
/// |---|---|
/// | `GET` media path, upgrade | a call; 503 when full or draining |
/// | `POST /voice` | TwiML that connects the call to the media path |
/// | `GET /health/live` | 200 as long as the process serves |
/// | `GET /health/ready` | 200, or 503 while draining |
/// | `GET /metrics` | Prometheus text |
package final class AgentServer: ListenerHandler {
    /// A caller who stops reading is cut off when so much waits for it: 90 s of audio.
    private static let queueLimit = 1 << 20

    package let settings: AgentSettings
    package let metrics: AgentMetrics
    let parts: AgentParts
    let worker: CallWorker
    /// Decoded caller audio, on its way to a call; shared by all calls of the loop.
    var audio: [UInt8] = []

    private var listener: (any Listener)?
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
        worker = CallWorker(settings, parts: parts, metrics: metrics)
    }

    package var activeCalls: Int { calls.count }

    /// Starts to listen and returns where.
    package func start() throws(NetworkError) -> Endpoint {
        var options = ListenOptions()
        options.queueLimit = Self.queueLimit
        let listener = try parts.network.listen(
            on: .tcp(host: settings.host, port: settings.port), options: options, handler: self)
        self.listener = listener
        worker.preparePhrases()
        return listener.endpoint
    }

    /// Takes no more calls and is not ready; `then` is called when the last one has ended.
    package func drain(then: @escaping () -> Void) {
        isDraining = true
        whenDrained = then
        noteDrained()
    }

    /// Cuts what is left and stops listening.
    package func stop() {
        listener?.close()
        listener = nil
        worker.stop()
        for key in calls.keys.sorted() { calls[key]?.cut() }
    }

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        lastConnection += 1
        return AgentConnection(stream, number: lastConnection, server: self)
    }

    // MARK: Calls

    func refusal(of head: HTTPRequestHead) -> (status: Int, reason: String)? {
        if head.path != settings.mediaPath { return (404, "no media stream at \(head.path)\n") }
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

    func answer(_ head: HTTPRequestHead, on connection: inout ServerConnection) {
        switch (head.method, head.path) {
        case ("GET", "/health/live"), ("HEAD", "/health/live"):
            health(status: 200, word: "alive", on: &connection)
        case ("GET", "/health/ready"), ("HEAD", "/health/ready"):
            health(
                status: isDraining ? 503 : 200, word: isDraining ? "draining" : "ready",
                on: &connection)
        case ("GET", "/metrics"):
            connection.respond(
                status: 200, headers: ["Content-Type": PrometheusText.contentType],
                body: metrics.text())
        case ("POST", "/voice"), ("GET", "/voice"):
            connection.respond(
                status: 200, headers: ["Content-Type": "text/xml"], body: twiML(for: head))
        case ("GET", settings.mediaPath):
            connection.respond(status: 426, headers: ["Upgrade": "websocket"])
        default: connection.respond(status: 404)
        }
    }

    private func health(status: Int, word: String, on connection: inout ServerConnection) {
        let body: JSONValue = [
            "status": .string(word), "timestamp": .integer(timestamp),
            "worker_id": .string(settings.worker), "active_jobs": JSONValue(calls.count),
            "maximum_jobs": JSONValue(settings.maximumCalls),
        ]
        connection.respond(
            status: status, headers: ["Content-Type": "application/json"], body: body.encoded())
    }

    /// Seconds of the Unix epoch.
    private var timestamp: Int64 {
        settings.epoch + parts.loop.now.nanoseconds / 1_000_000_000
    }

    /// `<Connect><Stream>` to where the request came in (Twilio, "TwiML <Stream>"). Twilio itself only dials `wss`.
    private func twiML(for head: HTTPRequestHead) -> [UInt8] {
        let host = head.headers["Host"] ?? "localhost"
        let isSecure = head.headers["X-Forwarded-Proto"] == "https"
        let url = "\(isSecure ? "wss" : "ws")://\(host)\(settings.mediaPath)"
        var text = #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n"
        text += #"<Response><Connect><Stream url="\#(Self.escaped(url))"/></Connect></Response>"#
        return Array(text.utf8)
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
