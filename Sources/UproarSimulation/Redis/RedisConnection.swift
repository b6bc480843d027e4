import UproarCore
import UproarRuntime
import UproarWire

/// One connection of the server: its login, its database, its transaction.
final class RedisConnection: ByteStreamHandler {
    private enum Transaction {
        case none
        case queueing([[[UInt8]]])
        /// A command was refused while queueing.
        case spoilt
    }

    private let server: SimulatedRedis
    private let stream: any ByteStream
    private let number: Int
    private var decoder = RESPDecoder()
    private var output: [UInt8] = []
    private var isKnown: Bool
    private var database = 0
    private var transaction = Transaction.none
    private var isQuitting = false

    /// So many commands one transaction may hold.
    private static let transactionLimit = 10_000

    init(server: SimulatedRedis, stream: any ByteStream, number: Int) {
        self.server = server
        self.stream = stream
        self.number = number
        isKnown = server.password == nil
    }

    func reset() { stream.reset() }

    var isPaused = false {
        didSet {
            guard isPaused != oldValue else { return }
            if isPaused { stream.pauseReading() } else { stream.resumeReading() }
        }
    }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        decoder.receive(bytes)
        do {
            while !isQuitting, let value = try decoder.next() {
                guard let words = value.words else {
                    isQuitting = true
                    RESPValue.error("ERR Protocol error: expected an array of bulk strings")
                        .write(into: &output)
                    break
                }
                answer(words).write(into: &output)
            }
        } catch {
            isQuitting = true
            RESPValue.error("ERR Protocol error: \(error)").write(into: &output)
        }
        let answers = output
        stream.write(answers.span.bytes)
        output.removeAll(keepingCapacity: true)
        if isQuitting { stream.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { server.forget(self) }

    /// Names and arities of the commands answered here.
    private static let own: [String: Int] = [
        "ping": -1, "echo": 2, "auth": -2, "hello": -1, "select": 2, "quit": -1, "client": -2,
        "flushall": -1, "info": -1, "multi": 1, "exec": 1, "discard": 1,
    ]

    private func answer(_ words: [[UInt8]]) -> RESPValue {
        let name = String(decoding: words[0], as: UTF8.self).lowercased()
        if let refusal = refusal(of: words, name) {
            if case .queueing = transaction { transaction = .spoilt }
            return refusal
        }
        switch (transaction, name) {
        case (.none, "exec"): return .error("ERR EXEC without MULTI")
        case (.none, "discard"): return .error("ERR DISCARD without MULTI")
        case (_, "discard"):
            transaction = .none
            return .ok
        case (.queueing, "multi"), (.spoilt, "multi"):
            return .error("ERR MULTI calls can not be nested")
        case (.spoilt, "exec"):
            transaction = .none
            return .error("EXECABORT Transaction discarded because of previous errors.")
        case (.queueing(let commands), "exec"):
            transaction = .none
            return .array(commands.map { execute($0) })
        case (.queueing(let commands), _):
            transaction = .queueing(commands + [words])
            return .simple("QUEUED")
        case (.spoilt, _): return .simple("QUEUED")
        case (.none, _): return execute(words)
        }
    }

    /// What is wrong with a command before it is run.
    private func refusal(of words: [[UInt8]], _ name: String) -> RESPValue? {
        guard let arity = RedisCommand.table[name]?.arity ?? Self.own[name] else {
            return SimulatedRedis.unknown(words)
        }
        guard RedisCommand.accepts(words.count, arity: arity) else {
            return .error("ERR wrong number of arguments for '\(name)' command")
        }
        if !isKnown, !["auth", "hello", "quit"].contains(name) {
            return .error("NOAUTH Authentication required.")
        }
        if server.isLoading, !["auth", "hello", "quit"].contains(name) {
            return .error("LOADING Redis is loading the dataset in memory")
        }
        if case .queueing(let commands) = transaction, commands.count >= Self.transactionLimit {
            return .error("ERR the transaction is too long")
        }
        return nil
    }

    private func execute(_ words: [[UInt8]]) -> RESPValue {
        let name = String(decoding: words[0], as: UTF8.self).lowercased()
        switch name {
        case "ping": return ping(words)
        case "echo": return .bulk(words[1])
        case "auth": return authenticate(words.dropFirst())
        case "hello": return hello(words)
        case "select": return select(words[1])
        case "quit":
            isQuitting = true
            return .ok
        case "client": return client(words)
        case "flushall": return server.flushAll()
        case "info": return server.information()
        case "multi":
            transaction = .queueing([])
            return .ok
        default: return server.execute(words, name: name, database: database)
        }
    }

    private func ping(_ words: [[UInt8]]) -> RESPValue {
        switch words.count {
        case 1: .simple("PONG")
        case 2: .bulk(words[1])
        default: .error("ERR wrong number of arguments for 'ping' command")
        }
    }

    /// `[user] password`; the only user is `default`.
    private func authenticate(_ words: ArraySlice<[UInt8]>) -> RESPValue {
        guard words.count <= 2 else { return .error("ERR syntax error") }
        guard let password = server.password else {
            guard words.count == 2 else {
                return .error(
                    "ERR AUTH <password> called without any password configured for the default "
                        + "user. Are you sure your configuration is correct?")
            }
            return .ok
        }
        let user = words.count == 2 ? words.first : Array("default".utf8)
        guard user == Array("default".utf8), words.last == Array(password.utf8) else {
            return .error(
                "WRONGPASS invalid username-password pair or user is disabled.")
        }
        isKnown = true
        return .ok
    }

    /// `HELLO [2 [AUTH user password] [SETNAME name]]`: version 2 is what is spoken here.
    private func hello(_ words: [[UInt8]]) -> RESPValue {
        var rest = words.dropFirst()
        if let version = rest.popFirst() {
            guard let version = try? RedisCommand.integer(version) else {
                return .error("ERR Protocol version is not an integer or out of range")
            }
            guard version == 2 else { return .error("NOPROTO unsupported protocol version") }
        }
        while let option = rest.popFirst() {
            switch String(decoding: option, as: UTF8.self).lowercased() {
            case "auth" where rest.count >= 2:
                let answer = authenticate(rest.prefix(2))
                if case .error = answer { return answer }
                rest = rest.dropFirst(2)
            case "setname" where !rest.isEmpty: rest = rest.dropFirst()
            default:
                return .error(
                    "ERR Syntax error in HELLO option '\(String(decoding: option, as: UTF8.self))'")
            }
        }
        guard isKnown else {
            return .error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
                    + "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the "
                    + "client and select the RESP protocol version at the same time")
        }
        return .array([
            .bulk("server"), .bulk("redis"), .bulk("version"), .bulk("7.0.15"),
            .bulk("proto"), .integer(2), .bulk("id"), .integer(number),
            .bulk("mode"), .bulk("standalone"), .bulk("role"), .bulk("master"),
            .bulk("modules"), .array([]),
        ])
    }

    private func select(_ word: [UInt8]) -> RESPValue {
        guard let index = try? RedisCommand.integer(word) else {
            return .error("ERR value is not an integer or out of range")
        }
        guard server.databases.indices.contains(index) else {
            return .error("ERR DB index is out of range")
        }
        database = index
        return .ok
    }

    private func client(_ words: [[UInt8]]) -> RESPValue {
        switch String(decoding: words[1], as: UTF8.self).lowercased() {
        case "setname", "setinfo", "no-evict", "no-touch": .ok
        case "getname": .null
        case "id": .integer(number)
        default:
            .error(
                "ERR unknown subcommand '\(String(decoding: words[1], as: UTF8.self))'. Try CLIENT HELP."
            )
        }
    }
}
