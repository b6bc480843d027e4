import UproarCore
import UproarRuntime
import UproarWire

/// What all of the vendor's HTTP answers have in common.
enum OpenAIAnswer {
    /// The fields every answer has (platform.openai.com/docs/api-reference/debugging-requests).
    static func headers(
        _ context: EmulatorContext, _ label: StaticString, _ ordinal: UInt64, inWork: Int
    ) -> HTTPHeaders {
        [
            "x-request-id": "req_" + identifier(context, label, ordinal, 32),
            "openai-version": "2020-10-01", "openai-organization": "uproar",
            "openai-processing-ms": "12",
            "x-ratelimit-limit-requests": "10000", "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-requests": String(max(0, 9_999 - inWork)),
            "x-ratelimit-remaining-tokens": "1999900",
            "x-ratelimit-reset-requests": "6ms", "x-ratelimit-reset-tokens": "3ms",
        ]
    }

    static func identifier(
        _ context: EmulatorContext, _ label: StaticString, _ ordinal: UInt64, _ count: Int
    ) -> String {
        var random = context.seed.stream(label, ordinal)
        var text = ""
        while text.count < count { text += EmulatorContext.hex(random.next()) }
        return String(text.prefix(count))
    }

    static func refuse(
        _ problem: OpenAIProblem, _ provider: ProviderID, _ context: EmulatorContext,
        headers: HTTPHeaders, on connection: EmulatorConnection
    ) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: context.now, call: connection.call,
            detail: UInt32(problem.status))
        var fields = headers
        for field in RetryAfterField.headers(problem.retryAfter).fields {
            fields[field.name] = field.value
        }
        if let retryAfter = problem.retryAfter {
            fields["retry-after-ms"] = String(retryAfter.nanoseconds / 1_000_000)
        }
        connection.respond(status: problem.status, headers: fields, json: problem.json)
    }
}

extension HTTPRequestHead {
    /// `Authorization: Bearer KEY`.
    func checkBearer(_ keys: KeyCheck) throws(OpenAIProblem) {
        guard let field = headers["Authorization"] else { throw .noKey }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { throw .noKey }
        let key = String(parts[1])
        guard keys.accepts(key) else { throw .wrongKey(key) }
    }
}

extension OpenAIProblem {
    static func unknownPath(_ request: HTTPRequestHead) -> OpenAIProblem {
        unknownPath(request.method, request.path)
    }

    static func wrongMethod(_ request: HTTPRequestHead) -> OpenAIProblem {
        wrongMethod(request.method, request.path)
    }
}
