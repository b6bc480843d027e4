import UproarCore
import UproarWire

/// One command of the server: how many words it takes and what it does to the selected database.
struct RedisCommand: Sendable {
    typealias Body =
        @Sendable (
            _ words: [[UInt8]], _ database: inout RedisDatabase, _ now: Instant
        ) throws(RedisRefusal) -> RESPValue

    /// Words with the name: so many, or, negative, at least so many.
    var arity: Int
    var writes = false
    var body: Body

    init(_ arity: Int, writes: Bool = false, _ body: @escaping Body) {
        self.arity = arity
        self.writes = writes
        self.body = body
    }

    static func accepts(_ count: Int, arity: Int) -> Bool {
        arity >= 0 ? count == arity : count >= -arity
    }
}

/// An error reply, in Redis' words.
struct RedisRefusal: Error {
    var words: String
    init(_ words: String) { self.words = words }

    static let syntax = RedisRefusal("ERR syntax error")
    static let notInteger = RedisRefusal("ERR value is not an integer or out of range")
    static let wrongType = RedisRefusal(
        "WRONGTYPE Operation against a key holding the wrong kind of value")
}

extension RedisCommand {
    /// The commands that touch the database, by name in small letters. Sessions and transactions are the connection's.
    static let table: [String: RedisCommand] = [
        "set": RedisCommand(-3, writes: true, set),
        "setnx": RedisCommand(3, writes: true) { words, database, now throws(RedisRefusal) in
            guard database.value(words[1], at: now) == nil else { return .integer(0) }
            database.set(words[1], .string(words[2]), at: now)
            return .integer(1)
        },
        "setex": RedisCommand(4, writes: true) { words, database, now throws(RedisRefusal) in
            try setFor(words, .seconds(1), "setex", &database, now)
        },
        "psetex": RedisCommand(4, writes: true) { words, database, now throws(RedisRefusal) in
            try setFor(words, .milliseconds(1), "psetex", &database, now)
        },
        "get": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            try string(words[1], &database, now).map { .bulk($0) } ?? .null
        },
        "del": RedisCommand(-2, writes: true, remove),
        "unlink": RedisCommand(-2, writes: true, remove),
        "exists": RedisCommand(-2) { words, database, now throws(RedisRefusal) in
            .integer(
                words.dropFirst().reduce(0) { $0 + (database.value($1, at: now) == nil ? 0 : 1) })
        },
        "type": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            .simple(database.value(words[1], at: now)?.kind ?? "none")
        },
        "expire": RedisCommand(3, writes: true) { words, database, now throws(RedisRefusal) in
            try expire(words, .seconds(1), &database, now)
        },
        "pexpire": RedisCommand(3, writes: true) { words, database, now throws(RedisRefusal) in
            try expire(words, .milliseconds(1), &database, now)
        },
        "persist": RedisCommand(2, writes: true) { words, database, now throws(RedisRefusal) in
            guard database.expiry(of: words[1], at: now) != nil else { return .integer(0) }
            return .integer(database.expire(words[1], at: nil, now: now) ? 1 : 0)
        },
        "ttl": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            // Redis rounds to the nearest second.
            left(words[1], &database, now) { .integer(Int(($0 + 500) / 1000)) }
        },
        "pttl": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            left(words[1], &database, now) { .integer(Int($0)) }
        },
        "incr": RedisCommand(2, writes: true) { words, database, now throws(RedisRefusal) in
            try add(1, words[1], &database, now)
        },
        "decr": RedisCommand(2, writes: true) { words, database, now throws(RedisRefusal) in
            try add(-1, words[1], &database, now)
        },
        "incrby": RedisCommand(3, writes: true) { words, database, now throws(RedisRefusal) in
            try add(try integer(words[2]), words[1], &database, now)
        },
        "hset": RedisCommand(-4, writes: true) { words, database, now throws(RedisRefusal) in
            guard words.count.isMultiple(of: 2) else {
                throw RedisRefusal("ERR wrong number of arguments for 'hset' command")
            }
            var fields = try hash(words[1], &database, now)
            let before = fields.count
            for index in stride(from: 2, to: words.count, by: 2) {
                fields[words[index]] = words[index + 1]
            }
            database.update(words[1], .hash(fields), at: now)
            return .integer(fields.count - before)
        },
        "hsetnx": RedisCommand(4, writes: true) { words, database, now throws(RedisRefusal) in
            var fields = try hash(words[1], &database, now)
            guard fields[words[2]] == nil else { return .integer(0) }
            fields[words[2]] = words[3]
            database.update(words[1], .hash(fields), at: now)
            return .integer(1)
        },
        "hvals": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            .array(try hash(words[1], &database, now).values.map { .bulk($0) })
        },
        "hkeys": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            .array(try hash(words[1], &database, now).keys.map { .bulk($0) })
        },
        "hexists": RedisCommand(3) { words, database, now throws(RedisRefusal) in
            .integer(try hash(words[1], &database, now)[words[2]] == nil ? 0 : 1)
        },
        "hget": RedisCommand(3) { words, database, now throws(RedisRefusal) in
            try hash(words[1], &database, now)[words[2]].map { .bulk($0) } ?? .null
        },
        "hgetall": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            let fields = try hash(words[1], &database, now)
            return .array(zip(fields.keys, fields.values).flatMap { [.bulk($0), .bulk($1)] })
        },
        "hdel": RedisCommand(-3, writes: true) { words, database, now throws(RedisRefusal) in
            var fields = try hash(words[1], &database, now)
            let before = fields.count
            for field in words.dropFirst(2) { fields[field] = nil }
            if fields.count < before { database.update(words[1], .hash(fields), at: now) }
            return .integer(before - fields.count)
        },
        "hlen": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            .integer(try hash(words[1], &database, now).count)
        },
        "lpush": RedisCommand(-3, writes: true) { words, database, now throws(RedisRefusal) in
            let items = words.dropFirst(2).reversed() + (try list(words[1], &database, now))
            database.update(words[1], .list(items), at: now)
            return .integer(items.count)
        },
        "rpush": RedisCommand(-3, writes: true) { words, database, now throws(RedisRefusal) in
            let items = try list(words[1], &database, now) + words.dropFirst(2)
            database.update(words[1], .list(items), at: now)
            return .integer(items.count)
        },
        "llen": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            .integer(try list(words[1], &database, now).count)
        },
        "lrange": RedisCommand(4, range),
        "sadd": RedisCommand(-3, writes: true) { words, database, now throws(RedisRefusal) in
            var members = try set(words[1], &database, now)
            let before = members.count
            for member in words.dropFirst(2) { members[member] = true }
            database.update(words[1], .set(members), at: now)
            return .integer(members.count - before)
        },
        "srem": RedisCommand(-3, writes: true) { words, database, now throws(RedisRefusal) in
            var members = try set(words[1], &database, now)
            let before = members.count
            for member in words.dropFirst(2) { members[member] = nil }
            if members.count < before { database.update(words[1], .set(members), at: now) }
            return .integer(before - members.count)
        },
        "smembers": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            .array(try set(words[1], &database, now).keys.map { .bulk($0) })
        },
        "sismember": RedisCommand(3) { words, database, now throws(RedisRefusal) in
            .integer(try set(words[1], &database, now)[words[2]] == nil ? 0 : 1)
        },
        "scard": RedisCommand(2) { words, database, now throws(RedisRefusal) in
            .integer(try set(words[1], &database, now).count)
        },
        "dbsize": RedisCommand(1) { _, database, now throws(RedisRefusal) in
            .integer(database.count(at: now))
        },
        "flushdb": RedisCommand(-1, writes: true) { _, database, _ throws(RedisRefusal) in
            database = RedisDatabase()
            return .ok
        },
    ]

    // MARK: Strings and times

    /// `SET key value [NX|XX] [GET] [EX s|PX ms|KEEPTTL]`.
    private static func set(
        _ words: [[UInt8]], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> RESPValue {
        let key = words[1]
        var condition = ""
        var returnsOld = false
        var keepsTime = false
        var expiresAt: Instant?
        var rest = words[3...]
        while let word = rest.popFirst() {
            let option = String(decoding: word, as: UTF8.self).uppercased()
            switch option {
            case "NX", "XX":
                guard condition.isEmpty else { throw .syntax }
                condition = option
            case "GET": returnsOld = true
            case "KEEPTTL":
                guard expiresAt == nil else { throw .syntax }
                keepsTime = true
            case "EX", "PX":
                guard let amount = rest.popFirst(), expiresAt == nil, !keepsTime else {
                    throw .syntax
                }
                expiresAt = try time(
                    amount, option == "EX" ? .seconds(1) : .milliseconds(1), "set", now)
            default: throw .syntax
            }
        }
        let old = database.value(key, at: now)
        var answer = RESPValue.ok
        if returnsOld { answer = try string(key, &database, now).map { .bulk($0) } ?? .null }
        if condition == (old == nil ? "XX" : "NX") { return returnsOld ? answer : .null }
        let kept = keepsTime ? database.expiry(of: key, at: now) : nil
        database.set(key, .string(words[2]), expiresAt: expiresAt ?? kept, at: now)
        return answer
    }

    private static func setFor(
        _ words: [[UInt8]], _ unit: Duration, _ name: String, _ database: inout RedisDatabase,
        _ now: Instant
    ) throws(RedisRefusal) -> RESPValue {
        let expiresAt = try time(words[2], unit, name, now)
        database.set(words[1], .string(words[3]), expiresAt: expiresAt, at: now)
        return .ok
    }

    /// A positive amount from now on.
    private static func time(
        _ word: [UInt8], _ unit: Duration, _ name: String, _ now: Instant
    ) throws(RedisRefusal) -> Instant {
        let amount = try integer(word)
        guard amount > 0, amount <= Int.max / 4_000_000_000 else {
            throw RedisRefusal("ERR invalid expire time in '\(name)' command")
        }
        return now + unit * amount
    }

    private static func expire(
        _ words: [[UInt8]], _ unit: Duration, _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> RESPValue {
        let amount = try integer(words[2])
        guard amount > 0 else { return .integer(database.remove(words[1], at: now) ? 1 : 0) }
        let instant = try time(words[2], unit, "expire", now)
        return .integer(database.expire(words[1], at: instant, now: now) ? 1 : 0)
    }

    private static func left(
        _ key: [UInt8], _ database: inout RedisDatabase, _ now: Instant,
        _ answer: (Int64) -> RESPValue
    ) -> RESPValue {
        guard database.value(key, at: now) != nil else { return .integer(-2) }
        guard let expiresAt = database.expiry(of: key, at: now) else { return .integer(-1) }
        return answer((expiresAt - now).nanoseconds / 1_000_000)
    }

    private static func remove(
        _ words: [[UInt8]], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> RESPValue {
        var count = 0
        for key in words.dropFirst() where database.remove(key, at: now) { count += 1 }
        return .integer(count)
    }

    private static func add(
        _ amount: Int, _ key: [UInt8], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> RESPValue {
        let old = try string(key, &database, now).map { (word) throws(RedisRefusal) in
            try integer(word)
        }
        let (sum, overflow) = (old ?? 0).addingReportingOverflow(amount)
        guard !overflow else { throw RedisRefusal("ERR increment or decrement would overflow") }
        database.update(key, .string(Array(String(sum).utf8)), at: now)
        return .integer(sum)
    }

    /// `LRANGE key start stop`: both count from the end when negative; what lies outside is left out.
    private static func range(
        _ words: [[UInt8]], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> RESPValue {
        let start = try integer(words[2])
        let stop = try integer(words[3])
        let items = try list(words[1], &database, now)
        let first = start < 0 ? max(0, start + items.count) : start
        let last = min(items.count - 1, stop < 0 ? stop + items.count : stop)
        return .array(first <= last ? items[first...last].map { .bulk($0) } : [])
    }

    // MARK: Values of one kind

    /// As Redis reads integers: digits with an optional minus sign, nothing else.
    static func integer(_ word: [UInt8]) throws(RedisRefusal) -> Int {
        guard word.first != UInt8(ascii: "+"),
            let value = Int(String(decoding: word, as: UTF8.self))
        else { throw .notInteger }
        return value
    }

    private static func string(
        _ key: [UInt8], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> [UInt8]? {
        switch database.value(key, at: now) {
        case nil: return nil
        case .string(let bytes): return bytes
        default: throw .wrongType
        }
    }

    private static func list(
        _ key: [UInt8], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> [[UInt8]] {
        switch database.value(key, at: now) {
        case nil: return []
        case .list(let items): return items
        default: throw .wrongType
        }
    }

    private static func hash(
        _ key: [UInt8], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> OrderedTable<[UInt8], [UInt8]> {
        switch database.value(key, at: now) {
        case nil: return OrderedTable()
        case .hash(let fields): return fields
        default: throw .wrongType
        }
    }

    private static func set(
        _ key: [UInt8], _ database: inout RedisDatabase, _ now: Instant
    ) throws(RedisRefusal) -> OrderedTable<[UInt8], Bool> {
        switch database.value(key, at: now) {
        case nil: return OrderedTable()
        case .set(let members): return members
        default: throw .wrongType
        }
    }
}
