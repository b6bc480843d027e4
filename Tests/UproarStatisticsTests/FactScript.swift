import UproarCore

@testable import UproarStatistics

/// Facts of one call written in milliseconds since the run's epoch, as the parts would state them.
struct FactScript {
    var call: UInt32 = 7
    var facts: [Fact] = []

    static func at(_ milliseconds: Double) -> Instant {
        Instant(nanoseconds: Int64(milliseconds * 1e6))
    }

    mutating func state(
        _ kind: FactKind, _ milliseconds: Double, utterance: UInt32? = nil, reply: UInt32 = 0,
        of other: UInt32? = nil, value: Int64 = 0, detail: UInt32 = 0,
        from origin: FactOrigin = .caller
    ) {
        facts.append(
            Fact(
                kind, at: Self.at(milliseconds), call: call,
                reference: utterance.map {
                    TurnReference(call: other ?? call, utterance: $0, reply: reply)
                }, value: value, detail: detail, origin: origin))
    }

    mutating func dial(due: Double = 0, dialed: Double = 1, answered: Double = 20) {
        state(.callDue, due)
        state(.callDialed, dialed)
        state(.callAnswered, answered)
    }

    mutating func end(_ at: Double, _ outcome: CallOutcome = .completed) {
        state(.callEnded, at, detail: outcome.rawValue)
        state(.callConnectedTime, at, value: Int64((at - 20) * 1e6))
    }

    mutating func speak(_ utterance: UInt32, from: Double, to: Double, lateness: Double = 0) {
        state(.utteranceBegan, from, utterance: utterance, value: Int64((to - from) * 1e6))
        state(.utteranceEnded, to, utterance: utterance, value: Int64(lateness * 1e6))
    }

    mutating func hear(_ from: Double, to: Double?, wire: Double? = nil) {
        state(.agentAudible, from, value: Self.at(wire ?? from).nanoseconds)
        if let to { state(.agentSilent, to) }
    }

    /// A reply with its head and tail tags at the ear.
    mutating func answer(_ utterance: UInt32, reply: UInt32 = 1, from: Double, to: Double) {
        hear(from, to: to)
        state(.answerAudible, from, utterance: utterance, reply: reply)
        state(.answerFinished, to, utterance: utterance, reply: reply)
    }

    /// What the three providers state of one turn whose caller ended at `end`, at fixed distances.
    mutating func providers(_ utterance: UInt32, reply: UInt32 = 1, end: Double) {
        let stt = FactOrigin.provider(.deepgram)
        let llm = FactOrigin.provider(.openai)
        let tts = FactOrigin.provider(.cartesia)
        state(.speechEnded, end + 5, utterance: utterance, from: stt)
        state(.finalSent, end + 65, utterance: utterance, from: stt)
        state(.modelRequested, end + 70, utterance: utterance, reply: reply, from: llm)
        state(.modelFirstContent, end + 320, utterance: utterance, reply: reply, from: llm)
        state(.voiceTextReceived, end + 340, utterance: utterance, reply: reply, from: tts)
        state(.voiceFirstAudio, end + 420, utterance: utterance, reply: reply, from: tts)
    }

    func fold(isTagged: Bool = true, settings: FoldSettings = Self.settings) -> CallRecord {
        CallFold.fold(facts, of: description(isTagged: isTagged), settings)
    }

    func description(isTagged: Bool = true) -> CallDescription {
        CallDescription(
            id: call, tags: ["channel": "phone", "transport": "twilio"], isTagged: isTagged,
            patience: .seconds(10))
    }

    static let settings = FoldSettings(prices: prices)

    static let prices = PriceBook(
        name: "test",
        prices: [
            .init(
                .deepgram, model: "nova-3", unit: .audioMinute, dollars: 0.0077, asOf: "",
                source: ""
            ),
            .init(
                .openai, model: "gpt-4o-mini", unit: .thousandPromptTokens, dollars: 0.00015,
                asOf: "", source: ""),
            .init(
                .openai, model: "gpt-4o-mini", unit: .thousandCompletionTokens, dollars: 0.0006,
                asOf: "", source: ""),
            .init(
                .cartesia, model: "sonic-3", unit: .audioMinute, dollars: 0.024, asOf: "",
                source: ""),
        ])
}

extension Duration {
    static func ms(_ value: Double) -> Duration { .nanoseconds(Int64(value * 1e6)) }
}
