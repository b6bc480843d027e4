import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Limits the memory of a process: in a control group of its own, else its address space.
final class MemoryLimitAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: MemoryLimitFault
    private let scene: ProcessScene
    private var steps: [(id: Int, action: UndoAction)] = []

    init(_ plan: FaultPlan, _ fault: MemoryLimitFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
    }

    func begin() throws {
        let (_, _, root) = try scene.target(plan)
        guard fault.method != "rlimit" else { return try limitAddresses(of: root) }
        do {
            let place = try GroupPlace.find(.memory, of: root.pid)
            let (group, steps) = try GroupMove(plan, place, scene).enter(
                scene.members(root, tree: true)
            ) { try $0.limitMemory(fault.bytes) }
            self.steps = steps
            // The kernel rounds down to pages.
            guard let reported = group.memoryLimit, reported <= fault.bytes,
                group.contains(root.pid)
            else { return }
            bit()
        } catch let refusal as GroupPlace.Refusal {
            guard fault.method == "auto" else { throw ProcessProblem("\(refusal)") }
            try limitAddresses(of: root)
        }
    }

    private func limitAddresses(of root: ProcessIdentity) throws {
        for member in scene.members(root, tree: true) {
            guard let before = ProcessLimit.addresses(of: member.pid) else { continue }
            let action = UndoAction.limit(
                member, resource: ProcessLimit.addressSpace, soft: before.soft, hard: before.hard)
            steps.append((try scene.record(action, of: plan), action))
            // The hard limit stays: without privilege it could not be raised again.
            try ProcessLimit.setAddresses(
                of: member.pid, soft: UInt64(fault.bytes), hard: before.hard)
            scene.note([steps[steps.count - 1].id], .applied, of: plan)
        }
        if ProcessLimit.addresses(of: root.pid)?.soft == UInt64(fault.bytes) { bit() }
    }

    private func bit() {
        // Not from within `begin`: armed comes before effective.
        scene.loop.schedule(at: scene.loop.now) { [scene, plan, steps] in
            scene.tookEffect(plan)
            scene.note(steps.map(\.id), .effective, of: plan)
        }
    }

    func end(then: @escaping (String?) -> Void) { scene.goBack(steps, of: plan, then: then) }
}
