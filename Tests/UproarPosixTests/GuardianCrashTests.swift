import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

/// Tests with children run one after another: a process whose guardian dies ends *all* its descendants.
@Suite(.serialized) enum RealProcesses {}

extension RealProcesses {
    /// A run is killed at some moment, and everything that carries its mark must be gone within 3 s.
    @Suite struct GuardianCrashTests {
        static let allChildren = ["idle", "listener", "stubborn", "orphan-maker", "idle"]

        /// Moments of the kill, in milliseconds after the start of the run: from before the guardian lives to after all children do.
        static let moments: [Double] = {
            var random = Seed(20_26).stream("kill-moments")
            return [0, 0.5, 2, 5] + (0..<4).map { _ in random.unit() * 300 }
        }()

        @Test(arguments: moments)
        func nothingOutlivesAKilledRun(after milliseconds: Double) throws {
            let trial = try TrialRun(children: Self.allChildren)
            sleep(nanoseconds: Int64(milliseconds * 1e6))
            kill(trial.pid, SIGKILL)
            trial.reap()
            let killed = monotonicNanoseconds()
            #expect(trial.waitUntilGone(limit: .seconds(3)), "left: \(trial.survivors())")
            #expect(monotonicNanoseconds() - killed < 3_000_000_000)
        }

        @Test func aRunThatIsInFullSwingLeavesNothingEither() throws {
            let trial = try TrialRun(children: Self.allChildren)
            trial.waitForOutput(lines: 1 + Self.allChildren.count)
            // idle ×2, listener, stubborn and its child, the orphan, the guardian and the run itself.
            try #require(trial.waitForSurvivors(count: 8), "there: \(trial.survivors())")
            kill(trial.pid, SIGKILL)
            trial.reap()
            #expect(trial.waitUntilGone(limit: .seconds(3)), "left: \(trial.survivors())")
        }

        @Test func theRunStopsWhenItsGuardianDies() throws {
            let trial = try TrialRun(children: ["idle"])
            trial.waitForOutput(lines: 2)
            let guardian = try #require(trial.guardian)
            kill(guardian, SIGKILL)
            #expect(trial.reap() == .code(70))
            #expect(trial.waitUntilGone(limit: .seconds(3)), "left: \(trial.survivors())")
        }
    }
}

enum TrialProgram {
    /// Where programs are built: beside the tests.
    static var folder: String {
        let tests = ownExecutable()
        return tests.lastIndex(of: "/").map { String(tests[..<$0]) } ?? "."
    }
    static var path: String { "\(folder)/guardian-trial" }
}

/// One run of the trial program, with a mark in the environment that all its descendants inherit.
private final class TrialRun {
    let pid: Int32
    private let mark: String
    private let output: Descriptor
    private var text = ""

    init(children: [String]) throws {
        mark = "UPROAR_TRIAL=\(getpid())-\(monotonicNanoseconds())"
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe") { pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        output = Descriptor(owning: ends[0])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        let program = TrialProgram.path
        var arguments: [UnsafeMutablePointer<CChar>?] =
            ([program, "run"] + children).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup(mark), nil]
        defer { for text in arguments + environment { free(text) } }
        var pid: Int32 = 0
        let code = posix_spawn(&pid, program, &actions, nil, &arguments, &environment)
        close(ends[1])
        try #require(code == 0, "\(program): \(Errno.words(for: code))")
        self.pid = pid
    }

    /// The pid that the run told first.
    var guardian: Int32? {
        text.split(separator: "\n").first.flatMap { Int32($0.dropFirst("guardian ".count)) }
    }

    func waitForOutput(lines: Int) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while text.split(separator: "\n").count < lines {
            let count = read(output.number, &buffer, buffer.count)
            if count <= 0 { return }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    @discardableResult func reap() -> ProcessExit {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return ProcessTree.exit(ofStatus: status)
    }

    /// What still runs with the mark.
    func survivors() -> [String] {
        ProcessTable.read().rows.filter { row in
            guard !row.isZombie, let bytes = ProcFile.bytes("/proc/\(row.pid)/environ") else {
                return false
            }
            return bytes.split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
        }.map { "\($0.pid) \($0.command) \($0.state)" }
    }

    func waitForSurvivors(count: Int) -> Bool {
        waitUntil(limit: .seconds(10)) { survivors().count == count }
    }

    func waitUntilGone(limit: Duration) -> Bool { waitUntil(limit: limit) { survivors().isEmpty } }

    private func waitUntil(limit: Duration, _ condition: () -> Bool) -> Bool {
        let end = monotonicNanoseconds() + limit.nanoseconds
        while monotonicNanoseconds() < end {
            if condition() { return true }
            sleep(nanoseconds: 25_000_000)
        }
        return condition()
    }
}

private func sleep(nanoseconds: Int64) {
    var time = timespec(
        tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    nanosleep(&time, nil)
}
