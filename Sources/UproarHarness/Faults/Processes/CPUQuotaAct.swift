import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Holds a process to a share of one processor: by a control group of its own where that is allowed, else by stopping it in turns.
final class CPUQuotaAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: CPUQuotaFault
    private let scene: ProcessScene
    private var hosted: (any HostedProcess)?
    private var steps: [(id: Int, action: UndoAction)] = []
    private var timer = TimerID.none
    private var start = Instant.zero
    private var isOver = false

    init(_ plan: FaultPlan, _ fault: CPUQuotaFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
    }

    func begin() throws {
        let (_, hosted, root) = try scene.target(plan)
        self.hosted = hosted
        guard fault.method != "stop" else { return try beginTurns(root) }
        do {
            try limit(root, GroupPlace.find(.cpu, of: root.pid))
        } catch let refusal as GroupPlace.Refusal {
            guard fault.method == "auto" else { throw ProcessProblem("\(refusal)") }
            try beginTurns(root)
        }
    }

    private func limit(_ root: ProcessIdentity, _ place: GroupPlace) throws {
        let group = try GroupMove(plan, place, scene).enter(scene.members(root, tree: true)) {
            let period = fault.period.nanoseconds / 1000
            try $0.limitProcessor(
                quota: Int64(Double(period) * fault.quota), period: period)
        }
        steps = group.steps
        scene.look(
            for: plan.window.until - plan.window.from,
            until: { [weak self] in
                self?.isOver ?? true || group.made.throttledPeriods > 0
            },
            then: { [weak self] isThrottled in
                guard let self, isThrottled, !isOver else { return }
                scene.tookEffect(plan)
                scene.note(steps.map(\.id), .effective, of: plan)
            })
    }

    // MARK: In turns

    private func beginTurns(_ root: ProcessIdentity) throws {
        for member in scene.members(root, tree: true) {
            let action = UndoAction.signal(member, number: ProcessSignal.resume.rawValue)
            steps.append((try scene.record(action, of: plan), action))
        }
        start = scene.loop.now
        scene.note(steps.map(\.id), .applied, of: plan)
        turn()
        scene.look(
            for: .seconds(5),
            until: { [weak self] in
                self?.isOver ?? true || root.isStopped
            },
            then: { [weak self] isStopped in
                guard let self, isStopped, !isOver else { return }
                scene.tookEffect(plan)
                scene.note(steps.map(\.id), .effective, of: plan)
            })
    }

    private func turn() {
        guard !isOver else { return }
        let time = scene.loop.now - start
        hosted?.send(fault.cycle.isOn(after: time) ? .resume : .stop, tree: true)
        timer = scene.loop.schedule(at: start + fault.cycle.next(after: time)) { [weak self] in
            self?.turn()
        }
    }

    func end(then: @escaping (String?) -> Void) {
        isOver = true
        scene.loop.cancel(timer)
        if fault.method == "stop" || timer != .none { hosted?.send(.resume, tree: true) }
        scene.goBack(steps, of: plan, then: then)
    }
}
