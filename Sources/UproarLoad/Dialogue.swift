import UproarCore

/// What one caller says and when: the turns of a call, as a pure state machine.
///
/// ```
/// idle ─answered─► greeting ─► pausing ─► speaking ─► waiting ─► hearing ─► pausing …  ─► over
///                                 ▲                      │          │
///                                 └──── timed out ───────┘          └─► bargingIn ─► pausing
/// ```
/// A polite caller: it does not begin while the agent is audible, it yields when the agent talks over it for a second, and it
/// waits for the reply's last word. It never looks at a clock: `now` comes with each input, and `deadline` says when to come back.
struct Dialogue {
    /// One turn with every choice made.
    struct Turn: Hashable {
        /// Index in the library.
        var clip: Int
        /// From the agent's silence to the first frame.
        var pause: Duration
        var patience: Duration
        var onSilence: ConversationScript.OnSilence = .goOn
        /// False for a turn to which the agent must not answer.
        var isAnswerOwed = true
        var bargeIn: BargeIn?
        var noise: Noise?
    }

    struct Noise: Hashable {
        /// From the end of the utterance.
        var after: Duration
        var clip: Int
    }

    struct BargeIn: Hashable {
        var kind: BargeInKind
        /// From the reply's first audible sample.
        var after: Duration
        var clip: Int
        /// What is said, tagged, after an interruption.
        var then: Int?
    }

    enum Step: Hashable {
        case say(Turn)
        case wait(Duration)
        case digits([Character])
        /// An index in the line's pictures.
        case show(Int)
        case hangUp
    }

    enum Effect: Hashable {
        /// Begin to play a clip with the next frame; tagged with this utterance number, or untagged when nil.
        case speak(clip: Int, utterance: UInt32?)
        case stopSpeaking
        /// Something that is no words is heard on the caller's side; the caller goes on waiting.
        case makeNoise(clip: Int)
        case send(digit: Character)
        case show(Int)
        case hangUp(CallOutcome)
        case timedOut(utterance: UInt32, patience: Duration)
        /// No answer to this utterance is wanted.
        case nothingOwed(utterance: UInt32)
        case bargedIn(BargeInKind, utterance: UInt32, clip: Int)
        case interrupted(utterance: UInt32)
        case yielded(at: Instant)
    }

    private enum State: Hashable {
        case idle
        case greeting(until: Instant)
        /// Until the agent has been silent for the pause.
        case pausing(pause: Duration, since: Instant, giveUp: Instant)
        case waitingStep(until: Instant)
        case dialling(Int, next: Instant)
        case speaking(Turn, utterance: UInt32)
        /// The utterance is out; its reply is owed.
        case waiting(Turn, utterance: UInt32, until: Instant, noiseAt: Instant)
        case hearing(Turn, utterance: UInt32, since: Instant)
        /// The stimulus is being played over the reply.
        case bargingIn(Turn, utterance: UInt32, since: Instant)
        /// The stimulus is out: does the agent yield?
        case watching(Turn, utterance: UInt32, since: Instant)
        case over
    }

    /// Silence after a reply without a tail tag that makes it finished all the same.
    static let replyOverAfter = Duration.milliseconds(1200)
    /// Silence that ends a greeting. It carries no reference to tell its last word by, and has pauses between its sentences.
    static let greetingOverAfter = Duration.milliseconds(500)
    /// How long a polite caller lets itself be talked over.
    static let yieldAfter = Duration.seconds(1)
    static let digitSpacing = Duration.milliseconds(200)
    /// An interruption to which the agent has not yielded by then was missed.
    static let bargeInLimit = Duration.seconds(3)

    /// Step `index` of the call, or nil when the script has ended.
    private let steps: (Int) -> Step?
    private var current: Step?
    private let greetingWithin: Duration?
    private let isTagged: Bool
    private var state = State.idle
    private var next = 0
    private var utterances: UInt32 = 0
    private var isAudible = false
    private var audibleSince = Instant.zero
    private var silentSince = Instant.zero
    private var hasSaidAgain = false
    private var isEnding = false
    /// The answer to this utterance has been heard (its head tag, or any sound when untagged).
    private var answered: UInt32 = 0

