import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

extension RealProcesses {
    @Suite struct ChildProcessTests {
        let folder = TemporaryFolder()

        private func start(_ act: String, limit: Duration = .seconds(10), on stage: Stage) throws
            -> (ChildProcess, RecordedChild)
        {
            var plan = ChildPlan(
                name: "child", config: ["act": .string(act), "deep": ["a": [1, 2]]])
            plan.program = TrialProgram.path
            plan.secrets = [EnvironmentEntry("SECRET", "hunter2")]
            plan.limit = limit
            let record = RecordedChild()
            let child = try ChildProcess(
                plan, folder: folder.path + "/out/children", host: stage.host, loop: stage.loop,
                handler: record)
            return (child, record)
        }

        @Test func aChildServesDrainsAndSaysItsLastWordsBeforeItsEnd() throws {
            let stage = try Stage()
            let (child, record) = try start("serve", on: stage)
            stage.runUntil { record.isReady }
            #expect(child.ports == ["media": 4001])
            child.drain()
            stage.runUntil { record.end != nil }
            #expect(record.end?.exit == .code(0))
            #expect(record.end?.failure == nil)
            #expect(record.calls == Array(0..<3000))
            #expect(record.evidence == [["facts_dropped": 0]])
            let config = try #require(ProcFile.text(child.configFile))
            #expect(!config.contains("hunter2"))
            #expect(try JSONParser.parse(config)["deep"] == ["a": [1, 2]])
            stage.shutDown()
        }

        @Test func aCrashTellsTheSignalAndTheLastLines() throws {
            let stage = try Stage()
            let (child, record) = try start("crash", on: stage)
            stage.runUntil { record.end != nil }
            #expect(record.end?.exit == .signal(SIGUSR1))
            #expect(
                record.end?.failure == """
                    child ended with signal 10 before it was ready; \(child.outputFile) ends:
                    first line
                    about to fall over: hunter2
                    """)
            stage.shutDown()
        }

        @Test func anErrorFrameIsQuoted() throws {
            let stage = try Stage()
            let (child, record) = try start("complain", on: stage)
            // Nobody but its owner holds a child.
            withExtendedLifetime(child) { stage.runUntil { record.end != nil } }
            #expect(
                record.end?.failure
                    == "child ended with exit code 2 before it was ready (no voice \"slt\")")
            stage.shutDown()
        }

        @Test(arguments: [
            (
                "mute",
                "child ended with signal 9 (SIGKILL) before it was ready (not ready within 500ms)"
            ),
            (
                "garbage",
                "child ended with signal 9 (SIGKILL) before it was ready (control frame of 4294967295 bytes; the limit is 4194304)"
            ),
        ])
        func aChildThatDoesNotServeOrTalksNonsenseIsKilled(act: String, failure: String) throws {
            let stage = try Stage()
            let (child, record) = try start(
                act, limit: act == "mute" ? .milliseconds(500) : .seconds(10), on: stage)
            withExtendedLifetime(child) { stage.runUntil { record.end != nil } }
            #expect(record.end?.failure == failure)
            #expect(!record.isReady)
            stage.shutDown()
        }

        @Test func aChildWhoseRunIsGoneEndsItself() throws {
            let stage = try Stage()
            let (child, record) = try start("serve", on: stage)
            stage.runUntil { record.isReady }
            child.control?.close()
            stage.runUntil { record.end != nil }
            #expect(record.end?.exit == .code(0))
            stage.shutDown()
        }

        @Test func aProgramThatIsNotThereIsNamed() throws {
            let stage = try Stage()
            var plan = ChildPlan(name: "agent", config: [:])
            plan.program = "/no/such/uproar"
            let record = RecordedChild()
            let child = try ChildProcess(
                plan, folder: folder.path, host: stage.host, loop: stage.loop, handler: record)
            stage.runUntil { record.end != nil }
            #expect(
                record.end?.failure == "agent could not be started: exec: No such file or directory"
            )
            #expect(child.control == nil)
            stage.shutDown()
        }

        @Test func aFolderThatCannotBeMadeIsAnErrorBeforeAnythingStarts() throws {
            let stage = try Stage()
            try AtomicFile.write([], to: folder.path + "/file")
            #expect(throws: Errno.self) {
                try ChildProcess(
                    ChildPlan(name: "agent", config: [:]), folder: folder.path + "/file/children",
                    host: stage.host, loop: stage.loop, handler: RecordedChild())
            }
            stage.shutDown()
        }
    }
}

private final class RecordedChild: ChildProcessHandler {
    var isReady = false
    var evidence: [JSONValue] = []
    var calls: [Int] = []
    var end: (exit: ProcessExit, failure: String?)?

    func childReady(_ child: ChildProcess) { isReady = true }
    func child(_ child: ChildProcess, evidence: JSONValue) {
        #expect(end == nil)
        self.evidence.append(evidence)
    }
    func child(_ child: ChildProcess, facts records: RawSpan) {
        #expect(end == nil)
        forEachFact(in: records) { calls.append(Int($0.call)) }
    }
    func childEnded(_ child: ChildProcess, exit: ProcessExit, failure: String?) {
        #expect(end == nil)
        end = (exit, failure)
    }
}
