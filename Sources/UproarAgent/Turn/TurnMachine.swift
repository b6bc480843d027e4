import UproarCore
import UproarRuntime

/// Who has the turn: decides from level and words when to think, when to speak and when to stop. No clock of its own: time is
/// the audio heard, and `now` for the one wait that audio cannot measure.
///
///     caller   ▇▇▇▇▇▇▇▇▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
///              stableInterim ▲    ▲ finishAfter ▲ endpointing and a final result
///     agent    silent        │guessing          │owed     │speaking         │silent
///
/// | state | caller goes on | other words | turn over | audio out | barge-in | reply over |
/// |---|---|---|---|---|---|---|
/// | silent | – | – | start, confirm → owed | – | – | – |
/// | guessing | cancel → silent | cancel → silent | confirm → owed | – | – | → silent |
/// | owed | cancel → silent | cancel → silent | – | → speaking | – | → silent |
/// | speaking | – | – | forget backchannel | – | stop → silent | → silent |
///
/// Who seemed to go on after his turn and then said no word is owed the answer still: turn over → answer again → owed.
///
/// Replies are numbered from 1 (0 is the greeting) in the order of their start.
struct TurnMachine: ~Copyable {
    enum Effect: Hashable {
        /// Ask the recogniser for its final result.
        case finishUtterance
        /// Begin a reply to these words. Nothing of it may be heard and no tool may run yet.
        case start(reply: Int, to: String)
        /// Nothing of this reply will ever be heard.
        case cancel(reply: Int)
        /// These words are the caller's turn: the reply may be heard and its tools may run.
        case confirm(reply: Int, to: String)
        /// The caller's last turn is owed its answer still: a new reply to it, which may be heard.
        case answerAgain(reply: Int)
        /// The caller has taken the turn back from a reply that is being heard.
        case stopSpeaking(reply: Int)
        /// The utterance is over, whatever became of it: its audio will not be needed again.
        case settle
    }

    private enum Output {
        case silent
        /// `voiced` is the caller's total when it began.
        case guessing(reply: Int, text: String, voiced: Int)
        case owed(reply: Int, voiced: Int)
        case speaking(reply: Int)
    }

    /// The policy in samples.
    private struct Limits {
        var stableInterim, finishAfter, endpointing, bargeIn, wordsBargeIn, backchannelWindow: Int
        var longestBackchannel, resumption: Int
        /// By so much a recogniser's window may end before our own last voiced sample and still hold the last word.
        var tolerance: Int
        var answersAgain: Bool
        var backchannels: Backchannels
    }

    private let limits: Limits
    private let rate: Hertz
    private let finalWait: Duration
    private let wordsWait: Duration
    private var output = Output.silent
    private var replies = 0

    private var transcript = UtteranceTranscript()
    /// `transcript.text`, kept.
    private var text = ""
    private var textChangedAt = 0
    private var isBackchannel = false
    private var lastResultIsFinal = false

    /// Voice up to here belongs to what is over.
    private var discardedAt = 0
    /// The caller's total of voice at that time.
    private var discardedVoice = 0
    /// The utterance in progress: where it was noticed, and the caller's total of voice before it.
    private var utterance: (voicedBefore: Int, isOverAgent: Bool)?
    private var finishAskedAt = -1
    private var finalDeadline: Instant?
    private var suspectedAt: Int?
    /// A reply that was owed has been given up because the caller seemed to go on.
    private var isAnswerDue = false

    init(_ policy: TurnPolicy, rate: Hertz = .telephone) {
        self.rate = rate
        finalWait = policy.finalWait
        wordsWait = policy.wordsWait
        limits = Limits(
            stableInterim: rate.samples(in: policy.stableInterim),
            finishAfter: rate.samples(in: min(policy.finishAfter, policy.endpointing)),
            endpointing: rate.samples(in: policy.endpointing),
            bargeIn: rate.samples(in: policy.bargeIn),
            wordsBargeIn: rate.samples(in: policy.bargeIn * 3 / 10),
            backchannelWindow: rate.samples(in: policy.backchannelWindow),
            longestBackchannel: rate.samples(in: policy.longestBackchannel),
            resumption: rate.samples(in: policy.resumption),
            tolerance: rate.samples(in: .milliseconds(100)),
            answersAgain: policy.answersAgain,
            backchannels: policy.backchannels)
    }

