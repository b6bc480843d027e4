import Glibc
import UproarCore
import UproarRuntime
import UproarWire

/// Commands to one Redis over one connection: pipelined, each with a deadline, dialled again when it broke.
///
///     idle ─ send ─► connecting ─► greeting (AUTH, SELECT) ─► ready
///      ▲                 │               │                      │
///      └──── pause ◄─────┴───────────────┴──────────────────────┘  broken, or a reply that is overdue
///
/// A command that waits for the connection waits no longer than its deadline. One that was written when the connection broke
/// fails, for nobody knows whether it was done; one that was not yet written goes out on the next connection.
package final class RedisClient: ByteStreamHandler, TimerHandler {
    package struct Options: Hashable, Sendable {
        /// From `send` to the reply.
        package var deadline = Duration.milliseconds(500)
        /// Commands that may wait for their reply; more are refused at once.
        package var queueLimit = 4096
        /// Between two attempts to connect: doubles from the first to the second.
        package var shortestPause = Duration.milliseconds(50)
        package var longestPause = Duration.seconds(2)
        /// PEM file of further trusted authorities.
        package var authorityFile: String?
        package var verifiesCertificates = true
        package init() {}
    }

    package typealias Reply = Result<RESPValue, StoreFailure>

    private enum Phase {
        case idle
        case connecting
        /// So many replies to our own first commands are due.
        case greeting(due: Int)
        case ready
        case closed
    }

    private struct Command {
        var words: [[UInt8]]
        var deadline: Instant
        var then: (Reply) -> Void
    }

    private enum Timer: UInt64 {
        case deadline, redial
    }

    /// Of one Redis and its stand-ins; the one in use is `urls[current]`.
    private let urls: [RedisURL]
    private var current = 0
    private var url: RedisURL { urls[current] }
    private let options: Options
    private let network: any Network
    private let loop: EventLoop
    private var random: RandomStream

    private var phase = Phase.idle
    private var stream: (any ByteStream)?
    private var decoder = RESPDecoder(byteLimit: 16 << 20)
    private var output: [UInt8] = []
    /// In the order of sending: the first `written` are on the wire.
    private var commands: [Command] = []
    private var written = 0
    private var failures = 0
    /// Not dialled before.
    private var redialAt = Instant(nanoseconds: .min)
    private var lastProblem = "not connected yet"
    private var deadlineTimer = TimerID.none
    private var redialTimer = TimerID.none
    private var isReceiving = false

    package convenience init(
        _ url: RedisURL, network: any Network, loop: EventLoop, random: RandomStream,
        options: Options = Options()
    ) { self.init([url], network: network, loop: loop, random: random, options: options) }

    /// - urls: at least one. The next is tried when one cannot be reached, says nothing, or has become a replica that takes no
    ///   writes.
    package init(
        _ urls: [RedisURL], network: any Network, loop: EventLoop, random: RandomStream,
        options: Options = Options()
    ) {
        precondition(!urls.isEmpty, "a client of no server")
        self.urls = urls
        self.network = network
        self.loop = loop
        self.random = random
        self.options = options
    }

    package var isConnected: Bool { if case .ready = phase { true } else { false } }
    package var waitingCommandCount: Int { commands.count }

    /// Sends a command of at least one word; `then` is called once, never before this returns.
    package func send(_ words: [[UInt8]], then: @escaping (Reply) -> Void) {
        precondition(!words.isEmpty, "a command has at least one word")
        if case .closed = phase { return fail(later: then, .unreachable("closed")) }
        guard commands.count < options.queueLimit else {
            return fail(later: then, .unreachable("\(commands.count) commands are waiting"))
        }
        let deadline = loop.now + options.deadline
        commands.append(Command(words: words, deadline: deadline, then: then))
        if commands.count == 1 { awaitDeadline() }
        switch phase {
        case .ready: write()
        case .idle: dial()
        case .connecting, .greeting, .closed: break
        }
    }

    package func send(_ words: [String], then: @escaping (Reply) -> Void) {
        send(words.map { Array($0.utf8) }, then: then)
    }

    /// Fails what waits and closes the connection.
    package func close() {
        phase = .closed
        loop.cancel(deadlineTimer)
        loop.cancel(redialTimer)
        stream?.close()
        stream = nil
        failFirst(commands.count, .unreachable("closed"))
    }

    // MARK: Sending

    private func write() {
        guard written < commands.count else { return }
        for command in commands[written...] { RESPCommand.write(command.words, into: &output) }
        written = commands.count
        // Replies that lead to the next command are taken first: one write for all of them.
        if !isReceiving { flush() }
    }

    private func flush() {
        guard !output.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &output)
        stream?.write(bytes.span.bytes)
        bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10)
        if output.isEmpty { swap(&bytes, &output) }
    }

    private func fail(later then: @escaping (Reply) -> Void, _ failure: StoreFailure) {
        loop.schedule(at: loop.now) { then(.failure(failure)) }
    }

    /// Fails the first commands; what is called may send again.
    private func failFirst(_ count: Int, _ failure: StoreFailure) {
        let lost = commands.prefix(count)
        commands.removeFirst(count)
        written = max(0, written - count)
        for command in lost { command.then(.failure(failure)) }
    }

    private func awaitDeadline() {
        loop.cancel(deadlineTimer)
        guard let first = commands.first else { return }
        deadlineTimer = loop.schedule(self, token: Timer.deadline.rawValue, at: first.deadline)
    }

    package func timerFired(token: UInt64, now: Instant) {
        if Timer(rawValue: token) == .redial {
            if case .idle = phase, !commands.isEmpty { dial() }
            return
        }
        let overdue = commands.prefix { $0.deadline <= now }.count
        guard overdue > 0 else { return awaitDeadline() }
        switch phase {
        case .ready where written > 0:
            // What the peer owes would be taken for the replies to later commands: this connection is of no use.
            abandon("a reply is overdue", .timedOut)
        case .ready, .idle, .connecting, .greeting, .closed:
            failFirst(overdue, failures > 0 ? .unreachable(lastProblem) : .timedOut)
        }
        awaitDeadline()
    }

    // MARK: Connecting

    private func dial() {
        let now = loop.now
        guard now >= redialAt else {
            loop.cancel(redialTimer)
            redialTimer = loop.schedule(self, token: Timer.redial.rawValue, at: redialAt)
            return
        }
        phase = .connecting
        decoder = RESPDecoder(byteLimit: 16 << 20)
        output = []
        var connect = ConnectOptions()
        connect.timeout = max(options.deadline, .milliseconds(100))
        if url.usesTLS {
            var tls = TLSClientOptions(serverName: url.host)
            tls.verifies = options.verifiesCertificates
            tls.authorityFile = options.authorityFile
            connect.tls = tls
        }
        stream = network.connect(
            to: .tcp(host: url.host, port: url.port), options: connect, handler: self)
    }

    package func opened(_ stream: any ByteStream) {
        guard stream === self.stream else { return }
        var due = 0
        if let password = url.password {
            RESPCommand.write(["AUTH"] + (url.user.map { [$0] } ?? []) + [password], into: &output)
            due += 1
        }
        if url.database != 0 {
            RESPCommand.write(["SELECT", String(url.database)], into: &output)
            due += 1
        }
        if due > 0 { phase = .greeting(due: due) } else { becomeReady() }
        flush()
    }

    private func becomeReady() {
        phase = .ready
        failures = 0
        write()
    }

    /// Gives the connection up; what was written fails, the rest waits for the next one.
    private func abandon(_ problem: String, _ failure: StoreFailure? = nil) {
        let stream = stream
        self.stream = nil
        stream?.reset()
        broke(problem, failure)
    }

    private func broke(_ problem: String, _ failure: StoreFailure? = nil) {
        lastProblem = problem
        let pause = min(
            options.longestPause.nanoseconds,
            options.shortestPause.nanoseconds << Int64(min(failures, 20)))
        failures += 1
        current = (current + 1) % urls.count
        // Between half and all of it, so that many clients do not come back as one.
        let drawn = pause / 2 + Int64(Double(pause / 2) * random.unit())
        redialAt = loop.now + .nanoseconds(drawn)
        phase = .idle
        output = []
        failFirst(written, failure ?? .unreachable(problem))
        awaitDeadline()
        if case .idle = phase, !commands.isEmpty { dial() }
    }

    // MARK: Replies

    package func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        guard stream === self.stream else { return }
        decoder.receive(bytes)
        isReceiving = true
        var problem: (text: String, failure: StoreFailure)?
        do {
            while stream === self.stream, let value = try decoder.next() {
                if let refusal = take(value) {
                    problem = ("refused: \(refusal)", .refused(refusal))
                    break
                }
            }
        } catch {
            problem = ("not Redis: \(error)", .malformed("\(error)"))
        }
        isReceiving = false
        guard stream === self.stream else { return }
        if let problem {
            if case .greeting = phase { failFirst(commands.count, problem.failure) }
            abandon(problem.text, problem.failure)
        } else {
            flush()
            awaitDeadline()
        }
    }

    /// What the server said to our first commands, if it refused them.
    private func take(_ value: RESPValue) -> String? {
        if case .greeting(let due) = phase {
            if case .error(let text) = value { return text }
            if due > 1 { phase = .greeting(due: due - 1) } else { becomeReady() }
            return nil
        }
        // A reply to nothing: a push of a mode we never asked for.
        guard written > 0 else { return nil }
        let command = commands.removeFirst()
        written -= 1
        if case .error(let text) = value {
            command.then(.failure(.refused(text)))
            // The server has been made a replica: its master is elsewhere.
            if urls.count > 1, text.hasPrefix("READONLY") { return text }
        } else {
            command.then(.success(value))
        }
        return nil
    }

    package func ended(_ stream: any ByteStream) {
        guard stream === self.stream else { return }
        abandon("the server closed the connection")
    }

    package func closed(_ stream: any ByteStream, reason: CloseReason) {
        guard stream === self.stream else { return }
        self.stream = nil
        switch reason {
        case .unreachable(let errno), .failed(let errno): broke(String(cString: strerror(errno)))
        case .unknownHost: broke("the name does not resolve")
        case .tls(let words), .untrusted(let words): broke("TLS: \(words)")
        case .queueOverflow: broke("the server does not read")
        case .closed, .ended: broke("the server closed the connection")
        }
    }
}
