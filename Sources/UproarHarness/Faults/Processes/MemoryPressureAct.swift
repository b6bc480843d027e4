import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// A helper that takes memory: beside everything, or inside the control group of one process.
final class MemoryPressureAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: MemoryPressureFault
    private let scene: ProcessScene
    private var helper: PressureHelper?
    private var steps: [(id: Int, action: UndoAction)] = []

    init(_ plan: FaultPlan, _ fault: MemoryPressureFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
    }

    private struct Aim {
        var bytes: Int64
        /// The control group's members file; nil: none in particular.
        var procs: String?
        var victim: ProcessIdentity?
    }

    func begin() throws {
        let aim = try aim()
        guard aim.bytes > 0 else {
            throw ProcessProblem("there is nothing to take: more than that is used already")
        }
        if let victim = aim.victim, fault.targetDies {
            let text = ProcFile.text("/proc/\(victim.pid)/oom_score_adj") ?? "0"
            let action = UndoAction.processFile(
                victim, name: "oom_score_adj", text: text.filter { !$0.isWhitespace })
            steps.append((try scene.record(action, of: plan), action))
            try KernelFile.write("1000", to: "/proc/\(victim.pid)/oom_score_adj")
            scene.note(steps.map(\.id), .applied, of: plan)
        }
        let helper = try PressureHelper(plan, number: 0, scene)
        self.helper = helper
        helper.onReady = { [weak self, weak helper] in
            guard let self, let helper, let identity = helper.identity else { return }
            if let procs = aim.procs { try? KernelFile.write("\(identity.pid)", to: procs) }
            if !fault.targetDies {
                try? KernelFile.write("1000", to: "/proc/\(identity.pid)/oom_score_adj")
            }
            watch(helper, from: helper.residentBytes, bytes: aim.bytes)
            helper.begin(bytes: aim.bytes)
        }
    }

    private func aim() throws -> Aim {
        if plan.process == "machine" || plan.scope.on.isEmpty {
            let text = ProcFile.text("/proc/meminfo") ?? ""
            let total = KernelText.kilobytes("MemTotal", in: text) ?? 0
            let free = KernelText.kilobytes("MemAvailable", in: text) ?? 0
            let bytes = fault.bytes(limit: total, used: total - free)
            guard free - bytes >= fault.floor else {
                throw ProcessProblem(
                    "memory floor: \(bytes >> 20) MB of \(free >> 20) MB free would leave less than \(fault.floor >> 20) MB"
                )
            }
            return Aim(bytes: bytes, procs: nil, victim: nil)
        }
        let (name, _, identity) = try scene.target(plan)
        if let memory = GroupPlace.memory(of: identity.pid) {
            return Aim(
                bytes: fault.bytes(limit: memory.limit, used: memory.used),
                procs: memory.folder + "/cgroup.procs", victim: identity)
        }
        guard case .bytes(let bytes) = fault.amount else {
            throw ProcessProblem(
                "\(name) is under no memory limit to take a share of: inject memory_limit first, or say bytes"
            )
        }
        let place = try GroupPlace.find(.memory, of: identity.pid)
        return Aim(bytes: bytes, procs: place.home + "/cgroup.procs", victim: identity)
    }

    private func watch(_ helper: PressureHelper, from start: Int64, bytes: Int64) {
        let grown = min(bytes, 4 << 20)
        scene.look(
            for: plan.window.until - plan.window.from,
            until: { [weak helper] in
                (helper?.residentBytes ?? 0) >= start + grown
            },
            then: { [weak self] hasGrown in
                guard let self, hasGrown else { return }
                scene.tookEffect(plan)
                scene.note(steps.map(\.id), .effective, of: plan)
            })
    }

    func end(then: @escaping (String?) -> Void) {
        guard let helper else { return then(nil) }
        helper.end { [scene, steps, plan] in scene.goBack(steps, of: plan, then: then) }
    }
}
