import UproarCore
import UproarRuntime
import UproarWire

/// `HTTPClient` over any `Network` with our own codec: HTTP/1.1, connections kept for the next request to the same place.
///
/// Redirects are not followed. A request on a kept connection that turns out to be dead before a byte of the answer came is sent
/// again on a new one, once, as libcurl does.
package final class SimulatedHTTPClient: HTTPClient {
    struct Place: Hashable {
        var isSecure: Bool
        var host: String
        var port: UInt16
    }

    let loop: EventLoop
    let network: any Network
    /// Open connections without a request, oldest first; the last one is used first.
    private var kept: [SimulatedHTTPConnection] = []

    /// So many connections are kept; more are closed, the oldest first.
    private static let keptLimit = 128

    package init(loop: EventLoop, network: any Network) {
        self.loop = loop
        self.network = network
    }

    package var keptConnectionCount: Int { kept.count }

    package func send(_ request: HTTPRequest, handler: any HTTPExchangeHandler)
        -> any HTTPExchange
    {
        let exchange = SimulatedHTTPExchange(client: self, request: request, handler: handler)
        exchange.start()
        return exchange
    }

    /// A kept connection, or nil when a new one must be made.
    func takeConnection(to place: Place) -> SimulatedHTTPConnection? {
        guard let index = kept.lastIndex(where: { $0.place == place }) else { return nil }
        return kept.remove(at: index)
    }

    func keep(_ connection: SimulatedHTTPConnection) {
        kept.append(connection)
        if kept.count > Self.keptLimit { kept.removeFirst().abandon() }
    }

    func forget(_ connection: SimulatedHTTPConnection) { kept.removeAll { $0 === connection } }
}
