import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarProviders

@Suite struct RedisPlacesTests {
    @Test func aListOfServersIsReadInItsOrder() throws {
        guard case .servers(let urls) = try RedisPlaces("redis://a:1, rediss://:pw@b/2") else {
            Issue.record("no servers")
            return
        }
        #expect(urls.map(\.host) == ["a", "b"])
        #expect(urls[1].usesTLS && urls[1].database == 2 && urls[1].password == "pw")
    }

    @Test func sentinelsAreReadWithTheirMaster() throws {
        let text = "redis-sentinel://anna:pw@s1,s2:26380, [::1]:1/3#mymaster"
        guard case .sentinels(let sentinels, let master, let url) = try RedisPlaces(text) else {
            Issue.record("no sentinels")
            return
        }
        #expect(
            sentinels == [
                .init(host: "s1", port: 26379), .init(host: "s2", port: 26380),
                .init(host: "::1", port: 1),
            ])
        #expect(master == "mymaster")
        #expect(url.user == "anna" && url.password == "pw" && url.database == 3 && !url.usesTLS)
    }

    @Test func aPasswordFillsWhereThereIsNone() throws {
        var places = try RedisPlaces("redis://:own@a, redis://b")
        places.fill(password: "shared")
        guard case .servers(let urls) = places else { return }
        #expect(urls.map(\.password) == ["own", "shared"])
        #expect(places.description == "a:6379, b:6379")
    }

    @Test(arguments: [
        "", " , ", "redis-sentinel://s1", "redis-sentinel://s1#", "redis-sentinel://#m",
        "redis-sentinel://s1/x#m", "redis-sentinel://s1:x#m", "http://a",
    ])
    func otherTextsAreNone(text: String) {
        #expect(throws: RedisURLError.self) { try RedisPlaces(text) }
    }

    // MARK: Who is the master

    private final class Scene {
        let world = SimulatedWorld()
        var servers: [ScriptedRedis] = []
        var listeners: [any Listener] = []
        var client: RedisClient!

        /// Servers at 7001, 7002, …
        init(_ places: String, servers count: Int, sentinelPassword: String? = nil) throws {
            var options = RedisClient.Options()
            options.sentinelPassword = sentinelPassword
            client = RedisClient(
                try RedisPlaces(places), network: world.network, loop: world.loop,
                random: RandomStream(state: 1), options: options)
            for index in 0..<count {
                let server = ScriptedRedis()
                servers.append(server)
                listeners.append(
                    try world.network.listen(
                        on: .loopback(7001 + UInt16(index)), options: ListenOptions(),
                        handler: server))
            }
        }

        func ask() -> String {
            var text = "nothing"
            client.send(["GET", "who"]) { reply in
                switch reply {
                case .success(.bulk(let bytes)): text = String(decoding: bytes, as: UTF8.self)
                case .success(let value): text = "\(value)"
                case .failure(let failure): text = "\(failure)"
                }
            }
            world.run(for: .seconds(1))
            return text
        }
    }

    @Test func aReplicaIsLeftBeforeAnythingIsAskedOfIt() throws {
        let scene = try Scene(
            "redis://127.0.0.1:7001, redis://127.0.0.1:7002, redis://127.0.0.1:7003", servers: 3)
        for (index, server) in scene.servers.enumerated() {
            server.role = index == 2 ? "master" : "slave"
            server.strings["who"] = Array("server \(index)".utf8)
        }
        #expect(scene.ask() == "server 2")
        #expect(scene.servers[0].log == ["ROLE"])
        #expect(scene.servers[1].log == ["ROLE"])
    }

    @Test func whoDoesNotTellItsRoleIsTakenForAMaster() throws {
        let scene = try Scene("redis://127.0.0.1:7001, redis://127.0.0.1:7002", servers: 2)
        scene.servers[0].strings["who"] = Array("first".utf8)
        #expect(scene.ask() == "first")
    }

    @Test func aLoneServerIsNotAskedForItsRole() throws {
        let scene = try Scene("redis://127.0.0.1:7001", servers: 1)
        _ = scene.ask()
        #expect(scene.servers[0].log == ["GET who"])
    }

    /// 7001 is no sentinel any more, 7002 knows nothing of the master, 7003 says where it is; 7004 is the old one.
    @Test func theFirstSentinelThatKnowsTheMasterIsBelieved() throws {
        let scene = try Scene(
            "redis-sentinel://:pw@127.0.0.1:7000,127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003/1#m",
            servers: 4)
        scene.servers[1].masters = [:]
        scene.servers[2].masters = ["m": ("127.0.0.1", 7004)]
        scene.servers[3].password = "pw"
        scene.servers[3].role = "master"
        scene.servers[3].strings["who"] = Array("the master".utf8)
        #expect(scene.ask() == "the master")
        #expect(scene.servers[2].log == ["SENTINEL GET-MASTER-ADDR-BY-NAME m"])
        #expect(scene.servers[3].log == ["AUTH pw", "SELECT 1", "ROLE", "GET who"])
    }

    @Test func aStaleSentinelIsAskedAgainUntilTheMasterIsOne() throws {
        let scene = try Scene(
            "redis-sentinel://127.0.0.1:7001#m", servers: 3, sentinelPassword: "s")
        let (sentinel, old, new) = (scene.servers[0], scene.servers[1], scene.servers[2])
        sentinel.password = "s"
        sentinel.masters = ["m": ("127.0.0.1", 7002)]
        old.role = "slave"
        new.role = "master"
        new.strings["who"] = Array("new".utf8)
        scene.world.loop.schedule(at: scene.world.now + .milliseconds(120)) {
            sentinel.masters = ["m": ("127.0.0.1", 7003)]
        }
        #expect(scene.ask() == "new")
        #expect(sentinel.log.prefix(2) == ["AUTH s", "SENTINEL GET-MASTER-ADDR-BY-NAME m"])
        #expect(old.log.count >= 1 && old.log.allSatisfy { $0 == "ROLE" })
    }

    @Test func whenTheMasterGoesTheSentinelsAreAskedWhereTheNextOneIs() throws {
        let scene = try Scene("redis-sentinel://127.0.0.1:7001#m", servers: 3)
        let (sentinel, first, second) = (scene.servers[0], scene.servers[1], scene.servers[2])
        sentinel.masters = ["m": ("127.0.0.1", 7002)]
        for (server, name) in [(first, "first"), (second, "second")] {
            server.role = "master"
            server.strings["who"] = Array(name.utf8)
        }
        #expect(scene.ask() == "first")
        sentinel.masters = ["m": ("127.0.0.1", 7003)]
        first.connections[0].cut()
        // What is asked before the end is known fails with it, for it may have been done.
        scene.world.run(for: .seconds(1))
        #expect(scene.ask() == "second")
    }

    @Test func withoutASentinelTheProblemSaysWhoWasAsked() throws {
        let scene = try Scene("redis-sentinel://127.0.0.1:7000#m", servers: 0)
        #expect(scene.ask().contains("sentinel 127.0.0.1:7000: Connection refused"))
    }
}
