import UproarCore

/// The faults armed at a link: asked when a connection begins and whenever something may have changed. Decisions only.
package struct LinkFaultChain: Sendable {
    /// A fault in force for one direction of one connection.
    package struct Active: Sendable {
        package let plan: FaultPlan
        package let effect: LinkEffect
        /// Drawn for each chunk (`meets`); else it is on all of them.
        package let isPerChunk: Bool
    }

    /// What one connection was fated to, so that the dice are thrown once.
    package struct Fate: Sendable {
        package let passage: FaultPassage
        private var decided: [(number: UInt32, id: String, isMet: Bool)] = []

        /// - connection: its ordinal at the link, from 0.
        package init(names: [String], connection: UInt64) {
            passage = FaultPassage(names: names, key: connection)
        }

        fileprivate subscript(plan: FaultPlan) -> Bool? {
            get { decided.first { $0.number == plan.number && $0.id == plan.id }?.isMet }
            set {
                decided.removeAll { $0.number == plan.number && $0.id == plan.id }
                if let newValue { decided.append((plan.number, plan.id, newValue)) }
            }
        }
    }

    private struct Armed: Sendable {
        var aim: FaultAim
        var fault: any LinkFault
        var isOpen: Bool
    }

    private var armed: [Armed] = []
    /// Changes whenever another answer may be due.
    package private(set) var generation = 0

    package init() {}

    package var isEmpty: Bool { armed.isEmpty }

    /// - extra: faults that have no name in the catalog.
    /// - Returns: false when no link fault has this name.
    package mutating func arm(_ plan: FaultPlan, extra: [any LinkFault.Type] = []) -> Bool {
        let kind =
            LinkFaultCatalog.named(plan.fault)
            ?? extra.first { $0.descriptor.name == plan.fault }
        guard let kind else { return false }
        var plan = plan
        // Commands are told apart in capitals.
        for index in plan.scope.conditions.indices
        where plan.scope.conditions[index].key == "command" {
            plan.scope.conditions[index].value = plan.scope.conditions[index].value.uppercased()
        }
        armed.removeAll { $0.aim.plan.id == plan.id }
        armed.append(
            Armed(
                aim: FaultAim(plan, unit: kind.unit), fault: kind.init(plan.attributes),
                isOpen: false))
        generation += 1
        return true
    }

    package mutating func clear(_ id: String) {
        armed.removeAll { $0.aim.plan.id == id }
        generation += 1
    }

    package mutating func clearAll() {
        armed.removeAll()
        generation += 1
    }

    /// Drops what is over and sees what has begun or paused.
    package mutating func advance(to now: Instant) {
        let count = armed.count
        armed.removeAll { now >= $0.aim.plan.window.until }
        var hasChanged = armed.count != count
        for index in armed.indices {
            let isOpen = armed[index].aim.plan.window.isOpen(at: now)
            if isOpen != armed[index].isOpen {
                armed[index].isOpen = isOpen
                hasChanged = true
            }
        }
        if hasChanged { generation += 1 }
    }

    package func nextChange(after now: Instant) -> Instant? {
        armed.compactMap { $0.aim.plan.window.nextChange(after: now) }.min()
    }

    /// Whether a fault grows, so that an answer holds for a moment only.
    package func isGrowing(at now: Instant) -> Bool {
        armed.contains {
            $0.aim.plan.scope.ramp > .zero
                && now < $0.aim.plan.window.from + $0.aim.plan.scope.ramp
        }
    }

    /// What becomes of a connection that begins, and by which fault; the first in written order that minds it decides.
    package mutating func admission(of fate: inout Fate, at now: Instant)
        -> (admission: LinkAdmission, plan: FaultPlan)?
    {
        for index in armed.indices {
            let admission = admission(of: armed[index], at: now)
            guard admission != .pass, meets(index, &fate, now) else { continue }
            return (admission, armed[index].aim.plan)
        }
        return nil
    }

    private func admission(of armed: Armed, at now: Instant) -> LinkAdmission {
        if case .redis(let effect) = armed.fault.effect {
            return effect.admission(since: now - armed.aim.plan.window.from)
        }
        return armed.fault.admission
    }

    /// The faults in force for a direction of a connection.
    package mutating func active(
        on fate: inout Fate, _ direction: LinkDirection, at now: Instant
    ) -> [Active] {
        var active: [Active] = []
        for index in armed.indices {
            let effect = armed[index].fault.effect
            guard effect != .none, armed[index].fault.directions.contains(direction) else {
                continue
            }
            // Of commands, it is asked for each.
            if case .redis = effect { continue }
            if armed[index].aim.unit == .chunk {
                guard armed[index].aim.plan.window.isOpen(at: now),
                    armed[index].aim.covers(with(direction, fate.passage))
                else { continue }
                active.append(
                    Active(
                        plan: armed[index].aim.plan, effect: effect, isPerChunk: true))
            } else if meets(index, &fate, now, direction) {
                active.append(
                    Active(plan: armed[index].aim.plan, effect: effect, isPerChunk: false))
            }
        }
        return active
    }

    /// Whether a fault that is drawn for each chunk meets this one.
    package mutating func meets(_ plan: FaultPlan, chunk passage: FaultPassage, at now: Instant)
        -> Bool
    {
        guard let index = armed.firstIndex(where: { $0.aim.plan.id == plan.id }),
            armed[index].aim.meets(passage, at: now)
        else { return false }
        armed[index].aim.released()
        return true
    }

    /// The Redis faults in force for a connection as such, whatever its commands.
    package mutating func redisEffects(on fate: inout Fate, at now: Instant) -> [(
        plan: FaultPlan, effect: RedisEffect
    )] {
        var found: [(plan: FaultPlan, effect: RedisEffect)] = []
        for index in armed.indices {
            guard case .redis(let effect) = armed[index].fault.effect, effect.isOfConnections,
                meets(index, &fate, now)
            else { continue }
            found.append((armed[index].aim.plan, effect))
        }
        return found
    }

    package var hasRedisFaults: Bool {
        armed.contains { if case .redis = $0.fault.effect { true } else { false } }
    }

    /// What meets one command (or published message) of a connection, in written order.
    package mutating func verdicts(
        on passage: FaultPassage, isWrite: Bool, at now: Instant
    ) -> [(plan: FaultPlan, effect: RedisEffect)] {
        var found: [(plan: FaultPlan, effect: RedisEffect)] = []
        for index in armed.indices {
            guard case .redis(let effect) = armed[index].fault.effect, !effect.isOfConnections,
                effect.minds(
                    passage.field("command"), isWrite: isWrite,
                    isNamed: armed[index].aim.plan.scope.conditions.contains {
                        $0.key == "command"
                    }),
                armed[index].aim.meets(passage, at: now)
            else { continue }
            armed[index].aim.released()
            found.append((armed[index].aim.plan, effect))
        }
        return found
    }

    /// A connection that was met is over.
    package mutating func released(_ fate: Fate) {
        for index in armed.indices where fate[armed[index].aim.plan] == true {
            armed[index].aim.released()
        }
    }

    private func with(_ direction: LinkDirection, _ passage: FaultPassage) -> FaultPassage {
        var passage = passage
        passage.fields = [.init("direction", direction.rawValue)]
        return passage
    }

    /// Whether a fault that is drawn by connection meets this one: decided once, but for what grows.
    private mutating func meets(
        _ index: Int, _ fate: inout Fate, _ now: Instant, _ direction: LinkDirection? = nil
    ) -> Bool {
        let plan = armed[index].aim.plan
        guard plan.window.isOpen(at: now) else { return false }
        var passage = fate.passage
        if let direction { passage = with(direction, passage) }
        if fate[plan] == true { return armed[index].aim.covers(passage) }
        let isGrowing = plan.scope.ramp > .zero
        if fate[plan] == false, !isGrowing { return false }
        let isMet = armed[index].aim.meets(passage, at: now)
        // What `where` leaves out has met no dice.
        if isMet || armed[index].aim.covers(passage) { fate[plan] = isMet }
        return isMet
    }
}
