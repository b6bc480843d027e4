import UproarCore
import UproarFaults
import UproarLoad
import UproarProviders
import UproarRuntime
import UproarScenario
import UproarStatistics

/// Carries out what the timeline asks for: the emulators of one world, its processes, its links.
package protocol FaultCarrier: AnyObject {
    /// Arms the plan, whose times count from the first due arrival. A sentence when it cannot.
    func arm(_ plan: FaultPlan) -> String?
    func clear(_ plan: FaultPlan)
    /// Nothing is armed, and what was cleared shows as it was before.
    var isClear: Bool { get }
    /// The fact that this fault is cleared has come from where it acted.
    func cleared(_ number: UInt32)
}

extension FaultCarrier {
    package func cleared(_ number: UInt32) {}
}

/// The timeline of one run in one world: asks the nemesis, tells the carriers, and keeps the history of every fault. Belongs to the
/// control loop.
package final class FaultDriver: TimerHandler {
    package private(set) var histories: [FaultHistory]
    /// Lines for people, as things happen.
    package var say: ((String) -> Void)?
    /// Conditions are judged by this.
    package var holds: ((GateRule, Instant) -> Bool?)?
    /// Every change, for the journal.
    package var onChange: ((String, JSONValue) -> Void)?
    /// Asked before the first fault: why there is no steady state to disturb, or nil.
    package var mayBegin: (() -> String?)?
    /// There was none: nothing is injected, and the run may end.
    package var onRefused: (() -> Void)?
    /// Something was armed.
    package private(set) var hasBegun = false
    /// What could not be done or undone.
    package private(set) var problems: [String] = []
    /// Marks with their times: the human timeline.
    package private(set) var marks: [(at: Instant, text: String)] = []

    private var nemesis: Nemesis
    private let loop: EventLoop
    private let carrier: any FaultCarrier
    private var plans: [UInt32: FaultPlan] = [:]
    private var timer = TimerID.none
    /// The loop's reading at the first due arrival.
    private var origin = Instant.zero
    private var isStopped = false
    private let plan: RunPlan
    private var exposure = FaultExposure()
    private var hasBitten: Set<UInt32> = []

    package init(plan: RunPlan, loop: EventLoop, carrier: any FaultCarrier) {
        self.loop = loop
        self.carrier = carrier
        self.plan = plan
        let scenario = plan.scenario
        nemesis = Nemesis(
            scenario.timeline,
            plan: TimelinePlan(
                scenario.timeline, seed: plan.seed, loadDuration: plan.arrivals.duration),
            seed: plan.seed,
            callsOf: { key, value in
                guard key == "channel" else { return [] }
                return (0..<TurnReference.callLimit).filter {
                    scenario.channel(of: $0, seed: plan.seed).rawValue == value
                }
            })
        histories = nemesis.injects.map { [nemesis] number, occurrence, event in
            FaultSubjects.history(
                number, occurrence.id, event, scope: nemesis.scope(event.scope), plan)
        }
    }

    package var isEmpty: Bool { nemesis.isEmpty }

    package func start(at origin: Instant) {
        self.origin = origin
        schedule()
    }

    package func timerFired(token: UInt64, now: Instant) {
        guard !isStopped else { return }
        let run = Instant.zero + (now - origin)
        let actions = nemesis.advance(
            to: run, holds: { [weak self] in self?.holds?($0, run) ?? nil },
            hits: { [weak self] number in
                Int(self?.histories.first { $0.subject.number == number }?.effects ?? 0)
            })
        carry(actions, at: run)
        schedule()
    }

    /// Ends every fault now; those that wait never come.
    package func clearAll() {
        guard !isStopped else { return }
        isStopped = true
        loop.cancel(timer)
        let run = Instant.zero + (loop.now - origin)
        carry(nemesis.clearAll(at: run), at: run)
    }

    package func take(_ fact: Fact) {
        for index in histories.indices { histories[index].take(fact) }
        switch FactKind(rawValue: fact.kind) {
        case .faultEffective: tookEffect(fact)
        case .faultCleared:
            carrier.cleared(fact.detail)
            exposure.cleared(fact.detail)
        default: meet(exposure.take(fact))
        }
    }

    private func tookEffect(_ fact: Fact) {
        if hasBitten.insert(fact.detail).inserted {
            onChange?(
                "effective",
                [
                    "number": .integer(Int64(fact.detail)),
                    "at_ns": .integer(fact.instant.nanoseconds),
                ])
        }
        guard fact.call == Fact.noCall, let plan = plans[fact.detail] else { return }
        meet(exposure.effect(fact, of: plan))
    }

    private func meet(_ calls: [FaultExposure.Met]) {
        for met in calls {
            for index in histories.indices where histories[index].subject.number == met.fault {
                histories[index].met(met.call, at: met.at)
            }
        }
    }

    /// Everything that was armed is over and shows as it was before.
    package var isClear: Bool { carrier.isClear }

    package func take(_ sign: FaultHistory.OwnSign) {
        for index in histories.indices { histories[index].take(sign) }
    }

    package func take(_ call: CallRecord) {
        for index in histories.indices { histories[index].take(call) }
    }

    package func mark(_ text: String) {
        let at = Instant.zero + (loop.now - origin)
        marks.append((at, text))
        onChange?("mark", ["text": .string(text), "at_ms": .integer(at.milliseconds)])
    }

    // MARK: By hand

    /// Injects what nobody planned, now. A sentence when it cannot.
    package func inject(_ event: TimelineEvent) -> String? {
        guard !isStopped else { return "the run is over, or its faults were cleared" }
        let run = Instant.zero + (loop.now - origin)
        let number = nemesis.add(event, at: run)
        histories.append(
            FaultSubjects.history(
                number, event.id, event, scope: nemesis.scope(event.scope), plan))
        timerFired(token: 0, now: loop.now)
        let failure = problems.first { $0.hasPrefix("\(event.id): ") }
        return failure.map { String($0.dropFirst(event.id.count + 2)) }
    }

    /// The next planned fault begins now. Answers its id, or nil when none is to come.
    package func injectNext() -> String? {
        guard !isStopped else { return nil }
        let run = Instant.zero + (loop.now - origin)
        guard let id = nemesis.hasten(at: run) else { return nil }
        timerFired(token: 0, now: loop.now)
        return id
    }

    /// Ends one fault now; false when none with this id is armed.
    package func clear(_ id: String) -> Bool {
        let run = Instant.zero + (loop.now - origin)
        let actions = nemesis.clear(id, at: run)
        carry(actions, at: run)
        schedule()
        return !actions.isEmpty
    }

    /// What is armed now, by id.
    package var armed: [String] { nemesis.armed }

    private func schedule() {
        loop.cancel(timer)
        let run = Instant.zero + (loop.now - origin)
        guard !isStopped, let next = nemesis.next(after: run) else { return }
        timer = loop.schedule(self, at: origin + (max(next, run) - .zero))
    }

    private func carry(_ actions: [Nemesis.Action], at now: Instant) {
        for action in actions {
            switch action {
            case .arm(let plan):
                if !hasBegun, let problem = mayBegin?() {
                    problems.append("no steady state before the first fault: \(problem)")
                    onChange?("refused", ["id": .string(plan.id), "reason": .string(problem)])
                    say?("fault \(plan.id) is not injected: \(problem)")
                    isStopped = true
                    _ = nemesis.clearAll(at: now)
                    onRefused?()
                    return
                }
                hasBegun = true
                plans[plan.number] = plan
                onChange?("intent", plan.json)
                if let problem = carrier.arm(plan) {
                    problems.append("\(plan.id): \(problem)")
                    say?("fault \(plan.id) could not be armed: \(problem)")
                    continue
                }
                take(Fact(.faultArmed, at: now, detail: plan.number, origin: .nemesis))
                onChange?("armed", ["id": .string(plan.id), "at_ms": .integer(now.milliseconds)])
                say?("fault \(plan.id): \(plan.fault) armed")
            case .clear(let number, let id):
                if let plan = plans[number] { carrier.clear(plan) }
                exposure.cleared(number)
                for index in histories.indices where histories[index].subject.number == number {
                    histories[index].clear(at: now)
                }
                onChange?("cleared", ["id": .string(id), "at_ms": .integer(now.milliseconds)])
                say?("fault \(id) cleared")
            case .mark(let text):
                marks.append((now, text))
                onChange?(
                    "mark", ["text": .string(text), "at_ms": .integer(now.milliseconds)])
            case .expected(let id, let came):
                marks.append((now, "\(id): \(came ? "as expected" : "NOT as expected")"))
                if !came { problems.append("\(id): what was expected did not come") }
            case .gaveUp(let id):
                marks.append((now, "\(id): its condition never came"))
            }
        }
    }
}

