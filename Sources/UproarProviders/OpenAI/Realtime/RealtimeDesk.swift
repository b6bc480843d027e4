import UproarAudio
import UproarCore
import UproarRuntime
import UproarWire

/// Where realtime sessions are opened: speech to speech, and transcription alone (platform.openai.com/docs/guides/realtime).
final class RealtimeDesk {
    let context: EmulatorContext
    let model: ModelDesk
    let studio: VoiceStudio
    let vocabulary: SpeechVocabulary
    /// From the end of a turn to its transcript.
    let transcriptLatency: Distribution
    private var ordinal: UInt64 = 0
    /// Sessions at once; one more is answered 429.
    private let limit: Int?
    private var sessions = 0
    /// Secrets that were issued for browsers, the latest last.
    private var secrets: [String] = []

    private static let secretLimit = 1_000

    init(
        _ model: ModelDesk, studio: VoiceStudio, vocabulary: SpeechVocabulary,
        transcriptLatency: Distribution, limit: Int?, context: EmulatorContext
    ) {
        self.model = model
        self.studio = studio
        self.vocabulary = vocabulary
        self.transcriptLatency = transcriptLatency
        self.limit = limit
        self.context = context
    }

    func open(
        _ request: HTTPRequestHead, on connection: EmulatorConnection, headers: HTTPHeaders,
        at now: Instant
    ) throws(OpenAIProblem) -> RealtimeSession {
        let subprotocol = try checkKey(request)
        let isTranscription = request.query["intent"] == "transcription"
        guard isTranscription || request.query["model"]?.isEmpty == false else {
            throw .invalid(
                "You must provide a model parameter.", parameter: "model", code: "missing_model")
        }
        if let limit, sessions >= limit { throw .rateLimited(retryAfter: .seconds(1)) }
        sessions += 1
        ordinal += 1
        connection.acceptUpgrade(subprotocol: subprotocol, headers: headers)
        let session = RealtimeSession(
            isTranscription ? .transcription : .conversation, model: request.query["model"] ?? "",
            ordinal: ordinal, desk: self, connection: connection, at: now)
        session.begin()
        return session
    }

    /// The subprotocol to answer with: browsers send the key as one.
    private func checkKey(_ request: HTTPRequestHead) throws(OpenAIProblem) -> String? {
        let offered = request.headers.list("Sec-WebSocket-Protocol")
        let subprotocol = offered.contains("realtime") ? "realtime" : nil
        var key: String?
        if let field = request.headers["Authorization"] {
            let parts = field.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { key = String(parts[1]) }
        } else {
            let mark = "openai-insecure-api-key."
            key = offered.first { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
        }
        guard let key else { throw .noKey }
        guard context.keys.accepts(key) || secrets.contains(key) else { throw .wrongKey(key) }
        return subprotocol
    }

    /// `POST /v1/realtime/client_secrets`: a key that a browser may be given.
    func issueSecret(_ body: [UInt8]) throws(OpenAIProblem) -> JSONValue {
        ordinal += 1
        let json = (try? JSONParser.parse(body)) ?? .object([])
        let session = json["session"] ?? .object([])
        let isTranscription = session["type"]?.text == "transcription"
        var settings = RealtimeSettings(
            isTranscription ? .transcription : .conversation, id: "sess_" + name("session"),
            model: session["model"]?.text ?? "gpt-realtime",
            expiresAt: context.unixSeconds + 3_600)
        try settings.update(session)
        let secret = "ek_" + name("realtime secret")
        secrets.append(secret)
        if secrets.count > Self.secretLimit { secrets.removeFirst() }
        return [
            "value": .string(secret), "expires_at": .integer(context.unixSeconds + 600),
            "session": settings.json,
        ]
    }

    func name(_ label: StaticString, _ index: UInt64 = 0) -> String {
        OpenAIAnswer.identifier(context, label, ordinal << 32 | index, 24)
    }

    func left() { sessions -= 1 }
}
