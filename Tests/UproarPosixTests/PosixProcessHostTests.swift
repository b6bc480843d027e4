import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

extension RealProcesses {
    @Suite struct PosixProcessHostTests {
        let folder = TemporaryFolder()

        @Test func aCommandRunsWithItsEnvironmentFolderAndOutputAndTellsItsCode() throws {
            let stage = try Stage()
            var command = ProcessCommand(
                name: "shell", executable: "sh",
                arguments: ["-c", "echo \"$WORD $PWD\"; echo oops >&2; ulimit -n; exit 3"])
            command.environment = [EnvironmentEntry("WORD", "a"), EnvironmentEntry("WORD", "b c")]
            command.directory = folder.path
            command.outputFile = folder.path + "/out.log"
            command.openFiles = 123
            let process = stage.start(command)
            stage.runUntil { process.exit != nil }
            #expect(process.exit == .code(3))
            #expect(process.wasStarted)
            #expect(ProcFile.text(folder.path + "/out.log") == "b c \(folder.path)\noops\n123\n")
            stage.shutDown()
        }

        @Test(
            arguments: [
                ("/no/such/program", "exec", ENOENT), ("/dev/null", "exec", EACCES),
            ] as [(String, String, Int32)])
        func whatCannotBeStartedSaysTheStepAndWhy(program: String, step: String, code: Int32) throws
        {
            let stage = try Stage()
            let process = stage.start(ProcessCommand(name: "x", executable: program))
            #expect(process.exit == nil)
            stage.runUntil { process.exit != nil }
            #expect(process.exit == .notStarted(step: step, errno: code))
            #expect(!process.wasStarted)
            stage.shutDown()
        }

        @Test func anOutputThatCannotBeOpenedIsNamed() throws {
            let stage = try Stage()
            var command = ProcessCommand(name: "x", executable: "true")
            command.outputFile = folder.path + "/no/where.log"
            let process = stage.start(command)
            stage.runUntil { process.exit != nil }
            #expect(process.exit == .notStarted(step: "open output", errno: ENOENT))
            stage.shutDown()
        }

        @Test func aRequestThatIsTooLongIsRefusedOnTheLoop() throws {
            let stage = try Stage()
            let long = String(repeating: "x", count: GuardianRequest.byteLimit)
            let process = stage.start(
                ProcessCommand(name: "x", executable: "true", arguments: [long]))
            #expect(process.exit == nil)
            stage.runUntil { process.exit != nil }
            #expect(process.exit == .notStarted(step: "request", errno: E2BIG))
            stage.shutDown()
        }

        @Test func signalsArriveAndTellWhenTheyWereSent() throws {
            let stage = try Stage()
            let process = stage.start(
                ProcessCommand(name: "idle", executable: "sleep", arguments: ["900"]))
            stage.runUntil { process.wasStarted }
            process.hosted?.send(.stop, tree: false)
            stage.runUntil { process.signals.count == 1 }
            let pid = try #require(process.hosted?.pid)
            stage.runUntil {
                ProcFile.bytes("/proc/\(pid)/stat").flatMap(ProcessStat.init)?.state == "T"
            }
            process.hosted?.send(.resume, tree: false)
            process.hosted?.send(.kill, tree: true)
            stage.runUntil { process.exit != nil }
            #expect(process.exit == .signal(SIGKILL))
            #expect(process.signals.map(\.0) == [.stop, .resume, .kill])
            #expect(process.signals.allSatisfy { $0.1 > .zero && $0.1 <= stage.loop.now })
            process.hosted?.send(.kill, tree: false)
            stage.shutDown()
        }

        @Test func aTreeIsKilledWithItsBranches() throws {
            let stage = try Stage()
            var command = ProcessCommand(
                name: "tree", executable: "sh",
                arguments: ["-c", "sleep 900 & (sleep 900 & wait) & echo up; wait"])
            command.outputFile = folder.path + "/tree.log"
            let process = stage.start(command)
            let guardian = try #require(stage.host.guardianPID)
            stage.runUntil { ProcessTable.read().descendants(of: guardian).count == 4 }
            process.hosted?.send(.kill, tree: true)
            stage.runUntil { ProcessTable.read().descendants(of: guardian).isEmpty }
            stage.runUntil { process.exit == .signal(SIGKILL) }
            stage.shutDown()
        }

