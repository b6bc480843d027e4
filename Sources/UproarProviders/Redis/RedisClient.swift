import Glibc
import UproarCore
import UproarRuntime
import UproarWire

/// Commands to one Redis over one connection: pipelined, each with a deadline, dialled again when it broke.
///
///     idle ─ send ─► (asking a sentinel) ─► connecting ─► greeting (AUTH, SELECT, ROLE) ─► ready
///      ▲                     │                  │               │                             │
///      └──── pause ◄─────────┴──────────────────┴───────────────┴─────────────────────────────┘  broken, or a reply is overdue
///
/// Where a server may be a replica, it is asked for its role first, and left when it is one.
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
        /// What sentinels are told; nil: nothing.
        package var sentinelPassword: String?
        package init() {}
    }

    package typealias Reply = Result<RESPValue, StoreFailure>

    private enum Phase {
        case idle
        case asking(SentinelQuestion)
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

    private let places: RedisPlaces
    /// Of the servers or sentinels of `places`: the one in use.
    private var current = 0
    /// The server in use.
    private var url: RedisURL
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
    /// Why the last connection was given up; what never got one fails for the same reason.
    private var lastFailure = StoreFailure.unreachable("not connected yet")
    private var deadlineTimer = TimerID.none
    private var redialTimer = TimerID.none
    private var isReceiving = false

    package convenience init(
        _ url: RedisURL, network: any Network, loop: EventLoop, random: RandomStream,
        options: Options = Options()
    ) { self.init(.servers([url]), network: network, loop: loop, random: random, options: options) }

    /// - places: the next is tried when one cannot be reached, says nothing, or is a replica, which takes no writes.
    package init(
        _ places: RedisPlaces, network: any Network, loop: EventLoop, random: RandomStream,
        options: Options = Options()
    ) {
        self.places = places
        switch places {
        case .servers(let urls):
            precondition(!urls.isEmpty, "a client of no server")
            url = urls[0]
        case .sentinels(_, _, let url): self.url = url
        }
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
        case .asking, .connecting, .greeting, .closed: break
        }
    }

    package func send(_ words: [String], then: @escaping (Reply) -> Void) {
        send(words.map { Array($0.utf8) }, then: then)
    }

    /// Fails what waits and closes the connection.
    package func close() {
        if case .asking(let question) = phase { question.cancel() }
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
        case .ready, .idle, .asking, .connecting, .greeting, .closed:
            failFirst(overdue, failures > 0 ? lastFailure : .timedOut)
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
        switch places {
        case .servers(let urls):
            url = urls[current % urls.count]
            connect()
        case .sentinels(let sentinels, let master, _):
            let question = SentinelQuestion(
                sentinels, from: current % sentinels.count, master: master,
                password: options.sentinelPassword,
                limit: max(options.deadline / 2, .milliseconds(100)), network: network, loop: loop
            ) { [weak self] in self?.heard($0) }
            phase = .asking(question)
            question.start()
        }
    }

    private func heard(_ answer: Result<RedisPlaces.Sentinel, SentinelQuestion.Failure>) {
        guard case .asking(let question) = phase else { return }
        switch answer {
        case .success(let server):
            current = question.current
            (url.host, url.port) = (server.host, server.port)
            connect()
        case .failure(let failure): broke(failure.words)
        }
    }

    private func connect() {
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
        if places.mayBeReplica {
            RESPCommand.write(["ROLE"], into: &output)
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
        let failure = failure ?? .unreachable(problem)
        lastFailure = failure
        let pause = min(
            options.longestPause.nanoseconds,
            options.shortestPause.nanoseconds << Int64(min(failures, 20)))
        failures += 1
        current += 1
        // Between half and all of it, so that many clients do not come back as one.
        let drawn = pause / 2 + Int64(Double(pause / 2) * random.unit())
        redialAt = loop.now + .nanoseconds(drawn)
        phase = .idle
        output = []
        failFirst(written, failure)
        awaitDeadline()
        if case .idle = phase, !commands.isEmpty { dial() }
    }

    // MARK: Replies

    package func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        guard stream === self.stream else { return }
        decoder.receive(bytes)
        isReceiving = true
        var problem: (text: String, failure: StoreFailure)?
        var wasRefused = false
        do {
            while stream === self.stream, problem == nil, let value = try decoder.next() {
                switch take(value) {
                case .replica?: problem = ("a replica", .unreachable("a replica"))
                case .refused(let words)?:
                    problem = ("refused: \(words)", .refused(words))
                    wasRefused = true
                case nil: break
                }
            }
        } catch {
            problem = ("not Redis: \(error)", .malformed("\(error)"))
        }
        isReceiving = false
        guard stream === self.stream else { return }
        if let problem {
            // Whom the greeting was refused is not served elsewhere; beside a replica there is a master.
            if case .greeting = phase, wasRefused { failFirst(commands.count, problem.failure) }
            abandon(problem.text, problem.failure)
        } else {
            flush()
            awaitDeadline()
        }
    }

    private enum Obstacle {
        case refused(String)
        /// It takes no writes: its master is elsewhere.
        case replica
    }

    /// Why this server will not do, if what it said says so.
    private func take(_ value: RESPValue) -> Obstacle? {
        if case .greeting(let due) = phase {
            if due == 1, places.mayBeReplica {
                // Who does not tell its role is taken for a master: a write that it refuses will tell.
                if case .array(let parts) = value, parts.first?.text == "slave" { return .replica }
            } else if case .error(let text) = value {
                return .refused(text)
            }
            if due > 1 { phase = .greeting(due: due - 1) } else { becomeReady() }
            return nil
        }
        // A reply to nothing: a push of a mode we never asked for.
        guard written > 0 else { return nil }
        let command = commands.removeFirst()
        written -= 1
        if case .error(let text) = value {
            command.then(.failure(.refused(text)))
            if places.mayBeReplica, text.hasPrefix("READONLY") { return .replica }
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
        // Nobody said no: as silent as a server that hangs.
        case .unreachable(ETIMEDOUT): broke("no connection in time", .timedOut)
        case .unreachable(let errno), .failed(let errno): broke(String(cString: strerror(errno)))
        case .unknownHost: broke("the name does not resolve")
        case .tls(let words), .untrusted(let words): broke("TLS: \(words)")
        case .queueOverflow: broke("the server does not read")
        case .closed, .ended: broke("the server closed the connection")
        }
    }
}