    /// The earliest time at which `tick` has something to do.
    private(set) var deadline = Instant.distantFuture

    /// - `steps`: step `index` of the call, or nil when the script has ended; asked once for each index, in order.
    /// - `greetingWithin`: how long to wait for the agent's greeting; nil: the caller speaks first.
    /// - `isTagged`: whether utterances carry references, so that replies can be told apart.
    init(steps: @escaping (Int) -> Step?, greetingWithin: Duration?, isTagged: Bool) {
        self.steps = steps
        self.greetingWithin = greetingWithin
        self.isTagged = isTagged
    }

    var isOver: Bool { state == .over }
    /// A reply is owed or being heard.
    var isInTurn: Bool {
        switch state {
        case .speaking, .waiting, .hearing, .bargingIn, .watching: true
        default: false
        }
    }

    // MARK: Inputs

    mutating func callAnswered(_ now: Instant) -> [Effect] {
        silentSince = now
        guard let greetingWithin else { return step(now) }
        enter(.greeting(until: now + greetingWithin))
        return []
    }

    /// No further turn is begun; the call ends after the one in progress.
    mutating func endAfterTurn(_ now: Instant) -> [Effect] {
        isEnding = true
        if case .over = state { return [] }
        if isInTurn { return [] }
        return hangUp(.completed)
    }

    /// The transport ended the call: nothing more will be said.
    mutating func callEnded() {
        enter(.over)
    }

    mutating func agentBecameAudible(_ at: Instant, now: Instant) -> [Effect] {
        isAudible = true
        audibleSince = at
        switch state {
        case .speaking:
            updateDeadline()
            return []
        case .waiting(let turn, let utterance, _, _) where !isTagged:
            return heardAnswer(to: utterance, turn, at: at)
        case .pausing:
            updateDeadline()
            return []
        default: return []
        }
    }

    mutating func agentBecameSilent(_ at: Instant, now: Instant) -> [Effect] {
        isAudible = false
        silentSince = at
        switch state {
        case .greeting:
            return step(now, pauseAtLeast: Self.greetingOverAfter)
        case .bargingIn(let turn, let utterance, let since),
            .watching(let turn, let utterance, let since):
            guard at > since else { return [] }
            var effects: [Effect] = [.yielded(at: at)]
            if case .watching = state { effects += afterBargeIn(turn, utterance, now) }
            return effects
        default:
            updateDeadline()
            return []
        }
    }

    /// The head tag of a reply to `utterance` of this call was heard.
    mutating func answerHeard(utterance: UInt32, at: Instant) -> [Effect] {
        guard case .waiting(let turn, let owed, _, _) = state, owed == utterance else { return [] }
        return heardAnswer(to: utterance, turn, at: at)
    }

    /// The tail tag of a reply to `utterance` of this call was heard: it is whole.
    mutating func answerFinished(utterance: UInt32, at: Instant, now: Instant) -> [Effect] {
        switch state {
        case .hearing(let turn, let owed, _) where owed == utterance,
            .waiting(let turn, let owed, _, _) where owed == utterance:
            _ = turn
            return goOn(now)
        case .watching(_, let owed, _) where owed == utterance:
            return goOn(now)
        default: return []
        }
    }

    /// The last frame of what was being said has been sent; `speechEnd` is the due time of its last voiced sample.
    mutating func finishedSpeaking(speechEnd: Instant, now: Instant) -> [Effect] {
        switch state {
        case .speaking(let turn, let utterance):
            hasSpoken(turn, utterance, speechEnd)
            return []
        case .bargingIn(let turn, let utterance, let since):
            if isAudible {
                enter(.watching(turn, utterance: utterance, since: since))
                return []
            }
            return afterBargeIn(turn, utterance, now)
        default: return []
        }
    }

