import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Lets the kernel's own killer take a process: a control group with a small limit, the process first in the killer's order, and a
/// helper that fills the group.
final class OutOfMemoryAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: OutOfMemoryFault
    private let scene: ProcessScene
    private var helper: PressureHelper?
    private var steps: [(id: Int, action: UndoAction)] = []
    private let restart: Restart

    /// Room for the helper to start in; the process's own memory was charged elsewhere and does not count.
    private static let limit: Int64 = 48 << 20

    init(_ plan: FaultPlan, _ fault: OutOfMemoryFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
        restart = Restart(plan, scene)
    }

    func begin() throws {
        let (name, _, root) = try scene.target(plan)
        let place: GroupPlace
        do throws(GroupPlace.Refusal) { place = try GroupPlace.find(.memory, of: root.pid) } catch {
            throw ProcessProblem("\(error)")
        }
        let members = scene.members(root, tree: true)
        let (group, made) = try GroupMove(plan, place, scene).enter(members) {
            try $0.limitMemory(Self.limit)
        }
        steps = made
        for member in members {
            let text = ProcFile.text("/proc/\(member.pid)/oom_score_adj") ?? "0"
            let action = UndoAction.processFile(
                member, name: "oom_score_adj", text: text.filter { !$0.isWhitespace })
            steps.append((try scene.record(action, of: plan), action))
            try KernelFile.write("1000", to: "/proc/\(member.pid)/oom_score_adj")
        }
        scene.note(steps.map(\.id), .applied, of: plan)
        if fault.restart != nil { scene.processes.expectEnd(of: name) }
        let helper = try PressureHelper(plan, number: 0, scene)
        self.helper = helper
        helper.onReady = { [weak helper] in
            guard let helper, let identity = helper.identity else { return }
            try? group.add(identity.pid)
            helper.begin(bytes: Self.limit * 4)
        }
        scene.look(
            for: plan.window.until - plan.window.from,
            until: {
                !root.isAlive && group.outOfMemoryKills > 0
            },
            then: { [weak self] isKilled in
                guard let self, isKilled else { return }
                scene.tookEffect(plan)
                scene.note(steps.map(\.id), .effective, of: plan)
                helper.end {}
                if let delay = fault.restart, !scene.isEnding {
                    restart.begin(name, after: delay) {}
                }
            })
    }

    func end(then: @escaping (String?) -> Void) {
        let back = { [scene, steps, plan, restart] in
            scene.goBack(steps, of: plan) { problem in
                restart.end { then(problem ?? $0) }
            }
        }
        guard let helper else { return back() }
        helper.end(then: back)
    }
}
