import Testing
import UproarCore
import UproarPosix
import UproarRuntime
import UproarSimulation

/// The worlds in which the contract suite runs.
enum WorldKind: String, CaseIterable, CustomTestStringConvertible {
    case simulated, seeded, posix
    /// The same networks with TLS on every stream.
    case simulatedTLS, posixTLS

    /// Those that differ in more than their network.
    static let loops = [simulated, seeded, posix]

    var testDescription: String { rawValue }
}

/// One loop with its network, in either world.
final class TestWorld {
    let loop: EventLoop
    let network: any Network
    let kind: WorldKind

    init(_ kind: WorldKind) {
        self.kind = kind
        switch kind {
        case .simulated, .seeded, .simulatedTLS:
            let world = SimulatedWorld(seed: kind == .seeded ? Seed(11) : nil)
            loop = world.loop
            network =
                kind == .simulatedTLS
                ? TLSNetwork(over: world.network, loop: world.loop) : world.network
        case .posix, .posixTLS:
            do {
                let driver = try PosixDriver(clock: .starting())
                loop = EventLoop(driver: driver)
                let plain = PosixNetwork(loop: loop, driver: driver)
                network = kind == .posixTLS ? TLSNetwork(over: plain, loop: loop) : plain
            } catch {
                fatalError("no epoll here: \(error)")
            }
        }
    }

    /// Runs until `condition` holds; fails the test when it does not within `limit` of the loop's time.
    func run(
        within limit: Duration = .seconds(10), location: SourceLocation = #_sourceLocation,
        until condition: () -> Bool
    ) {
        let end = loop.now + limit
        while !condition() {
            let isAlive = loop.runOnce(until: end)
            if condition() { return }
            if !isAlive || loop.now >= end {
                Issue.record("not reached within \(limit)", sourceLocation: location)
                return
            }
        }
    }

    /// A connected pair: the client's end and the accepted end, with their logs.
    func connectedPair(
        options: ConnectOptions = ConnectOptions(), listen: ListenOptions = ListenOptions()
    ) throws -> (client: StreamLog, server: StreamLog) {
        let acceptor = Acceptor()
        let listener = try network.listen(on: .loopback(0), options: listen, handler: acceptor)
        defer { listener.close() }
        let client = StreamLog()
        client.stream = network.connect(
            to: listener.endpoint, options: options, handler: client)
        run { client.isOpen && acceptor.logs.count == 1 }
        return (client, try #require(acceptor.logs.first))
    }
}

/// Writes down what a stream says.
final class StreamLog: ByteStreamHandler {
    enum Event: Equatable {
        case opened, drained, ended
        case received(Int)
        case closed(CloseReason)
    }

    var stream: (any ByteStream)!
    private(set) var events: [Event] = []
    private(set) var bytes: [UInt8] = []
    private(set) var lastReceivedAt = Instant.zero
    /// False keeps the stream open for writing after the peer's FIN.
    var closesOnEnd = true
    var onReceived: ((StreamLog) -> Void)?
    var onDrained: ((StreamLog) -> Void)?

    var isOpen: Bool { events.contains(.opened) }
    var isEnded: Bool { events.contains(.ended) }
    var isClosed: Bool { reason != nil }
    var reason: CloseReason? {
        for case .closed(let reason) in events { return reason }
        return nil
    }

    func send(_ bytes: [UInt8]) { stream.write(bytes.span.bytes) }
    func send(_ text: String) { send(Array(text.utf8)) }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    func opened(_ stream: any ByteStream) { events.append(.opened) }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        events.append(.received(bytes.byteCount))
        bytes.withUnsafeBytes { self.bytes.append(contentsOf: $0) }
        lastReceivedAt = at
        onReceived?(self)
    }

    func drained(_ stream: any ByteStream) {
        events.append(.drained)
        onDrained?(self)
    }

    func ended(_ stream: any ByteStream) {
        events.append(.ended)
        if closesOnEnd { stream.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        events.append(.closed(reason))
    }
}

final class Acceptor: ListenerHandler {
    private(set) var logs: [StreamLog] = []
    var onAccepted: ((StreamLog) -> Void)?

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        let log = StreamLog()
        log.stream = stream
        logs.append(log)
        onAccepted?(log)
        return log
    }
}