    /// To be called at or after `deadline`.
    mutating func tick(_ now: Instant) -> [Effect] {
        guard now >= deadline else { return [] }
        switch state {
        case .idle, .over: return []
        case .greeting(let until):
            return now >= until ? step(now) : []
        case .pausing(let pause, _, let giveUp):
            if isAudible, now < giveUp {
                updateDeadline()
                return []
            }
            guard now >= silentSince + pause || now >= giveUp else {
                updateDeadline()
                return []
            }
            return speakTurn(now)
        case .waitingStep(let until):
            return now >= until ? step(now) : []
        case .dialling(let index, let due):
            guard now >= due, case .digits(let digits) = current else { return [] }
            guard index < digits.count else { return step(now) }
            enter(.dialling(index + 1, next: due + Self.digitSpacing))
            return [.send(digit: digits[index])]
        case .speaking(let turn, let utterance):
            guard isAudible, now - audibleSince >= Self.yieldAfter else {
                updateDeadline()
                return []
            }
            hasSpoken(turn, utterance, now)
            return [.stopSpeaking]
        case .waiting(let turn, let utterance, let until, let noiseAt):
            if let noise = turn.noise, now >= noiseAt {
                enter(
                    .waiting(
                        turn, utterance: utterance, until: until, noiseAt: .distantFuture))
                return [.makeNoise(clip: noise.clip)] + tick(now)
            }
            guard now >= until else { return [] }
            guard turn.isAnswerOwed else { return goOn(now) }
            return timedOut(turn, utterance, now)
        case .hearing(let turn, let utterance, let since):
            if let bargeIn = turn.bargeIn, answered == utterance, now >= since + bargeIn.after {
                enter(.bargingIn(turn, utterance: utterance, since: now))
                var effects: [Effect] = [
                    .bargedIn(bargeIn.kind, utterance: utterance, clip: bargeIn.clip)
                ]
                if bargeIn.kind == .interruption {
                    effects.append(.interrupted(utterance: utterance))
                }
                return effects + [.speak(clip: bargeIn.clip, utterance: nil)]
            }
            guard !isAudible, now - silentSince >= Self.replyOverAfter else {
                updateDeadline()
                return []
            }
            return goOn(now)
        case .bargingIn: return []
        case .watching(let turn, let utterance, let since):
            let limit = turn.bargeIn?.kind == .interruption ? Self.bargeInLimit : .seconds(30)
            if now - since >= limit { return afterBargeIn(turn, utterance, now) }
            guard !isAudible, now - silentSince >= Self.replyOverAfter else {
                updateDeadline()
                return []
            }
            return goOn(now)
        }
    }

    // MARK: Moves

    private mutating func goOn(_ now: Instant) -> [Effect] {
        hasSaidAgain = false
        return isEnding ? hangUp(.completed) : step(now)
    }

    private mutating func step(_ now: Instant, pauseAtLeast least: Duration = .zero) -> [Effect] {
        guard !isEnding, let step = steps(next) else { return hangUp(.completed) }
        next += 1
        current = step
        switch step {
        case .say(let turn):
            let pause = max(turn.pause, least)
            enter(.pausing(pause: pause, since: now, giveUp: now + pause + turn.patience))
            return []
        case .wait(let duration):
            enter(.waitingStep(until: now + duration))
            return []
        case .digits:
            enter(.dialling(0, next: now))
            return tick(now)
        case .show(let picture):
            return [.show(picture)] + self.step(now)
        case .hangUp:
            return hangUp(.completed)
        }
    }

    private mutating func speakTurn(_ now: Instant) -> [Effect] {
        guard case .say(let turn) = current else { return hangUp(.completed) }
        return speak(turn)
    }

