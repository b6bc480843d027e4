import UproarCore

/// Sends HTTP requests from one loop: libcurl in Posix, our codec over `Network` in simulation; one contract for both.
package protocol HTTPClient: AnyObject {
    /// Starts the exchange; the handler hears of it on the loop, never before this returns.
    func send(_ request: HTTPRequest, handler: any HTTPExchangeHandler) -> any HTTPExchange
}

package struct HTTPRequest: Sendable {
    package var method: String
    /// Absolute, `http` or `https`.
    package var url: String
    package var headers: [HTTPField]
    package var body: [UInt8]
    package var deadlines = HTTPDeadlines()

    package init(method: String, url: String, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

package struct HTTPField: Hashable, Sendable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Each from its own start; nil means no limit.
package struct HTTPDeadlines: Hashable, Sendable {
    package var connect: Duration? = .seconds(5)
    /// From the request to the status line.
    package var firstByte: Duration?
    /// Between two pieces of the body.
    package var stall: Duration?
    package var total: Duration?
    package init() {}
}

package protocol HTTPExchange: AnyObject {
    /// Ends the exchange; the handler hears no more of it.
    func cancel()
}

package protocol HTTPExchangeHandler: AnyObject {
    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange)
    func received(body: RawSpan, on exchange: any HTTPExchange)
    /// Exactly one of `finished` and `failed` comes, last.
    func finished(_ exchange: any HTTPExchange)
    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange)
}

package enum HTTPFailure: Error, Hashable, Sendable {
    case unreachable(String)
    case tls(String)
    /// The server's certificate did not pass the check.
    case untrusted(String)
    /// Which deadline passed: `connect`, `first byte`, `stall`, `total`.
    case timedOut(String)
    /// The connection ended before the answer did.
    case cut
    case malformed(String)
}
