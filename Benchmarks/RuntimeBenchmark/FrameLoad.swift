import Glibc
import UproarCore
import UproarPosix
import UproarRuntime

/// The work of `media-floor` on our own loop: every caller sends a 345-byte frame per 20 ms and gets one back.
struct FrameLoad {
    struct Outcome {
        /// Nanoseconds of the callers' thread per frame pair.
        var cost: Double
        var sent: Int
        var received: Int
        var lateness: String
    }

    var callers: Int
    var seconds: Int

    func run() throws -> Outcome {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

        let echoDriver = try PosixDriver(clock: .starting())
        let echoLoop = EventLoop(driver: echoDriver)
        let echoNetwork = PosixNetwork(loop: echoLoop, driver: echoDriver)
        let listener = try echoNetwork.listen(
            on: .loopback(0), options: ListenOptions(), handler: FrameEcho())
        let endpoint = listener.endpoint
        let thread = try LoopThread(name: "echo", loop: echoLoop)

        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let play = FrameCallers(loop: loop, network: network, count: callers)
        play.dial(endpoint)
        while play.openCount < callers { loop.runOnce(until: loop.now + .seconds(1)) }
        loop.run(until: loop.now + .milliseconds(200))
        _ = loop.takeLag()
        let start = RuntimeBenchmark.cpu()
        play.play(seconds: seconds)
        loop.run(until: loop.now + .seconds(seconds) + .milliseconds(50))
        let used = RuntimeBenchmark.cpu() - start
        let lag = loop.takeLag()
        thread.stop()
        func text(_ q: Double) -> String {
            NumberText.fixed((lag.quantile(q) ?? .zero).inMilliseconds, 3)
        }
        return Outcome(
            cost: Double(used) / Double(max(1, play.sent)), sent: play.sent,
            received: play.received, lateness: "late ms p50 \(text(0.5)) p99 \(text(0.99))")
    }
}

/// Callers spread over twenty slots of 1 ms, one timer for each slot.
final class FrameCallers: TimerHandler, ByteStreamHandler {
    private let loop: EventLoop
    private let network: any Network
    private let count: Int
    private var streams: [any ByteStream] = []
    private let frame = [UInt8](repeating: 0x7f, count: 345)
    private var slotsLeft = 0
    private var start = Instant.zero
    private var receivedBytes = 0
    private(set) var sent = 0
    private(set) var openCount = 0
    var received: Int { receivedBytes / 345 }

    init(loop: EventLoop, network: any Network, count: Int) {
        self.loop = loop
        self.network = network
        self.count = count
    }

    func dial(_ endpoint: Endpoint) {
        for _ in 0..<count {
            streams.append(
                network.connect(to: endpoint, options: ConnectOptions(), handler: self))
        }
    }

    func play(seconds: Int) {
        start = loop.now
        slotsLeft = seconds * 1000
        loop.schedule(self, token: 0, at: start)
    }

    func timerFired(token: UInt64, now: Instant) {
        let slot = Int(token)
        let frame = frame
        var index = slot % 20
        while index < count {
            streams[index].write(frame.span.bytes)
            sent += 1
            index += 20
        }
        slotsLeft -= 1
        if slotsLeft > 0 {
            loop.schedule(
                self, token: token + 1,
                at: Instant(nanoseconds: start.nanoseconds + Int64(slot + 1) * 1_000_000))
        }
    }

    func opened(_ stream: any ByteStream) { openCount += 1 }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        receivedBytes += bytes.byteCount
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}

/// Answers each whole frame with itself.
final class FrameEcho: ListenerHandler, ByteStreamHandler {
    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { self }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        for index in 0..<bytes.byteCount / 345 {
            let frame = bytes.extracting(index * 345..<(index + 1) * 345)
            stream.write(frame)
        }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}
