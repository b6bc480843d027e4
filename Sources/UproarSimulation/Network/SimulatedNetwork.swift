import Glibc
import UproarCore
import UproarRuntime

/// A perfect network in memory: in order, without loss, as fast as `latency` says. Only faults make it bad.
///
/// Every name and address of this machine (`localhost`, `127.0.0.1`, `::1`, `0.0.0.0`, `::`) is one host; every other host
/// name exists once something has listened on it. TLS is not spoken, but both sides must agree on whether it would be.
package final class SimulatedNetwork: Network {
    /// One way, for streams made from now on; a stream's own `latency` can be changed later.
    package var latency: Duration {
        get { fabric.latency }
        set { fabric.latency = newValue }
    }
    /// How many bytes may be on their way or unread per direction before the writer must wait.
    package var window: Int {
        get { fabric.window }
        set { fabric.window = newValue }
    }

    let loop: EventLoop
    let driver: any SimulatedInput
    /// An empty buffer lent to the stream that is delivering.
    final class Spare { var bytes = ByteQueue() }
    let spare = Spare()
    /// What all parts of one world's network share: a process has an end of its own.
    let fabric: Fabric
    /// Whose end this is, when it is a process's.
    private weak var process: SimulatedProcess?
    /// The streams of a process, which its end resets.
    private var owned: [ObjectIdentifier: SimulatedStream] = [:]

    final class Fabric {
        var latency: Duration = .zero
        var window = 256 << 10
        var listeners: [Endpoint: SimulatedListener] = [:]
        var knownHosts: Set<String> = [loopbackHost]
        var lastListenerPort: UInt16 = 40_000
        var lastStreamPort: UInt16 = 50_000
    }

    private static let loopbackHost = "127.0.0.1"

    package init(loop: EventLoop, driver: SimulationDriver) {
        self.loop = loop
        self.driver = driver
        fabric = Fabric()
    }

    /// The same network as seen from inside `process`.
    init(_ network: SimulatedNetwork, in process: SimulatedProcess, driver: any SimulatedInput) {
        loop = process.loop
        self.driver = driver
        fabric = network.fabric
        self.process = process
    }

    // MARK: Processes

    func adopt(_ stream: SimulatedStream) {
        if process != nil { owned[ObjectIdentifier(stream)] = stream }
    }

    func disown(_ stream: SimulatedStream) { owned[ObjectIdentifier(stream)] = nil }

    /// Its process is gone: nothing listens any more and every peer hears a reset.
    func die() {
        for listener in fabric.listeners.values where listener.belongs(to: self) {
            fabric.listeners[listener.endpoint] = nil
        }
        // Each reset reaches its peer by itself: their order is the driver's.
        let streams = owned.values.sorted { $0.ordinal < $1.ordinal }
        owned = [:]
        for stream in streams { stream.abandon() }
    }

    func nextOrdinal() -> UInt64 {
        lastOrdinal += 1
        return lastOrdinal
    }

    private var lastOrdinal: UInt64 = 0

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
            fabric.knownHosts.insert(host)
            if port == 0 { place = .tcp(host: host, port: freePort(on: host)) }
        }
        guard fabric.listeners[place] == nil else {
            throw NetworkError(errno: EADDRINUSE, description: "\(place) is taken")
        }
        let listener = SimulatedListener(
            endpoint: place, options: options, handler: handler, network: self)
        fabric.listeners[place] = listener
        return listener
    }

    func forget(_ listener: SimulatedListener) {
        if fabric.listeners[listener.endpoint] === listener {
            fabric.listeners[listener.endpoint] = nil
        }
    }

    /// What a connection request meets when it arrives.
    func answer(to endpoint: Endpoint, usesTLS: Bool) -> Result<SimulatedListener, ConnectRefusal> {
        let place = Self.normal(endpoint)
        guard let listener = fabric.listeners[place] else {
            switch place {
            case .unix: return .failure(ConnectRefusal(reason: .unreachable(errno: ENOENT)))
            case .tcp(let host, _):
                let isKnown = fabric.knownHosts.contains(host) || Self.isAddress(host)
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

    /// Made on the listener's side of the network. A process that stands still takes the stream when it goes on, as from a backlog.
    func accept(by listener: SimulatedListener, from client: SimulatedStream) -> SimulatedStream {
        let home = listener.network ?? self
        fabric.lastStreamPort = fabric.lastStreamPort == .max ? 50_000 : fabric.lastStreamPort + 1
        let remote: Endpoint =
            switch listener.endpoint {
            case .unix: .unix(path: "")
            case .tcp: .tcp(host: Self.loopbackHost, port: fabric.lastStreamPort)
            }
        let server = SimulatedStream(
            network: home, remote: remote, queueLimit: listener.options.queueLimit, peer: client)
        if let process = home.process {
            process.act { server.handler = listener.handler.accepted(server) }
        } else {
            server.handler = listener.handler.accepted(server)
        }
        return server
    }

    private func freePort(on host: String) -> UInt16 {
        while true {
            fabric.lastListenerPort =
                fabric.lastListenerPort == 49_999 ? 40_001 : fabric.lastListenerPort + 1
            if fabric.listeners[.tcp(host: host, port: fabric.lastListenerPort)] == nil {
                return fabric.lastListenerPort
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
    private(set) weak var network: SimulatedNetwork?

    init(
        endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler,
        network: SimulatedNetwork
    ) {
        self.endpoint = endpoint
        self.options = options
        self.handler = handler
        self.network = network
    }

    func belongs(to network: SimulatedNetwork) -> Bool { self.network === network }

    func close() {
        network?.forget(self)
        network = nil
    }
}
