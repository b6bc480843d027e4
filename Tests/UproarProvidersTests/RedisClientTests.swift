import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarProviders

@Suite struct RedisClientTests {
    private final class Scene {
        let world = SimulatedWorld()
        let redis = ScriptedRedis()
        var listener: (any Listener)?
        let client: RedisClient
        var log: [String] = []

        init(
            _ url: String = "redis://localhost:6379", listens: Bool = true,
            options: RedisClient.Options = .init()
        ) throws {
            client = RedisClient(
                try RedisPlaces(url), network: world.network, loop: world.loop,
                random: RandomStream(state: 1), options: options)
            if listens { try listen() }
        }

        func listen() throws {
            listener = try world.network.listen(
                on: .loopback(6379), options: ListenOptions(), handler: redis)
        }

        func send(_ words: String...) {
            client.send(words) { [self] reply in
                let text =
                    switch reply {
                    case .success(.bulk(let bytes)): String(decoding: bytes, as: UTF8.self)
                    case .success(let value): "\(value)"
                    case .failure(let failure): "\(failure)"
                    }
                log.append("\(world.now.milliseconds) \(text)")
            }
        }

        func run(_ milliseconds: Int64) { world.run(for: .milliseconds(milliseconds)) }
    }

    @Test func commandsSentTogetherTravelTogetherAndAreAnsweredInOrder() throws {
        let scene = try Scene()
        scene.redis.strings = ["a": Array("1".utf8), "b": Array("2".utf8)]
        scene.send("GET", "a")
        scene.send("GET", "b")
        scene.send("GET", "c")
        #expect(scene.log == [])
        scene.run(10)
        #expect(scene.log == ["0 1", "0 2", "0 null"])
        #expect(scene.redis.connections.count == 1)
        #expect(scene.redis.connections[0].reads == 1)
        #expect(scene.client.isConnected)
    }

    @Test func nothingIsDialledBeforeThereIsSomethingToSay() throws {
        let scene = try Scene()
        scene.run(1000)
        #expect(scene.redis.connections.isEmpty)
    }

    @Test func passwordAndDatabaseComeFirst() throws {
        let scene = try Scene("redis://anna:s%40crit@localhost/3")
        scene.redis.password = "s@crit"
        scene.send("GET", "a")
        scene.run(10)
        #expect(scene.redis.log == ["AUTH anna s@crit", "SELECT 3", "GET a"])
        #expect(scene.log == ["0 null"])
    }

    @Test func aWrongPasswordFailsWhatWaits() throws {
        let scene = try Scene("redis://:wrong@localhost")
        scene.redis.password = "right"
        scene.send("GET", "a")
        scene.send("GET", "b")
        scene.run(10)
        let refusal = StoreFailure.refused("WRONGPASS invalid username-password pair")
        #expect(scene.log == ["0 \(refusal)", "0 \(refusal)"])
        #expect(scene.redis.log == ["AUTH wrong"])
    }

    @Test func anErrorLineIsTheCommandsOwn() throws {
        let scene = try Scene()
        scene.send("FLY")
        scene.send("GET", "a")
        scene.run(10)
        #expect(scene.log == ["0 \(StoreFailure.refused("ERR unknown command 'FLY'"))", "0 null"])
    }

    @Test func aMuteServerCostsTheDeadlineAndTheConnection() throws {
        let scene = try Scene()
        scene.redis.isMute = true
        scene.send("GET", "a")
        scene.run(400)
        scene.send("GET", "b")
        scene.run(50)
        #expect(scene.log == [])
        scene.run(100)
        #expect(scene.log == ["500 timedOut", "500 timedOut"])
        #expect(scene.redis.connections[0].isClosed)
        scene.redis.isMute = false
        scene.send("GET", "c")
        scene.run(100)
        #expect(scene.log.count == 3)
        #expect(scene.log[2].hasSuffix(" null"))
        #expect(scene.redis.connections.count == 2)
    }

    @Test func aBrokenConnectionFailsWhatWasWrittenAndKeepsWhatWasNot() throws {
        let scene = try Scene()
        scene.send("GET", "a")
        scene.run(10)
        scene.redis.isMute = true
        scene.send("GET", "b")
        scene.run(10)
        scene.redis.connections[0].cut()
        scene.run(1)
        #expect(scene.log.count == 2)
        #expect(scene.log[1].contains("unreachable"))
        scene.redis.isMute = false
        // Sent during the pause: waits for the next connection.
        scene.send("GET", "c")
        scene.run(100)
        #expect(scene.log.count == 3)
        #expect(scene.log[2].hasSuffix(" null"))
    }

    @Test func commandsWaitForAServerThatComesBackInTime() throws {
        let scene = try Scene(listens: false)
        scene.send("GET", "a")
        scene.run(300)
        #expect(scene.log == [])
        try scene.listen()
        scene.run(200)
        #expect(scene.log.count == 1)
        #expect(scene.log[0].hasSuffix(" null"))
    }

