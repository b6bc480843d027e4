import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Faults on processes of a live run: one act for each that is armed.
package final class ProcessCarrier: FaultCarrier {
    private let scene: ProcessScene
    private var acts = OrderedTable<String, any ProcessAct>()
    private var ending = 0
    /// What could not be undone.
    package private(set) var dirty: String?

    /// - openUndo: asked before the first change; nil when no record can be written: then nothing is changed.
    package init(
        loop: EventLoop, processes: any FaultedProcesses, host: any ProcessHost, folder: String,
        openUndo: @escaping () -> UndoLog?, state: @escaping (Fact) -> Void,
        now: @escaping () -> Instant
    ) {
        scene = ProcessScene(
            loop: loop, processes: processes, host: host, folder: folder, openUndo: openUndo,
            state: state, now: now)
    }

    /// A change outside the run has come to another state: its fault, its record, the state.
    package var onChange: ((String, Int, UndoLog.State) -> Void)? {
        get { scene.onChange }
        set { scene.onChange = newValue }
    }

    /// From here on nothing is started again.
    package func runEnds() { scene.isEnding = true }

    package var isClear: Bool { acts.isEmpty && ending == 0 }

    package func arm(_ plan: FaultPlan) -> String? {
        guard let act = act(plan) else { return "\(plan.fault) acts on no process" }
        do { try act.begin() } catch { return "\(error)" }
        acts[plan.id] = act
        return nil
    }

    package func clear(_ plan: FaultPlan) {
        guard let act = acts[plan.id] else { return }
        acts[plan.id] = nil
        ending += 1
        // The act lives until its end shows.
        act.end { [weak self, act] problem in
            guard let self else { return }
            _ = act
            ending -= 1
            if let problem { dirty = dirty ?? problem }
        }
    }

    /// The literal list: each fault with its act.
    private func act(_ plan: FaultPlan) -> (any ProcessAct)? {
        let attributes = plan.attributes
        switch plan.fault {
        case KillFault.descriptor.name:
            return KillAct(plan, KillFault(attributes), scene)
        case PauseFault.descriptor.name:
            return PauseAct(plan, PauseFault(attributes), scene)
        case DrainFault.descriptor.name:
            return DrainAct(plan, DrainFault(attributes), scene)
        case CPUPressureFault.descriptor.name:
            return CPUPressureAct(plan, CPUPressureFault(attributes), scene)
        case CPUQuotaFault.descriptor.name:
            return CPUQuotaAct(plan, CPUQuotaFault(attributes), scene)
        case MemoryPressureFault.descriptor.name:
            return MemoryPressureAct(plan, MemoryPressureFault(attributes), scene)
        case MemoryLimitFault.descriptor.name:
            return MemoryLimitAct(plan, MemoryLimitFault(attributes), scene)
        case OutOfMemoryFault.descriptor.name:
            return OutOfMemoryAct(plan, OutOfMemoryFault(attributes), scene)
        default: return nil
        }
    }
}
