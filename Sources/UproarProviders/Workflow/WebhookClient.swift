import UproarCore
import UproarRuntime

/// Posts events as JSON to one URL.
package final class WebhookClient: Webhook {
    private let url: String
    private let deadline: Duration
    private let http: any HTTPClient

    package init(url: String, deadline: Duration = .seconds(5), http: any HTTPClient) {
        self.url = url
        self.deadline = deadline
        self.http = http
    }

    package func deliver(
        _ event: JSONValue, then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        var request = HTTPRequest(
            method: "POST", url: url,
            headers: [HTTPField("Content-Type", "application/json")], body: event.encoded())
        request.deadlines.connect = deadline
        request.deadlines.total = deadline
        StatusExchange(then).start(request, http)
    }
}

/// One exchange of which only the status counts.
final class StatusExchange: HTTPExchangeHandler {
    private var then: ((Result<Void, ProviderFailure>) -> Void)?
    private var answer = HTTPAnswer(limit: 4096)

    init(_ then: @escaping (Result<Void, ProviderFailure>) -> Void) { self.then = then }

    func start(_ request: HTTPRequest, _ http: any HTTPClient) {
        // The client keeps its handler until the exchange is over.
        _ = http.send(request, handler: self)
    }

    private func end(_ result: Result<Void, ProviderFailure>) {
        let then = then
        self.then = nil
        then?(result)
    }

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        answer.begin(status: status, headers: headers)
    }

    func received(body: RawSpan, on exchange: any HTTPExchange) { answer.receive(body) }

    func finished(_ exchange: any HTTPExchange) {
        end((200..<300).contains(answer.status) ? .success(()) : .failure(answer.refusal))
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        end(.failure(ProviderFailure(failure)))
    }
}
