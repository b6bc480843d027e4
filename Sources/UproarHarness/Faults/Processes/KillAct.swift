import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Kills, and starts again. There is no way back from a death: what comes back is a new process where the old one was.
final class KillAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: KillFault
    private let scene: ProcessScene
    private var crashes = 0
    private var timer = TimerID.none
    private var isOver = false
    private var restart: Restart

    init(_ plan: FaultPlan, _ fault: KillFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
        restart = Restart(plan, scene)
    }

    func begin() throws {
        if fault.crashes > 1, fault.restart == nil {
            throw ProcessProblem(
                "a crash loop needs restart: what is not started again crashes once")
        }
        try strike()
    }

    private func strike() throws {
        let (name, _, _) = try scene.target(plan)
        let victims = try victims(name)
        // Without a restart of its own its end is the supervisor's affair.
        if fault.victims == .process, fault.restart != nil {
            scene.processes.expectEnd(of: name)
        }
        for victim in victims { victim.strike() }
        scene.look(
            for: .seconds(5), until: { victims.allSatisfy { !$0.identity.isAlive } },
            then: {
                [weak self] isGone in
                guard let self, isGone else { return }
                crashes += 1
                scene.tookEffect(plan)
                if fault.victims == .process { comeBack(name) }
            })
    }

    private struct Victim {
        var identity: ProcessIdentity
        var strike: () -> Void
    }

    private var signal: ProcessSignal {
        switch fault.signal {
        case "terminate": .terminate
        case "interrupt": .interrupt
        case "abort": .abort
        default: .kill
        }
    }

    private func victims(_ name: String) throws -> [Victim] {
        let signal = signal
        let tree = fault.tree
        let hosted = scene.processes.processes(name)
        guard fault.victims != .process else {
            return hosted.flatMap { process -> [Victim] in
                guard let root = process.pid.flatMap(ProcessIdentity.init(of:)) else { return [] }
                let members = scene.members(root, tree: tree && signal == .kill)
                return members.map { member in
                    Victim(identity: member) {
                        if member == root { process.send(signal, tree: tree) }
                    }
                }
            }
        }
        // Its workers, in the order of their start: processes of the run, or those that it started itself.
        let group = scene.processes.group(of: name)
        let workers =
            group.count > 1
            ? group.compactMap(\.pid)
            : hosted.compactMap(\.pid).flatMap { root in
                ProcessTable.read().rows.filter { $0.parent == root && !$0.isZombie }.sorted {
                    ($0.startTicks, $0.pid) < ($1.startTicks, $1.pid)
                }.map(\.pid)
            }
        let identities = workers.compactMap(ProcessIdentity.init(of:))
        guard !identities.isEmpty else {
            throw ProcessProblem(
                "\(name) has started no processes of its own: leave processes and share out to end it itself"
            )
        }
        return fault.chosen(of: identities.count, plan: plan).map { index in
            let identity = identities[index]
            return Victim(identity: identity) {
                if identity.isAlive { kill(identity.pid, signal.rawValue) }
            }
        }
    }

    private func comeBack(_ name: String) {
        guard !isOver, !scene.isEnding, let delay = fault.restart else { return }
        restart.begin(name, after: delay) { [weak self] in
            guard let self, !isOver, crashes < fault.crashes else { return }
            timer = scene.loop.schedule(at: scene.loop.now + fault.uptime) { [weak self] in
                guard let self, !isOver else { return }
                try? strike()
            }
        }
    }

    /// What was to come back must be back.
    func end(then: @escaping (String?) -> Void) {
        isOver = true
        scene.loop.cancel(timer)
        restart.end(then: then)
    }
}

/// A process that is to be there again after its end.
final class Restart {
    private let plan: FaultPlan
    private let scene: ProcessScene
    private var name = ""
    private var timer = TimerID.none
    private var state = State.idle
    private var problem: String?
    private var waiting: ((String?) -> Void)?

    private enum State { case idle, waiting, starting, serves }

    init(_ plan: FaultPlan, _ scene: ProcessScene) {
        self.plan = plan
        self.scene = scene
    }

    func begin(_ name: String, after delay: Duration, served: @escaping () -> Void) {
        self.name = name
        state = .waiting
        timer = scene.loop.schedule(at: scene.loop.now + delay) { [weak self] in
            self?.start(served)
        }
    }

    private func start(_ served: @escaping () -> Void) {
        guard state == .waiting else { return }
        state = .starting
        scene.processes.restart(name) { [weak self] problem in
            guard let self else { return }
            state = .serves
            self.problem = problem.map { "\(self.plan.id): \(self.name) did not come back: \($0)" }
            let waiting = self.waiting
            self.waiting = nil
            waiting?(self.problem)
            if problem == nil { served() }
        }
    }

    /// Starts at once what still waits, and tells when it serves. When the run ends nothing is started.
    func end(then: @escaping (String?) -> Void) {
        scene.loop.cancel(timer)
        switch state {
        case _ where scene.isEnding, .idle: then(nil)
        case .serves: then(problem)
        case .starting: waiting = then
        case .waiting:
            waiting = then
            start {}
        }
    }
}
