import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// One armed fault on processes of a live run: how it bites, and how all is as before again.
///
/// Every change outside the run is written down first (`ProcessScene.record`); it is effective when the kernel says so.
protocol ProcessAct: AnyObject {
    /// Throws a `ProcessProblem` when it cannot bite: nothing is changed then.
    func begin() throws
    /// Undoes everything, looks whether it shows, and says so once: nil, or what does not.
    func end(then: @escaping (String?) -> Void)
}

/// Why a fault cannot bite, in words.
struct ProcessProblem: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// The processes of a run as faults see them.
package protocol FaultedProcesses: AnyObject {
    /// Those that a name stands for, in the order of their start.
    func processes(_ name: String) -> [any HostedProcess]
    /// All of its kind: the workers of an agent.
    func group(of name: String) -> [any HostedProcess]
    /// The end of these processes is wanted: nobody is to be told of a loss.
    func expectEnd(of name: String)
    /// Starts again what has ended, where it was; `then` hears nil once it serves, else why it does not.
    func restart(_ name: String, then: @escaping (String?) -> Void)
}

/// What the acts share: the run's processes, its undo records, its time, and where they state what they did.
final class ProcessScene {
    let loop: EventLoop
    let processes: any FaultedProcesses
    let host: any ProcessHost
    /// Of helpers' configuration and output.
    let folder: String
    private let state: (Fact) -> Void
    /// The run's time.
    let now: () -> Instant
    private var undo: UndoLog?
    private let openUndo: () -> UndoLog?
    /// A change has come to another state: for the evidence.
    var onChange: ((String, Int, UndoLog.State) -> Void)?
    /// The run ends: nothing is started any more.
    var isEnding = false

    init(
        loop: EventLoop, processes: any FaultedProcesses, host: any ProcessHost, folder: String,
        openUndo: @escaping () -> UndoLog?, state: @escaping (Fact) -> Void,
        now: @escaping () -> Instant
    ) {
        self.loop = loop
        self.processes = processes
        self.host = host
        self.folder = folder
        self.openUndo = openUndo
        self.state = state
        self.now = now
    }

    /// In the names of what a run makes outside itself.
    func token() throws -> String {
        try open()
        return undo?.owner.token ?? ""
    }

    private func open() throws {
        if undo == nil { undo = openUndo() }
        guard undo != nil else {
            throw ProcessProblem("the way back could not be written down")
        }
    }

    /// The one process that the plan names, with its identity.
    func target(_ plan: FaultPlan) throws -> (
        name: String, hosted: any HostedProcess, identity: ProcessIdentity
    ) {
        guard let name = plan.process else { throw ProcessProblem("on: names one process") }
        guard let hosted = processes.processes(name).first, let pid = hosted.pid,
            let identity = ProcessIdentity(of: pid), identity.isAlive
        else { throw ProcessProblem("this run has no process \(name) now") }
        return (name, hosted, identity)
    }

    /// The process and, with `tree`, all that it started.
    func members(_ root: ProcessIdentity, tree: Bool) -> [ProcessIdentity] {
        guard tree else { return [root] }
        return [root]
            + ProcessTable.read().descendants(of: root.pid).map {
                ProcessIdentity(pid: $0.pid, startTicks: $0.startTicks)
            }
    }

    /// Writes the way back down and flushes it; only then the change may be made.
    func record(_ action: UndoAction, of plan: FaultPlan) throws -> Int {
        try open()
        do throws(Errno) {
            guard let id = try undo?.record(action, of: plan.id) else {
                throw Errno("undo record", ENOENT)
            }
            onChange?(plan.id, id, .intent)
            return id
        } catch { throw ProcessProblem("the way back could not be written down: \(error)") }
    }

    func note(_ ids: [Int], _ state: UndoLog.State, of plan: FaultPlan) {
        for id in ids {
            try? undo?.note(id, state)
            onChange?(plan.id, id, state)
        }
    }

    /// It bit.
    func tookEffect(_ plan: FaultPlan) {
        state(Fact(.faultEffective, at: now(), detail: plan.number, origin: .nemesis))
    }

    /// Looks every 5 ms until `isSo` or the limit.
    func look(
        for limit: Duration, until isSo: @escaping () -> Bool, then: @escaping (Bool) -> Void
    ) {
        // Never from within the caller's own call: "armed" comes before "effective".
        let end = loop.now + limit
        loop.schedule(at: loop.now) { [weak self] in
            self?.look(by: end, until: isSo, then: then)
        }
    }

    private func look(
        by end: Instant, until isSo: @escaping () -> Bool, then: @escaping (Bool) -> Void
    ) {
        if isSo() { return then(true) }
        guard loop.now < end else { return then(false) }
        loop.schedule(at: loop.now + .milliseconds(5)) { [weak self] in
            self?.look(by: end, until: isSo, then: then)
        }
    }

    /// Goes the ways back in the reverse order of their records and looks until all show.
    func goBack(
        _ steps: [(id: Int, action: UndoAction)], of plan: FaultPlan,
        then: @escaping (String?) -> Void
    ) {
        var failures: [String] = []
        for step in steps.reversed() {
            do throws(Errno) { try step.action.perform() } catch { failures.append("\(error)") }
        }
        note(steps.map(\.id), .cleared, of: plan)
        // Seen in two looks one after the other: a signal that somebody else has sent meanwhile takes the kernel a moment.
        var seen = 0
        look(
            for: .seconds(2),
            until: {
                seen = steps.allSatisfy { $0.action.isHealed } ? seen + 1 : 0
                return seen == 2
            },
            then: { isHealed in
                if isHealed {
                    self.note(steps.map(\.id), .verified, of: plan)
                    return then(nil)
                }
                let open = steps.first { !$0.action.isHealed }
                then(
                    "\(plan.id): \(open.map { "\($0.action)" } ?? plan.fault) was undone and does not show"
                        + (failures.first.map { " (\($0))" } ?? ""))
            })
    }
}
