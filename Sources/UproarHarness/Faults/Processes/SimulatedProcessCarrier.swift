import UproarAgent
import UproarCore
import UproarFaults
import UproarLoad
import UproarRuntime
import UproarSimulation

/// Faults on the processes of a simulated run: an agent instance, the emulators, the Redis, each with a loop and sockets of its own.
///
/// A simulated machine has one processor, and turns take no time on it: a share of a processor is carried out by letting the process
/// run for that share of each period.
final class SimulatedProcessCarrier: FaultCarrier {
    private let parts: SimulatedParts
    private let loop: EventLoop
    private let state: (Fact) -> Void
    private var armed = OrderedTable<String, Act>()

    private final class Act {
        var isOver = false
        /// Undoes what lasts.
        var undo: () -> Void = {}
    }

    init(_ parts: SimulatedParts, loop: EventLoop, state: @escaping (Fact) -> Void) {
        self.parts = parts
        self.loop = loop
        self.state = state
    }

    var isClear: Bool { armed.isEmpty }

    func clear(_ plan: FaultPlan) {
        guard let act = armed[plan.id] else { return }
        armed[plan.id] = nil
        act.isOver = true
        act.undo()
    }

    func arm(_ plan: FaultPlan) -> String? {
        let act = Act()
        guard let problem = begin(plan, act) else {
            armed[plan.id] = act
            return nil
        }
        return problem
    }

    private func begin(_ plan: FaultPlan, _ act: Act) -> String? {
        let attributes = plan.attributes
        guard let name = plan.process else { return "on: names one process" }
        guard let process = parts.process(name == "machine" ? "agent" : name) else {
            return "this run has no process \(name) now"
        }
        switch plan.fault {
        case KillFault.descriptor.name:
            let fault = KillFault(attributes)
            if fault.crashes > 1, fault.restart == nil {
                return "a crash loop needs restart: what is not started again crashes once"
            }
            crash(plan, fault, name, act, crashes: 0)
        case PauseFault.descriptor.name:
            process.stop()
            bite(plan)
            act.undo = { process.resume() }
        case DrainFault.descriptor.name: drain(plan, DrainFault(attributes), name, process, act)
        case CPUQuotaFault.descriptor.name:
            takeTurns(plan, CPUQuotaFault(attributes).cycle, process, act)
        case CPUPressureFault.descriptor.name:
            let fault = CPUPressureFault(attributes)
            takeTurns(plan, DutyCycle(share: fault.remainder, period: fault.slice), process, act)
        case MemoryPressureFault.descriptor.name:
            return press(plan, MemoryPressureFault(attributes), act)
        case MemoryLimitFault.descriptor.name:
            guard name == "agent" else { return "only the agent's memory is simulated" }
            let before = parts.meter.limit
            parts.meter.limit = MemoryLimitFault(attributes).bytes
            bite(plan)
            act.undo = { [parts] in parts.meter.limit = before }
            if parts.meter.used > parts.meter.limit { parts.end("agent", restart: nil) }
        case OutOfMemoryFault.descriptor.name:
            act.undo = parts.end(name, restart: OutOfMemoryFault(attributes).restart)
            bite(plan)
        default: return "\(plan.fault) acts on no process"
        }
        return nil
    }

    /// It bit: told in the loop's next turn, so that it stands after "armed".
    private func bite(_ plan: FaultPlan) {
        loop.schedule(at: loop.now) { [state, loop] in
            state(Fact(.faultEffective, at: loop.now, detail: plan.number, origin: .nemesis))
        }
    }

    private func crash(
        _ plan: FaultPlan, _ fault: KillFault, _ name: String, _ act: Act, crashes: Int
    ) {
        guard !act.isOver, parts.process(name) != nil else { return }
        bite(plan)
        let victims: [String]
        if fault.victims == .process {
            victims = [name]
        } else {
            let workers = parts.workers.filter { parts.process($0) != nil }
            victims = fault.chosen(of: workers.count, plan: plan).map { workers[$0] }
        }
        for other in victims where other != name { parts.end(other, restart: fault.restart) }
        guard victims.contains(name) else { return }
        act.undo = parts.end(name, restart: fault.restart) { [weak self] in
            guard let self, crashes + 1 < fault.crashes else { return }
            loop.schedule(at: loop.now + fault.uptime) { [weak self] in
                self?.crash(plan, fault, name, act, crashes: crashes + 1)
            }
        }
    }

    private func drain(
        _ plan: FaultPlan, _ fault: DrainFault, _ name: String, _ process: SimulatedProcess,
        _ act: Act
    ) {
        guard let agent = parts.agents[name] else { return }
        var isGone = false
        let gone = { [weak self] in
            guard let self, !isGone else { return }
            isGone = true
            parts.end(name, restart: fault.restart)
        }
        process.act { agent.drain { gone() } }
        bite(plan)
        loop.schedule(at: loop.now + fault.grace) { gone() }
    }

    private func takeTurns(
        _ plan: FaultPlan, _ cycle: DutyCycle, _ process: SimulatedProcess, _ act: Act
    ) {
        let start = loop.now
        let held = process.heldTurns
        var hasBitten = false
        func turn() {
            guard !act.isOver, process.state != .dead else { return }
            let time = loop.now - start
            if cycle.isOn(after: time) { process.resume() } else { process.stop() }
            // Standing still is no proof: something must have had to wait.
            if !hasBitten, process.heldTurns > held {
                hasBitten = true
                bite(plan)
            }
            loop.schedule(at: start + cycle.next(after: time)) { turn() }
        }
        turn()
        act.undo = { process.resume() }
    }

    private func press(_ plan: FaultPlan, _ fault: MemoryPressureFault, _ act: Act) -> String? {
        let meter = parts.meter
        let start = loop.now
        let bytes = fault.bytes(limit: meter.limit, used: meter.used)
        guard bytes > 0 else { return "there is nothing to take: more than that is used already" }
        var mine: Int64 = 0
        var hasBitten = false
        func grow() {
            guard !act.isOver else { return }
            let due = MemoryPressureFault.held(
                of: bytes, after: loop.now - start, ramp: plan.scope.ramp)
            meter.pressure += due - mine
            mine = due
            if !hasBitten, mine > 0 {
                hasBitten = true
                bite(plan)
            }
            if meter.used > meter.limit {
                // The kernel ends whom it is told to.
                if fault.targetDies {
                    _ = parts.end("agent", restart: nil)
                    return
                }
                meter.pressure -= mine
                mine = 0
                return
            }
            if mine < bytes { loop.schedule(at: loop.now + .milliseconds(100)) { grow() } }
        }
        grow()
        act.undo = { meter.pressure -= mine }
        return nil
    }
}
