import Glibc
import Testing
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

@testable import UproarHarness

/// Faults on real processes, behind a real guardian.
@Suite(.serialized) struct ProcessCarrierTests {
    /// One process named `agent`, and what was asked of it.
    final class Services: FaultedProcesses, HostedProcessHandler {
        var hosted: (any HostedProcess)?
        var expected: [String] = []
        var restarts: [String] = []
        var restartProblem: String?
        func processes(_ name: String) -> [any HostedProcess] {
            name == "agent" ? [hosted].compactMap { $0 } : []
        }
        func group(of name: String) -> [any HostedProcess] { processes(name) }
        func expectEnd(of name: String) { expected.append(name) }
        func restart(_ name: String, then: @escaping (String?) -> Void) {
            restarts.append(name)
            then(restartProblem)
        }
        func exited(_ process: any HostedProcess, exit: ProcessExit) {}
    }

    final class Stage {
        let loop: EventLoop
        let host: PosixProcessHost
        let services = Services()
        let carrier: ProcessCarrier
        let folder: String
        var effects: [UInt32] = []
        var states: [String] = []
        private let network: PosixNetwork

        init(_ words: [String]) throws {
            let driver = try PosixDriver(clock: .starting())
            loop = EventLoop(driver: driver)
            network = PosixNetwork(loop: loop, driver: driver)
            let tests = ownExecutable()
            let place = tests.lastIndex(of: "/").map { tests[..<$0] } ?? "."
            let host = try PosixProcessHost(network: network, program: "\(place)/guardian-trial")
            self.host = host
            folder = "/tmp/uproar-carrier-\(UndoLog.newToken())"
            try AtomicFile.makeFolder(folder)
            services.hosted = host.start(
                ProcessCommand(
                    name: "agent", executable: words[0], arguments: Array(words.dropFirst())),
                handler: services)
            let taken = Taken()
            let undo = folder + "/undo"
            let loop = loop
            carrier = ProcessCarrier(
                loop: loop, processes: services, host: host, folder: folder,
                openUndo: {
                    host.settleAtEnd(undoFile: undo)
                    return try? UndoLog(creating: undo)
                }, state: { taken.facts.append($0) }, now: { loop.now })
            self.taken = taken
            carrier.onChange = { [weak self] in self?.states.append("\($0) \($1) \($2)") }
            runUntil { services.hosted?.pid != nil }
        }

        private final class Taken { var facts: [Fact] = [] }
        private let taken: Taken

        var bitten: Int { taken.facts.count { $0.kind == FactKind.faultEffective.rawValue } }
        var identity: ProcessIdentity? {
            services.hosted?.pid.flatMap(ProcessIdentity.init(of:))
        }
        var outstanding: Int { UndoLog.outstanding(in: folder + "/undo").count }

        func plan(_ fault: String, _ attributes: [(String, FaultDescriptor.Value)] = [])
            -> FaultPlan
        {
            FaultPlan(
                id: "f", number: 3, fault: fault, attributes: FaultAttributes(attributes),
                scope: FaultScope(on: ["agent"]),
                window: .init(from: .zero, until: .zero + .seconds(60)), seed: Seed(1))
        }

        func runUntil(_ condition: () -> Bool, at place: SourceLocation = #_sourceLocation) {
            let limit = loop.now + .seconds(10)
            while !condition(), loop.now < limit {
                loop.runOnce(until: loop.now + .milliseconds(5))
            }
            #expect(condition(), sourceLocation: place)
        }

        func end() {
            var end: Bool?
            host.shutDown { end = $0 }
            runUntil { end != nil }
            #expect(end == true)
            _ = try? UndoAction.removeFile(path: folder + "/undo").perform()
            rmdir(folder)
        }
    }

    static let idle = ["sleep", "900"]
    static let busy = ["sh", "-c", "while :; do :; done"]

