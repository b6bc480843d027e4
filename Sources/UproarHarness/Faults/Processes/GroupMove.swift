import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Puts processes into a control group made for one fault, with the way back written down before each step: the group is removed
/// last, when everybody has gone home.
struct GroupMove {
    private let plan: FaultPlan
    private let place: GroupPlace
    private let scene: ProcessScene

    init(_ plan: FaultPlan, _ place: GroupPlace, _ scene: ProcessScene) {
        self.plan = plan
        self.place = place
        self.scene = scene
    }

    /// Answers the group and the ways back, in the order of the changes. When a step fails those before it are undone.
    func enter(_ processes: [ProcessIdentity], limit: (ManagedGroup) throws -> Void) throws -> (
        made: ManagedGroup, steps: [(id: Int, action: UndoAction)]
    ) {
        let group = place.group(named: "uproar-\(try scene.token())-\(plan.number)")
        var steps: [(id: Int, action: UndoAction)] = []
        func change(_ action: UndoAction, _ body: () throws -> Void) throws {
            let id = try scene.record(action, of: plan)
            steps.append((id, action))
            try body()
            scene.note([id], .applied, of: plan)
        }
        do {
            try change(.removeGroup(path: group.path)) {
                try group.make()
                try limit(group)
            }
            for process in processes {
                try change(.move(process, procs: place.home + "/cgroup.procs")) {
                    try group.add(process.pid)
                }
            }
        } catch {
            scene.goBack(steps, of: plan) { _ in }
            throw ProcessProblem("\(error)")
        }
        return (group, steps)
    }
}
