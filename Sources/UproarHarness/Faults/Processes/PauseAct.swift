import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Stops a process with its sockets open. The way back is a SIGCONT to each that was stopped.
final class PauseAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: PauseFault
    private let scene: ProcessScene
    private var hosted: (any HostedProcess)?
    private var steps: [(id: Int, action: UndoAction)] = []

    init(_ plan: FaultPlan, _ fault: PauseFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
    }

    func begin() throws {
        let (_, hosted, root) = try scene.target(plan)
        self.hosted = hosted
        for member in scene.members(root, tree: fault.tree) {
            let action = UndoAction.signal(member, number: ProcessSignal.resume.rawValue)
            steps.append((try scene.record(action, of: plan), action))
        }
        hosted.send(.stop, tree: fault.tree)
        scene.note(steps.map(\.id), .applied, of: plan)
        scene.look(
            for: .seconds(2), until: { root.isStopped },
            then: { [weak self] isStopped in
                guard let self, isStopped else { return }
                scene.tookEffect(plan)
                scene.note(steps.map(\.id), .effective, of: plan)
            })
    }

    func end(then: @escaping (String?) -> Void) {
        // What it started since it went on is not in the records, but in the tree.
        hosted?.send(.resume, tree: fault.tree)
        scene.goBack(steps, of: plan, then: then)
    }
}
