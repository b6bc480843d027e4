import UproarCore
import UproarRuntime
import UproarWire

/// Anthropic's API as a server: `POST /v1/messages`, streaming and whole, and the list of models.
package final class AnthropicEmulator: EmulatedService {
    package let provider = ProviderID.anthropic
    private let context: EmulatorContext
    private let desk: ModelDesk
    private var ordinal: UInt64 = 0

    package init(
        _ emulation: ProviderEmulation, script: LanguageModelScript, context: EmulatorContext
    ) {
        self.context = context
        var settings = ModelDesk.Settings(
            firstToken: .constant(.zero), tokenInterval: .constant(.zero),
            concurrencyLimit: emulation.concurrencyLimit)
        if case .languageModel(let firstToken, let tokenInterval) = emulation.speed {
            settings.firstToken = firstToken
            settings.tokenInterval = tokenInterval
        }
        desk = ModelDesk(
            .anthropic, script: script, settings: settings, firstLabel: "anthropic first token",
            tokenLabel: "anthropic token", context: context)
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        do throws(AnthropicProblem) {
            return try serve(request, body: body, at: instant, on: connection)
        } catch {
            refuse(error, on: connection)
            return nil
        }
    }

    private func serve(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) throws(AnthropicProblem) -> (any EmulatedReply)? {
        let path = request.segments
        guard path.last == "messages" || path.last == "models" else { throw .unknownPath }
        var key = request.headers["x-api-key"]
        if key == nil, let field = request.headers["Authorization"],
            field.lowercased().hasPrefix("bearer ")
        {
            key = String(field.dropFirst(7))
        }
        guard context.keys.accepts(key) else { throw .wrongKey }
        if path.last == "models" {
            connection.respond(status: 200, headers: headers(), json: Self.models)
            return nil
        }
        guard request.method == "POST" else {
            throw AnthropicProblem(405, "invalid_request_error", "Method Not Allowed")
        }
        let wanted = try AnthropicRequest(parsing: body)
        guard
            let pump = desk.begin(
                wanted.chat, ordinal: ordinal, on: connection, at: instant)
        else {
            var problem = AnthropicProblem.rateLimited
            problem.retryAfter = .seconds(1)
            throw problem
        }
        let reply = AnthropicReply(
            pump, model: wanted.chat.model, id: "msg_" + identifier("message", 24),
            headers: headers(), connection: connection)
        reply.start(at: instant)
        return reply
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        refuse(.unknownPath, on: connection)
        return nil
    }

    package func reference(of request: HTTPRequestHead, body: [UInt8]) -> TurnReference? {
        (try? AnthropicRequest(parsing: body)).flatMap { desk.utterance(of: $0.chat) }
    }

    package func missed(
        _ request: HTTPRequestHead, reference: TurnReference, at instant: Instant
    ) {
        desk.missed(reference, at: instant)
    }

    // MARK: Refusals

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(.status(status, retryAfter: retryAfter), on: connection)
    }

    package func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        let wanted = try? AnthropicRequest(parsing: body)
        let message: JSONValue = [
            "id": .string("msg_" + identifier("message", 24)), "type": "message",
            "role": "assistant", "model": .string(wanted?.chat.model ?? ""), "content": [],
            "stop_reason": "end_turn", "stop_sequence": nil,
            "usage": ["input_tokens": 0, "output_tokens": 0],
        ]
        guard wanted?.chat.isStreaming == true else {
            return connection.respond(status: 200, headers: headers(), json: message)
        }
        var bytes: [UInt8] = []
        AnthropicReply.event("message_start", ["message": message], into: &bytes)
        AnthropicReply.event(
            "message_delta",
            [
                "delta": ["stop_reason": "end_turn", "stop_sequence": nil],
                "usage": ["output_tokens": 0],
            ], into: &bytes)
        AnthropicReply.event("message_stop", .object([]), into: &bytes)
        var fields = headers()
        fields["Content-Type"] = "text/event-stream; charset=utf-8"
        connection.respond(status: 200, headers: fields, body: bytes)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] {
        let problem = AnthropicProblem.status(status)
        var bytes: [UInt8] = []
        AnthropicReply.event(
            "error",
            ["error": ["type": .string(problem.type), "message": .string(problem.message)]],
            into: &bytes)
        return bytes
    }

    private func refuse(_ problem: AnthropicProblem, on connection: EmulatorConnection) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: context.now, call: connection.call,
            detail: UInt32(problem.status))
        var fields = headers()
        for field in RetryAfterField.headers(problem.retryAfter).fields {
            fields[field.name] = field.value
        }
        connection.respond(
            status: problem.status, headers: fields,
            json: problem.json(requestID: fields["request-id"] ?? ""))
    }

    /// docs.anthropic.com, "Rate limits": the reset is a time of day (RFC 3339).
    private func headers() -> HTTPHeaders {
        var fields: HTTPHeaders = [
            "request-id": "req_" + identifier("anthropic request", 24),
            "anthropic-organization-id": "uproar",
        ]
        let reset = UnixTime.text(context.unixSeconds + 60)
        for (name, limit) in [
            ("requests", 4_000), ("input-tokens", 2_000_000), ("output-tokens", 400_000),
        ] {
            fields["anthropic-ratelimit-\(name)-limit"] = String(limit)
            fields["anthropic-ratelimit-\(name)-remaining"] = String(max(0, limit - desk.count))
            fields["anthropic-ratelimit-\(name)-reset"] = reset
        }
        return fields
    }

    private func identifier(_ label: StaticString, _ count: Int) -> String {
        OpenAIAnswer.identifier(context, label, ordinal, count)
    }

    private static let models: JSONValue = [
        "data": .array(
            ["claude-sonnet-4-6", "claude-haiku-4-5"].map {
                [
                    "type": "model", "id": .string($0), "display_name": .string($0),
                    "created_at": "2026-01-01T00:00:00Z",
                ]
            }), "has_more": false,
    ]
}
