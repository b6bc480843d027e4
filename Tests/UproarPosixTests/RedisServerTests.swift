import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

extension RealProcesses {
    @Suite struct RedisServerTests {
        let folder = TemporaryFolder()

        private func make(_ stage: Stage, program: String = "redis-server") -> (
            RedisServer, RecordedRedis
        ) {
            let record = RecordedRedis()
            let server = RedisServer(
                folder: folder.path + "/children", host: stage.host, network: stage.network,
                loop: stage.loop, program: program, handler: record)
            return (server, record)
        }

        @Test func itAnswersAndComesBackOnTheSamePortAfterAKill() throws {
            let stage = try Stage()
            let (server, record) = make(stage)
            server.start()
            stage.runUntil { record.readyCount == 1 }
            let port = server.port
            #expect(port > 0)
            server.send(.kill)
            stage.runUntil { record.ends.count == 1 }
            #expect(record.ends[0].exit == .signal(SIGKILL))
            #expect(record.ends[0].failure == nil)
            server.start()
            stage.runUntil { record.readyCount == 2 }
            #expect(server.port == port)
            stage.shutDown()
            #expect(record.ends.count == 2)
            #expect(!ProcFile.names(in: folder.path + "/children").contains("dump.rdb"))
        }

        @Test func aProgramThatIsNotInstalledIsNamedWithItsPackage() throws {
            let stage = try Stage()
            let (server, record) = make(stage, program: "no-such-redis")
            server.start()
            stage.runUntil { record.ends.count == 1 }
            #expect(
                record.ends[0].failure
                    == "no-such-redis is not installed (Debian package redis-server)")
            stage.shutDown()
        }

        @Test func aProgramThatEndsAtOnceIsQuoted() throws {
            let stage = try Stage()
            let script = folder.path + "/redis"
            try AtomicFile.write(
                Array("#!/bin/sh\necho bad config\nexit 3\n".utf8), to: script, mode: 0o755)
            let (server, record) = make(stage, program: script)
            server.start()
            stage.runUntil { record.ends.count == 1 }
            #expect(
                record.ends[0].failure == """
                    redis-server ended with exit code 3 before it answered; \(server.outputFile) ends:
                    bad config
                    """)
            stage.shutDown()
        }

        @Test func aPortThatIsTakenIsGivenUpForAnother() throws {
            let stage = try Stage()
            // Says what Redis says of a taken port, twice, then is Redis.
            let script = folder.path + "/redis"
            let text = """
                #!/bin/sh
                echo try >> '\(folder.path)/tries'
                [ $(wc -l < '\(folder.path)/tries') -gt 2 ] && exec redis-server "$@"
                echo '# bind: Address already in use'
                exit 1

                """
            try AtomicFile.write(Array(text.utf8), to: script, mode: 0o755)
            let (server, record) = make(stage, program: script)
            server.start()
            stage.runUntil { record.readyCount == 1 }
            #expect(record.ends.isEmpty)
            #expect(ProcFile.text(folder.path + "/tries") == "try\ntry\ntry\n")
            stage.shutDown()
        }
    }
}

private final class RecordedRedis: RedisServerHandler {
    var readyCount = 0
    var ends: [(exit: ProcessExit, failure: String?)] = []
    func redisReady(_ server: RedisServer) { readyCount += 1 }
    func redisEnded(_ server: RedisServer, exit: ProcessExit, failure: String?) {
        ends.append((exit, failure))
    }
}
