import UproarCore
import UproarRuntime
import UproarWire

/// OpenAI's API as a server, as far as voice agents use it: chat completions and responses (streamed, whole, on a WebSocket),
/// speech, realtime sessions, and the list of models.
package final class OpenAIEmulator: EmulatedService {
    package struct Settings: Hashable, Sendable {
        /// From the request to its first content (or tool call).
        package var firstToken: Distribution
        /// Between two tokens.
        package var tokenInterval: Distribution
        /// Requests in work at once; one more is answered 429. nil: no limit.
        package var concurrencyLimit: Int?

        package init(
            firstToken: Distribution = .lognormal(p50: .milliseconds(250), p95: .milliseconds(350)),
            tokenInterval: Distribution = .constant(.microseconds(12_500)),
            concurrencyLimit: Int? = nil
        ) {
            self.firstToken = firstToken
            self.tokenInterval = tokenInterval
            self.concurrencyLimit = concurrencyLimit
        }
    }

    package let provider = ProviderID.openai
    let context: EmulatorContext
    private let desk: ModelDesk
    private let studio: VoiceStudio?
    private let transcriptions: WhisperEmulator?
    private let responses: ResponsesCounter
    private let realtime: RealtimeDesk?
    private var ordinal: UInt64 = 0

    /// What hears and speaks in realtime sessions.
    package struct RealtimeParts {
        package var vocabulary: SpeechVocabulary
        package var studio: VoiceStudio
        /// From the end of a turn to its transcript.
        package var transcriptLatency: Distribution

        package init(
            vocabulary: SpeechVocabulary, studio: VoiceStudio, transcriptLatency: Distribution
        ) {
            self.vocabulary = vocabulary
            self.studio = studio
            self.transcriptLatency = transcriptLatency
        }
    }

    /// - transcriptions: answers for the files that come to this address.
    /// - studio: speaks what `/v1/audio/speech` is asked; without one that path is unknown.
    /// - realtime: without it `/v1/realtime` is unknown.
    package init(
        script: LanguageModelScript, settings: Settings, context: EmulatorContext,
        transcriptions: WhisperEmulator? = nil, studio: VoiceStudio? = nil,
        realtime: RealtimeParts? = nil
    ) {
        self.transcriptions = transcriptions
        self.context = context
        self.studio = studio
        desk = ModelDesk(
            .openai, script: script,
            settings: .init(
                firstToken: settings.firstToken, tokenInterval: settings.tokenInterval,
                concurrencyLimit: settings.concurrencyLimit),
            firstLabel: "openai first token", tokenLabel: "openai token", context: context)
        responses = ResponsesCounter(desk, context: context)
        self.realtime = realtime.map { [desk] parts in
            RealtimeDesk(
                desk, studio: parts.studio, vocabulary: parts.vocabulary,
                transcriptLatency: parts.transcriptLatency, limit: settings.concurrencyLimit,
                context: context)
        }
    }

    package func provider(of request: HTTPRequestHead) -> ProviderID {
        transcriptions != nil && WhisperEmulator.serves(request) ? .whisper : provider
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        if let transcriptions, WhisperEmulator.serves(request) {
            return transcriptions.answer(request, body: body, at: instant, on: connection)
        }
        ordinal += 1
        do {
            return try serve(request, body: body, at: instant, on: connection)
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        do throws(OpenAIProblem) {
            if request.segments.last == "responses" {
                try request.checkBearer(context.keys)
                connection.acceptUpgrade(headers: headers())
                return ResponsesSession(responses, on: connection, at: instant)
            }
            if request.segments.last == "realtime", let realtime {
                return try realtime.open(
                    request, on: connection, headers: headers(), at: instant)
            }
            throw .unknownPath(request.method, request.path)
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
    }

    package func dialect(of request: HTTPRequestHead) -> AnswerDialect {
        switch request.segments.last {
        case "responses" where request.headers["Upgrade"] == nil:
            AnswerDialect(content: .events([#""delta":""#]))
        case "responses", "realtime": AnswerDialect(content: .messages(#""delta":""#))
        case "speech", "transcriptions", "translations": AnswerDialect(content: .all)
        default: AnswerDialect(content: .events([#""content":""#, #""arguments":""#]))
        }
    }

    package func reference(of request: HTTPRequestHead, body: [UInt8]) -> TurnReference? {
        if request.segments.last == "responses" {
            return (try? ResponsesRequest(parsing: body)).flatMap(responses.utterance(of:))
        }
        guard request.segments.suffix(2) == ["chat", "completions"],
            let request = try? ChatCompletionRequest(parsing: body)
        else { return nil }
        return desk.utterance(of: request)
    }

    package func missed(
        _ request: HTTPRequestHead, reference: TurnReference, at instant: Instant
    ) {
        desk.missed(reference, at: instant)
    }

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(.status(status, retryAfter: retryAfter), on: connection, at: instant)
    }

    /// A completion without a word; of a transcription, the same.
    package func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        if let transcriptions, WhisperEmulator.serves(request) {
            return transcriptions.answerEmpty(request, body: body, at: instant, on: connection)
        }
        if request.segments.last == "responses" {
            return responses.answerEmpty(body, headers: headers(), on: connection)
        }
        guard let wanted = try? ChatCompletionRequest(parsing: body) else {
            return connection.respond(status: 200, headers: headers(), json: .object([]))
        }
        let writer = ChatCompletionWriter(
            id: "chatcmpl-" + identifier("completion", 29), created: context.unixSeconds,
            model: wanted.model, includesUsage: wanted.includesUsage)
        guard wanted.isStreaming else {
            return connection.respond(
                status: 200, headers: headers(),
                json: writer.whole(.text(""), finish: .stop, prompt: 0, completion: 0))
        }
        var fields = headers()
        fields["Content-Type"] = "text/event-stream; charset=utf-8"
        var bytes: [UInt8] = []
        writer.begin(into: &bytes)
        writer.finish(.stop, into: &bytes)
        writer.done(into: &bytes)
        connection.respond(status: 200, headers: fields, body: bytes)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] {
        let problem = OpenAIProblem.status(status)
        if request.segments.last == "responses" {
            let event = ResponsesWriter.failure(problem).encoded()
            return request.headers["Upgrade"] == nil
                ? ResponsesWriter.serverSent("error", event) : event
        }
        if request.segments.last == "realtime" {
            let event: JSONValue = [
                "type": "error", "event_id": "event_failure",
                "error": problem.json["error"] ?? .null,
            ]
            return event.encoded()
        }
        return Array("data: \(problem.json.text(pretty: false))\n\n".utf8)
    }

    private func serve(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) throws(OpenAIProblem) -> (any EmulatedReply)? {
        let path = request.segments
        // A base URL may carry a prefix of its own: only the end of the path counts.
        if path.suffix(2) == ["chat", "completions"] {
            try request.checkBearer(context.keys)
            guard request.method == "POST" else {
                throw .wrongMethod(request.method, request.path)
            }
            return try complete(body, at: instant, on: connection)
        }
        if path.last == "responses" {
            try request.checkBearer(context.keys)
            guard request.method == "POST" else { throw .wrongMethod(request) }
            return try respond(body, at: instant, on: connection)
        }
        if path.suffix(2) == ["realtime", "client_secrets"], let realtime {
            try request.checkBearer(context.keys)
            guard request.method == "POST" else { throw .wrongMethod(request) }
            connection.respond(
                status: 200, headers: headers(), json: try realtime.issueSecret(body))
            return nil
        }
        if path.suffix(2) == ["audio", "speech"] {
            try request.checkBearer(context.keys)
            guard request.method == "POST" else { throw .wrongMethod(request) }
            return try speak(body, at: instant, on: connection)
        }
        if path.last == "models" {
            try request.checkBearer(context.keys)
            guard request.method == "GET" else { throw .wrongMethod(request.method, request.path) }
            connection.respond(status: 200, headers: headers(), json: Self.models)
            return nil
        }
        throw .unknownPath(request.method, request.path)
    }

    private func complete(_ body: [UInt8], at instant: Instant, on connection: EmulatorConnection)
        throws(OpenAIProblem) -> (any EmulatedReply)?
    {
        let request = try ChatCompletionRequest(parsing: body)
        guard
            let pump = desk.begin(
                request, ordinal: ordinal, on: connection, at: instant)
        else {
            throw .rateLimited(retryAfter: .seconds(1))
        }
        let reply = ChatCompletionReply(
            pump, request: request, id: "chatcmpl-" + identifier("completion", 29),
            headers: headers(), created: context.unixSeconds, connection: connection)
        reply.start(at: instant)
        return reply
    }

    private func respond(_ body: [UInt8], at instant: Instant, on connection: EmulatorConnection)
        throws(OpenAIProblem) -> (any EmulatedReply)?
    {
        let request = try ResponsesRequest(parsing: body)
        let reply = try responses.reply(
            to: request, channel: request.chat.isStreaming ? .body(headers()) : .whole(headers()),
            on: connection, at: instant, ended: {})
        reply.start(at: instant)
        return reply
    }

    private func speak(_ body: [UInt8], at instant: Instant, on connection: EmulatorConnection)
        throws(OpenAIProblem) -> (any EmulatedReply)?
    {
        guard let studio else { throw .unknownPath("POST", "/v1/audio/speech") }
        let request = try SpeechRequest(parsing: body)
        guard studio.enter() else { throw .rateLimited(retryAfter: .seconds(1)) }
        let reply = SpeechReply(
            request, headers: headers(), studio: studio, connection: connection)
        reply.start(at: instant)
        return reply.isOver ? nil : reply
    }

    // MARK: Answers

    private func refuse(
        _ problem: OpenAIProblem, on connection: EmulatorConnection, at instant: Instant
    ) {
        OpenAIAnswer.refuse(problem, provider, context, headers: headers(), on: connection)
    }

    private func headers() -> HTTPHeaders {
        OpenAIAnswer.headers(context, "request", ordinal, inWork: desk.count)
    }

    private func identifier(_ label: StaticString, _ count: Int) -> String {
        OpenAIAnswer.identifier(context, label, ordinal, count)
    }

    private static let models: JSONValue = {
        let names = [
            "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "gpt-5",
            "gpt-realtime", "gpt-realtime-mini", "gpt-4o-mini-tts", "gpt-4o-transcribe",
            "gpt-4o-mini-transcribe", "whisper-1",
        ]
        return [
            "object": "list",
            "data": .array(
                names.map {
                    [
                        "id": .string($0), "object": "model", "created": 1_744_316_542,
                        "owned_by": "system",
                    ]
                }),
        ]
    }()
}
