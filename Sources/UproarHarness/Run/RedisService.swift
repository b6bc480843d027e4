import Glibc
import UproarCore
import UproarPosix
import UproarRuntime

/// The real `redis-server` of a run: loopback, memory only, a port of its own. Belongs to the control loop.
final class RedisService: HostedProcessHandler {
    private let loop: EventLoop
    private let network: any Network
    private let host: any ProcessHost
    private let folder: String
    private let ready: (Int32) -> Void
    private let ended: (String) -> Void
    private var process: (any HostedProcess)?
    private var probe: RedisProbe?
    private var attempts = 0
    private var deadline = TimerID.none
    /// Once it answers.
    private(set) var port: UInt16?

    private static let limit = Duration.seconds(10)

    init(
        loop: EventLoop, network: any Network, host: any ProcessHost, folder: String,
        ready: @escaping (Int32) -> Void, ended: @escaping (String) -> Void
    ) {
        self.loop = loop
        self.network = network
        self.host = host
        self.folder = folder
        self.ready = ready
        self.ended = ended
        start()
    }

    private func start() {
        attempts += 1
        guard let port = FreePort.find() else { return ended("no port is free for redis-server") }
        var command = ProcessCommand(
            name: "redis", executable: "redis-server",
            arguments: [
                "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--daemonize", "no", "--dir", folder, "--maxclients", "10000",
            ])
        command.outputFile = folder + "/redis.log"
        process = host.start(command, handler: self)
        probe = RedisProbe(loop: loop, network: network, port: port) { [weak self] in
            guard let self else { return }
            loop.cancel(deadline)
            self.port = port
            ready(process?.pid ?? 0)
        }
        deadline = loop.schedule(at: loop.now + Self.limit) { [weak self] in
            self?.process?.send(.kill, tree: true)
        }
    }

    func exited(_ process: any HostedProcess, exit: ProcessExit) {
        probe?.stop()
        loop.cancel(deadline)
        // Another process may have taken the port between finding and binding it.
        if port == nil, attempts < 3, case .code = exit { return start() }
        ended("redis-server ended with \(exit); \(folder)/redis.log says why")
    }
}

/// A TCP port on loopback that nobody listens on just now.
enum FreePort {
    static func find() -> UInt16? {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { return nil }
        defer { close(number) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 ? getsockname(number, $0, &length) : -1
            }
        }
        return code == 0 ? UInt16(bigEndian: address.sin_port) : nil
    }
}

/// Asks a Redis that is starting for PONG until it answers.
final class RedisProbe: ByteStreamHandler {
    private let loop: EventLoop
    private let network: any Network
    private let port: UInt16
    private var answered: (() -> Void)?
    private var stream: (any ByteStream)?

    init(loop: EventLoop, network: any Network, port: UInt16, answered: @escaping () -> Void) {
        self.loop = loop
        self.network = network
        self.port = port
        self.answered = answered
        dial()
    }

    func stop() {
        answered = nil
        stream?.reset()
    }

    private func dial() {
        guard answered != nil else { return }
        stream = network.connect(to: .loopback(port), options: ConnectOptions(), handler: self)
    }

    func opened(_ stream: any ByteStream) { stream.write("PING\r\n".utf8Span.span.bytes) }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        let isPong = bytes.byteCount > 0 && bytes.unsafeLoad(as: UInt8.self) == UInt8(ascii: "+")
        stream.close()
        // LOADING and the like begin with '-': not yet.
        guard isPong else { return }
        answered?()
        answered = nil
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        guard answered != nil else { return }
        loop.schedule(at: loop.now + .milliseconds(20)) { [weak self] in self?.dial() }
    }
}