    /// Whether anything is under way on either side; if not, hearing silence changes nothing.
    var isIdle: Bool {
        guard case .silent = output else { return false }
        return utterance == nil && text.isEmpty
    }

    /// Whether anything of the caller is to be decided; if not, frames without speech change nothing.
    var isListening: Bool { utterance != nil || !text.isEmpty }

    // MARK: Inputs

    /// A frame was heard.
    mutating func heardFrame(_ speech: SpeechDetector, now: Instant) -> [Effect] {
        if speech.isActive, utterance == nil, speech.lastVoiced > discardedAt {
            var isOverAgent = false
            if case .speaking = output { isOverAgent = true }
            utterance = (max(speech.totalVoiced - speech.voiced, discardedVoice), isOverAgent)
        }
        return evaluate(speech, now: now)
    }

    /// The recogniser said something about the audio sent to it.
    mutating func heardWords(_ result: Transcript, speech: SpeechDetector, now: Instant)
        -> [Effect]
    {
        let isNewVoice = speech.lastVoiced > discardedAt
        let voice = isNewVoice ? rate.duration(samples: max(speech.onset, discardedAt)) : nil
        guard transcript.heard(result, voice: voice) else { return [] }
        lastResultIsFinal = result.isFinal
        let known = transcript.text
        if known != text {
            text = known
            textChangedAt = speech.position
            isBackchannel = limits.backchannels.covers(known)
        }
        return evaluate(speech, now: now)
    }

    /// Another stream hears the utterance from its beginning. Words known so far stand until it says its own.
    mutating func recogniserChanged() { transcript.restart() }

    /// The agent speaks first. Only when nothing of its own is under way.
    mutating func greetingBegan() {
        guard case .silent = output else {
            preconditionFailure("a greeting on top of a reply")
        }
        output = .speaking(reply: 0)
    }

    /// The first audio of the reply was sent.
    mutating func speakingBegan(reply: Int) {
        guard case .owed(reply, _) = output else { return }
        output = .speaking(reply: reply)
    }

    /// The reply has been played, or there will be nothing of it to play. Late when it has been cut: ignored.
    mutating func replyEnded(reply: Int) {
        switch output {
        case .guessing(reply, _, _), .owed(reply, _), .speaking(reply): output = .silent
        case .silent, .guessing, .owed, .speaking: break
        }
    }

    /// Whatever was being said or thought of has been given up.
    mutating func silenced() {
        output = .silent
        isAnswerDue = false
    }

    /// What was cut was not the answer yet: it is due still, unless the caller says something else.
    mutating func answerIsDue() {
        if case .silent = output { isAnswerDue = limits.answersAgain }
    }

    /// The caller typed: words that need no recogniser, and no waiting.
    mutating func typed(_ words: String, speech: SpeechDetector) -> [Effect] {
        var effects: [Effect] = []
        switch output {
        case .silent: break
        case .guessing(let reply, _, _), .owed(let reply, _): effects.append(.cancel(reply: reply))
        case .speaking(let reply): effects.append(.stopSpeaking(reply: reply))
        }
        replies += 1
        effects.append(.start(reply: replies, to: words))
        effects.append(.confirm(reply: replies, to: words))
        output = .owed(reply: replies, voiced: speech.totalVoiced)
        isAnswerDue = false
        return effects
    }

    // MARK: Decisions

