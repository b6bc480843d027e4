import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Helpers that keep processors busy; without them there is nothing to undo.
final class CPUPressureAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: CPUPressureFault
    private let scene: ProcessScene
    private var helpers: [PressureHelper] = []

    init(_ plan: FaultPlan, _ fault: CPUPressureFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
    }

    func begin() throws {
        for number in 0..<fault.workers {
            let helper = try PressureHelper(plan, number: number, scene)
            helper.onReady = { [weak helper] in helper?.begin() }
            helpers.append(helper)
        }
        let first = helpers.map { _ in Int64(0) }
        var start = first
        scene.look(
            for: plan.window.until - plan.window.from,
            until: { [helpers] in
                for (index, helper) in helpers.enumerated() where start[index] == 0 {
                    start[index] = helper.processorTicks
                }
                // Two ticks beyond what starting took, for each.
                return helpers.enumerated().allSatisfy { index, helper in
                    start[index] > 0 && helper.processorTicks >= start[index] + 2
                }
            },
            then: { [weak self] isBusy in
                guard let self, isBusy else { return }
                scene.tookEffect(plan)
            })
    }

    func end(then: @escaping (String?) -> Void) {
        var left = helpers.count
        guard left > 0 else { return then(nil) }
        for helper in helpers {
            helper.end {
                left -= 1
                if left == 0 { then(nil) }
            }
        }
    }
}
