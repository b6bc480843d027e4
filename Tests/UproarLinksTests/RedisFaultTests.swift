import Glibc
import Testing
import UproarCore
import UproarFaults
import UproarLinks
import UproarRuntime
import UproarSimulation
import UproarWire

/// Redis faults at a link before the small server in simulation.
@Suite struct RedisFaultTests {
    private final class Stage {
        let link: LinkStage
        let redis: SimulatedRedis

        init() throws {
            // The server's world is the link's own: one loop, one network.
            var server: SimulatedRedis?
            let port: UInt16 = 6_379
            link = try LinkStage(readsRedis: true, upstream: .loopback(port))
            server = try SimulatedRedis(
                loop: link.world.loop, network: link.world.network, endpoint: .loopback(port))
            redis = server!
        }

        /// Says commands in one write and returns what was answered within the time.
        func say(_ commands: [String], on client: LinkPeer, within time: Duration = .zero) -> String
        {
            let before = client.bytes.count
            var bytes: [UInt8] = []
            for command in commands {
                RESPCommand.write(command.split(separator: " ").map(String.init), into: &bytes)
            }
            client.send(bytes)
            link.run(time)
            return String(decoding: client.bytes[before...], as: UTF8.self)
        }
    }

    @Test func withoutAFaultItIsRedis() throws {
        let stage = try Stage()
        let client = stage.link.connect()
        #expect(
            stage.say(["SET a 1", "GET a", "INCR a"], on: client) == "+OK\r\n$1\r\n1\r\n:2\r\n")
    }

    @Test func whatHangsIsAnsweredAfterwards() throws {
        let stage = try Stage()
        let client = stage.link.connect()
        stage.link.arm("hang", for: .seconds(2))
        #expect(stage.say(["SET a 1", "GET a"], on: client, within: .milliseconds(1_999)) == "")
        stage.link.run(.milliseconds(1))
        #expect(client.text == "+OK\r\n$1\r\n1\r\n")
        #expect(client.reason == nil)
        #expect(stage.link.effects.count == 2)
    }

    @Test func writesAloneMayHang() throws {
        let stage = try Stage()
        let client = stage.link.connect()
        stage.link.arm("hang", [("commands", .text("write"))])
        #expect(stage.say(["GET a"], on: client) == "$-1\r\n")
        #expect(stage.say(["SET a 1", "GET a"], on: client) == "", "what follows waits its turn")
        stage.link.relay.clear("f")
        stage.link.run(.zero)
        #expect(client.text == "$-1\r\n+OK\r\n$1\r\n1\r\n")
    }

    @Test func refusalsStandInTheirPlaceAmongTheReplies() throws {
        let stage = try Stage()
        let client = stage.link.connect()
        stage.link.arm("error", [("kind", .text("READONLY"))])
        let answers = stage.say(["GET a", "SET a 1", "GET a", "DEL a", "PING"], on: client)
        let refusal = "-READONLY You can't write against a read only replica.\r\n"
        #expect(answers == "$-1\r\n" + refusal + "$-1\r\n" + refusal + "+PONG\r\n")
        stage.link.relay.clear("f")
        #expect(stage.say(["SET a 1"], on: client) == "+OK\r\n")
    }

    @Test func whereChoosesCommands() throws {
        let stage = try Stage()
        let client = stage.link.connect()
        stage.link.arm("error", [("kind", .text("LOADING"))]) {
            $0.scope.conditions = [.init("command", "get")]
        }
        let loading = "-LOADING Redis is loading the dataset in memory\r\n"
        #expect(
            stage.say(["SET a 1", "GET a", "EXISTS a"], on: client) == "+OK\r\n\(loading):1\r\n")
    }

    @Test(arguments: RedisErrorKind.allCases)
    func eachErrorSpeaksRedisWords(kind: RedisErrorKind) throws {
        let stage = try Stage()
        let client = stage.link.connect()
        stage.link.arm("error", [("kind", .text(kind.rawValue))])
        let answer = stage.say(["SET a 1"], on: client)
        #expect(answer.hasPrefix("-\(kind.rawValue) ") && answer.hasSuffix("\r\n"))
        #expect(stage.redis.connectionCount == 1)
    }

    @Test func slowCommandsAddUpOnAConnection() throws {
        let stage = try Stage()
        let client = stage.link.connect()
        stage.link.arm("slow", [("delay", .draw(ms: 40))])
        _ = stage.say(["SET a 1", "GET a", "GET a"], on: client, within: .milliseconds(200))
        #expect(client.chunks.map { $0.at.milliseconds } == [40, 80, 120])
    }

    @Test func aDropMeetsWhatStandsAndNothingElse() throws {
        let stage = try Stage()
        let old = stage.link.connect()
        _ = stage.say(["PING"], on: old)
        stage.link.run(.milliseconds(1))
        stage.link.arm("drop_connections")
        stage.link.run(.milliseconds(1))
        #expect(old.reason == .failed(errno: ECONNRESET))
        let new = stage.link.connect()
        #expect(stage.say(["PING"], on: new) == "+PONG\r\n")
    }

    /// An old master that lives on read-only keeps its old connections; who connects anew reaches the new one.
    @Test func afterAFailoverOldConnectionsStayWithTheOldMaster() throws {
        let stage = try Stage()
        let old = stage.link.connect()
        stage.link.arm(
            "failover", [("old", .text("read_only")), ("promotion", .ms(2_000))])
        #expect(stage.say(["SET a 1"], on: old).hasPrefix("-READONLY"))
        #expect(stage.say(["GET a"], on: old) == "$-1\r\n")
        stage.link.run(.seconds(3))
        #expect(stage.say(["SET a 1"], on: old).hasPrefix("-READONLY"))
        let new = stage.link.connect()
        #expect(stage.say(["SET a 1"], on: new) == "+OK\r\n")
    }

    @Test func aDeadMasterRefusesUntilTheReplicaIsPromoted() throws {
        let stage = try Stage()
        let old = stage.link.connect()
        stage.link.run(.milliseconds(1))
        stage.link.arm("failover", [("old", .text("dead")), ("promotion", .ms(2_000))])
        stage.link.run(.milliseconds(1))
        #expect(old.reason == .failed(errno: ECONNRESET))
        let early = stage.link.connect()
        stage.link.run(.zero)
        #expect(early.reason == .failed(errno: ECONNRESET))
        stage.link.run(.seconds(2))
        let late = stage.link.connect()
        #expect(stage.say(["PING"], on: late) == "+PONG\r\n")
    }

    @Test func aHungMasterSaysNothing() throws {
        let stage = try Stage()
        let old = stage.link.connect()
        stage.link.arm("failover", [("old", .text("hung")), ("promotion", .ms(2_000))])
        #expect(stage.say(["PING"], on: old, within: .seconds(5)) == "")
        #expect(old.reason == nil)
        let new = stage.link.connect()
        #expect(stage.say(["PING"], on: new) == "+PONG\r\n")
    }

    @Test func aRestartLosesConnectionsAndKeys() throws {
        let stage = try Stage()
        let old = stage.link.connect()
        _ = stage.say(["SET a 1"], on: old)
        stage.link.run(.milliseconds(1))
        stage.link.arm("restart_empty", [("down", .ms(1_000)), ("loading", .ms(1_000))])
        stage.link.run(.milliseconds(500))
        #expect(old.reason == .failed(errno: ECONNRESET))
        let refused = stage.link.connect()
        stage.link.run(.milliseconds(600))
        #expect(refused.reason == .failed(errno: ECONNRESET))
        let new = stage.link.connect()
        #expect(stage.say(["GET a"], on: new).hasPrefix("-LOADING"))
        stage.link.run(.seconds(1))
        #expect(stage.say(["GET a"], on: new) == "$-1\r\n")
    }

    @Test func tooManyClientsAreTold() throws {
        let stage = try Stage()
        let old = stage.link.connect()
        stage.link.arm("maxclients")
        let new = stage.link.connect()
        stage.link.run(.zero)
        #expect(new.text == "-ERR max number of clients reached\r\n")
        #expect(new.reason == .ended)
        #expect(stage.say(["PING"], on: old) == "+PONG\r\n")
    }

    /// A fault that begins in the middle of a command leaves that one alone.
    @Test func commandsCutAnywhereAreReadWhole() throws {
        let stage = try Stage()
        let client = stage.link.connect()
        var bytes: [UInt8] = []
        for _ in 0..<3 { RESPCommand.write(["SET", "key", "value"], into: &bytes) }
        client.send(Array(bytes[..<10]))
        stage.link.run(.zero)
        stage.link.arm("error", [("kind", .text("READONLY"))])
        for byte in bytes[10...] {
            client.send([byte])
            stage.link.run(.zero)
        }
        let refusal = "-READONLY You can't write against a read only replica.\r\n"
        #expect(client.text == "+OK\r\n" + refusal + refusal)
    }

    /// 99.9 % of binomial draws of 1,000 with p = 1/5 lie within 159…242.
    @Test func publishedMessagesAreLostAndRepliesAreNot() throws {
        let stage = try LinkStage(readsRedis: true)
        stage.onServed = { end in
            end.onReceived = { end in
                guard end.chunks.count == 1 else { return }
                end.send("*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n")
            }
        }
        // The stage's own server plays a Redis that publishes.
        let client = stage.connect()
        client.send("*2\r\n$9\r\nSUBSCRIBE\r\n$2\r\nch\r\n")
        stage.run(.zero)
        stage.arm("pubsub_loss", for: .seconds(100), chance: Chance(1, of: 5))
        let server = try #require(stage.served.first)
        let message = "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$3\r\nabc\r\n"
        let before = client.bytes.count
        for _ in 0..<1_000 {
            server.send(message)
            stage.run(.zero)
        }
        let passed = (client.bytes.count - before) / message.utf8.count
        #expect((client.bytes.count - before) % message.utf8.count == 0)
        #expect((159...242).contains(1_000 - passed))
        #expect(stage.effects.count == 1_000 - passed)
    }

    @Test func whatIsNoRedisPassesAsItIs() throws {
        let stage = try LinkStage(readsRedis: true)
        let client = stage.connect()
        stage.arm("error", [("kind", .text("READONLY"))])
        client.send("*1\r\n!bad\r\nrest")
        stage.run(.zero)
        #expect(stage.served.first?.text == "*1\r\n!bad\r\nrest")
    }
}