    @Test("A pause is effective when the kernel says stopped, and cleared when it says running")
    func pauses() throws {
        let stage = try Stage(Self.idle)
        let process = try #require(stage.identity)
        let plan = stage.plan("pause")
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        #expect(process.isStopped)
        #expect(!stage.carrier.isClear)
        #expect(stage.outstanding == 1)
        stage.carrier.clear(plan)
        stage.runUntil { stage.carrier.isClear }
        #expect(!process.isStopped)
        #expect(stage.carrier.dirty == nil)
        #expect(stage.outstanding == 0)
        #expect(
            stage.states
                == ["f 1 intent", "f 1 applied", "f 1 effective", "f 1 cleared", "f 1 verified"])
        stage.end()
    }

    @Test("What does not go on after its clear makes the run dirty, and its record stays")
    func dirties() throws {
        let stage = try Stage(Self.idle)
        let process = try #require(stage.identity)
        let plan = stage.plan("pause")
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        // Somebody else stops it again, whatever we do.
        func stopAgain() {
            kill(process.pid, SIGSTOP)
            if stage.carrier.dirty == nil {
                stage.loop.schedule(at: stage.loop.now + .milliseconds(1)) { stopAgain() }
            }
        }
        stage.carrier.clear(plan)
        stopAgain()
        stage.runUntil { stage.carrier.dirty != nil }
        #expect(stage.carrier.dirty?.contains("does not show") == true)
        #expect(stage.outstanding == 1)
        #expect(stage.states.last == "f 1 cleared")
        // The guardian ends it and finds that all is well then.
        stage.end()
        #expect(!process.isAlive)
    }

    @Test(
        "A run that ends while a process is paused leaves nothing: the guardian goes the way back")
    func guardianUndoes() throws {
        let stage = try Stage(Self.idle)
        #expect(stage.carrier.arm(stage.plan("pause")) == nil)
        stage.runUntil { stage.bitten == 1 }
        stage.end()
        #expect(ProcFile.bytes(stage.folder + "/undo") == nil)
    }

    @Test("A killed process is started again after its delay, in a crash loop so often as it says")
    func killsAndRestarts() throws {
        let stage = try Stage(Self.idle)
        let process = try #require(stage.identity)
        let plan = stage.plan("kill", [("restart", .duration(.milliseconds(20)))])
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.services.restarts == ["agent"] }
        #expect(!process.isAlive)
        #expect(stage.bitten == 1)
        #expect(stage.services.expected == ["agent"])
        stage.carrier.clear(plan)
        stage.runUntil { stage.carrier.isClear }
        #expect(stage.carrier.dirty == nil)
        stage.end()
    }

    @Test("A process that does not come back makes the run dirty")
    func doesNotComeBack() throws {
        let stage = try Stage(Self.idle)
        stage.services.restartProblem = "port taken"
        let plan = stage.plan("kill", [("restart", .duration(.seconds(30)))])
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        // The clear does not wait for the delay.
        stage.carrier.clear(plan)
        stage.runUntil { stage.carrier.isClear }
        #expect(stage.carrier.dirty == "f: agent did not come back: port taken")
        stage.end()
    }

    @Test("Some of what a process started die, and it itself lives")
    func killsSome() throws {
        let stage = try Stage(["sh", "-c", "sleep 900 & sleep 901 & sleep 902 & sleep 903 & wait"])
        let root = try #require(stage.identity)
        func workers() -> [Int32] {
            ProcessTable.read().rows.filter { $0.parent == root.pid && !$0.isZombie }.map(\.pid)
        }
        stage.runUntil { workers().count == 4 }
        let plan = stage.plan("kill", [("share", .chance(Chance(1, of: 2)))])
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        #expect(workers().count == 2)
        #expect(root.isAlive)
        #expect(stage.services.expected == [])
        stage.end()
    }

    @Test("A quota in turns: stopped and going on, and going on in the end")
    func takesTurns() throws {
        let stage = try Stage(Self.busy)
        let process = try #require(stage.identity)
        let plan = stage.plan(
            "cpu_quota", [("quota", .chance(Chance(1, of: 5))), ("method", .text("stop"))])
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        stage.runUntil { !process.isStopped }
        stage.runUntil { process.isStopped }
        stage.carrier.clear(plan)
        stage.runUntil { stage.carrier.isClear }
        #expect(stage.carrier.dirty == nil)
        #expect(!process.isStopped)
        stage.end()
    }

    static func isAllowed(_ controller: GroupPlace.Controller) -> Bool {
        (try? GroupPlace.find(controller, of: getpid())) != nil
    }

    @Test(
        "A quota by control group: the kernel throttles, and the group is gone after the clear",
        .enabled(if: isAllowed(.cpu)))
    func throttles() throws {
        let stage = try Stage(Self.busy)
        let process = try #require(stage.identity)
        let place = try GroupPlace.find(.cpu, of: process.pid)
        let plan = stage.plan(
            "cpu_quota", [("quota", .chance(Chance(1, of: 10))), ("method", .text("cgroup"))])
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        #expect(try GroupPlace.find(.cpu, of: process.pid).home != place.home)
        stage.carrier.clear(plan)
        stage.runUntil { stage.carrier.isClear }
        #expect(stage.carrier.dirty == nil)
        #expect(try GroupPlace.find(.cpu, of: process.pid).home == place.home)
        #expect(ProcFile.names(in: place.parent).allSatisfy { !$0.hasPrefix("uproar-\(getpid())") })
        stage.end()
    }

    @Test(
        "A memory limit: the kernel reports it; the guardian takes it back when the run just ends",
        .enabled(if: isAllowed(.memory)))
    func limitsMemory() throws {
        let stage = try Stage(Self.idle)
        let process = try #require(stage.identity)
        let home = try GroupPlace.find(.memory, of: process.pid).home
        let plan = stage.plan("memory_limit", [("bytes", .number(64e6))])
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        let limited = try #require(GroupPlace.memory(of: process.pid))
        #expect(limited.limit <= 64_000_000 && limited.limit > 63_000_000)
        #expect(limited.folder.hasPrefix(home + "/uproar-"))
        stage.end()
        #expect(access(limited.folder, F_OK) != 0)
    }

    @Test("A limit of the address space is set back as it was")
    func limitsAddresses() throws {
        let stage = try Stage(Self.idle)
        let process = try #require(stage.identity)
        let before = try #require(ProcessLimit.addresses(of: process.pid))
        let plan = stage.plan(
            "memory_limit", [("bytes", .number(1e9)), ("method", .text("rlimit"))])
        #expect(stage.carrier.arm(plan) == nil)
        stage.runUntil { stage.bitten == 1 }
        #expect(ProcessLimit.addresses(of: process.pid)?.soft == 1_000_000_000)
        stage.carrier.clear(plan)
        stage.runUntil { stage.carrier.isClear }
        #expect(ProcessLimit.addresses(of: process.pid)?.soft == before.soft)
        #expect(ProcessLimit.addresses(of: process.pid)?.hard == before.hard)
        stage.end()
    }

    @Test("What cannot bite says why and changes nothing")
    func refuses() throws {
        let stage = try Stage(Self.idle)
        var plan = stage.plan("pause")
        plan.scope.on = ["redis"]
        #expect(stage.carrier.arm(plan) == "this run has no process redis now")
        #expect(
            stage.carrier.arm(stage.plan("kill", [("crashes", .integer(3))]))
                == "a crash loop needs restart: what is not started again crashes once")
        #expect(
            stage.carrier.arm(stage.plan("kill", [("processes", .integer(1))]))?.hasPrefix(
                "agent has started no processes of its own") == true)
        #expect(stage.identity?.isAlive == true)
        #expect(stage.carrier.isClear)
        stage.end()
    }
}
