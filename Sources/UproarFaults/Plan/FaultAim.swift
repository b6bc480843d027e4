import UproarCore

/// One thing that a fault may meet, with what tells it apart. Who has no call goes by what it has: the same thing must get the
/// same key at any concurrency.
package struct FaultPassage: Hashable, Sendable {
    /// Names it answers to: its provider and role, its link, its process.
    package var names: [String]
    /// The call, a hash of an identifier that belongs to one, or the ordinal of the connection when nothing better is known.
    package var key: UInt64
    package var call: UInt32?
    /// Tells requests (or connections) of one key apart: a turn reference, an ordinal within the key.
    package var index: UInt64
    /// Position of the chunk in its stream.
    package var chunk: UInt64 = 0
    /// `path`, `method`, `model`, `command`, `direction`, … as `where` names them.
    package var fields: [FaultScope.Condition] = []

    package init(names: [String], key: UInt64, call: UInt32? = nil, index: UInt64 = 0) {
        self.names = names
        self.key = key
        self.call = call
        self.index = index
    }

    package func field(_ name: String) -> String? { fields.first { $0.key == name }?.value }
}

/// Whether an armed fault meets a passage. The answer is a function of plan and passage alone, but for what counts hits
/// (`count`, `max_active`).
package struct FaultAim: Sendable {
    package let plan: FaultPlan
    /// What one draw decides about when the scope does not say.
    package let unit: FaultScope.Unit
    package private(set) var hits = 0
    /// Hits that are not over yet, for `max_active`.
    package private(set) var active = 0
    /// The first draw of the last decision that the dice made.
    private var drawn: UInt64?

    package init(_ plan: FaultPlan, unit: FaultScope.Unit = .request) {
        self.plan = plan
        self.unit = plan.scope.unit ?? unit
    }

    package func isOpen(at now: Instant) -> Bool {
        guard plan.window.isOpen(at: now) else { return false }
        return plan.window.count.map { hits < $0 } ?? true
    }

    /// Whom it can meet at all, whatever the time and the dice say.
    package func covers(_ passage: FaultPassage) -> Bool {
        let scope = plan.scope
        guard scope.on.isEmpty || scope.on.contains(where: passage.names.contains) else {
            return false
        }
        guard scope.conditions.allSatisfy({ $0.holds(of: passage.field($0.key)) }) else {
            return false
        }
        switch scope.cohort {
        case nil: return true
        case .share(let chance)?:
            var random = plan.seed.stream(text: "cohort " + plan.id, passage.key)
            return chance.draw(&random)
        case .every(let count)?:
            return (passage.call.map(UInt64.init) ?? passage.key) % UInt64(count) == 0
        case .calls(let calls)?: return passage.call.map(calls.contains) ?? false
        }
    }

    /// Whether it meets this passage now; a hit is counted.
    package mutating func meets(_ passage: FaultPassage, at now: Instant) -> Bool {
        drawn = nil
        guard isOpen(at: now), covers(passage) else { return false }
        if let limit = plan.scope.maxActive, active >= limit { return false }
        guard decides(passage, at: now) else { return false }
        hits += 1
        active += 1
        return true
    }

    /// What the last `meets` came to, for the evidence; nil when neither the dice were asked nor anything was met.
    package func takeDecision(_ isHit: Bool, _ passage: FaultPassage, at now: Instant)
        -> FaultDecision?
    {
        guard isHit || drawn != nil else { return nil }
        return FaultDecision(
            fault: plan.id, at: now, isHit: isHit, passage: passage, unit: unit, drawn: drawn)
    }

    /// The thing met is over.
    package mutating func released() { active = max(0, active - 1) }

    private mutating func decides(_ passage: FaultPassage, at now: Instant) -> Bool {
        let scope = plan.scope
        guard scope.chance != .always || scope.ramp > .zero else { return true }
        var random =
            switch unit {
            case .call: plan.stream(passage.key)
            case .connection, .request: plan.stream(passage.key, passage.index)
            case .chunk: plan.stream(passage.key ^ RandomStream.mix(passage.index), passage.chunk)
            }
        var first = random
        drawn = first.next()
        guard scope.ramp > .zero, now < plan.window.from + scope.ramp else {
            return scope.chance.draw(&random)
        }
        let grown =
            Double((now - plan.window.from).nanoseconds) / Double(scope.ramp.nanoseconds)
        return random.unit()
            < grown * Double(scope.chance.numerator) / Double(scope.chance.denominator)
    }
}
