import UproarCore
import UproarProviders

/// The conversation's own check of a call: every turn answered, every tool that a turn asks for called and its result used.
///
/// Follows the facts of the calls under way; holds a few numbers for each.
struct TaskCheck {
    private struct Progress {
        /// Utterances in order with the tool their words ask for.
        var owed: [(utterance: UInt32, tool: String?)] = []
        var answered: Set<UInt32> = []
        var completed: Set<UInt32> = []
        var cut: Set<UInt32> = []
    }

    private let check: ConversationScript.Check
    /// By clip: the tool that its transcript asks for, when the check names it.
    private let tools: [String?]
    private var calls: [UInt32: Progress] = [:]

    /// Nil when the conversation has no check.
    init?(_ script: ConversationScript, clips: [ClipDescription]) {
        guard let check = script.check else { return nil }
        self.check = check
        tools = clips.map { clip in
            guard let found = script.languageModel.recognise(clip.transcript),
                let tool = script.languageModel.intents[found.intent].tool,
                check.tools.contains(tool.name)
            else { return nil }
            return tool.name
        }
    }

    mutating func take(_ fact: Fact) {
        guard let kind = FactKind(rawValue: fact.kind), let turn = fact.turn else { return }
        let call = turn.call
        switch kind {
        case .utteranceBegan:
            let clip = Int(fact.detail)
            calls[call, default: Progress()].owed.append(
                (turn.utterance, tools.indices.contains(clip) ? tools[clip] : nil))
        case .answerAudible where fact.call == call:
            calls[call]?.answered.insert(turn.utterance)
        case .nothingOwed: calls[call]?.owed.removeAll { $0.utterance == turn.utterance }
        case .answerInterrupted: calls[call]?.cut.insert(turn.utterance)
        case .modelRequested:
            let isCompleted =
                switch ScriptedModel.ToolResult(rawValue: fact.detail) {
                case .success: true
                case .refused: !check.doToolsSucceed
                case .none?, .unavailable, nil: false
                }
            if isCompleted { calls[call]?.completed.insert(turn.utterance) }
        default: break
        }
    }

    /// Whether the call did what it was for; nil when it came to no turn that could be checked. Forgets the call.
    mutating func judge(_ call: UInt32, outcome: CallOutcome) -> Bool? {
        guard let progress = calls.removeValue(forKey: call), !progress.owed.isEmpty else {
            return nil
        }
        var owed = progress.owed
        // A turn in progress when the call was cut is nobody's fault.
        if outcome == .cutByRun { owed.removeLast() }
        guard !owed.isEmpty else { return nil }
        return owed.allSatisfy { turn in
            if progress.cut.contains(turn.utterance) { return true }
            if check.isEveryTurnAnswered, !progress.answered.contains(turn.utterance) {
                return false
            }
            return turn.tool == nil || progress.completed.contains(turn.utterance)
        }
    }
}
