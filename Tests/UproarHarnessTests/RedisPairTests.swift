import Glibc
import Testing
import UproarCore
import UproarHarness
import UproarPosix
import UproarProviders
import UproarRuntime
import UproarWire

/// Two real servers, a master and its replica, and a client that knows both: what fails over when the master goes.
@Suite(.serialized) struct RedisPairTests {
    /// A `redis-server` of the test's, ended with it.
    private final class Server {
        let port: UInt16
        private let pid: pid_t
        /// A replica keeps what its master sent in a file, and a server reads such a file when it starts.
        private let folder: String

        convenience init(_ network: PosixNetwork, replicaOf master: UInt16? = nil) throws {
            var words = [
                "--save", "", "--requirepass", "s3cret", "--masterauth", "s3cret",
                "--repl-diskless-sync-delay", "0",
            ]
            if let master { words += ["--replicaof", "127.0.0.1", String(master)] }
            try self.init(network) { _ in words }
        }

        /// One that watches a master called `tasks`, and promotes its replica when it has been silent for 500 ms.
        convenience init(_ network: PosixNetwork, watching master: UInt16) throws {
            try self.init(network) { folder in
                let file = folder + "/sentinel.conf"
                let text = """
                    sentinel monitor tasks 127.0.0.1 \(master) 1
                    sentinel auth-pass tasks s3cret
                    sentinel down-after-milliseconds tasks 500
                    sentinel failover-timeout tasks 3000

                    """
                let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
                try #require(write(descriptor, text, text.utf8.count) == text.utf8.count)
                close(descriptor)
                return [file, "--sentinel"]
            }
        }

        private init(_ network: PosixNetwork, _ own: (String) throws -> [String]) throws {
            port = try network.freePort()
            var template = Array("/tmp/uproar-redis-XXXXXX".utf8CString)
            folder = try #require(mkdtemp(&template).map { String(cString: $0) })
            let common = [
                "--port", String(port), "--bind", "127.0.0.1", "--logfile", "/dev/null", "--dir",
                folder,
            ]
            let words = ["redis-server"] + (try own(folder)) + common
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
            var pid: pid_t = 0
            let code = posix_spawnp(&pid, "redis-server", nil, nil, &arguments, environ)
            for argument in arguments { free(argument) }
            try #require(code == 0, "redis-server is not installed (Debian package redis-server)")
            self.pid = pid
        }

        func send(_ signal: Int32) { kill(pid, signal) }

        deinit {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            unlink(folder + "/dump.rdb")
            unlink(folder + "/sentinel.conf")
            rmdir(folder)
        }
    }

    private struct Scene {
        let loop: EventLoop
        let network: PosixNetwork

        init() throws {
            let driver = try PosixDriver(clock: .starting())
            loop = EventLoop(driver: driver)
            network = PosixNetwork(loop: loop, driver: driver)
        }

        func client(_ servers: [Server], deadline: Duration = .milliseconds(500)) -> RedisClient {
            var options = RedisClient.Options()
            options.deadline = deadline
            return RedisClient(
                .servers(
                    servers.map {
                        var url = RedisURL(host: "127.0.0.1", port: $0.port)
                        url.password = "s3cret"
                        return url
                    }), network: network, loop: loop, random: RandomStream(state: 1),
                options: options)
        }

        /// One that asks the sentinel where the master is.
        func client(asking sentinel: Server) throws -> RedisClient {
            RedisClient(
                try RedisPlaces("redis-sentinel://:s3cret@127.0.0.1:\(sentinel.port)#tasks"),
                network: network, loop: loop, random: RandomStream(state: 1))
        }

        /// What one command comes to.
        func ask(_ client: RedisClient, _ words: String...) -> RedisClient.Reply {
            var reply: RedisClient.Reply?
            client.send(words) { reply = $0 }
            while reply == nil { loop.runOnce(until: loop.now + .milliseconds(20)) }
            return reply!
        }

        /// Asks until it is so, at most 20 s.
        func wait(
            _ what: Comment, at place: SourceLocation = #_sourceLocation,
            until isSo: () -> Bool
        ) {
            let limit = loop.now + .seconds(20)
            var isDone = isSo()
            while !isDone, loop.now < limit {
                loop.runOnce(until: loop.now + .milliseconds(20))
                isDone = isSo()
            }
            #expect(isDone, what, sourceLocation: place)
        }
    }

    private func isOK(_ reply: RedisClient.Reply) -> Bool {
        if case .success(.simple("OK")) = reply { true } else { false }
    }

    private func holds(_ reply: RedisClient.Reply, _ text: String) -> Bool {
        if case .success(.bulk(let bytes)) = reply { bytes == Array(text.utf8) } else { false }
    }

