import UproarCore

/// The faults armed at a set of providers: asked when something begins and when an answer goes out. Decisions only.
package struct ProviderFaultChain: Sendable {
    /// One fault took effect: what the run is told.
    package struct Effect: Hashable, Sendable {
        package var number: UInt32
        package var call: UInt32?
    }

    private struct Armed {
        var aim: FaultAim
        var fault: any ProviderFault
        /// Of a rate limit: the window in work and how much it let pass.
        var rateWindow: Int64 = -1
        var passedInWindow = 0
    }

    private var armed: [Armed] = []
    private var effects: [Effect] = []
    private var decisions: [FaultDecision] = []
    /// More are not kept until somebody takes them; how many were left out stands in the last one.
    private static let decisionLimit = 10_000

    package init() {}

    package var isEmpty: Bool { armed.isEmpty }

    /// False when no provider fault has this name.
    package mutating func arm(_ plan: FaultPlan) -> Bool {
        guard let kind = ProviderFaultCatalog.named(plan.fault) else { return false }
        clear(plan.id)
        armed.append(Armed(aim: FaultAim(plan, unit: kind.unit), fault: kind.init(plan.attributes)))
        return true
    }

    package mutating func clear(_ id: String) { armed.removeAll { $0.aim.plan.id == id } }
    package mutating func clearAll() { armed.removeAll() }

    /// Drops what is over.
    package mutating func expire(at now: Instant) {
        armed.removeAll { now >= $0.aim.plan.window.until }
    }

    /// When something may change by time alone.
    package func nextChange(after now: Instant) -> Instant? {
        armed.compactMap { $0.aim.plan.window.nextChange(after: now) }.min()
    }

    package mutating func takeEffects() -> [Effect] {
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    /// What becomes of a request or connection; the first fault in written order that refuses it decides.
    package mutating func verdict(on passage: FaultPassage, at now: Instant) -> ProviderVerdict {
        for index in armed.indices {
            var random = armed[index].aim.plan.stream(passage.key, passage.index)
            // Another draw than the one that chose the passage.
            _ = random.next()
            let verdict = armed[index].fault.verdict(on: passage, &random)
            guard verdict != .pass, armed[index].aim.isOpen(at: now),
                armed[index].aim.covers(passage)
            else { continue }
            if let limit = armed[index].fault as? RateLimitFault, limit.allowed > 0 {
                let window =
                    (now - armed[index].aim.plan.window.from).nanoseconds
                    / max(1, limit.window.nanoseconds)
                if window != armed[index].rateWindow {
                    armed[index].rateWindow = window
                    armed[index].passedInWindow = 0
                }
                if armed[index].passedInWindow < limit.allowed {
                    armed[index].passedInWindow += 1
                    continue
                }
            }
            guard meets(index, passage, at: now) else { continue }
            note(index, passage)
            return verdict
        }
        return .pass
    }

    /// The code with which a stream that is open must end now; nil: it goes on.
    package mutating func ending(of passage: FaultPassage, at now: Instant) -> UInt16? {
        for index in armed.indices {
            guard let code = armed[index].fault.endsOpenStreams,
                meets(index, passage, at: now)
            else { continue }
            note(index, passage)
            return code
        }
        return nil
    }

    /// The shapes that an answer takes, with the numbers of their faults. They are effective when they act.
    package mutating func shapes(of passage: FaultPassage, at now: Instant)
        -> [(number: UInt32, shape: AnswerShape)]
    {
        var result: [(number: UInt32, shape: AnswerShape)] = []
        for index in armed.indices {
            var random = armed[index].aim.plan.stream(passage.key, passage.index)
            _ = random.next()
            guard let shape = armed[index].fault.shape(&random),
                meets(index, passage, at: now)
            else { continue }
            result.append((armed[index].aim.plan.number, shape))
        }
        return result
    }

    /// What is added to the provider's own time to its first content.
    package mutating func extraLatency(on passage: FaultPassage, at now: Instant) -> Duration {
        var sum = Duration.zero
        for index in armed.indices {
            var random = armed[index].aim.plan.stream(passage.key, passage.index)
            _ = random.next()
            let extra = armed[index].fault.extraLatency(&random)
            guard extra > .zero, meets(index, passage, at: now) else { continue }
            note(index, passage)
            sum += extra
        }
        return sum
    }

    /// What the store makes of what it is given, in written order.
    package mutating func defects(
        of operation: StorageOperation, on passage: FaultPassage, at now: Instant
    ) -> [StorageDefect] {
        var result: [StorageDefect] = []
        for index in armed.indices {
            var random = armed[index].aim.plan.stream(passage.key, passage.index)
            _ = random.next()
            guard let defect = armed[index].fault.defect(of: operation, &random),
                meets(index, passage, at: now)
            else { continue }
            note(index, passage)
            result.append(defect)
        }
        return result
    }

    package mutating func takeDecisions() -> [FaultDecision] {
        defer { decisions.removeAll(keepingCapacity: true) }
        return decisions
    }

    /// Asks the aim, and keeps what it decided.
    private mutating func meets(_ index: Int, _ passage: FaultPassage, at now: Instant) -> Bool {
        let isHit = armed[index].aim.meets(passage, at: now)
        if isHit { armed[index].aim.released() }
        if let decision = armed[index].aim.takeDecision(isHit, passage, at: now) {
            if decisions.count < Self.decisionLimit {
                decisions.append(decision)
            } else {
                decisions[decisions.count - 1].leftOut += 1
            }
        }
        return isHit
    }

    private mutating func note(_ index: Int, _ passage: FaultPassage) {
        effects.append(Effect(number: armed[index].aim.plan.number, call: passage.call))
    }
}
