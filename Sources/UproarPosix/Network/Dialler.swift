import Glibc
import UproarCore
import UproarRuntime

/// Makes one connection: resolves the name, then tries its addresses one after another within the time allowed.
///
/// Reports to its stream, never from within its own init.
final class Dialler {
    private let network: PosixNetwork
    private let stream: PosixStream
    private let deadline: Instant
    private var addresses: [SocketAddress] = []
    /// Of the last address that did not answer.
    private var failure = CloseReason.unreachable(errno: ECONNREFUSED)
    private var descriptor: Descriptor?
    private var watch: WatchID?
    private var timer = TimerID.none
    private var isOver = false

    init(network: PosixNetwork, endpoint: Endpoint, timeout: Duration, stream: PosixStream) {
        self.network = network
        self.stream = stream
        deadline = network.driver.now + timeout
        do {
            if let known = try SocketAddress.known(endpoint) {
                addresses = known
                attempt()
            } else if case .tcp(let host, let port) = endpoint {
                failure = .unreachable(errno: ETIMEDOUT)
                timer = network.loop.schedule(self, at: deadline)
                network.resolver.resolve(host) { [weak self] in self?.resolved($0, port) }
            }
        } catch {
            failSoon(.unreachable(errno: error.errno))
        }
    }

    func cancel() {
        isOver = true
        network.loop.cancel(timer)
        abandon()
    }

    private func resolved(_ found: [SocketAddress], _ port: UInt16) {
        guard !isOver else { return }
        network.loop.cancel(timer)
        guard !found.isEmpty else { return failSoon(.unknownHost) }
        addresses = found.map { $0.with(port: port) }
        attempt()
    }

    /// Dials the next address; each gets an equal share of the time that is left.
    private func attempt() {
        while let address = addresses.first {
            let now = network.driver.now
            let share = (deadline - now) / addresses.count
            addresses.removeFirst()
            do {
                try start(address)
                timer = network.loop.schedule(self, at: now + share)
                return
            } catch {
                failure = .unreachable(errno: error.code)
                abandon()
            }
        }
        failSoon(failure)
    }

    /// The stream hears of it in the next turn: this may be running in one of its verbs.
    private func failSoon(_ reason: CloseReason) {
        failure = reason
        timer = network.loop.schedule(self, at: network.driver.now)
    }

    private func start(_ address: SocketAddress) throws(Errno) {
        let socket = try PosixListener.socket(address.family)
        let number = socket.number
        if address.family != AF_UNIX { PosixStream.setNoDelay(number) }
        let code = address.withPointer { pointer, length in
            Glibc.connect(number, pointer, length) == 0 ? 0 : errno
        }
        guard code == 0 || code == EINPROGRESS || code == EINTR else {
            throw Errno("connect", code)
        }
        watch = try network.driver.watch(number, for: .writable, handler: self)
        descriptor = consume socket
    }

    private func abandon() {
        if let watch { network.driver.unwatch(watch) }
        watch = nil
        descriptor = nil
    }

    private func takeSocketError(_ number: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(4)
        return getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }
}

extension Dialler: DescriptorHandler, TimerHandler {
    func ready(_ events: DescriptorEvents) {
        guard !isOver, let connected = descriptor.take() else { return }
        let code = takeSocketError(connected.number)
        if let watch { network.driver.unwatch(watch) }
        watch = nil
        network.loop.cancel(timer)
        if code == 0 {
            isOver = true
            stream.dialled(connected)
        } else {
            failure = .unreachable(errno: code)
            attempt()
        }
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isOver else { return }
        if descriptor != nil {
            failure = .unreachable(errno: ETIMEDOUT)
            abandon()
            if !addresses.isEmpty { return attempt() }
        }
        isOver = true
        stream.notDialled(failure)
    }
}
