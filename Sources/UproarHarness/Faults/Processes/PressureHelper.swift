import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// A helper of a pressure fault, as the run sees it: a child behind the guardian that also ends by itself, when the run's end of its
/// control socket closes and when its fault's window is over.
final class PressureHelper: ChildProcessHandler {
    private(set) var child: ChildProcess?
    private(set) var identity: ProcessIdentity?
    /// It waits for its beginning.
    var onReady: (() -> Void)?
    private let scene: ProcessScene
    private var onGone: (() -> Void)?
    private var isGone = false
    /// It ended by itself: why, in words.
    private(set) var failure: String?

    /// - number: tells the helpers of one fault apart.
    init(_ plan: FaultPlan, number: Int, _ scene: ProcessScene) throws {
        self.scene = scene
        var own = plan
        // The helper's clock begins with its work; the plan's end is a length to it.
        own.window = FaultWindow(from: .zero, until: .zero + (plan.window.until - plan.window.from))
        var what = ChildPlan(
            name: "pressure-\(plan.id)-\(number)",
            config: ["plan": own.json, "number": .integer(Int64(number))])
        what.arguments = ["pressure"]
        do throws(Errno) {
            child = try ChildProcess(
                what, folder: scene.folder, host: scene.host, loop: scene.loop, handler: self)
        } catch { throw ProcessProblem("the helper could not be started: \(error)") }
    }

    /// Takes up its work: `bytes` of memory, or its processor time.
    func begin(bytes: Int64 = 0) {
        child?.control?.send(.drain, ["bytes": .integer(bytes)])
    }

    /// Kills it; `then` when it is gone.
    func end(then: @escaping () -> Void) {
        if isGone { return then() }
        onGone = then
        child?.send(.kill)
    }

    var processorTicks: Int64 { identity?.stat.map { $0.userTicks + $0.systemTicks } ?? 0 }
    var residentBytes: Int64 {
        (identity?.stat?.residentPages ?? 0) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    func childReady(_ child: ChildProcess) {
        identity = child.hosted?.pid.flatMap(ProcessIdentity.init(of:))
        onReady?()
    }

    func childEnded(_ child: ChildProcess, exit: ProcessExit, failure: String?) {
        isGone = true
        self.failure = failure
        let then = onGone
        onGone = nil
        then?()
    }
}