    private mutating func speak(_ turn: Turn) -> [Effect] {
        guard utterances + 1 < TurnReference.utteranceLimit else { return hangUp(.completed) }
        utterances += 1
        enter(.speaking(turn, utterance: utterances))
        let said = Effect.speak(clip: turn.clip, utterance: utterances)
        return turn.isAnswerOwed ? [said] : [said, .nothingOwed(utterance: utterances)]
    }

    private mutating func hasSpoken(_ turn: Turn, _ utterance: UInt32, _ speechEnd: Instant) {
        if !isTagged, isAudible {
            // The agent began before the caller had ended: without references that is its answer.
            answered = utterance
            enter(.hearing(turn, utterance: utterance, since: audibleSince))
            return
        }
        enter(
            .waiting(
                turn, utterance: utterance, until: speechEnd + turn.patience,
                noiseAt: turn.noise.map { speechEnd + $0.after } ?? .distantFuture))
    }

    private mutating func heardAnswer(to utterance: UInt32, _ turn: Turn, at: Instant) -> [Effect] {
        answered = utterance
        enter(.hearing(turn, utterance: utterance, since: at))
        return []
    }

    private mutating func timedOut(_ turn: Turn, _ utterance: UInt32, _ now: Instant) -> [Effect] {
        let effect = Effect.timedOut(utterance: utterance, patience: turn.patience)
        if isEnding { return [effect] + hangUp(.completed) }
        switch turn.onSilence {
        case .goOn: return [effect] + goOn(now)
        case .hangUp: return [effect] + hangUp(.abandoned)
        case .sayAgain:
            if hasSaidAgain { return [effect] + goOn(now) }
            hasSaidAgain = true
            return [effect] + speak(turn)
        }
    }

    private mutating func afterBargeIn(_ turn: Turn, _ utterance: UInt32, _ now: Instant)
        -> [Effect]
    {
        guard let bargeIn = turn.bargeIn else { return goOn(now) }
        if bargeIn.kind != .interruption {
            // The agent should go on: hear the reply out.
            enter(.hearing(withoutBargeIn(turn), utterance: utterance, since: now))
            return []
        }
        guard let then = bargeIn.then, !isEnding else { return goOn(now) }
        var request = withoutBargeIn(turn)
        request.clip = then
        guard !isAudible else { return speak(request) }
        // A breath between the word that stopped the agent and what is wanted instead.
        current = .say(request)
        silentSince = max(silentSince, now)
        enter(
            .pausing(
                pause: request.pause, since: now, giveUp: now + request.pause + request.patience))
        return []
    }

    private func withoutBargeIn(_ turn: Turn) -> Turn {
        var turn = turn
        turn.bargeIn = nil
        turn.noise = nil
        return turn
    }

    private mutating func hangUp(_ outcome: CallOutcome) -> [Effect] {
        if state == .over { return [] }
        enter(.over)
        return [.hangUp(outcome)]
    }

    private mutating func enter(_ new: State) {
        state = new
        updateDeadline()
    }

    private mutating func updateDeadline() {
        switch state {
        case .idle, .over, .bargingIn: deadline = .distantFuture
        case .greeting(let until), .waitingStep(let until): deadline = until
        case .pausing(let pause, _, let giveUp):
            deadline = isAudible ? giveUp : min(giveUp, silentSince + pause)
        case .dialling(_, let due): deadline = due
        case .speaking: deadline = isAudible ? audibleSince + Self.yieldAfter : .distantFuture
        case .waiting(_, _, let until, let noiseAt): deadline = min(until, noiseAt)
        case .hearing(let turn, let utterance, let since):
            var earliest = isAudible ? Instant.distantFuture : silentSince + Self.replyOverAfter
            if let bargeIn = turn.bargeIn, answered == utterance {
                earliest = min(earliest, since + bargeIn.after)
            }
            deadline = earliest
        case .watching(let turn, _, let since):
            let limit = turn.bargeIn?.kind == .interruption ? Self.bargeInLimit : .seconds(30)
            deadline = min(
                since + limit, isAudible ? .distantFuture : silentSince + Self.replyOverAfter)
        }
    }
}
