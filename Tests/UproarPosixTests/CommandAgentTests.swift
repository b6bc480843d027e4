import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

extension RealProcesses {
    @Suite struct CommandAgentTests {
        let folder = TemporaryFolder()

        private final class Watch {
            var pid: Int32?
            var isReady = false
            var end: String?
        }

        private func agent(
            _ script: String, _ readiness: CommandAgent.Readiness, on stage: Stage,
            within limit: Duration = .seconds(20), stopping: Duration = .seconds(5)
        ) -> (CommandAgent, Watch) {
            var command = ProcessCommand(
                name: "agent", executable: "sh", arguments: ["-c", script])
            command.outputFile = folder.path + "/agent.log"
            command.outputLimit = 1 << 20
            let agent = CommandAgent(
                .init(
                    command: command, readiness: readiness, startLimit: limit,
                    stopLimit: stopping),
                host: stage.host, network: stage.network, http: stage.http, loop: stage.loop)
            let watch = Watch()
            agent.onStarted = { watch.pid = $0 }
            agent.onReady = { watch.isReady = true }
            agent.onEnded = { watch.end = $0 }
            return (agent, watch)
        }

        @Test func itIsReadyWhenItsPortOpensAndGoesWhenItIsTold() throws {
            let stage = try Stage()
            let port = try stage.network.freePort()
            let (agent, watch) = agent(
                "exec sleep 900", .port(.loopback(port)), on: stage)
            stage.runUntil { watch.pid != nil }
            #expect(!watch.isReady)
            let listener = try stage.network.listen(
                on: .loopback(port), options: ListenOptions(), handler: AnsweringListener([]))
            stage.runUntil { watch.isReady }
            var isOver = false
            agent.stop { isOver = true }
            stage.runUntil { isOver }
            let pid = try #require(watch.pid)
            #expect(watch.end == nil && kill(pid, 0) != 0)
            listener.close()
            stage.shutDown()
        }

        /// A host that takes its time.
        private final class LateHost: ProcessHost {
            private final class Process: HostedProcess {
                let name = "agent"
                var pid: Int32?
                var control: (any ByteStream)? { nil }
                func send(_ signal: ProcessSignal, tree: Bool) {}
            }

            private let process = Process()
            private weak var handler: (any HostedProcessHandler)?

            func start(_ command: ProcessCommand, handler: any HostedProcessHandler)
                -> any HostedProcess
            {
                self.handler = handler
                return process
            }

            func begin() {
                process.pid = 7
                handler?.started(process)
            }
        }

        @Test func whoeverElseAnswersItIsNotReadyBeforeItRuns() throws {
            let stage = try Stage()
            let listener = try stage.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: AnsweringListener([]))
            let host = LateHost()
            let agent = CommandAgent(
                .init(
                    command: ProcessCommand(name: "agent", executable: "sh", arguments: []),
                    readiness: .port(.loopback(listener.endpoint.port)), startLimit: .seconds(20),
                    stopLimit: .seconds(5)),
                host: host, network: stage.network, http: stage.http, loop: stage.loop)
            var log: [String] = []
            agent.onStarted = { log.append("started \($0)") }
            agent.onReady = { log.append("ready") }
            let later = stage.loop.now + .milliseconds(200)
            stage.runUntil { stage.loop.now >= later }
            #expect(log == [])
            host.begin()
            stage.runUntil { log.count == 2 }
            #expect(log == ["started 7", "ready"])
            listener.close()
            stage.shutDown()
        }

