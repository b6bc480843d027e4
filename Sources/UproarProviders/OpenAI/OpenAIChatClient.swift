import UproarCore
import UproarRuntime
import UproarWire

/// Chat completions over `HTTPClient`: OpenAI's API and every server that speaks it.
package final class OpenAIChatClient: LanguageModel {
    package let provider: ProviderID
    private let http: any HTTPClient
    private let url: String
    private let key: String

    /// - base: with its version, as the vendor's SDK takes it: `https://api.openai.com/v1`.
    package init(
        base: String, key: String, http: any HTTPClient, provider: ProviderID = .openai
    ) {
        self.provider = provider
        self.http = http
        self.key = key
        url = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/chat/completions"
    }

    package func start(_ request: LanguageModelRequest, handler: any LanguageModelHandler)
        -> any LanguageModelReply
    {
        var message = HTTPRequest(
            method: "POST", url: url,
            headers: [
                HTTPField("Authorization", "Bearer " + key),
                HTTPField("Content-Type", "application/json"),
                HTTPField("Accept", "text/event-stream"),
            ], body: request.chatCompletionJSON.encoded())
        message.deadlines = request.deadlines
        let exchange = ChatCompletionExchange(handler: handler)
        exchange.start(message, http)
        return exchange
    }
}

/// One request and its answer.
private final class ChatCompletionExchange: LanguageModelReply, HTTPExchangeHandler {
    private var handler: (any LanguageModelHandler)?
    private var exchange: (any HTTPExchange)?
    /// Its body is kept where it is no stream of events.
    private var answer = HTTPAnswer(limit: 64 << 10)
    /// An event holds a token or a piece of a tool call: more than this is no answer.
    private var events = ServerSentEventDecoder(limit: 1 << 20)
    private var reader = ChatCompletionReader()

    init(handler: any LanguageModelHandler) { self.handler = handler }

    func start(_ request: HTTPRequest, _ http: any HTTPClient) {
        exchange = http.send(request, handler: self)
    }

    func cancel() {
        handler = nil
        exchange?.cancel()
        exchange = nil
    }

    // MARK: HTTPExchangeHandler

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        answer.begin(status: status, headers: headers)
    }

    func received(body: RawSpan, on exchange: any HTTPExchange) {
        guard answer.status == 200 else { return answer.receive(body) }
        events.receive(body)
        while handler != nil, let event = events.next() {
            for part in reader.receive(event.data) { deliver(part) }
        }
        if events.hasOverflowed { fail(.malformed("an event without end")) }
    }

    func finished(_ exchange: any HTTPExchange) {
        self.exchange = nil
        guard answer.status == 200 else { return fail(answer.refusal) }
        // A body that ends in order before the answer does is a connection cut by something in between.
        guard reader.isDone || reader.finishReason != nil else { return fail(.cut) }
        guard reader.hasContent else { return fail(.empty) }
        let handler = take()
        handler?.finished(reader.usage, reason: reader.finishReason ?? "stop", on: self)
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        self.exchange = nil
        fail(ProviderFailure(failure))
    }

    private func deliver(_ event: ChatCompletionReader.Event) {
        switch event {
        case .text(let text): handler?.received(text: text, on: self)
        case .toolCall(let call): handler?.received(toolCall: call, on: self)
        case .failed(let failure): fail(failure)
        }
    }

    private func fail(_ failure: ProviderFailure) {
        let exchange = exchange
        take()?.failed(failure, on: self)
        exchange?.cancel()
    }

    /// The handler hears of the end once.
    private func take() -> (any LanguageModelHandler)? {
        defer {
            handler = nil
            exchange = nil
        }
        return handler
    }
}

extension ProviderFailure {
    package init(_ failure: HTTPFailure) {
        switch failure {
        case .unreachable(let reason): self = .unreachable(reason)
        case .tls(let reason), .untrusted(let reason): self = .unreachable("TLS: " + reason)
        case .timedOut(let what): self = .timedOut(what)
        case .cut: self = .cut
        case .malformed(let what): self = .malformed(what)
        }
    }
}

/// How long a provider asks its clients to wait.
package enum RetryAfter {
    /// `retry-after-ms`, else `retry-after` in seconds; an HTTP date is not read, as the vendors' SDKs do not.
    package static func read(_ headers: [HTTPField]) -> Duration? {
        func number(_ name: String) -> Double? {
            headers.first { $0.name.lowercased() == name }.flatMap { Double($0.value) }
        }
        let seconds = number("retry-after-ms").map { $0 / 1000 } ?? number("retry-after")
        guard let seconds, seconds >= 0, seconds < 1e9 else { return nil }
        return .fromSeconds(seconds)
    }
}
