import UproarCore

/// What one fault did, gathered from facts and calls as they come: when it bit, whom, who stood in, and when all was well again.
///
/// Nothing is measured from a command: times count from the first effect on the call in question, and what was never seen is
/// censored at the end of what was watched.
package struct FaultHistory: Sendable {
    /// The fault as the plan has it.
    package struct Subject: Hashable, Sendable {
        package var id: String
        package var number: UInt32
        package var kind: String
        package var target: String
        package var summary: String
        /// Providers it acts on; empty for processes and links.
        package var providers: [ProviderID]
        /// How long after its end its effects may last.
        package var recovery: Duration

        package init(
            id: String, number: UInt32, kind: String, target: String, summary: String,
            providers: [ProviderID], recovery: Duration
        ) {
            self.id = id
            self.number = number
            self.kind = kind
            self.target = target
            self.summary = summary
            self.providers = providers
            self.recovery = recovery
        }
    }

    private struct Exposure: Sendable {
        var first: Instant?
        var attempt: Instant?
        var success: Instant?
        var failback: Instant?
    }

    private struct Turn: Sendable {
        var call: UInt32
        var ended: Instant
        var isGood: Bool
        var deadAir: Duration
        var isLost: Bool
    }

    package let subject: Subject
    package private(set) var armed: Instant?
    package private(set) var firstEffect: Instant?
    package private(set) var lastEffect: Instant?
    package private(set) var cleared: Instant?
    package private(set) var effects: UInt64 = 0
    private var exposures = OrderedTable<UInt32, Exposure>()
    private var turns: [Turn] = []
    private var dropped: Set<UInt32> = []
    private var primarySuccess: Instant?
    private var alternates: [ProviderID] = []
    private var requestsBefore = 0
    private var requestsDuring = 0
    private var turnsBefore = 0

    /// So many good turns in a row make a recovery.
    package static let goodRun = 3

    package init(_ subject: Subject) { self.subject = subject }

    // MARK: Facts

    package mutating func take(_ fact: Fact) {
        switch FactKind(rawValue: fact.kind) {
        case .faultArmed where fact.detail == subject.number: armed = armed ?? fact.instant
        case .faultEffective where fact.detail == subject.number: tookEffect(fact)
        case .faultCleared where fact.detail == subject.number: cleared = fact.instant
        case .speechRecognised, .modelRequested, .voiceTextReceived: attempted(fact)
        case .interimSent, .finalSent, .modelFirstContent, .voiceFirstAudio: succeeded(fact)
        default: break
        }
    }

    private mutating func tookEffect(_ fact: Fact) {
        effects += 1
        firstEffect = min(firstEffect ?? fact.instant, fact.instant)
        lastEffect = max(lastEffect ?? fact.instant, fact.instant)
        guard fact.call != Fact.noCall else { return }
        let known = exposures[fact.call]?.first
        exposures[fact.call, default: .init()].first = min(known ?? fact.instant, fact.instant)
    }

    private func stands(_ fact: Fact) -> Role? {
        guard let provider = FactOrigin(rawValue: fact.origin).provider else { return nil }
        if subject.providers.contains(provider) { return .primary }
        return subject.providers.contains { $0.role == provider.role } ? .alternate(provider) : nil
    }

    private enum Role {
        case primary
        case alternate(ProviderID)
    }

    private mutating func attempted(_ fact: Fact) {
        guard let role = stands(fact) else { return }
        guard let firstEffect, fact.instant >= firstEffect else {
            requestsBefore += 1
            return
        }
        if cleared == nil { requestsDuring += 1 }
        guard case .alternate(let provider) = role, fact.call != Fact.noCall else { return }
        if !alternates.contains(provider) { alternates.append(provider) }
        guard isWatched(fact) else { return }
        let known = exposures[fact.call]?.attempt
        exposures[fact.call, default: .init()].attempt = known ?? fact.instant
    }

    private mutating func succeeded(_ fact: Fact) {
        guard let role = stands(fact), let firstEffect, fact.instant >= firstEffect else { return }
        switch role {
        case .alternate:
            guard fact.call != Fact.noCall, isWatched(fact) else { return }
            let known = exposures[fact.call]?.success
            exposures[fact.call, default: .init()].success = known ?? fact.instant
        case .primary:
            guard let cleared, fact.instant >= cleared else { return }
            primarySuccess = min(primarySuccess ?? fact.instant, fact.instant)
            guard exposures[fact.call] != nil, exposures[fact.call]?.failback == nil else { return }
            exposures[fact.call]?.failback = fact.instant
        }
    }

    /// Alternates tried long after the fault are another story.
    private func isWatched(_ fact: Fact) -> Bool {
        guard let cleared else { return true }
        return fact.instant < cleared + subject.recovery
    }

    /// It is over, as the run sees it.
    package mutating func clear(at instant: Instant) { cleared = min(cleared ?? instant, instant) }

    // MARK: Calls

    package mutating func take(_ call: CallRecord) {
        if call.outcome == .dropped, let ended = call.ended, let firstEffect, ended >= firstEffect,
            ended < (cleared ?? .distantFuture) + subject.recovery
        {
            dropped.insert(call.id)
        }
        for turn in call.turns where turn.outcome != .open {
            guard let firstEffect, turn.ended >= firstEffect - .seconds(2) else {
                turnsBefore += 1
                continue
            }
            let bad: TurnMarks = [.duplicated, .stale, .truncated, .crossTalked, .deadAir]
            var silence = Duration.zero
            switch turn.deadAir {
            case .exact(let time)?, .atLeast(let time)?: silence = time
            case nil: break
            }
            turns.append(
                Turn(
                    call: call.id, ended: turn.ended,
                    isGood: turn.outcome == .answered && turn.marks.isDisjoint(with: bad),
                    deadAir: silence, isLost: turn.outcome == .lost))
        }
    }

    // MARK: What came of it

    /// - end: of what was watched.
    package func report(end: Instant) -> FaultReport {
        var report = FaultReport(subject: subject)
        report.armed = armed
        report.firstEffect = firstEffect
        report.lastEffect = lastEffect
        report.cleared = cleared
        report.effects = effects
        report.alternates = alternates
        guard let firstEffect else { return report }
        let over = cleared ?? end
        let watchEnd = min(end, over + subject.recovery)
        let window = turns.filter { $0.ended < watchEnd }.sorted {
            ($0.ended, $0.call) < ($1.ended, $1.call)
        }
        let exposed = Set(exposures.keys)
        report.exposed = exposed.count
        report.turns = window.count
        report.turnsLost = window.count(where: \.isLost)
        report.dropped = dropped.count
        let bad = Set(window.lazy.filter { !$0.isGood }.map(\.call))
        report.affected =
            bad.intersection(exposed).count
            + dropped.intersection(exposed)
            .subtracting(bad).count
        report.collateral = bad.union(dropped).subtracting(exposed).count
        report.deadAir = window.map(\.deadAir).max()
        for (call, exposure) in zip(exposures.keys, exposures.values) {
            guard let first = exposure.first else { continue }
            report.detect.append(.init(call, from: first, to: exposure.attempt, end: over))
            report.failover.append(.init(call, from: first, to: exposure.success, end: over))
            // Who never left the primary has nothing to come back from.
            if exposure.attempt != nil, cleared != nil {
                report.failback.append(.init(call, from: over, to: exposure.failback, end: end))
            }
        }
        report.addRecovery(
            window.filter { exposed.contains($0.call) }.map { ($0.ended, $0.isGood) },
            end: end)
        if turnsBefore > 0, requestsBefore > 0 {
            let during = turns.count { $0.ended >= firstEffect && $0.ended < over }
            if during > 0 {
                report.amplification =
                    Double(requestsDuring) / Double(during)
                    / (Double(requestsBefore) / Double(turnsBefore))
            }
        }
        return report
    }
}
