import UproarCore
import UproarFaults
import UproarRuntime

/// The timeline's faults at one loop's emulators: holds what is armed, lets it expire by itself, and states where it took effect.
///
/// It stands in the emulators' way only while something is armed.
package final class FaultInterference: EmulatorInterference, TimerHandler {
    private let context: EmulatorContext
    private let facts: any FactSink
    private var chain = ProviderFaultChain()
    /// Of each answer in work that a fault shapes, by provider and ordinal; gone when no fault is armed.
    private var shapers: [UInt64: AnswerShaper] = [:]
    private var timer = TimerID.none
    private var numbers = OrderedTable<String, UInt32>()

    package init(context: EmulatorContext, facts: any FactSink) {
        self.context = context
        self.facts = facts
    }

    // MARK: Arming

    /// False when the plan names no fault of providers.
    package func arm(_ plan: FaultPlan) -> Bool {
        guard chain.arm(plan) else { return false }
        numbers[plan.id] = plan.number
        state(.faultArmed, plan.number, at: context.now)
        changed(at: context.now)
        return true
    }

    package func clear(_ id: String) {
        // What has expired by itself is cleared all the same: who asks is told.
        if let number = numbers[id] { state(.faultCleared, number, at: context.now) }
        numbers[id] = nil
        chain.clear(id)
        changed(at: context.now)
    }

    package func clearAll() {
        for id in numbers.keys { clear(id) }
    }

    package var isClear: Bool { chain.isEmpty }

    /// What was decided about passages, for the evidence; taken as it comes.
    package func takeDecisions() -> [FaultDecision] { chain.takeDecisions() }

    package func timerFired(token: UInt64, now: Instant) { changed(at: now) }

    private func changed(at now: Instant) {
        chain.expire(at: now)
        context.interference = chain.isEmpty ? nil : self
        if chain.isEmpty { shapers.removeAll() }
        for hear in context.onFaults { hear(now) }
        context.loop.cancel(timer)
        if let next = chain.nextChange(after: now) { timer = context.loop.schedule(self, at: next) }
    }

    // MARK: EmulatorInterference

    package func verdict(on passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict {
        if case .piece = passage.kind { return verdict(onPiece: passage, at: now) }
        let asked = aim(passage)
        let verdict = chain.verdict(on: asked, at: now)
        tell(passage.provider, at: now)
        switch verdict {
        case .pass: break
        case .refuse(let status, let retry, let delay):
            var refusal = EmulatorRefusal(status: status)
            refusal.after = delay
            switch retry {
            case .none: break
            case .seconds(let seconds): refusal.retryAfter = .seconds(seconds)
            case .date(let seconds):
                refusal.retryAfter = .seconds(seconds)
                refusal.isDated = true
            }
            return .refusal(refusal)
        case .reset: return .reset
        case .mute: return .mute
        case .hang: return .hang
        case .headOnly:
            guard !passage.isWebSocket else { return .mute }
            shapers[key(passage)] = AnswerShaper(
                [(.max, .stall(after: .chunks(0), for: nil))], at: now,
                random: RandomStream(state: 0))
            return .pass
        case .close(let code): return .close(code, reason: "try again later")
        }
        return shape(passage, at: now) ? .freeze : .pass
    }

    package func verdict(onOpen passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict {
        if let code = chain.ending(of: aim(passage), at: now) {
            tell(passage.provider, at: now)
            return .close(code, reason: "service unavailable")
        }
        return shape(passage, at: now) ? .freeze : .pass
    }

    package func extraLatency(on passage: EmulatorPassage, at now: Instant) -> Duration {
        let extra = chain.extraLatency(on: aim(passage), at: now)
        tell(passage.provider, at: now)
        return extra
    }

    package func defects(
        of operation: StorageOperation, on passage: EmulatorPassage, at now: Instant
    ) -> [StorageDefect] {
        let defects = chain.defects(of: operation, on: aim(passage), at: now)
        tell(passage.provider, at: now)
        return defects
    }

    private func verdict(onPiece passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict {
        let key = key(passage)
        guard var shaper = shapers.removeValue(forKey: key) else { return .pass }
        let dialect = passage.dialect
        let step = shaper.passing(content: dialect.contentCount(in: passage.payload), at: now)
        let changed = changed(passage.payload, by: step, in: dialect)
        if changed == passage.payload { shaper.leftUnchanged() }
        tell(shaper.takeActed(), passage, at: now)
        shapers[key] = shaper
        if let changed { return changed == passage.payload ? .pass : .replace(changed) }
        switch step {
        case .send, .sendMalformed, .sendDefective, .sendEmptied: return .pass
        case .hold(let until): return .delay(until - now)
        case .sendTwice: return .twice
        case .sendError(let ends): return ends ? .fail(status: 500) : .slip(status: 500)
        case .cut(.reset): return .reset
        case .cut(.close(let code)) where passage.isWebSocket:
            return .close(code, reason: "internal error")
        case .cut: return .cut
        case .freeze: return .freeze
        case .silence: return .stall
        case .keepAlive(let interval): return .keepAlive(every: interval)
        }
    }

    /// The bytes that go out in a chunk's place, where a step has others; the same ones where the chunk has nothing that it could break.
    private func changed(
        _ payload: [UInt8], by step: AnswerShaper.Step, in dialect: AnswerDialect
    ) -> [UInt8]? {
        switch step {
        case .sendMalformed(let kind):
            dialect.changed(payload) { Malformer.garble($0, kind, marks: dialect.marks) }
        case .sendDefective(let defect):
            dialect.changed(payload) { AudioDefects.spoil($0, defect) }
        case .sendEmptied: dialect.emptied(payload)
        default: nil
        }
    }

    // MARK: Parts

    /// Takes the shapes of an answer that begins; true when it is dead at once.
    private func shape(_ passage: EmulatorPassage, at now: Instant) -> Bool {
        let aimed = aim(passage)
        let shapes = chain.shapes(of: aimed, at: now)
        guard !shapes.isEmpty else {
            shapers[key(passage)] = nil
            return false
        }
        var shaper = AnswerShaper(
            shapes, at: now,
            random: context.seed.stream("answer shape", aimed.key, aimed.index))
        let isDead = shaper.freezesAtOnce()
        tell(shaper.takeActed(), passage, at: now)
        shapers[key(passage)] = shaper
        return isDead
    }

    private func key(_ passage: EmulatorPassage) -> UInt64 {
        UInt64(passage.provider.rawValue) << 48 | passage.ordinal
    }

    private func aim(_ passage: EmulatorPassage) -> FaultPassage {
        let provider = passage.provider
        let call = passage.call ?? passage.reference?.call
        var aimed = FaultPassage(
            names: [provider.name, provider.role.rawValue],
            key: call.map(UInt64.init) ?? 1 << 40 | passage.ordinal, call: call,
            index: passage.reference.map { UInt64($0.rawValue) } ?? passage.ordinal)
        aimed.fields = passage.fields
        return aimed
    }

    private func tell(_ provider: ProviderID, at now: Instant) {
        for effect in chain.takeEffects() {
            state(.faultEffective, effect.number, effect.call, provider, at: now)
        }
    }

    private func tell(_ numbers: [UInt32], _ passage: EmulatorPassage, at now: Instant) {
        // What carries out a verdict has been told with it.
        for number in numbers where number != .max {
            state(.faultEffective, number, passage.call, passage.provider, at: now)
        }
    }

    private func state(
        _ kind: FactKind, _ number: UInt32, _ call: UInt32? = nil, _ provider: ProviderID? = nil,
        at now: Instant
    ) {
        facts.state(
            Fact(
                kind, at: now, call: call, detail: number,
                origin: provider.map { .provider($0) } ?? .nemesis))
    }
}
