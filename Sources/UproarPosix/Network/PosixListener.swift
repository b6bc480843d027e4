import CUproarShims
import Glibc
import UproarCore
import UproarRuntime

/// A listening socket.
final class PosixListener: Listener {
    private(set) var endpoint: Endpoint

    private let network: PosixNetwork
    private let options: ListenOptions
    private var handler: (any ListenerHandler)?
    private var descriptor: Descriptor?
    private var watch: WatchID?
    private var timer = TimerID.none

    /// How long to wait for a free descriptor when there is none; connections wait in the backlog meanwhile.
    private static let shortageWait = Duration.milliseconds(50)
    /// So many are accepted before others on the loop have their turn.
    private static let acceptsPerTurn = 64

    init(
        network: PosixNetwork, endpoint: Endpoint, options: ListenOptions,
        handler: any ListenerHandler
    ) throws(NetworkError) {
        self.network = network
        self.endpoint = endpoint
        self.options = options
        self.handler = handler
        guard let address = try SocketAddress.known(endpoint)?.first else {
            throw NetworkError(errno: EINVAL, description: "\(endpoint) is not an address")
        }
        do {
            try open(address)
        } catch {
            throw NetworkError(errno: error.code, description: "\(endpoint): \(error)")
        }
    }

    private func open(_ address: SocketAddress) throws(Errno) {
        let socket = try Self.socket(address.family)
        if address.family != AF_UNIX {
            var one: Int32 = 1
            try systemCall("setsockopt SO_REUSEADDR") {
                setsockopt(socket.number, SOL_SOCKET, SO_REUSEADDR, &one, 4)
            }
        }
        do {
            try Self.bind(socket, address)
        } catch {
            guard error.code == EADDRINUSE, Self.isLeftOver(address, endpoint) else { throw error }
            try Self.bind(socket, address)
        }
        try systemCall("listen") { Glibc.listen(socket.number, options.backlog) }
        if case .tcp(let host, _) = endpoint {
            let bound = try SocketAddress { (address, length) throws(Errno) in
                try systemCall("getsockname") { getsockname(socket.number, address, &length) }
            }
            endpoint = .tcp(host: host, port: bound.endpoint.port)
        }
        watch = try network.driver.watch(socket.number, for: .readable, handler: self)
        descriptor = consume socket
    }

    static func socket(_ family: Int32) throws(Errno) -> Descriptor {
        let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        return Descriptor(
            owning: try systemCall("socket") { Glibc.socket(family, Int32(type), 0) })
    }

    private static func bind(_ socket: borrowing Descriptor, _ address: SocketAddress)
        throws(Errno)
    {
        let number = socket.number
        try address.withPointer { (pointer, length) throws(Errno) in
            _ = try systemCall("bind") { Glibc.bind(number, pointer, length) }
        }
    }

    /// Whether the path is that of a Unix socket nobody listens on any more; then it is removed.
    private static func isLeftOver(_ address: SocketAddress, _ endpoint: Endpoint) -> Bool {
        guard case .unix(let path) = endpoint, let probe = try? socket(AF_UNIX) else {
            return false
        }
        let number = probe.number
        let isRefused = address.withPointer { pointer, length in
            Glibc.connect(number, pointer, length) != 0 && errno == ECONNREFUSED
        }
        return isRefused && unlink(path) == 0
    }

    func close() {
        guard let watch else { return }
        network.driver.unwatch(watch)
        network.loop.cancel(timer)
        self.watch = nil
        descriptor = nil
        handler = nil
        if case .unix(let path) = endpoint { unlink(path) }
    }

    private func accept() {
        for _ in 0..<Self.acceptsPerTurn {
            guard let handler, let number = descriptor?.number else { return }
            var accepted: Int32 = -1
            var code: Int32 = 0
            let remote = SocketAddress { address, length in
                accepted = uproar_accept(number, address, &length)
                code = accepted < 0 ? errno : 0
            }
            switch code {
            case 0:
                let stream = PosixStream(
                    network: network, connected: Descriptor(owning: accepted),
                    remote: remote.endpoint, queueLimit: options.queueLimit)
                stream.handler = handler.accepted(stream)
                stream.startReading()
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest()
            default:
                // Errors of the one connection that was waiting (accept(2)); the next may be well.
                precondition(
                    code != EBADF && code != EFAULT && code != EINVAL,
                    "accept4 failed with errno \(code)")
            }
        }
    }

    /// Stops accepting for a moment: an epoll that reports what cannot be taken would spin.
    private func rest() {
        guard let watch else { return }
        network.driver.change(watch, to: [])
        timer = network.loop.schedule(self, at: network.driver.now + Self.shortageWait)
    }
}

extension PosixListener: DescriptorHandler, TimerHandler {
    func ready(_ events: DescriptorEvents) { accept() }

    func timerFired(token: UInt64, now: Instant) {
        if let watch { network.driver.change(watch, to: .readable) }
    }
}
