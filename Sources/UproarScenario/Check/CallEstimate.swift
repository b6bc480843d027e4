import UproarCore

/// What one call of a scenario is likely to take: rough by nature, for planning and for `check`, never for a verdict.
package struct CallEstimate: Hashable, Sendable {
    /// Utterances of one pass through the conversation.
    package var turns: Int
    package var length: Duration
    /// The caller's speech in it.
    package var callerSpeech: Duration
    /// The agent's speech in it.
    package var agentSpeech: Duration
    /// The conversation goes on until the caller's span ends.
    package var isEndless: Bool
    package var promptTokens: Int
    package var completionTokens: Int

    /// One turn in seconds on average.
    package var turnLength: Duration { turns == 0 ? length : length / turns }

    /// A head and a tail reference in a reply.
    private static let replyTags = Duration.milliseconds(800)
    private static let utteranceTag = Duration.milliseconds(400)
    private static let greeting = Duration.seconds(3)
    /// Of a system prompt with a few tools.
    private static let promptTokens = 300

    package init(_ scenario: Scenario) {
        let script = scenario.conversation
        let utterances = scenario.audio.clips.filter { $0.kind == .utterance }
        let speech =
            utterances.isEmpty
            ? Duration.seconds(3)
            : utterances.reduce(.zero) { $0 + $1.speech.upperBound } / utterances.count
        let replies = Self.replies(script.languageModel)
        let words = replies.reduce(0) { $0 + $1.split(separator: " ").count }
        let replyWords = max(1, words / max(1, replies.count))
        // Conversational speech has some 160 words a minute.
        let reply = Duration.milliseconds(replyWords * 60_000 / 160) + Self.replyTags

        var turns = 0
        var length = Duration.zero
        if case .expected = script.greeting { length += Self.greeting }
        let response = Self.response(scenario)
        func add(_ turn: ConversationScript.Turn) {
            turns += 1
            let pause = (turn.pause ?? script.pause).quantile(0.5)
            length += pause + Self.utteranceTag + speech
            length += turn.expect == .silence ? .zero : response + reply
        }
        let rounds: Int
        switch script.repetition {
        case .times(let count):
            rounds = count
            isEndless = false
        case .forever:
            rounds = 1
            isEndless = true
        }
        steps: for _ in 0..<rounds {
            // The channel that most calls are of stands for all.
            for step in script.steps(of: scenario.usualChannel.rawValue) {
                guard turns < 255 else { break steps }
                switch step {
                case .say(let turn): add(turn)
                case .pool(let count, let pool):
                    for index in 0..<count { add(pool[index % pool.count]) }
                case .wait(let time): length += time.quantile(0.5)
                case .digits(let digits): length += .milliseconds(200 * digits.utf8.count)
                case .hangUp: break steps
                case .show, .only: break
                }
            }
        }
        if let drawn = scenario.callLength?.quantile(0.5), turns > 0, length > .zero {
            // The script is gone through until the time is over, up to the call's last number.
            let wanted = Int((drawn.inSeconds / length.inSeconds * Double(turns)).rounded(.up))
            let count = max(1, min(255, wanted))
            length = min(drawn, length / turns * count)
            turns = count
            isEndless = false
        }
        self.turns = turns
        self.length = length
        callerSpeech = speech * turns
        agentSpeech = reply * turns + (script.greeting == .none ? .zero : Self.greeting)
        completionTokens = turns * replyWords * 4 / 3
        // Every request carries the turns before it.
        let exchange = replyWords * 4 / 3 + 15
        self.promptTokens = turns * Self.promptTokens + exchange * turns * (turns + 1) / 2
    }

    private static func replies(_ script: LanguageModelScript) -> [String] {
        let texts = script.intents.flatMap { $0.tool == nil ? $0.replies : $0.repliesAfterTool }
        return texts.isEmpty ? script.fallback : texts
    }

    /// Voice to voice with the emulators' medians and an agent that takes 200 ms of its own.
    private static func response(_ scenario: Scenario) -> Duration {
        scenario.providers.timings.reduce(.milliseconds(200)) { sum, timing in
            switch timing.pace {
            case .speechToText(let latency): sum + latency.quantile(0.5)
            case .languageModel(let firstToken, _): sum + firstToken.quantile(0.5)
            case .textToSpeech(let firstByte, _): sum + firstByte.quantile(0.5)
            }
        }
    }

    /// Provider cost of one call of this length in US dollars; nil when the book has no price for a part of it.
    package func cost(_ scenario: Scenario) -> Double? {
        var total = 0.0
        for timing in scenario.providers.timings {
            var usage = ProviderUsage()
            switch timing.provider.role {
            case .speechToText: usage.audio = length
            case .languageModel:
                usage.promptTokens = Int64(promptTokens)
                usage.completionTokens = Int64(completionTokens)
            default:
                usage.audio = agentSpeech
                usage.characters = Int64(completionTokens * 9 / 2)
            }
            guard let cost = scenario.prices.cost(of: usage, provider: timing.provider) else {
                return nil
            }
            total += cost
        }
        return total
    }
}