/// Several carriers as one: the first that knows a fault takes it.
package final class FaultCarriers: FaultCarrier {
    private let carriers: [(knows: (FaultPlan) -> Bool, carrier: any FaultCarrier)]

    package var isClear: Bool { carriers.allSatisfy(\.carrier.isClear) }

    package func cleared(_ number: UInt32) {
        for entry in carriers { entry.carrier.cleared(number) }
    }

    package init(_ carriers: [(knows: (FaultPlan) -> Bool, carrier: any FaultCarrier)]) {
        self.carriers = carriers
    }

    package func arm(_ plan: FaultPlan) -> String? {
        guard let carrier = carriers.first(where: { $0.knows(plan) })?.carrier else {
            return "nothing in this run can carry out \(plan.fault)"
        }
        return carrier.arm(plan)
    }

    package func clear(_ plan: FaultPlan) {
        carriers.first { $0.knows(plan) }?.carrier.clear(plan)
    }
}

/// Provider faults in the same process: simulation.
package final class EmulatorCarrier: FaultCarrier {
    private let assembly: ProvidersAssembly
    /// Enters the process they live in.
    private let inside: (@escaping () -> Void) -> Void

    package init(
        _ assembly: ProvidersAssembly, inside: @escaping (@escaping () -> Void) -> Void = { $0() }
    ) {
        self.assembly = assembly
        self.inside = inside
    }

    package func arm(_ plan: FaultPlan) -> String? {
        guard ProviderFaultCatalog.named(plan.fault) != nil else {
            return "the emulators know no fault \(plan.fault)"
        }
        inside { [assembly] in _ = assembly.faults.arm(plan) }
        return nil
    }

    package func clear(_ plan: FaultPlan) {
        inside { [assembly] in assembly.faults.clear(plan.id) }
    }

    package var isClear: Bool { assembly.faults.isClear }
}

/// Provider faults in the providers' process, over its control socket.
package final class ControlCarrier: FaultCarrier {
    private let connection: () -> ControlConnection?
    /// From the first due arrival to the clock that all processes of the run share.
    private let shift: () -> Duration

    package init(connection: @escaping () -> ControlConnection?, shift: @escaping () -> Duration) {
        self.connection = connection
        self.shift = shift
    }

    package func arm(_ plan: FaultPlan) -> String? {
        guard let connection = connection() else { return "its process is gone" }
        var plan = plan
        plan.window.from += shift()
        plan.window.until += shift()
        connection.send(.arm, plan.json)
        armed[plan.number] = true
        return nil
    }

    package func clear(_ plan: FaultPlan) {
        guard let connection = connection() else {
            // What was armed there is gone with the process.
            armed[plan.number] = nil
            return
        }
        connection.send(.clear, ["id": .string(plan.id)])
    }

    /// The child has said so, or is gone with all that was armed in it.
    package var isClear: Bool { armed.isEmpty || connection() == nil }
    package func cleared(_ number: UInt32) { armed[number] = nil }
    private var armed = OrderedTable<UInt32, Bool>()
}
