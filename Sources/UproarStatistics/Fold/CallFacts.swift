import UproarCore

/// The facts of one call, sorted by time and laid out by what they speak of. Instants are since the run's first due arrival.
///
/// Facts come from several origins, late and out of order; the order here is total (time, kind, reference, origin, value),
/// so the same facts give the same record however they came in.
struct CallFacts {
    /// A reply tag as heard at the ear.
    struct Heard {
        var reference: TurnReference
        var at: Instant
        var wire: Instant
    }

    /// Something a provider stated about one reference.
    struct Stated {
        var reference: TurnReference
        var at: Instant
        var provider: ProviderID?
        var detail: UInt32
        var value: Int64
    }

    struct Utterance {
        var number: UInt32
        var clip: UInt32 = 0
        var began: Instant?
        var ended: Instant?
        /// How late the frame of the last voiced sample was sent.
        var endLateness = Duration.zero
        var timedOut: Instant?
        var isAnswerOwed = true
    }

    private(set) var first: [FactKind: Fact] = [:]
    private(set) var utterances: [Utterance] = []
    private(set) var speech: [SpeechRun] = []
    private(set) var answers: [Heard] = []
    private(set) var finishes: [Heard] = []
    private(set) var stated: [FactKind: [Stated]] = [:]
    private(set) var bargeIns: [(at: Instant, kind: BargeInKind)] = []
    private(set) var stops: [Instant] = []
    private(set) var interruptions: [(at: Instant, reference: TurnReference?)] = []
    private(set) var mispredictions: [Instant] = []
    private(set) var gaps: [GapRecord] = []
    private(set) var usage = OrderedTable<ProviderID, ProviderUsage>()
    private(set) var lateRenders: UInt32 = 0
    private(set) var strange: UInt32 = 0

    init(_ facts: [Fact], origin: Instant) {
        let sorted = facts.sorted(by: Self.comesBefore)
        for fact in sorted {
            guard let kind = FactKind(rawValue: fact.kind) else {
                strange += 1
                continue
            }
            take(fact, kind, at: Instant(nanoseconds: fact.at &- origin.nanoseconds), origin)
        }
        utterances.sort { $0.number < $1.number }
    }

    private static func comesBefore(_ a: Fact, _ b: Fact) -> Bool {
        if a.at != b.at { return a.at < b.at }
        if a.kind != b.kind { return a.kind < b.kind }
        if a.reference != b.reference { return a.reference < b.reference }
        if a.origin != b.origin { return a.origin < b.origin }
        if a.value != b.value { return a.value < b.value }
        return a.detail < b.detail
    }

    private mutating func take(_ fact: Fact, _ kind: FactKind, at: Instant, _ origin: Instant) {
        let wire = Instant(nanoseconds: fact.value &- origin.nanoseconds)
        switch kind {
        case .callDue, .callDialed, .callAnswered, .callRefused, .callEnded, .callConnectedTime,
            .callSent, .callReceived, .callJitter, .taskChecked, .callResumes, .textShown,
            .historyRecalled, .resumptionHeard:
            if first[kind] == nil { first[kind] = fact }
        case .utteranceBegan:
            utterance(fact.turn) {
                $0.began = $0.began ?? at
                $0.clip = fact.detail
            }
        case .utteranceEnded:
            utterance(fact.turn) {
                $0.ended = at
                $0.endLateness = .nanoseconds(fact.value)
            }
        case .nothingOwed: utterance(fact.turn) { $0.isAnswerOwed = false }
        case .turnTimedOut:
            let turn = fact.turn ?? lastEnded(before: at)
            utterance(turn) { $0.timedOut = $0.timedOut ?? at }
        case .agentAudible: speech.append(SpeechRun(onset: at, wire: wire, end: nil))
        case .agentSilent:
            if let last = speech.indices.last, speech[last].end == nil { speech[last].end = at }
        case .answerAudible:
            if let turn = fact.turn { answers.append(Heard(reference: turn, at: at, wire: wire)) }
        case .answerFinished:
            if let turn = fact.turn { finishes.append(Heard(reference: turn, at: at, wire: wire)) }
        case .bargeInBegan:
            guard let stimulus = BargeInKind(rawValue: fact.detail) else {
                strange += 1
                return
            }
            bargeIns.append((at, stimulus))
        case .bargeInStopped: stops.append(at)
        case .answerInterrupted: interruptions.append((at, fact.turn))
        case .spokenOver: mispredictions.append(at)
        case .playoutGap: gaps.append(GapRecord(at: at, length: .nanoseconds(fact.value)))
        case .providerLate: lateRenders += 1
        case .speechRecognised, .speechEnded, .interimSent, .finalSent, .modelRequested,
            .modelFirstContent, .modelToolCalled, .voiceTextReceived, .voiceFirstAudio,
            .latencyClaimed, .historyHeld, .toolResultHeld:
            state(fact, kind, at)
        case .modelFinished, .modelCancelled, .voiceFinished, .voiceCancelled, .speechToTextUsage,
            .usageUnknown:
            state(fact, kind, at)
            if let (provider, used) = ProviderUsage.stated(by: fact) {
                usage[provider, default: .init()] += used
            }
        case .digitSent, .pictureShown, .playoutCleared, .providerRefused, .failedOver,
            .breakerOpened, .breakerClosed, .messageAccepted, .eventDelivered, .faultArmed,
            .faultEffective, .faultCleared, .streamUsed:
            break  // Of the run's history, not of a turn's times.
        }
    }