    @Test func aPromotedReplicaTakesOverWithEverythingThatWasWritten() throws {
        let scene = try Scene()
        let master = try Server(scene.network)
        let direct = scene.client([master])
        scene.wait("the master serves") { isOK(scene.ask(direct, "SET", "probe", "1")) }
        let replica = try Server(scene.network, replicaOf: master.port)
        let behind = scene.client([replica])
        let client = scene.client([master, replica])
        #expect(isOK(scene.ask(client, "SETEX", "voice:session:s", "3600", "kept")))
        scene.wait("the replica has it") {
            holds(scene.ask(behind, "GET", "voice:session:s"), "kept")
        }

        master.send(SIGKILL)
        scene.wait("the replica is promoted") { isOK(scene.ask(behind, "REPLICAOF", "NO", "ONE")) }
        scene.wait("writes go on") {
            isOK(scene.ask(client, "SETEX", "voice:session:t", "3600", "new"))
        }
        #expect(holds(scene.ask(client, "GET", "voice:session:s"), "kept"))
        #expect(holds(scene.ask(behind, "GET", "voice:session:t"), "new"))
    }

    @Test func aRealSentinelLeadsToTheMasterAndToTheOneThatItPromotes() throws {
        let scene = try Scene()
        let master = try Server(scene.network)
        let direct = scene.client([master])
        scene.wait("the master serves") { isOK(scene.ask(direct, "SET", "probe", "1")) }
        let replica = try Server(scene.network, replicaOf: master.port)
        let behind = scene.client([replica])
        let sentinel = try Server(scene.network, watching: master.port)
        let client = try scene.client(asking: sentinel)
        scene.wait("the sentinel leads to the master") {
            isOK(scene.ask(client, "SET", "voice:session:s", "kept"))
        }
        scene.wait("the replica has it") {
            holds(scene.ask(behind, "GET", "voice:session:s"), "kept")
        }
        // It promotes only replicas that it has seen.
        let watcher = RedisClient(
            RedisURL(host: "127.0.0.1", port: sentinel.port), network: scene.network,
            loop: scene.loop, random: RandomStream(state: 1))
        scene.wait("the sentinel has seen the replica") {
            if case .success(.array(let replicas)) = scene.ask(
                watcher, "SENTINEL", "REPLICAS", "tasks")
            {
                replicas.count == 1
            } else {
                false
            }
        }

        master.send(SIGKILL)
        scene.wait("writes go on at the one that was promoted") {
            isOK(scene.ask(client, "SET", "voice:session:t", "new"))
        }
        #expect(holds(scene.ask(client, "GET", "voice:session:s"), "kept"))
        #expect(holds(scene.ask(behind, "GET", "voice:session:t"), "new"))
    }

    @Test func aMasterThatHasBecomeAReplicaIsLeft() throws {
        let scene = try Scene()
        let first = try Server(scene.network)
        let second = try Server(scene.network)
        let one = scene.client([first])
        let two = scene.client([second])
        scene.wait("both serve") {
            isOK(scene.ask(one, "SET", "probe", "1")) && isOK(scene.ask(two, "SET", "probe", "1"))
        }
        let client = scene.client([first, second])
        #expect(isOK(scene.ask(client, "SET", "k", "1")))
        #expect(isOK(scene.ask(one, "REPLICAOF", "127.0.0.1", String(second.port))))
        scene.wait("writes find the new master") { isOK(scene.ask(client, "SET", "k", "2")) }
        #expect(holds(scene.ask(two, "GET", "k"), "2"))
    }

    @Test func erasureReachesEverythingOfAPersonAndNothingOfOthers() throws {
        let scene = try Scene()
        let server = try Server(scene.network)
        let client = scene.client([server])
        scene.wait("it serves") { isOK(scene.ask(client, "SET", "probe", "1")) }
        for index in 0..<1200 {
            let person = index % 400 == 0 ? "anna" : "bob"
            let kind = index % 2 == 0 ? "session" : "handoff"
            #expect(
                isOK(
                    scene.ask(
                        client, "SET", "voice:\(kind):\(index)",
                        #"{"session_id":"\#(index)","user_id":"\#(person)"}"#)))
        }
        _ = scene.ask(client, "SET", "voice:session:odd", "no session")
        _ = scene.ask(client, "HSET", "voice:tasks:anna", "t1", "{}", "t2", "{}")
        _ = scene.ask(client, "HSET", "voice:tasks:bob", "t1", "{}")
        var erased: SessionErasure.Erased?
        let erasure = SessionErasure(client, loop: scene.loop, person: "anna")
        erasure.start { erased = try? $0.get() }
        scene.wait("it is done") { erased != nil }
        var expected = SessionErasure.Erased()
        (expected.sessions, expected.handOffs, expected.tasks) = (3, 0, 2)
        #expect(erased == expected)
        guard case .success(.array(let keys)) = scene.ask(client, "KEYS", "*") else {
            Issue.record("no keys")
            return
        }
        let bobs = (0..<1200).filter { $0 % 400 != 0 }.map {
            "voice:\($0 % 2 == 0 ? "session" : "handoff"):\($0)"
        }
        #expect(
            Set(keys.compactMap(\.text)).symmetricDifference(
                bobs + ["probe", "voice:session:odd", "voice:tasks:bob"]) == [])
    }

    @Test func aHungServerCostsTheDeadlineAndNoMore() throws {
        let scene = try Scene()
        let server = try Server(scene.network)
        let client = scene.client([server], deadline: .milliseconds(200))
        scene.wait("it serves") { isOK(scene.ask(client, "SET", "probe", "1")) }
        server.send(SIGSTOP)
        defer { server.send(SIGCONT) }
        #expect(scene.ask(client, "GET", "probe") == .failure(.timedOut))
    }
}
