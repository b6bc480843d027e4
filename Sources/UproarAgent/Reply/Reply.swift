import UproarCore
import UproarRuntime

/// One reply in the making: model → clauses → voice → audio, held back until the caller's turn is known to be over.
///
/// Audio comes in segments, one for each utterance of the voice (what precedes a tool call, a filler, what follows); they are
/// played in order, whatever order the voice makes them in.
final class Reply {
    private static let roundLimit = 4

    private enum Thinking {
        case idle
        case asked
        /// Tools wait for the turn to be confirmed.
        case wantsTools
        case runsTools
        case done
    }

    let number: Int
    private let words: String
    let host: any ReplyHost
    private let began: Instant

    var spoken: SpokenReply
    private(set) var isConfirmed: Bool
    private(set) var isOver = false
    private var thinking = Thinking.idle
    private var question: ModelQuestion?
    private var rounds = 0
    private var toolCalls: [ToolCall] = []
    /// Where in the history the tools that run were called; nil while the caller's words are not in it.
    private var toolPlace: Int?
    /// Tools that ran before the turn was confirmed, with what they said: not in the history yet.
    private var ahead: [(calls: [ToolCall], results: [ChatMessage])] = []
    private var splitter: ClauseSplitter
    /// Set while an answer goes on where another model's broke off.
    private var takingUp: TakingUp?
    /// What was given to the voice of the answer that is being received.
    private var answer = ""
    var segments: [ReplySegment] = []
    /// The last segment takes more text.
    var isSegmentOpen = false
    /// Audio made, in nanoseconds, held or played.
    var made: Int64 = 0
    private var confirmedAt: Instant?
    private var hasAnswered = false
    /// What has bridged the time until the answer.
    private var bridges = ""
    /// A fixed phrase is all there is to it.
    private(set) var isPhrase = false
    private var filler = TimerID.none
    private var fillers = 0

    init(number: Int, to words: String, host: any ReplyHost, isConfirmed: Bool = false) {
        self.number = number
        self.words = words
        self.host = host
        began = host.loop.now
        self.isConfirmed = isConfirmed
        spoken = SpokenReply(number: number)
        var rules = ClauseSplitter.Rules()
        rules.firstWords = host.settings.firstWords
        splitter = ClauseSplitter(rules)
    }

    // MARK: Verbs

    /// Asks the models, about the caller's words when they are not yet in the history.
    func think() {
        var messages = host.messages(about: isConfirmed ? nil : words)
        for round in ahead { messages += [.toolCalls(round.calls)] + round.results }
        guard let question = host.question(messages, since: began, handler: self) else {
            return unanswered()
        }
        thinking = .asked
        answer = ""
        takingUp = nil
        self.question = question
        question.ask()
    }

    /// Says a fixed phrase and nothing else.
    func say(_ phrase: String) {
        thinking = .done
        isPhrase = true
        speak(phrase: phrase)
        drain()
    }

    /// Says a fixed phrase after all that is still to be said, and ends.
    func end(saying phrase: String) {
        question?.cancel()
        question = nil
        closeSegment()
        thinking = .done
        hasAnswered = true
        speak(phrase: phrase)
        drain()
    }

    /// Says a fixed phrase so that there is no silence; the answer follows.
    func bridge(_ phrase: String) {
        guard !isOver, isConfirmed, segments.isEmpty else { return }
        speak(phrase: phrase)
        drain()
    }

    /// Says a phrase in front of the answer, which is still to be asked for.
    func open(with phrase: String) { speak(phrase: phrase) }

    /// The caller's words are in the history: what was held back may be heard, and tools may run.
    func confirm() {
        guard !isConfirmed, !isOver else { return }
        isConfirmed = true
        confirmedAt = host.loop.now
        for round in ahead { host.keep(round.calls, round.results) }
        let lookedAhead = !ahead.isEmpty
        ahead = []
        if isRunningTools { toolPlace = host.historyEnd }
        if case .wantsTools = thinking {
            runTools()
        } else if lookedAhead || isRunningTools {
            acknowledge()
        }
        drain()
    }

    /// Nothing more of this reply is made or played.
    func cancel() {
        isOver = true
        question?.cancel()
        question = nil
        host.loop.cancel(filler)
        for segment in segments {
            if let utterance = segment.utterance { host.voice?.cancel(utterance: utterance) }
        }
        segments = []
    }

    /// Says why the caller's words are not answered, in place of an answer.
    func refuse(saying phrase: String) {
        guard !isOver else { return }
        question?.cancel()
        question = nil
        for segment in segments {
            if let utterance = segment.utterance { host.voice?.cancel(utterance: utterance) }
        }
        segments = []
        isSegmentOpen = false
        ahead = []
        spoken = SpokenReply(number: number)
        isConfirmed = true
        say(phrase)
    }

    /// What has been heard of the answer at `now`: nothing where only what bridged the time until then has been.
    func heard(at now: Instant) -> String {
        let text = spoken.heardText(at: now)
        return bridges.hasPrefix(text) ? "" : text
    }

    /// Whether what is being said is the answer itself, or belongs to it.
    var isAnswering: Bool { !answer.isEmpty }

    private var isRunningTools: Bool { if case .runsTools = thinking { true } else { false } }

    // MARK: Text

