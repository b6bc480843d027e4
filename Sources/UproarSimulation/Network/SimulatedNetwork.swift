import Glibc
import UproarCore
import UproarRuntime

/// A perfect network in memory: in order, without loss, as fast as `latency` says. Only faults make it bad.
///
/// Every name and address of this machine (`localhost`, `127.0.0.1`, `::1`, `0.0.0.0`, `::`) is one host; every other host
/// name exists once something has listened on it. TLS is not spoken, but both sides must agree on whether it would be.
package final class SimulatedNetwork: Network {
    /// One way, for streams made from now on; a stream's own `latency` can be changed later.
    package var latency: Duration = .zero
    /// How many bytes may be on their way or unread per direction before the writer must wait.
    package var window = 256 << 10

    let loop: EventLoop
    let driver: SimulationDriver
    /// An empty buffer lent to the stream that is delivering.
    var spare = ByteQueue()
    private var listeners: [Endpoint: SimulatedListener] = [:]
    private var knownHosts: Set<String> = [loopbackHost]
    private var lastListenerPort: UInt16 = 40_000
    private var lastStreamPort: UInt16 = 50_000

    private static let loopbackHost = "127.0.0.1"

    package init(loop: EventLoop, driver: SimulationDriver) {
        self.loop = loop
        self.driver = driver
    }

    package func connect(
        to endpoint: Endpoint, options: ConnectOptions, handler: any ByteStreamHandler
    ) -> any ByteStream {
        SimulatedStream(network: self, remote: endpoint, options: options, handler: handler)
    }

    package func listen(
        on endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler
    ) throws(NetworkError) -> any Listener {
        var place = Self.normal(endpoint)
        if case .tcp(let host, let port) = place {
            knownHosts.insert(host)
            if port == 0 { place = .tcp(host: host, port: freePort(on: host)) }
        }
        guard listeners[place] == nil else {
            throw NetworkError(errno: EADDRINUSE, description: "\(place) is taken")
        }
        let listener = SimulatedListener(
            endpoint: place, options: options, handler: handler, network: self)
        listeners[place] = listener
        return listener
    }

    func forget(_ listener: SimulatedListener) { listeners[listener.endpoint] = nil }

    /// What a connection request meets when it arrives.
    func answer(to endpoint: Endpoint, usesTLS: Bool) -> Result<SimulatedListener, ConnectRefusal> {
        let place = Self.normal(endpoint)
        guard let listener = listeners[place] else {
            switch place {
            case .unix: return .failure(ConnectRefusal(reason: .unreachable(errno: ENOENT)))
            case .tcp(let host, _):
                let isKnown = knownHosts.contains(host) || Self.isAddress(host)
                return .failure(
                    ConnectRefusal(
                        reason: isKnown ? .unreachable(errno: ECONNREFUSED) : .unknownHost))
            }
        }
        let speaksTLS = listener.options.tls != nil
        if speaksTLS == usesTLS { return .success(listener) }
        return .failure(
            ConnectRefusal(
                reason: usesTLS
                    ? .tls("the peer does not speak TLS")
                    : .failed(errno: ECONNRESET)))
    }

    func accept(by listener: SimulatedListener, from client: SimulatedStream) -> SimulatedStream {
        lastStreamPort = lastStreamPort == .max ? 50_000 : lastStreamPort + 1
        let remote: Endpoint =
            switch listener.endpoint {
            case .unix: .unix(path: "")
            case .tcp: .tcp(host: Self.loopbackHost, port: lastStreamPort)
            }
        let server = SimulatedStream(
            network: self, remote: remote, queueLimit: listener.options.queueLimit, peer: client)
        server.handler = listener.handler.accepted(server)
        return server
    }

    private func freePort(on host: String) -> UInt16 {
        while true {
            lastListenerPort = lastListenerPort == 49_999 ? 40_001 : lastListenerPort + 1
            if listeners[.tcp(host: host, port: lastListenerPort)] == nil {
                return lastListenerPort
            }
        }
    }

    private static func normal(_ endpoint: Endpoint) -> Endpoint {
        guard case .tcp(let host, let port) = endpoint else { return endpoint }
        switch host {
        case "localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "":
            return .tcp(host: loopbackHost, port: port)
        default: return endpoint
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        var bytes = in6_addr()
        return inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1
    }
}

struct ConnectRefusal: Error {
    var reason: CloseReason
}

final class SimulatedListener: Listener {
    let endpoint: Endpoint
    let options: ListenOptions
    let handler: any ListenerHandler
    private weak var network: SimulatedNetwork?

    init(
        endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler,
        network: SimulatedNetwork
    ) {
        self.endpoint = endpoint
        self.options = options
        self.handler = handler
        self.network = network
    }

    func close() {
        network?.forget(self)
        network = nil
    }
}
