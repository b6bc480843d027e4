import UproarCore
import UproarRuntime
import UproarWire

/// OpenAI's API as a server, as far as voice agents use it: chat completions, streaming and whole, and the list of models.
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
    let settings: Settings
    private let model: ScriptedModel
    private var numbers = ReplyNumbers()
    private var ordinal: UInt64 = 0
    private var inWork = 0

    package init(script: LanguageModelScript, settings: Settings, context: EmulatorContext) {
        self.context = context
        self.settings = settings
        model = ScriptedModel(
            script: script, references: context.references, isTagging: context.isTagging)
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        switch verdict(reference: nil) {
        case .pass: break
        case .refuse(let status, let retryAfter):
            refuse(.status(status, retryAfter: retryAfter), on: connection, at: instant)
            return nil
        case .reset:
            connection.reset()
            return nil
        case .mute:
            connection.mute()
            return nil
        }
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
        refuse(.unknownPath(request.method, request.path), on: connection, at: instant)
        return nil
    }

    private func verdict(reference: TurnReference?) -> EmulatorVerdict {
        context.interference?.verdict(
            on: .init(provider: provider, kind: .request, ordinal: ordinal, reference: reference),
            at: context.now) ?? .pass
    }

    private func serve(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) throws(OpenAIProblem) -> (any EmulatedReply)? {
        let path = request.segments
        // A base URL may carry a prefix of its own: only the end of the path counts.
        if path.suffix(2) == ["chat", "completions"] {
            try checkKey(request)
            guard request.method == "POST" else {
                throw .wrongMethod(request.method, request.path)
            }
            return try complete(body, at: instant, on: connection)
        }
        if path.last == "models" {
            try checkKey(request)
            guard request.method == "GET" else { throw .wrongMethod(request.method, request.path) }
            connection.respond(status: 200, headers: headers(), json: Self.models)
            return nil
        }
        throw .unknownPath(request.method, request.path)
    }

    private func checkKey(_ request: HTTPRequestHead) throws(OpenAIProblem) {
        guard let field = request.headers["Authorization"] else { throw .noKey }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { throw .noKey }
        let key = String(parts[1])
        guard context.keys.accepts(key) else { throw .wrongKey(key) }
    }

    private func complete(_ body: [UInt8], at instant: Instant, on connection: EmulatorConnection)
        throws(OpenAIProblem) -> (any EmulatedReply)?
    {
        let request = try ChatCompletionRequest(parsing: body)
        if let limit = settings.concurrencyLimit, inWork >= limit {
            throw .rateLimited(retryAfter: .seconds(1))
        }
        let prompt = model.prompt(of: request)
        let reference = prompt.utterance.map { numbers.next(for: $0) }
        context.state(
            .modelRequested, of: provider, at: instant, reference: reference,
            detail: prompt.isAfterTool ? 1 : 0)
        let answer = model.answer(to: prompt, request: request, reply: reference)
        let key = reference.map { UInt64($0.rawValue) } ?? 1 << 32 | ordinal
        inWork += 1
        let reply = ChatCompletionReply(
            answer: answer, request: request, promptTokens: prompt.tokens, reference: reference,
            key: key, id: "chatcmpl-" + identifier("completion", 29),
            headers: headers(), emulator: self, connection: connection)
        reply.start(at: instant)
        return reply
    }

    func finished() { inWork -= 1 }

    // MARK: Answers

    private func refuse(
        _ problem: OpenAIProblem, on connection: EmulatorConnection, at instant: Instant
    ) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: instant, detail: UInt32(problem.status))
        var fields = headers()
        if let retryAfter = problem.retryAfter {
            fields["retry-after"] = NumberText.fixed(retryAfter.inSeconds, 0)
            fields["retry-after-ms"] = String(retryAfter.nanoseconds / 1_000_000)
        }
        connection.respond(status: problem.status, headers: fields, json: problem.json)
    }

    /// The fields every answer has (platform.openai.com/docs/api-reference/debugging-requests).
    private func headers() -> HTTPHeaders {
        [
            "x-request-id": "req_" + identifier("request", 32),
            "openai-version": "2020-10-01", "openai-organization": "uproar",
            "openai-processing-ms": "12",
            "x-ratelimit-limit-requests": "10000", "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-requests": String(max(0, 9_999 - inWork)),
            "x-ratelimit-remaining-tokens": "1999900",
            "x-ratelimit-reset-requests": "6ms", "x-ratelimit-reset-tokens": "3ms",
        ]
    }

    private func identifier(_ label: StaticString, _ count: Int) -> String {
        var random = context.seed.stream(label, ordinal)
        return String(
            (EmulatorContext.hex(random.next()) + EmulatorContext.hex(random.next())).prefix(count))
    }

    private static let models: JSONValue = {
        let names = ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "gpt-5"]
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
