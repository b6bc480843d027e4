import UproarCore
import UproarStatistics

/// Which of the four stacks of the production guides a failed call belongs to, with the evidence for it.
package struct StackAttribution: Hashable, Sendable {
    package enum Stack: String, CaseIterable, Sendable {
        case telephony = "telephony and audio"
        case voiceCore = "voice core"
        case orchestration
        case workflow

        /// The guides' share of incidents.
        package var share: String {
            switch self {
            case .telephony: "50%"
            case .voiceCore: "30%"
            case .orchestration: "15%"
            case .workflow: "5%"
            }
        }

        package var owner: String {
            switch self {
            case .telephony: "infrastructure"
            case .voiceCore: "voice engineers"
            case .orchestration: "back end"
            case .workflow: "integration"
            }
        }

        package var steps: String {
            switch self {
            case .telephony: "mu-law or PCM, 8 or 16 kHz; the network; the carrier's log"
            case .voiceCore:
                "the providers' status; VAD thresholds; barge-in logic; a replay of the call"
            case .orchestration: "the conversation's graph; a replay; its completion conditions"
            case .workflow: "the workflow's log; its API's responses; its triggers"
            }
        }
    }

    package var call: UInt32
    package var stack: Stack
    package var evidence: String

    /// Nil when nothing was wrong with the call.
    package init?(_ call: CallRecord) {
        self.call = call.id
        switch call.outcome {
        case .refused, .notStarted:
            (stack, evidence) = (.telephony, "never answered")
            return
        case .dropped:
            let at = call.ended.map { " at \(RunDigest.clock($0))" } ?? ""
            (stack, evidence) = (.telephony, "the stream ended\(at), before its script did")
            return
        case .completed, .abandoned, .cutByRun: break
        }
        if let lost = call.turns.first(where: { $0.outcome == .lost || $0.outcome == .late }) {
            (stack, evidence) = Self.silence(lost, isTagged: call.isTagged)
            return
        }
        let wrong: TurnMarks = [.duplicated, .stale, .crossTalked]
        if let turn = call.turns.first(where: { !$0.marks.isDisjoint(with: wrong) }) {
            (stack, evidence) = (
                .orchestration,
                "turn \(turn.utterance): its reply was \(turn.marks.intersection(wrong).names.joined(separator: ", "))"
            )
            return
        }
        if let turn = call.turns.first(where: { $0.marks.contains(.truncated) }) {
            (stack, evidence) = (
                .voiceCore, "turn \(turn.utterance): its reply ended before its last word"
            )
            return
        }
        guard call.taskPassed == false else { return nil }
        (stack, evidence) = (.workflow, "every turn was answered, and the task is not in the store")
    }

    /// How far a turn without an answer came.
    private static func silence(_ turn: TurnRecord, isTagged: Bool) -> (Stack, String) {
        let place = "turn \(turn.utterance) at \(RunDigest.clock(turn.ended))"
        guard isTagged else { return (.voiceCore, "\(place): no answer was heard") }
        if turn[.uplink] == nil {
            return (.telephony, "\(place): no recogniser heard the end of the utterance")
        }
        if turn[.speechToText] == nil {
            return (.voiceCore, "\(place): heard by the recogniser, never transcribed")
        }
        if turn[.endpointing] == nil {
            return (.orchestration, "\(place): transcribed, never put to a language model")
        }
        if turn[.languageModel] == nil {
            return (.voiceCore, "\(place): the language model gave no content")
        }
        if turn[.textToSpeech] == nil {
            return (.voiceCore, "\(place): text was made and no speech of it")
        }
        return (.telephony, "\(place): spoken and not heard in time")
    }
}
