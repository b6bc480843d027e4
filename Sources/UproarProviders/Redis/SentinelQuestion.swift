import Glibc
import UproarCore
import UproarRuntime
import UproarWire

/// Asks sentinels, one after the other, where the master is (redis.io, "Guidelines for Redis clients with support for Redis
/// Sentinel"). The first that knows is believed; whether it is right, the master's own `ROLE` says.
final class SentinelQuestion: ByteStreamHandler, TimerHandler {
    private let sentinels: [RedisPlaces.Sentinel]
    private let master: String
    private let password: String?
    private let limit: Duration
    private let network: any Network
    private let loop: EventLoop
    private var done: ((Result<RedisPlaces.Sentinel, Failure>) -> Void)?
    private var left: Int
    private var place: Int
    private var stream: (any ByteStream)?
    private var decoder = RESPDecoder()
    private var isGreeting = false
    private var timer = TimerID.none
    private var problem = ""

    /// What the last of them said, or why it said nothing.
    struct Failure: Error {
        var words: String
    }

    /// - first: which of them is asked first; the others follow in their order.
    /// - password: the sentinels' own.
    /// - limit: for each of them.
    /// - done: called once, on the loop.
    init(
        _ sentinels: [RedisPlaces.Sentinel], from first: Int, master: String, password: String?,
        limit: Duration, network: any Network, loop: EventLoop,
        done: @escaping (Result<RedisPlaces.Sentinel, Failure>) -> Void
    ) {
        self.sentinels = sentinels
        self.master = master
        self.password = password
        self.limit = limit
        self.network = network
        self.loop = loop
        self.done = done
        place = first
        left = sentinels.count
    }

    /// The one being asked, or that has answered.
    var current: Int { place % sentinels.count }

    func start() {
        let sentinel = sentinels[current]
        left -= 1
        decoder = RESPDecoder()
        var options = ConnectOptions()
        options.timeout = limit
        timer = loop.schedule(self, at: loop.now + limit)
        stream = network.connect(
            to: .tcp(host: sentinel.host, port: sentinel.port), options: options, handler: self)
    }

    func cancel() {
        done = nil
        leave()
    }

    private func leave() {
        loop.cancel(timer)
        let stream = stream
        self.stream = nil
        stream?.reset()
    }

    private func end(_ result: Result<RedisPlaces.Sentinel, Failure>) {
        let done = done
        self.done = nil
        leave()
        done?(result)
    }

    /// This one does not help.
    private func next(_ words: String) {
        let sentinel = sentinels[current]
        problem = "sentinel \(sentinel.host):\(sentinel.port): \(words)"
        leave()
        guard left > 0 else { return end(.failure(Failure(words: problem))) }
        place += 1
        start()
    }

    // MARK: The stream

    func opened(_ stream: any ByteStream) {
        guard stream === self.stream else { return }
        var bytes: [UInt8] = []
        if let password { RESPCommand.write(["AUTH", password], into: &bytes) }
        isGreeting = password != nil
        RESPCommand.write(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master], into: &bytes)
        stream.write(bytes.span.bytes)
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        guard stream === self.stream else { return }
        decoder.receive(bytes)
        do {
            while stream === self.stream, let value = try decoder.next() { take(value) }
        } catch { next("not Redis: \(error)") }
    }

    private func take(_ value: RESPValue) {
        switch value {
        case .error(let words): next(words)
        case _ where isGreeting: isGreeting = false
        case .array(let parts):
            guard parts.count == 2, let host = parts[0].text,
                let port = parts[1].text.flatMap({ UInt16($0) })
            else { return next("an answer that is no address") }
            end(.success(.init(host: host, port: port)))
        default: next("it knows no master '\(master)'")
        }
    }

    func ended(_ stream: any ByteStream) {
        guard stream === self.stream else { return }
        next("it closed the connection")
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        guard stream === self.stream else { return }
        self.stream = nil
        switch reason {
        case .unreachable(let errno), .failed(let errno): next(String(cString: strerror(errno)))
        case .unknownHost: next("the name does not resolve")
        default: next("it closed the connection")
        }
    }

    func timerFired(token: UInt64, now: Instant) { next("no answer in time") }
}