        @Test func shuttingDownTellsEveryEndAndUndoes() throws {
            let stage = try Stage()
            let undo = folder.path + "/undo"
            var log = try UndoLog(creating: undo)
            try AtomicFile.write([1], to: folder.path + "/leftover")
            _ = try log.record(.removeFile(path: folder.path + "/leftover"))
            stage.host.settleAtEnd(undoFile: undo)
            let processes = (0..<3).map { index in
                stage.start(
                    ProcessCommand(name: "\(index)", executable: "sleep", arguments: ["900"]))
            }
            stage.shutDown()
            #expect(
                processes.map(\.exit) == [.signal(SIGTERM), .signal(SIGTERM), .signal(SIGTERM)])
            #expect(ProcFile.names(in: folder.path) == [])
            let late = stage.start(ProcessCommand(name: "late", executable: "true"))
            stage.runUntil { late.exit != nil }
            #expect(late.exit == .notStarted(step: "guardian", errno: EPIPE))
        }

        @Test func anUndoThatFailsIsTold() throws {
            let stage = try Stage()
            let undo = folder.path + "/undo"
            var log = try UndoLog(creating: undo)
            _ = try log.record(.restoreFile(path: folder.path + "/no/such", text: "x"))
            stage.host.settleAtEnd(undoFile: undo)
            stage.shutDown(isClean: false)
        }

        @Test func aLostGuardianEndsEverythingAndIsToldOnce() throws {
            let stage = try Stage()
            let process = stage.start(
                ProcessCommand(name: "x", executable: "sleep", arguments: ["900"]))
            stage.runUntil { process.wasStarted }
            var losses = 0
            stage.host.onGuardianLost = { losses += 1 }
            // Other tests have children in this process.
            let orphan = try #require(process.hosted?.pid)
            stage.host.endOrphans = {
                kill(orphan, SIGKILL)
                return waitpid(orphan, nil, 0) == orphan
            }
            kill(try #require(stage.host.guardianPID), SIGKILL)
            stage.runUntil { losses > 0 }
            #expect(process.exit == .unknown)
            let pid = try #require(process.hosted?.pid)
            #expect(ProcFile.bytes("/proc/\(pid)/stat") == nil)
            stage.shutDown(isClean: false)
            #expect(losses == 1)
        }
    }
}

extension RealProcesses {
    /// The guardian undoes before the run's end when it must.
    @Suite struct GuardianLeaseTests {
        let folder = TemporaryFolder()

        /// A child that stands still, with the way back written down.
        func stopped(_ stage: Stage) throws -> (RecordedProcess, ProcessIdentity, String) {
            let process = stage.start(
                ProcessCommand(name: "idle", executable: "sleep", arguments: ["900"]))
            stage.runUntil { process.wasStarted }
            let identity = try #require(process.hosted?.pid.flatMap(ProcessIdentity.init(of:)))
            let undo = folder.path + "/undo"
            var log = try UndoLog(creating: undo)
            _ = try log.record(.signal(identity, number: SIGCONT), of: "hang")
            stage.host.settleAtEnd(undoFile: undo)
            kill(identity.pid, SIGSTOP)
            stage.runUntil { identity.isStopped }
            return (process, identity, undo)
        }

        @Test func aRunThatSaysNothingForItsLeaseHasItsChangesUndoneAndIsTold() throws {
            let stage = try Stage()
            let (process, identity, undo) = try stopped(stage)
            var told: [String] = []
            stage.host.onUndone = { told.append("\($0) \($1) \($2)") }
            stage.host.renewLease(for: .milliseconds(50), haltFile: folder.path + "/halt")
            stage.runUntil { !told.isEmpty }
            #expect(told == ["1 false []"])
            #expect(!identity.isStopped)
            #expect(process.exit == nil)
            #expect(UndoLog.outstanding(in: undo).isEmpty)
            // The run goes on writing to it.
            #expect(ProcFile.bytes(undo) != nil)
            stage.shutDown()
            #expect(ProcFile.bytes(undo) == nil)
        }

        @Test func theHaltLeverUndoesAtOnce() throws {
            let stage = try Stage()
            let (_, identity, _) = try stopped(stage)
            var told: [Bool] = []
            stage.host.onUndone = { _, isHalted, _ in told.append(isHalted) }
            stage.host.renewLease(for: .seconds(600), haltFile: folder.path + "/halt")
            try AtomicFile.write(Array("enough\n".utf8), to: folder.path + "/halt")
            stage.runUntil { !told.isEmpty }
            #expect(told == [true])
            #expect(!identity.isStopped)
            stage.shutDown()
        }
    }
}
