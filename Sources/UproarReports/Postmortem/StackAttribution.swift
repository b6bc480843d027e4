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
    ///
    /// - faults: of the run; a turn that fell into one says so.
    package init?(_ call: CallRecord, faults: [RunResult.FaultRecord] = []) {
        self.init(call: call, faults: faults)
        guard call.outcome == .dropped else { return }
        let at = call.ended.map { " at \(RunDigest.clock($0))" } ?? ""
        evidence += call.ending == .byAgent ? "; the agent hung up\(at)" : ""
    }

    private init?(call: CallRecord, faults: [RunResult.FaultRecord]) {
        self.call = call.id
        let broken = call.outcome == .dropped && call.ending != .byAgent
        switch call.outcome {
        case .refused, .notStarted:
            (stack, evidence) = (.telephony, "never answered")
            return
        case .dropped where broken:
            let at = call.ended.map { " at \(RunDigest.clock($0))" } ?? ""
            (stack, evidence) = (.telephony, "the stream ended\(at), before its script did")
            return
        case .completed, .abandoned, .cutByRun, .dropped: break
        }
        if let lost = call.turns.first(where: { $0.outcome == .lost || $0.outcome == .late }) {
            (stack, evidence) = Self.silence(lost, isTagged: call.isTagged)
            let met = Self.under(lost.ended, faults)
            // A model that refuses is never seen to be asked.
            if lost.reached == nil, met.contains(where: { Self.acts($0, on: .speechToText) }) {
                (stack, evidence) = (
                    .voiceCore,
                    "turn \(lost.utterance) at \(RunDigest.clock(lost.ended)): the recogniser heard nothing"
                )
            }
            if lost.reached == .speechToText,
                met.contains(where: { Self.acts($0, on: .languageModel) })
            {
                (stack, evidence) = (
                    .voiceCore,
                    "turn \(lost.utterance) at \(RunDigest.clock(lost.ended)): transcribed, and the language model refused"
                )
            }
            if !met.isEmpty {
                evidence += " (under " + met.map(Self.name).joined(separator: ", ") + ")"
            }
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
        if call.outcome == .dropped {
            (stack, evidence) = (.orchestration, "every turn was answered")
            return
        }
        guard call.taskPassed == false else { return nil }
        (stack, evidence) = (.workflow, "every turn was answered, and the task is not in the store")
    }

    /// How far a turn without an answer came.
    private static func silence(_ turn: TurnRecord, isTagged: Bool) -> (Stack, String) {
        let place = "turn \(turn.utterance) at \(RunDigest.clock(turn.ended))"
        guard isTagged else { return (.voiceCore, "\(place): no answer was heard") }
        // A turn without an answer says how far it came; of one that came late all stages are known.
        switch turn.reached ?? Stage.allCases.last(where: { turn[$0] != nil }) {
        case nil:
            return (.telephony, "\(place): no recogniser heard the end of the utterance")
        case .uplink:
            return (.voiceCore, "\(place): heard by the recogniser, never transcribed")
        case .speechToText:
            return (.orchestration, "\(place): transcribed, and no language model took it up")
        case .endpointing:
            return (.voiceCore, "\(place): the language model gave no content")
        case .tools:
            return (.orchestration, "\(place): a tool was called, and no answer came of it")
        case .languageModel, .sentence:
            return (.voiceCore, "\(place): text was made and no speech of it")
        case .textToSpeech, .downlink:
            return (.telephony, "\(place): spoken and not heard in time")
        }
    }

    /// With what the agent itself met most often under it: ``redis-hang`: store timeout 37`.
    private static func name(_ fault: RunResult.FaultRecord) -> String {
        "`\(fault.id)`" + (fault.agentErrors.first.map { ": \($0.text)" } ?? "")
    }

    /// The faults that were at work when the caller ended.
    private static func under(_ at: Instant, _ faults: [RunResult.FaultRecord])
        -> [RunResult.FaultRecord]
    {
        faults.filter { fault in
            guard let first = fault.firstEffect else { return false }
            return at >= first - .seconds(2) && at < fault.cleared ?? .distantFuture
        }
    }

    private static func acts(_ fault: RunResult.FaultRecord, on role: ProviderRole) -> Bool {
        fault.target.contains(role.rawValue)
            || ProviderID.allCases.contains { $0.role == role && fault.target.contains($0.name) }
    }
}
