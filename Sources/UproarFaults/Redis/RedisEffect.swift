import UproarCore

/// What a fault does to commands and connections of a link that reads Redis' protocol.
package enum RedisEffect: Hashable, Sendable {
    /// Commands wait until it is over, all of them or writes alone.
    case hang(writesOnly: Bool)
    /// Each command later by a draw, one after another.
    case slow(Distribution)
    /// Commands are answered with this error, and never reach the server.
    case error(RedisErrorKind)
    /// Connections that stand are reset when the fault meets them; those that have subscribed alone, or all.
    case drop(subscribersOnly: Bool)
    /// The master is gone and a replica takes its place after a while.
    case failover(old: OldMaster, promotion: Duration)
    /// Gone for `down`, loading for `loading`, back without any key.
    case restart(down: Duration, loading: Duration)
    /// New connections are told that there are too many.
    case maximumClients(resetsOpen: Bool)
    /// Published messages are lost.
    case publishLoss

    package enum OldMaster: String, CaseIterable, Hashable, Sendable {
        case readOnly = "read_only"
        case dead, hung
    }

    /// Asked for a connection, not for each command.
    package var isOfConnections: Bool {
        switch self {
        case .drop, .failover, .restart, .maximumClients: true
        case .hang, .slow, .error, .publishLoss: false
        }
    }

    /// What a connection that begins meets, so long after the fault began.
    package func admission(since time: Duration) -> LinkAdmission {
        switch self {
        case .failover(let old, let promotion) where time < promotion:
            switch old {
            case .readOnly: .pass
            case .dead: .refuse
            case .hung: .mute
            }
        case .restart(let down, _) where time < down: .refuse
        case .maximumClients:
            .answer(Array("-ERR max number of clients reached\r\n".utf8))
        default: .pass
        }
    }

    /// Whether it is about this command at all. `isNamed`: `where` chooses commands itself.
    func minds(_ command: String?, isWrite: Bool, isNamed: Bool) -> Bool {
        switch self {
        case .hang(let writesOnly): !writesOnly || isWrite
        case .error(let kind): isNamed || kind.minds(command ?? "", isWrite: isWrite)
        default: true
        }
    }
}

/// An error reply, in Redis' own words (redis.io, src/server.c and src/cluster.c).
package enum RedisErrorKind: String, CaseIterable, Hashable, Sendable {
    case readOnly = "READONLY"
    case loading = "LOADING"
    case masterDown = "MASTERDOWN"
    case outOfMemory = "OOM"
    case moved = "MOVED"
    case noAuth = "NOAUTH"
    case busy = "BUSY"

    package var line: String {
        switch self {
        case .readOnly: "READONLY You can't write against a read only replica."
        case .loading: "LOADING Redis is loading the dataset in memory"
        case .masterDown:
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
        case .outOfMemory: "OOM command not allowed when used memory > 'maxmemory'."
        case .moved: "MOVED 3999 127.0.0.1:6381"
        case .noAuth: "NOAUTH Authentication required."
        case .busy:
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
        }
    }

    /// A replica refuses writes, a full server what takes memory; loading, a lost master and the rest refuse nearly all.
    package func minds(_ command: String, isWrite: Bool) -> Bool {
        switch self {
        case .readOnly: isWrite
        case .outOfMemory:
            isWrite && !["DEL", "UNLINK", "EXPIRE", "FLUSHDB", "FLUSHALL"].contains(command)
        case .moved: !RedisCommands.keyless.contains(command)
        case .loading, .masterDown, .busy:
            !["AUTH", "HELLO", "QUIT", "INFO", "SHUTDOWN"].contains(command)
        case .noAuth: !["AUTH", "HELLO", "QUIT"].contains(command)
        }
    }
}

/// What is known of Redis' commands by name.
package enum RedisCommands {
    /// Those that a read-only replica refuses (redis.io, commands with the flag `write`).
    package static let writes: Set<String> = [
        "APPEND", "BITFIELD", "BITOP", "BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH",
        "BZMPOP", "BZPOPMAX", "BZPOPMIN", "COPY", "DECR", "DECRBY", "DEL", "EXPIRE", "EXPIREAT",
        "FLUSHALL", "FLUSHDB", "GEOADD", "GEORADIUS", "GEOSEARCHSTORE", "GETDEL", "GETEX",
        "GETSET", "HDEL", "HINCRBY", "HINCRBYFLOAT", "HMSET", "HSET", "HSETNX", "INCR", "INCRBY",
        "INCRBYFLOAT", "LINSERT", "LMOVE", "LMPOP", "LPOP", "LPUSH", "LPUSHX", "LREM", "LSET",
        "LTRIM", "MIGRATE", "MOVE", "MSET", "MSETNX", "PERSIST", "PEXPIRE", "PEXPIREAT", "PFADD",
        "PFMERGE", "PSETEX", "RENAME", "RENAMENX", "RESTORE", "RPOP", "RPOPLPUSH", "RPUSH",
        "RPUSHX", "SADD", "SDIFFSTORE", "SET", "SETBIT", "SETEX", "SETNX", "SETRANGE",
        "SINTERSTORE", "SMOVE", "SORT", "SPOP", "SREM", "SUNIONSTORE", "SWAPDB", "UNLINK", "XACK",
        "XADD", "XAUTOCLAIM", "XCLAIM", "XDEL", "XGROUP", "XREADGROUP", "XSETID", "XTRIM", "ZADD",
        "ZDIFFSTORE", "ZINCRBY", "ZINTERSTORE", "ZMPOP", "ZPOPMAX", "ZPOPMIN", "ZRANGESTORE",
        "ZREM", "ZREMRANGEBYLEX", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZUNIONSTORE", "EVAL",
        "EVALSHA", "FCALL",
    ]

    static let keyless: Set<String> = [
        "PING", "ECHO", "AUTH", "HELLO", "SELECT", "QUIT", "CLIENT", "INFO", "COMMAND", "CONFIG",
        "MULTI", "EXEC", "DISCARD", "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE",
        "PUBLISH", "DBSIZE", "TIME", "CLUSTER", "SCRIPT", "WAIT", "ROLE",
    ]

    package static let subscribing: Set<String> = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"]
}
