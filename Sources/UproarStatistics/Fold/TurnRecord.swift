import UproarCore

/// The stages between the caller's end and the first audible sample of the reply. Raw values are metric names.
package enum Stage: String, CaseIterable, Sendable {
    case uplink
    case speechToText = "stt"
    case endpointing
    case tools
    case languageModel = "llm_first_token"
    case sentence
    case textToSpeech = "tts_first_byte"
    case downlink

    package enum Owner: String, Sendable { case network, provider, agent }

    /// Who answers for the stage. The way down counts to the agent: its playout is part of it.
    package var owner: Owner {
        switch self {
        case .uplink: .network
        case .speechToText, .languageModel, .textToSpeech: .provider
        case .endpointing, .tools, .sentence, .downlink: .agent
        }
    }

    package var place: Int { Self.allCases.firstIndex(of: self)! }
}

/// A latency of one turn.
package enum TurnSample: Hashable, Sendable {
    case exact(Duration)
    /// Not observed within the caller's patience: at least this.
    case atLeast(Duration)
}

/// What became of an owed reply.
package enum TurnOutcome: String, CaseIterable, Sendable {
    /// Heard within the caller's patience.
    case answered
    /// Heard after it.
    case late
    /// Never heard.
    case lost
    /// Not known: the run cut the call, or the script ended without waiting. Not owed, no sample.
    case open
}

/// What was wrong with a turn beside its outcome; a turn may bear several.
package struct TurnMarks: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Two audible replies to one utterance.
    package static let duplicated = TurnMarks(rawValue: 1)
    /// Its reply came when the caller had already gone on.
    package static let stale = TurnMarks(rawValue: 2)
    /// Its reply ended before its last word, and the caller did not cut it.
    package static let truncated = TurnMarks(rawValue: 4)
    /// The caller cut its reply on purpose.
    package static let interrupted = TurnMarks(rawValue: 8)
    /// Another call's reply was heard.
    package static let crossTalked = TurnMarks(rawValue: 16)
    /// The agent spoke before the caller had ended.
    package static let talkedOver = TurnMarks(rawValue: 32)
    /// Longer silence than the limit while the reply was owed.
    package static let deadAir = TurnMarks(rawValue: 64)

    /// Context drift: the agent's history holds the reply otherwise than the caller heard it.
    package static let drifted = TurnMarks(rawValue: 128)

    package static let names: [(TurnMarks, String)] = [
        (.duplicated, "duplicated"), (.stale, "stale"), (.truncated, "truncated"),
        (.interrupted, "interrupted"), (.crossTalked, "cross_talked"),
        (.talkedOver, "talked_over"), (.deadAir, "dead_air"), (.drifted, "drifted"),
    ]

    package var names: [String] { Self.names.filter { contains($0.0) }.map(\.1) }
}

/// One utterance of a caller and what the agent made of it. Instants are since the run's first due arrival.
///
/// What was not observed is nil, never 0.
package struct TurnRecord: Hashable, Sendable {
    package var utterance: UInt32
    /// Index of the clip in the corpus.
    package var clip: UInt32
    package var began: Instant
    /// The caller's end: due time of the last voiced sample. The turn belongs to the window of this instant.
    package var ended: Instant
    package var outcome: TurnOutcome
    package var marks: TurnMarks = []
    package var voiceToVoice: TurnSample?
    /// From when the caller's last voiced sample was really sent.
    package var voiceToVoiceActual: TurnSample?
    package var voiceToVoiceWire: Duration?
    package var voiceToAnswer: TurnSample?
    /// In the order of `Stage.allCases`. When none is nil they add up to `voiceToAnswer` exactly.
    package var stages = [Duration?](repeating: nil, count: Stage.allCases.count)
    /// The last stage that a turn without an answer got through; nil when no recogniser heard it, and for turns with one.
    package var reached: Stage?
    package var deadAir: TurnSample?
    package var mispredictions: UInt32 = 0
    /// What was heard minus what the agent itself claims.
    package var claimGap: Duration?
    /// The result of this turn's tool, which the caller did not wait for, stands in a later question; nil where nothing can be said of it.
    package var isToolResultKept: Bool?
    /// The reply number that was heard; nil when none was (or none could be told).
    package var reply: UInt32?
    package var speechToText: ProviderID?
    package var languageModel: ProviderID?
    package var textToSpeech: ProviderID?

    package init(utterance: UInt32, clip: UInt32, began: Instant, ended: Instant) {
        self.utterance = utterance
        self.clip = clip
        self.began = began
        self.ended = ended
        outcome = .open
    }

    package subscript(stage: Stage) -> Duration? {
        get { stages[stage.place] }
        set { stages[stage.place] = newValue }
    }

    /// The sum of the stages of one owner; nil when one of them was not observed.
    package func share(of owner: Stage.Owner) -> Duration? {
        var sum = Duration.zero
        for stage in Stage.allCases where stage.owner == owner {
            guard let part = self[stage] else { return nil }
            sum += part
        }
        return sum
    }

    package func provider(of stage: Stage) -> ProviderID? {
        switch stage {
        case .speechToText: speechToText
        case .languageModel: languageModel
        case .textToSpeech: textToSpeech
        default: nil
        }
    }

    /// The metrics that are one number of a turn: those a per-turn target may name.
    package static let metrics: [String] =
        [
            "voice_to_voice", "voice_to_voice_actual", "voice_to_voice_wire", "voice_to_answer",
            "dead_air", "agent_share", "provider_share",
        ] + Stage.allCases.map(\.rawValue)

    /// The turn's number of one of `metrics`.
    package func sample(_ metric: String) -> TurnSample? {
        switch metric {
        case "voice_to_voice": voiceToVoice
        case "voice_to_voice_actual": voiceToVoiceActual
        case "voice_to_voice_wire": voiceToVoiceWire.map { .exact($0) }
        case "voice_to_answer": voiceToAnswer
        case "dead_air": deadAir
        case "agent_share": share(of: .agent).map { .exact($0) }
        case "provider_share": share(of: .provider).map { .exact($0) }
        default: Stage(rawValue: metric).flatMap { self[$0] }.map { .exact($0) }
        }
    }

    /// Answered in time, nothing wrong with the reply, and every limit kept. What was not observed breaks no limit.
    package func isGood(_ targets: [TurnTarget]) -> Bool {
        guard outcome == .answered,
            marks.isDisjoint(with: [.duplicated, .stale, .truncated, .crossTalked])
        else { return false }
        return targets.allSatisfy { target in
            switch sample(target.metric) {
            case nil: true
            case .exact(let value): value < target.below
            case .atLeast: false
            }
        }
    }
}
