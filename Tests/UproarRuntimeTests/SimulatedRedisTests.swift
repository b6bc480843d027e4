import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime
import UproarSimulation
import UproarWire

/// The small server in simulation says what a real one says.
@Suite struct SimulatedRedisTests {
    /// A connection that keeps the replies in order.
    private final class RedisClient: ByteStreamHandler {
        var stream: (any ByteStream)!
        private var decoder = RESPDecoder()
        private(set) var replies: [RESPValue] = []
        private(set) var reason: CloseReason?

        func send(_ line: String) {
            var bytes: [UInt8] = []
            RESPCommand.write(line.split(separator: " ").map(String.init), into: &bytes)
            stream.write(bytes.span.bytes)
        }

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            decoder.receive(bytes)
            while let reply = try? decoder.next() { replies.append(reply) }
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) { self.reason = reason }
    }

    private final class Stage {
        let world = SimulatedWorld(seed: Seed(1))
        let redis: SimulatedRedis

        init(password: String? = nil) throws {
            redis = try SimulatedRedis(
                loop: world.loop, network: world.network, password: password)
        }

        func connect() -> RedisClient {
            let client = RedisClient()
            client.stream = world.network.connect(
                to: redis.endpoint ?? .loopback(1), options: ConnectOptions(), handler: client)
            return client
        }

        func replies(to lines: [String], on client: RedisClient? = nil) -> [RESPValue] {
            let client = client ?? connect()
            let before = client.replies.count
            for line in lines { client.send(line) }
            world.run(for: .milliseconds(1))
            return Array(client.replies[before...])
        }
    }

    /// What session stores say, right and wrong, in an order in which each depends on those before.
    private static let script = """
        PING
        PING hello
        ECHO there
        GET none
        SET a 1
        GET a
        set a 2 EX 100
        TTL a
        EXISTS a a none
        SET a 3 NX
        SET b 3 XX
        SET b 3 NX GET
        SET a 4 GET
        TTL a
        SET a 5 PX 100000
        SET a 6 KEEPTTL
        TTL a
        PERSIST a
        PERSIST a
        TTL a
        TTL none
        PTTL none
        SETEX c 50 value
        TTL c
        EXPIRE c 70
        TTL c
        EXPIRE none 70
        PSETEX d 90000 value
        TTL d
        PEXPIRE d 60000
        TTL d
        EXPIRE d -1
        EXISTS d
        SETEX c 0 value
        SETEX c -5 value
        SETEX c x value
        SET c v EX 0
        SET c v EX
        SET c v EX 1 PX 2
        SET c v NX XX
        SET c v SOMETHING
        SETNX c other
        SETNX e other
        DEL a b none
        UNLINK e
        INCR n
        INCRBY n 41
        DECR n
        GET n
        INCR c
        SET n 9223372036854775807
        INCR n
        INCRBY n x
        HSET h f 1 g 2
        HSET h f 3 i 4
        HGET h f
        HGET h none
        HGET none f
        HGETALL h
        HGETALL none
        HLEN h
        HSETNX h f 9
        HSETNX h new 9
        HVALS h
        HKEYS h
        HVALS none
        HEXISTS h new
        HEXISTS h none
        HSETNX h
        HDEL h new
        HDEL h f none
        HSET h odd
        HSET h f 1 g
        EXPIRE h 100
        HSET h j 5
        TTL h
        HDEL h g i j
        EXISTS h
        RPUSH l a b c
        LPUSH l x y
        LLEN l
        LRANGE l 0 -1
        LRANGE l 1 2
        LRANGE l -2 -1
        LRANGE l 5 10
        LRANGE l -100 0
        LRANGE l x 0
        LRANGE none 0 -1
        SADD s only
        SADD s only
        SMEMBERS s
        SISMEMBER s only
        SISMEMBER s other
        SCARD s
        SREM s only none
        EXISTS s
        TYPE l
        TYPE none
        GET l
        INCR l
        HGET l f
        SADD l m
        LRANGE c 0 1
        SET l 1
        GET l
        SELECT 1
        GET l
        SET l other
        DBSIZE
        SELECT 16
        SELECT x
        SELECT 0
        GET l
        NOSUCH a b
        GET
        GET a b
        MULTI
        SET t 1
        INCR t
        GET l x
        EXEC
        EXISTS t
        MULTI
        SET t 1
        INCR t
        LRANGE t 0 1
        EXEC
        GET t
        MULTI
        MULTI
        SET t 9
        DISCARD
        GET t
        EXEC
        DISCARD
        CLIENT SETNAME session
        CLIENT SETINFO-NO
        AUTH nobody nothing
        FLUSHDB
        DBSIZE
        FLUSHALL
        """.split(separator: "\n").map(String.init)

    @Test func theScriptIsAnsweredAsByARealServer() throws {
        let stage = try Stage()
        let ours = stage.replies(to: Self.script)
        #expect(ours.count == Self.script.count)
        guard access("/usr/bin/redis-server", X_OK) == 0 else { return }
        let real = try Self.repliesOfARealServer()
        for (line, (ours, real)) in zip(Self.script, zip(ours, real)) {
            // Which user names exist and which subcommands are known is the server's own matter.
            if line.hasPrefix("AUTH") || line.hasPrefix("CLIENT") { continue }
            #expect(ours == real, "\(line)")
        }
        #expect(real.count == ours.count)
    }

    private static func repliesOfARealServer() throws -> [RESPValue] {
        let path = "/tmp/uproar-redis-\(getpid()).sock"
        let words = [
            "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--daemonize", "no",
            "--logfile", "/dev/null",
        ]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        #expect(
            posix_spawn(&process, "/usr/bin/redis-server", nil, nil, &arguments, environ) == 0)
        defer {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
            unlink(path)
        }
        let world = TestWorld(.posix)
        var client = RedisClient()
        let end = world.loop.now + .seconds(20)
        // It listens when it answers; until then connecting fails at once.
        while client.replies.isEmpty, world.loop.now < end {
            client = RedisClient()
            client.stream = world.network.connect(
                to: .unix(path: path), options: ConnectOptions(), handler: client)
            client.send("PING")
            while client.replies.isEmpty, client.reason == nil, world.loop.now < end {
                world.loop.runOnce(until: end)
            }
            if client.replies.isEmpty { world.loop.run(until: world.loop.now + .milliseconds(5)) }
        }
        for line in script { client.send(line) }
        world.run { client.replies.count == script.count + 1 }
        return Array(client.replies.dropFirst())
    }

    @Test func keysExpireInVirtualTimeToTheMillisecond() throws {
        let stage = try Stage()
        let client = stage.connect()
        #expect(stage.replies(to: ["SETEX session 3600 state"], on: client) == [.ok])
        stage.world.run(for: .seconds(3599))
        #expect(stage.replies(to: ["GET session"], on: client) == [.bulk("state")])
        #expect(stage.replies(to: ["TTL session"], on: client) == [.integer(1)])
        stage.world.run(for: .seconds(1))
        #expect(
            stage.replies(to: ["GET session", "TTL session", "DBSIZE"], on: client)
                == [.null, .integer(-2), .integer(0)])
    }

    @Test func withAPasswordNothingIsDoneBeforeTheLogin() throws {
        let stage = try Stage(password: "secret")
        let replies = stage.replies(to: [
            "GET a", "AUTH wrong", "AUTH secret", "GET a", "HELLO 2 AUTH default wrong",
            "AUTH default secret",
        ])
        #expect(replies[0] == .error("NOAUTH Authentication required."))
        #expect(replies[1].text?.hasPrefix("WRONGPASS") == true)
        #expect(replies[2] == .ok)
        #expect(replies[3] == .null)
        #expect(replies[4].text?.hasPrefix("WRONGPASS") == true)
        #expect(replies[5] == .ok)
    }

    @Test func helloNamesTheServerAndRefusesVersionsItDoesNotSpeak() throws {
        let stage = try Stage()
        let replies = stage.replies(to: ["HELLO 2", "HELLO 3", "HELLO 2 SETNAME x", "HELLO 2 X"])
        guard case .array(let items) = replies[0] else {
            Issue.record("\(replies[0])")
            return
        }
        #expect(items.prefix(2) == [.bulk("server"), .bulk("redis")])
        #expect(replies[1] == .error("NOPROTO unsupported protocol version"))
        if case .array = replies[2] {} else { Issue.record("\(replies[2])") }
        #expect(replies[3].text?.hasPrefix("ERR Syntax error in HELLO option 'X'") == true)
    }

    @Test func itsFaultsAreThoseOfRedis() throws {
        let stage = try Stage()
        let client = stage.connect()
        stage.redis.isReadOnly = true
        #expect(
            stage.replies(to: ["SET a 1", "GET a", "FLUSHALL"], on: client) == [
                .error("READONLY You can't write against a read only replica."), .null,
                .error("READONLY You can't write against a read only replica."),
            ])
        stage.redis.isLoading = true
        #expect(
            stage.replies(to: ["GET a"], on: client)
                == [.error("LOADING Redis is loading the dataset in memory")])
        stage.redis.kill()
        stage.world.run(for: .milliseconds(1))
        #expect(client.reason == .failed(errno: ECONNRESET))
        #expect(stage.redis.connectionCount == 0)
    }

    @Test func whatIsNoCommandEndsTheConnection() throws {
        for bytes in ["!!\r\n", "+OK\r\n", "*1\r\n:5\r\n"] {
            let stage = try Stage()
            let client = stage.connect()
            client.stream.write(Array(bytes.utf8).span.bytes)
            stage.world.run(for: .milliseconds(1))
            #expect(client.replies.first?.text?.hasPrefix("ERR Protocol error") == true)
            #expect(client.reason == .ended)
        }
    }

    @Test func commandsMayComeByteByByteAndInBulk() throws {
        let stage = try Stage()
        let client = stage.connect()
        var bytes: [UInt8] = []
        for line in ["SET a 1", "INCR a", "GET a"] {
            RESPCommand.write(line.split(separator: " ").map(String.init), into: &bytes)
        }
        stage.world.network.window = 1
        client.stream.write(bytes.span.bytes)
        stage.world.run(for: .milliseconds(1))
        #expect(client.replies == [.ok, .integer(2), .bulk("2")])
    }
}
