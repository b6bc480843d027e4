import UproarCore

/// What one fault did, gathered from facts and calls as they come: when it bit, whom, who stood in, and when all was well again.
///
/// Nothing is measured from a command: times count from the first effect on the call in question, and what was never seen is
/// censored at the end of what was watched. Facts of several processes may come in any order: what follows from them is worked
/// out in `report`.
package struct FaultHistory: Sendable {
    /// A turn of a call at or after the fault.
    struct Turn: Sendable {
        var call: UInt32
        var ended: Instant
        var outcome: TurnOutcome
        var marks: TurnMarks
        var deadAir: Duration
        var latency: Duration?
        /// Who did the part that the fault acts on.
        var server: ProviderID?

        static let wrong: TurnMarks = [.duplicated, .stale, .truncated, .crossTalked, .deadAir]
        var isGood: Bool { outcome == .answered && marks.isDisjoint(with: Self.wrong) }
    }

    /// What came before the fault, and what the alternates were used for.
    struct Totals: Sendable {
        var turns = 0
        var badTurns = 0
        var requests = 0
        /// From the first to the last request, for their rate.
        var firstRequest: Instant?
        var lastRequest: Instant?
        var nanoDollars: Int64 = 0
        var latency = HDRHistogram()
    }

    struct Ending: Sendable {
        var at: Instant
        var outcome: CallOutcome
        var way: CallEnding
    }

    package let subject: Subject
    package private(set) var armed: Instant?
    package private(set) var firstEffect: Instant?
    package private(set) var lastEffect: Instant?
    package private(set) var cleared: Instant?
    package private(set) var effects: UInt64 = 0
    let sides: FaultSides
    private let prices: PriceBook?
    /// Whom the fault can meet at all; the others are the control.
    let covers: @Sendable (UInt32) -> Bool
    var trails = OrderedTable<UInt32, FaultTrail>()
    private(set) var turns: [Turn] = []
    private(set) var endings = OrderedTable<UInt32, Ending>()
    private(set) var before = Totals()
    private(set) var requestsDuring = 0
    private(set) var refusalsDuring = 0
    private(set) var alternateNanoDollars: Int64 = 0
    /// The first sign of the agent's own, and when the one look before it was.
    package private(set) var sign: OwnSign?

    /// Something of the agent's own said that it knew; seen between two looks.
    package struct OwnSign: Hashable, Sendable {
        package var name: String
        package var after: Instant
        package var at: Instant

        package init(name: String, after: Instant, at: Instant) {
            self.name = name
            self.after = after
            self.at = at
        }
    }

    /// How far it has come, in a word.
    package var phase: String {
        if cleared != nil { return "cleared" }
        if firstEffect != nil { return "effective" }
        return armed != nil ? "armed" : "waiting"
    }

    /// So many good turns in a row make a recovery.
    package static let goodRun = 3
    /// How long after the end the return to the primary is waited for.
    package static let returnLimit = Duration.seconds(150)

    /// - covers: false for calls that the plan leaves out.
    package init(
        _ subject: Subject, prices: PriceBook? = nil,
        covers: @escaping @Sendable (UInt32) -> Bool = { _ in true }
    ) {
        self.subject = subject
        self.prices = prices
        self.covers = covers
        sides = FaultSides(subject: subject)
    }

    // MARK: Facts

    package mutating func take(_ fact: Fact) {
        guard let kind = FactKind(rawValue: fact.kind) else { return }
        switch kind {
        case .faultArmed where fact.detail == subject.number: armed = armed ?? fact.instant
        case .faultEffective where fact.detail == subject.number: tookEffect(fact)
        case .faultCleared where fact.detail == subject.number: clear(at: fact.instant)
        case .utteranceBegan: note(.began, fact)
        case .utteranceEnded: note(.ended, fact)
        case .agentAudible: note(.agentSpoke, fact)
        case .answerAudible: note(.answerHeard, fact)
        case .answerFinished: note(.answerEnded, fact)
        case .speechRecognised, .modelRequested, .voiceTextReceived: asked(fact)
        case .interimSent, .finalSent, .modelFirstContent, .modelToolCalled, .voiceFirstAudio:
            succeeded(fact, kind)
        case .voiceFinished, .voiceCancelled, .modelFinished, .modelCancelled,
            .speechToTextUsage:
            used(fact)
            if acts(on: fact) { note(.over, fact, by: fact.provider) }
        default: break
        }
    }

    private mutating func tookEffect(_ fact: Fact) {
        effects += 1
        firstEffect = min(firstEffect ?? fact.instant, fact.instant)
        lastEffect = max(lastEffect ?? fact.instant, fact.instant)
        // What a link or a process does is no request.
        if cleared == nil, fact.provider != nil { refusalsDuring += 1 }
        guard fact.call != Fact.noCall else { return }
        note(.effect, fact)
    }

    /// An effect that has been counted turned out to have met a call, too.
    package mutating func met(_ call: UInt32, at instant: Instant) {
        note(.effect, Fact(.faultEffective, at: instant, call: call, origin: .nemesis))
    }

    /// Whether the fact is of a provider of the role that the fault acts on.
    private func acts(on fact: Fact) -> Bool {
        guard let provider = fact.provider else { return false }
        return sides.isPrimary(provider) || sides.isAlternate(provider)
    }

    private mutating func asked(_ fact: Fact) {
        guard acts(on: fact) else { return }
        if armed == nil || fact.instant < armed ?? .zero {
            before.requests += 1
            before.firstRequest = min(before.firstRequest ?? fact.instant, fact.instant)
            before.lastRequest = max(before.lastRequest ?? fact.instant, fact.instant)
        } else if firstEffect.map({ fact.instant >= $0 }) ?? false, cleared == nil {
            requestsDuring += 1
        }
        note(.asked, fact, by: fact.provider)
    }

    private mutating func succeeded(_ fact: Fact, _ kind: FactKind) {
        // What one role gives is what the next one owes for.
        switch (kind, subject.role) {
        case (.finalSent, .languageModel), (.modelFirstContent, .textToSpeech): note(.text, fact)
        default: break
        }
        guard acts(on: fact) else { return }
        note(.succeeded, fact, by: fact.provider)
    }

    private mutating func used(_ fact: Fact) {
        guard acts(on: fact), let (provider, usage) = ProviderUsage.stated(by: fact),
            let cost = prices?.cost(of: usage, provider: provider)
        else { return }
        let nano = Int64(cost * 1e9)
        if firstEffect == nil {
            before.nanoDollars += nano
        } else if sides.isAlternate(provider), isWatched(fact.instant) {
            alternateNanoDollars += nano
        }
    }

    private mutating func note(
        _ what: FaultTrail.What, _ fact: Fact, by provider: ProviderID? = nil
    ) {
        guard fact.call != Fact.noCall, isWatched(fact.instant) else { return }
        trails[fact.call, default: .init()].note(
            what, at: fact.instant, by: provider, utterance: fact.turn?.utterance ?? 0,
            isArmed: armed != nil)
    }

    private func isWatched(_ instant: Instant) -> Bool {
        guard let cleared else { return true }
        return instant < cleared + max(subject.recovery, Self.returnLimit)
    }

    /// It is over, as the run sees it.
    package mutating func clear(at instant: Instant) { cleared = min(cleared ?? instant, instant) }

    /// The agent itself has said that something is wrong, between two looks at it.
    package mutating func take(_ sign: OwnSign) {
        guard let firstEffect, self.sign == nil, sign.at >= firstEffect, isWatched(sign.at) else {
            return
        }
        self.sign = sign
    }

    // MARK: Calls

    package mutating func take(_ call: CallRecord) {
        if let ended = call.ended {
            if firstEffect.map({ ended >= $0 }) ?? false {
                endings[call.id] = Ending(at: ended, outcome: call.outcome, way: call.ending)
            } else {
                trails[call.id] = nil
            }
        }
        for turn in call.turns where turn.outcome != .open {
            let record = Turn(
                call: call.id, ended: turn.ended, outcome: turn.outcome, marks: turn.marks,
                deadAir: turn.deadAir?.floor ?? .zero, latency: turn.voiceToAnswer?.exact,
                server: server(of: turn))
            guard let firstEffect, turn.ended >= firstEffect - .seconds(2) else {
                before.turns += 1
                before.badTurns += record.isGood ? 0 : 1
                if let latency = record.latency { before.latency.record(latency.nanoseconds) }
                continue
            }
            if isWatched(turn.ended) { turns.append(record) }
        }
    }

    private func server(of turn: TurnRecord) -> ProviderID? {
        switch subject.role {
        case .speechToText: turn.speechToText
        case .languageModel: turn.languageModel
        case .textToSpeech: turn.textToSpeech
        case .sessionStore, .objectStore, .webhook, nil: nil
        }
    }
}

extension Fact {
    fileprivate var provider: ProviderID? { FactOrigin(rawValue: origin).provider }
}

extension TurnSample {
    /// Known to be at least this.
    var floor: Duration {
        switch self {
        case .exact(let time), .atLeast(let time): time
        }
    }

    var exact: Duration? {
        if case .exact(let time) = self { return time }
        return nil
    }
}