        @Test func withAnAddressItIsReadyWhenThatAnswersWell() throws {
            let stage = try Stage()
            let answers = AnsweringListener(["503 No", "404 No", "204 Yes"])
            let listener = try stage.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: answers)
            let url = "http://\(listener.endpoint)/health"
            let (agent, watch) = agent("exec sleep 900", .http(url), on: stage)
            stage.runUntil { watch.isReady }
            #expect(answers.left.isEmpty)
            var isOver = false
            agent.stop { isOver = true }
            stage.runUntil { isOver }
            listener.close()
            stage.shutDown()
        }

        @Test func deathAtTheStartIsToldWithItsLastLines() throws {
            let stage = try Stage()
            let port = try stage.network.freePort()
            let (_, watch) = agent(
                "echo starting; echo 'no module named x' >&2; exit 3", .port(.loopback(port)),
                on: stage)
            stage.runUntil { watch.end != nil }
            let end = try #require(watch.end)
            #expect(end.contains("ended with exit code 3 before it was ready"))
            #expect(end.hasSuffix("agent.log ends:\nstarting\nno module named x"))
            stage.shutDown()
        }

        @Test func whatIsNeverReadyIsKilledAndNamed() throws {
            let stage = try Stage()
            let port = try stage.network.freePort()
            let (_, watch) = agent(
                "sleep 900 & sleep 900", .port(.loopback(port)), on: stage,
                within: .milliseconds(300))
            stage.runUntil { watch.end != nil }
            let end = try #require(watch.end)
            #expect(end.contains("was not ready within 300ms: nothing accepts a connection on"))
            #expect(end.contains("127.0.0.1:\(port) (Connection refused)"))
            let guardian = try #require(stage.host.guardianPID)
            stage.runUntil { ProcessTable.read().descendants(of: guardian).isEmpty }
            stage.shutDown()
        }

        @Test func whoDoesNotGoIsKilledWithAllItStarted() throws {
            let stage = try Stage()
            let listener = try stage.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: AnsweringListener([]))
            let (agent, watch) = agent(
                "trap '' TERM; sleep 900 & sleep 900 & wait; wait",
                .port(.loopback(listener.endpoint.port)), on: stage, stopping: .milliseconds(200))
            let guardian = try #require(stage.host.guardianPID)
            stage.runUntil {
                watch.isReady && ProcessTable.read().descendants(of: guardian).count == 3
            }
            let asked = stage.loop.now
            var isOver = false
            agent.stop { isOver = true }
            stage.runUntil { isOver }
            #expect(stage.loop.now - asked >= .milliseconds(200))
            stage.runUntil { ProcessTable.read().descendants(of: guardian).isEmpty }
            listener.close()
            stage.shutDown()
        }

        @Test func anEndOfItsOwnIsToldWhileItServes() throws {
            let stage = try Stage()
            let listener = try stage.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: AnsweringListener([]))
            let (_, watch) = agent(
                "exec sleep 900", .port(.loopback(listener.endpoint.port)), on: stage)
            stage.runUntil { watch.isReady }
            kill(try #require(watch.pid), SIGKILL)
            stage.runUntil { watch.end != nil }
            #expect(watch.end?.contains("ended with signal 9 (SIGKILL)") == true)
            listener.close()
            stage.shutDown()
        }

        @Test func aTalkativeChildFillsNoDisk() throws {
            let stage = try Stage()
            var command = ProcessCommand(
                name: "talker", executable: "sh",
                arguments: ["-c", "echo first; yes 0123456789 | head -n 800000; echo last"])
            command.outputFile = folder.path + "/talker.log"
            command.outputLimit = 200_000
            let process = stage.start(command)
            stage.runUntil { process.exit != nil }
            let text = try #require(ProcFile.text(folder.path + "/talker.log"))
            #expect(text.hasPrefix("first\n0123456789\n") && text.hasSuffix("0123456789\nlast\n"))
            #expect(text.contains("bytes were left out"))
            #expect((190_000...210_000).contains(text.utf8.count))
            stage.shutDown()
        }

        @Test func keysAreWithheldAndOthersPassed() throws {
            let stage = try Stage()
            var command = ProcessCommand(
                name: "shell", executable: "sh", arguments: ["-c", "echo \"${HOME:-none} $PATH\""])
            command.withheld = ["HOME", "PAT"]
            command.outputFile = folder.path + "/env.log"
            let process = stage.start(command)
            stage.runUntil { process.exit != nil }
            let path = String(cString: getenv("PATH"))
            #expect(ProcFile.text(folder.path + "/env.log") == "none \(path)\n")
            stage.shutDown()
        }
    }
}

/// Answers each connection with the next of some status lines; without any it only accepts.
private final class AnsweringListener: ListenerHandler {
    var left: [String]

    init(_ answers: [String]) { left = answers }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        left.isEmpty ? Answer(nil) : Answer(left.removeFirst())
    }

    private final class Answer: ByteStreamHandler {
        let status: String?
        init(_ status: String?) { self.status = status }

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            guard let status else { return }
            let text = "HTTP/1.1 \(status)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            stream.write(Array(text.utf8).span.bytes)
            stream.close()
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }
}