    private func speak(_ piece: String) {
        guard let voice = host.voice else { return }
        if !isSegmentOpen {
            segments.append(ReplySegment(utterance: voice.begin()))
            isSegmentOpen = true
        }
        let last = segments.count - 1
        segments[last].text += piece
        answer += piece
        spoken.spoke(piece)
        if let utterance = segments[last].utterance {
            voice.speak(piece, utterance: utterance)
        } else {
            // Nobody speaks: the text may still reach the caller another way, when it is whole.
            if case .done = thinking { host.speechless(self, text: spoken.text) }
        }
    }

    private func closeSegment() {
        guard isSegmentOpen else { return }
        isSegmentOpen = false
        if let utterance = segments.last?.utterance {
            host.voice?.finishText(utterance: utterance)
        } else if !segments.isEmpty {
            segments[segments.count - 1].isFinished = true
            host.speechless(self, text: spoken.text)
        }
    }

    private func speak(phrase: String) {
        guard !phrase.isEmpty else { return }
        if !hasAnswered, !isPhrase { bridges += phrase }
        if let audio = host.phrases.audio(of: phrase, in: host.format) {
            segments.append(
                ReplySegment(text: phrase, audio: audio, isFinished: true, start: made))
            made += host.format.duration(bytes: audio.count).nanoseconds
            spoken.spoke(phrase)
        } else {
            speak(phrase)
            if !segments.isEmpty { segments[segments.count - 1].isPhrase = true }
            closeSegment()
        }
    }

    // MARK: Tools

    private func runTools() {
        thinking = .runsTools
        let calls = toolCalls
        toolCalls = []
        if isConfirmed { acknowledge() }
        toolPlace = isConfirmed ? host.historyEnd : nil
        fillers = 0
        awaitFiller()
        // Nobody else holds a reply that was cut, and what its tools did is to be known.
        host.run(calls) { [self] results in
            guard !isOver else {
                // Done is done: the next answer knows of it.
                if let toolPlace { host.keepLate(calls, results, at: toolPlace) }
                return
            }
            host.loop.cancel(filler)
            if isConfirmed {
                host.keep(calls, results)
            } else {
                ahead.append((calls, results))
            }
            splitter = ClauseSplitter()
            think()
        }
    }

    /// A word at once, so that the caller knows that he was heard while tool and model are at work.
    private func acknowledge() {
        guard spoken.text.isEmpty else { return }
        speak(phrase: host.settings.toolAcknowledgement)
    }

    /// A tool that takes long is bridged, again and again, until its result is there.
    private func awaitFiller() {
        let wait = fillers == 0 ? host.settings.fillerAfter : host.settings.fillerEvery
        filler = host.loop.schedule(at: host.loop.now + wait) { [weak self] in
            guard let self, !isOver, isRunningTools else { return }
            if isConfirmed, segments.isEmpty {
                speak(
                    phrase: fillers == 0 ? host.settings.toolFiller : host.settings.longFiller)
                fillers += 1
                drain()
            }
            awaitFiller()
        }
    }

    // MARK: Audio

    /// Plays what may be played, in order.
    func drain() {
        guard isConfirmed, !isOver, host.maySpeak else { return }
        while !segments.isEmpty {
            if !segments[0].audio.isEmpty {
                let audio = segments[0].audio
                segments[0].audio = []
                play(audio.span.bytes, on: host)
            }
            guard segments[0].isFinished else { return }
            segments.removeFirst()
            if segments.isEmpty { isSegmentOpen = false }
        }
        if case .done = thinking {
            isOver = true
            host.completed(self)
        }
    }

    func play(_ audio: RawSpan, on host: any ReplyHost) {
        segments[0].hasBeenPlayed = true
        if let confirmedAt {
            host.answered(after: host.loop.now - confirmedAt)
            self.confirmedAt = nil
        }
        host.play(audio, of: self)
    }
}

extension Reply: ModelQuestionHandler {
    func answered(text: String) {
        guard !isOver else { return }
        let text = takingUp?.push(text) ?? text
        hasAnswered = true
        for piece in splitter.push(text) { speak(piece) }
    }

    func answered(toolCall: ToolCall) {
        guard !isOver else { return }
        toolCalls.append(toolCall)
    }

    func answeredWhole(_ usage: LanguageModelUsage, model: String) {
        guard !isOver else { return }
        host.used(usage, of: model)
        question = nil
        if let left = takingUp?.finish(), !left.isEmpty {
            for piece in splitter.push(left) { speak(piece) }
        }
        if let rest = splitter.finish() { speak(rest) }
        takingUp = nil
        if !toolCalls.isEmpty, rounds < Self.roundLimit {
            closeSegment()
            rounds += 1
            if isConfirmed || host.onlyLooks(toolCalls) {
                runTools()
            } else {
                thinking = .wantsTools
            }
        } else {
            thinking = .done
            closeSegment()
        }
        drain()
    }

    /// Half an answer came. What nobody has heard is forgotten; where something was heard the next model's answer takes it up.
    func brokeOff() {
        guard !isOver, let question else { return }
        guard host.settings.wholeAnswers else {
            return answeredWhole(LanguageModelUsage(), model: question.model)
        }
        toolCalls = []
        splitter = ClauseSplitter()
        if isSegmentOpen, let last = segments.last, !last.hasBeenPlayed {
            if let utterance = last.utterance { host.voice?.cancel(utterance: utterance) }
            forget(segments.count - 1)
            spoken.forget(text: last.text)
            segments.removeLast()
            isSegmentOpen = false
            answer = ""
        }
        takingUp = answer.isEmpty ? nil : TakingUp(said: answer)
        question.askOn()
    }

    func unanswered() {
        guard !isOver else { return }
        question = nil
        closeSegment()
        host.thoughtless(self)
    }
}