    private mutating func evaluate(_ speech: SpeechDetector, now: Instant) -> [Effect] {
        guard utterance != nil || !text.isEmpty else { return [] }
        var effects: [Effect] = []
        let hasVoice = speech.lastVoiced > discardedAt
        // Words without voice (speech too low for us) end where they were last heard of.
        let end = hasVoice ? speech.lastVoiced : textChangedAt
        let silence = speech.position - end
        let isFinal =
            hasVoice
            ? rate.samples(in: transcript.finalUpTo) + limits.tolerance >= end : lastResultIsFinal

        giveWay(speech, silence: silence, into: &effects)

        if silence >= limits.finishAfter, finishAskedAt != end, hasVoice {
            finishAskedAt = end
            if !isFinal { effects.append(.finishUtterance) }
        }
        let isCovered =
            !hasVoice || rate.samples(in: transcript.heardUpTo) + limits.tolerance >= end
        if case .silent = output, silence >= limits.stableInterim, isCovered, isWorthAnswering {
            start(speech, into: &effects)
        }
        if silence < limits.endpointing + (hasVoice ? speech.hangover : 0) {
            finalDeadline = nil
        } else if isFinal || now >= finalDeadline ?? .distantFuture {
            endTurn(speech, isFinal: isFinal, into: &effects)
        } else if finalDeadline == nil {
            // Without any words there is nothing to go on with: a slower recogniser may have been asked.
            finalDeadline = now + (text.isEmpty ? wordsWait : finalWait)
        }
        return effects
    }

    private var isWorthAnswering: Bool {
        !text.isEmpty && !(isBackchannel && utterance?.isOverAgent == true)
    }

    /// What must not go on now that the caller speaks, or says something else than was thought.
    private mutating func giveWay(
        _ speech: SpeechDetector, silence: Int, into effects: inout [Effect]
    ) {
        switch output {
        case .silent: break
        case .guessing(let reply, let guessed, let voiced):
            if speech.totalVoiced - voiced >= limits.resumption || !isSame(guessed) {
                effects.append(.cancel(reply: reply))
                output = .silent
            }
        case .owed(let reply, let voiced):
            let isNew = !text.isEmpty && !isBackchannel
            if speech.totalVoiced - voiced >= limits.resumption || isNew {
                effects.append(.cancel(reply: reply))
                output = .silent
                isAnswerDue = limits.answersAgain
            }
        case .speaking(let reply):
            guard isBargeIn(speech, silence: silence) else { break }
            effects.append(.stopSpeaking(reply: reply))
            output = .silent
            utterance?.isOverAgent = false
        }
    }

    private func isSame(_ guessed: String) -> Bool {
        text == guessed || SpokenText.matches(text, guessed)
    }

    private mutating func isBargeIn(_ speech: SpeechDetector, silence: Int) -> Bool {
        guard let utterance else { return !text.isEmpty && !isBackchannel }
        let voiced = speech.totalVoiced - utterance.voicedBefore
        if voiced >= limits.longestBackchannel { return true }
        if !text.isEmpty { return !isBackchannel && voiced >= limits.wordsBargeIn }
        guard voiced >= limits.bargeIn else { return false }
        let suspectedAt = suspectedAt ?? speech.position
        self.suspectedAt = suspectedAt
        // A cough is over before the wait is: only a voice that goes on counts without words.
        return speech.position - suspectedAt >= limits.backchannelWindow
            && silence < limits.tolerance
    }

    private mutating func start(_ speech: SpeechDetector, into effects: inout [Effect]) {
        replies += 1
        effects.append(.start(reply: replies, to: text))
        output = .guessing(reply: replies, text: text, voiced: speech.totalVoiced)
    }

    /// The caller has been silent for long enough, and the words are known or have been waited for.
    private mutating func endTurn(
        _ speech: SpeechDetector, isFinal: Bool, into effects: inout [Effect]
    ) {
        if case .silent = output, isWorthAnswering { start(speech, into: &effects) }
        if case .guessing(let reply, _, _) = output {
            if isWorthAnswering {
                effects.append(.confirm(reply: reply, to: text))
                output = .owed(reply: reply, voiced: speech.totalVoiced)
                isAnswerDue = false
            } else {
                effects.append(.cancel(reply: reply))
                output = .silent
            }
        }
        // It was noise: what had been said before is to be answered.
        if case .silent = output, isAnswerDue {
            isAnswerDue = false
            replies += 1
            effects.append(.answerAgain(reply: replies))
            output = .owed(reply: replies, voiced: speech.totalVoiced)
        }
        transcript.discard(upTo: rate.duration(samples: speech.position), isSettled: isFinal)
        text = ""
        isBackchannel = false
        discardedAt = speech.position
        discardedVoice = speech.totalVoiced
        utterance = nil
        finalDeadline = nil
        suspectedAt = nil
        effects.append(.settle)
    }
}