    private mutating func utterance(_ turn: TurnReference?, _ change: (inout Utterance) -> Void) {
        guard let turn, turn.utterance > 0 else {
            strange += 1
            return
        }
        if let place = utterances.firstIndex(where: { $0.number == turn.utterance }) {
            change(&utterances[place])
        } else {
            var new = Utterance(number: turn.utterance)
            change(&new)
            utterances.append(new)
        }
    }

    private func lastEnded(before at: Instant) -> TurnReference? {
        utterances.last { $0.ended.map { $0 <= at } ?? false }.map {
            TurnReference(call: 0, utterance: $0.number)
        }
    }

    private mutating func state(_ fact: Fact, _ kind: FactKind, _ at: Instant) {
        guard let turn = fact.turn else { return }
        stated[kind, default: []].append(
            Stated(
                reference: turn, at: at, provider: ProviderID(rawValue: fact.origin),
                detail: fact.detail, value: fact.value))
    }

    // MARK: Look-ups

    /// Whether the call's words came to a model at all.
    var hasModelRequest: Bool { !(stated[.modelRequested] ?? []).isEmpty }

    func instant(_ kind: FactKind, _ origin: Instant) -> Instant? {
        first[kind].map { Instant(nanoseconds: $0.at &- origin.nanoseconds) }
    }

    /// What was stated of this utterance, whatever the reply, in order of time.
    func ofUtterance(_ kind: FactKind, _ turn: TurnReference) -> [Stated] {
        (stated[kind] ?? []).filter { $0.reference.asUtterance == turn }
    }

    /// The last statement about exactly this reference at or before `limit`; else the first one after it.
    func last(_ kind: FactKind, _ reference: TurnReference, notAfter limit: Instant) -> Stated? {
        let all = (stated[kind] ?? []).filter { $0.reference == reference }
        return all.last { $0.at <= limit } ?? all.first
    }
}

extension ProviderUsage {
    /// What a usage fact says was used, without the references' own share; nil for every other fact.
    package static func stated(by fact: Fact) -> (ProviderID, ProviderUsage)? {
        guard let provider = ProviderID(rawValue: fact.origin),
            let kind = FactKind(rawValue: fact.kind)
        else { return nil }
        var usage = ProviderUsage()
        switch kind {
        case .speechToTextUsage:
            usage.audio = .milliseconds(Int64(fact.detail))
        case .modelFinished, .modelCancelled:
            usage.promptTokens = fact.value >> 32
            usage.completionTokens = fact.value & 0xffff_ffff
            usage.requests = 1
        case .voiceFinished, .voiceCancelled:
            usage.audio = .nanoseconds(fact.value)
            usage.characters = Int64(fact.detail)
            usage.requests = 1
        case .usageUnknown: usage.uncounted = 1
        default: return nil
        }
        return (provider, usage)
    }
}
