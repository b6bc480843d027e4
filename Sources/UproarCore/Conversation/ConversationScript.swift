/// What a caller does in one call, as the conversation file says it. Clips are named; `ConversationPlan` finds them in the
/// corpus and makes the choices of each call.
package struct ConversationScript: Hashable, Sendable {
    package var name: String
    package var greeting: Greeting
    /// Before each utterance, counted from when the agent fell silent (from the answer, when no greeting is awaited).
    package var pause: Distribution
    /// How long a caller waits for a reply; the scenario's `patience` when nil.
    package var patience: Duration?
    /// What a caller does about a turn without a reply; a turn may say otherwise.
    package var onSilence: OnSilence
    /// In order. Never empty.
    package var steps: [Step]
    /// How often the steps are gone through. A call ends by hanging up after the last one, or at 255 utterances.
    package var repetition: Repetition
    package var check: Check?
    package var languageModel: LanguageModelScript

    package init(
        name: String, greeting: Greeting = .expected(within: .seconds(10)),
        pause: Distribution = .constant(.milliseconds(400)), patience: Duration? = nil,
        onSilence: OnSilence = .goOn, steps: [Step], repetition: Repetition = .times(1),
        check: Check? = nil, languageModel: LanguageModelScript
    ) {
        precondition(!steps.isEmpty, "a conversation needs a step")
        self.name = name
        self.greeting = greeting
        self.pause = pause
        self.patience = patience
        self.onSilence = onSilence
        self.steps = steps
        self.repetition = repetition
        self.check = check
        self.languageModel = languageModel
    }

    package enum Greeting: Hashable, Sendable {
        /// The caller speaks after the agent's greeting, or after this long without one.
        case expected(within: Duration)
        /// The caller speaks first.
        case none
    }

    package enum OnSilence: String, CaseIterable, Sendable {
        /// Say the next thing.
        case goOn = "go_on"
        /// Say the same again, once, as a new utterance.
        case sayAgain = "say_again"
        case hangUp = "hang_up"
    }

    package enum Repetition: Hashable, Sendable {
        case times(Int)
        /// Until the load line ends: the run hangs up after the turn in progress.
        case forever
    }

    package enum Step: Hashable, Sendable {
        case say(Turn)
        /// This many turns from a pool, in an order of the call's own; all are used before one comes again.
        case pool(count: Int, of: [Turn])
        /// Stay silent and listen.
        case wait(Distribution)
        /// Send these digits (`0-9*#A-D`), 200 ms apart.
        case digits(String)
        /// Show a picture, where the channel carries pictures: the file's path as found.
        case show(String)
        case hangUp
        /// A step of some channels' calls only (`phone`, `browser`, `screen_share`).
        indirect case only(channels: [String], Step)
    }

    package struct Turn: Hashable, Sendable {
        package var clips: ClipChoice
        package var pause: Distribution?
        package var patience: Duration?
        package var onSilence: OnSilence?
        package var expect: Expectation?
        package var bargeIn: BargeIn?
        package var noise: Noise?

        package init(
            clips: ClipChoice, pause: Distribution? = nil, patience: Duration? = nil,
            onSilence: OnSilence? = nil, expect: Expectation? = nil, bargeIn: BargeIn? = nil,
            noise: Noise? = nil
        ) {
            self.clips = clips
            self.pause = pause
            self.patience = patience
            self.onSilence = onSilence
            self.expect = expect
            self.bargeIn = bargeIn
            self.noise = noise
        }
    }

    /// One of these clips, drawn for each call.
    package enum ClipChoice: Hashable, Sendable {
        /// A clip's id, or an id without its voice and variant (`add-milk` for `add-milk-slt`): then the call's own voice speaks,
        /// as long as the corpus has the words in that voice.
        case named([String])
        /// Any clip of this kind in the corpus.
        case any(ClipDescription.Kind)
    }

    /// What the reply to a turn must be.
    package enum Expectation: Hashable, Sendable {
        /// The intent of the language-model script that must answer.
        case intent(String)
        /// One of these texts must stand in the reply, whatever case.
        case text([String])
        /// The agent must stay silent (a backchannel, noise, an unfinished sentence).
        case silence
    }

    /// The caller speaks into the reply to this turn.
    package struct BargeIn: Hashable, Sendable {
        package var kind: BargeInKind
        /// Counted from the reply's first audible sample.
        package var after: Distribution
        package var clips: ClipChoice
        /// What the caller says, tagged, once the agent fell silent after an interruption: the request that interrupted.
        package var then: ClipChoice?
        /// How often it happens, of all times the turn is spoken.
        package var chance: Chance

        package init(
            kind: BargeInKind, after: Distribution, clips: ClipChoice, then: ClipChoice? = nil,
            chance: Chance = .always
        ) {
            self.kind = kind
            self.after = after
            self.clips = clips
            self.then = then
            self.chance = chance
        }
    }

    /// Something that is no word is heard on the caller's side while the reply to this turn is awaited.
    package struct Noise: Hashable, Sendable {
        /// Counted from the caller's end.
        package var after: Distribution
        package var clips: ClipChoice
        /// How often it happens, of all times the turn is spoken.
        package var chance: Chance

        package init(after: Distribution, clips: ClipChoice, chance: Chance = .always) {
            self.after = after
            self.clips = clips
            self.chance = chance
        }
    }

    /// What makes a call's task completed.
    package struct Check: Hashable, Sendable {
        /// Each turn whose intent calls one of these tools must have had the tool's result before its reply.
        package var tools: [String]
        /// Each turn must be answered.
        package var isEveryTurnAnswered: Bool
        /// None of these tools may have answered with an error, such as that there is no such task.
        package var doToolsSucceed: Bool

        package init(
            tools: [String] = [], isEveryTurnAnswered: Bool = true, doToolsSucceed: Bool = false
        ) {
            self.tools = tools
            self.isEveryTurnAnswered = isEveryTurnAnswered
            self.doToolsSucceed = doToolsSucceed
        }
    }
}

/// A chance as a ratio: `1/200`, `30%` (30/100).
package struct Chance: Hashable, Sendable {
    package var numerator: UInt64
    package var denominator: UInt64

    package init(_ numerator: UInt64, of denominator: UInt64) {
        precondition(denominator > 0 && numerator <= denominator, "a chance lies in 0...1")
        self.numerator = numerator
        self.denominator = denominator
    }

    package static let always = Chance(1, of: 1)
    package static let never = Chance(0, of: 1)

    package func draw(_ random: inout RandomStream) -> Bool {
        numerator == denominator || random.chance(numerator, denominator)
    }
}

extension ConversationScript {
    /// Goes on until it is hung up: for calls whose length is drawn.
    package mutating func goOn() {
        repetition = .forever
        let kept = steps.filter { $0 != .hangUp }
        if !kept.isEmpty { steps = kept }
    }
}