    @Test func withoutAServerEveryCommandFailsAtItsDeadline() throws {
        let scene = try Scene(listens: false)
        scene.send("GET", "a")
        scene.run(200)
        scene.send("GET", "b")
        scene.run(1000)
        let refused = StoreFailure.unreachable("Connection refused")
        #expect(scene.log == ["500 \(refused)", "700 \(refused)"])
        #expect(scene.client.waitingCommandCount == 0)
    }

    @Test func aFullQueueRefusesAtOnce() throws {
        var options = RedisClient.Options()
        options.queueLimit = 2
        let scene = try Scene(listens: false, options: options)
        scene.send("GET", "a")
        scene.send("GET", "b")
        scene.send("GET", "c")
        #expect(scene.log == [])
        scene.run(1)
        #expect(scene.log == ["0 \(StoreFailure.unreachable("2 commands are waiting"))"])
    }

    @Test func whatIsNoRedisIsSaidToBeNone() throws {
        let scene = try Scene()
        scene.redis.isMute = true
        scene.send("GET", "a")
        scene.run(1)
        scene.redis.connections[0].send("HTTP/1.1 400 Bad Request\r\n")
        scene.run(1)
        #expect(scene.log.count == 1)
        #expect(scene.log[0].contains("malformed"))
    }

    @Test func aReplyMayLeadToTheNextCommand() throws {
        let scene = try Scene()
        scene.redis.strings["a"] = Array("b".utf8)
        scene.redis.strings["b"] = Array("end".utf8)
        scene.client.send(["GET", "a"]) { reply in
            guard case .success(.bulk(let next)) = reply else { return }
            scene.send("GET", String(decoding: next, as: UTF8.self))
        }
        scene.run(1)
        #expect(scene.log == ["0 end"])
    }

    @Test func closingFailsWhatWaits() throws {
        let scene = try Scene(listens: false)
        scene.send("GET", "a")
        scene.client.close()
        scene.send("GET", "b")
        scene.run(10)
        let closed = StoreFailure.unreachable("closed")
        #expect(scene.log == ["0 \(closed)", "0 \(closed)"])
    }

    // MARK: Stores

    @Test func sessionsAreKeptLoadedAndDeleted() throws {
        let scene = try Scene()
        let store = RedisSessionStore(scene.client)
        var found: [[UInt8]?] = []
        store.load("voice:session:1") { found.append(try? $0.get()) }
        store.save([1, 0, 255], at: "voice:session:1", keepFor: .seconds(3600)) { _ in }
        store.load("voice:session:1") { found.append(try? $0.get()) }
        store.delete("voice:session:1") { _ in }
        store.load("voice:session:1") { found.append(try? $0.get()) }
        scene.run(1)
        #expect(found == [nil, [1, 0, 255], nil])
        #expect(scene.redis.log[1].hasPrefix("SETEX voice:session:1 3600 "))
    }

    @Test func aTaskCreatedTwiceIsOneTask() throws {
        let scene = try Scene()
        let store = RedisTaskStore(scene.client)
        let milk = StoredTask(id: "call_b", title: "milk", createdAt: 20)
        let bread = StoredTask(id: "call_a", title: "bread", createdAt: 10)
        for task in [milk, bread, milk] { store.create(task, owner: "u") { _ in } }
        var done = milk
        done.isDone = true
        store.update(done, owner: "u") { _ in }
        store.create(milk, owner: "u") { _ in }
        var listed: [StoredTask]?
        store.list(owner: "u") { listed = try? $0.get() }
        scene.run(1)
        #expect(listed == [bread, done])
    }

    @Test(
        arguments: [
            ("redis://localhost", "localhost", 6379, nil, nil, 0, false),
            ("redis://:pw@10.0.0.1:7000/2", "10.0.0.1", 7000, nil, "pw", 2, false),
            ("rediss://u:p%3Aw@h/", "h", 6379, "u", "p:w", 0, true),
            ("redis://[::1]:6380", "::1", 6380, nil, nil, 0, false),
        ] as [(String, String, UInt16, String?, String?, Int, Bool)])
    func urlsAreRead(
        text: String, host: String, port: UInt16, user: String?, password: String?, database: Int,
        usesTLS: Bool
    ) throws {
        let url = try RedisURL(text)
        #expect(url.host == host && url.port == port)
        #expect(url.user == user && url.password == password)
        #expect(url.database == database && url.usesTLS == usesTLS)
    }

    @Test(arguments: ["localhost:6379", "http://h", "redis://", "redis://h:x", "redis://h/x"])
    func otherTextsAreNone(text: String) {
        #expect(throws: RedisURLError.self) { try RedisURL(text) }
    }
}
