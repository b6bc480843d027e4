import UproarCore
import UproarRuntime

/// What a reply needs of its call.
protocol ReplyHost: AnyObject {
    var settings: AgentSettings { get }
    var loop: EventLoop { get }
    var languageModel: (any LanguageModel)? { get }
    var voice: CallVoice? { get }
    var phrases: PhraseBook { get }
    var metrics: AgentMetrics { get }

    /// The messages for a reply to `words`; nil when they are in the history.
    func messages(about words: String?) -> [ChatMessage]
    /// Runs the model's tools and puts calls and results into the history, whatever becomes of the reply.
    func run(_ calls: [ToolCall], then: @escaping () -> Void)
    /// Audio of a confirmed reply, to be sent now.
    func play(_ audio: RawSpan, of reply: Reply)
    /// All audio of the reply has been sent, or there is none.
    func completed(_ reply: Reply)
}

/// One reply in the making: model → clauses → voice → audio, held back until the caller's turn is known to be over.
///
/// Audio comes in segments, one for each utterance of the voice (what precedes a tool call, a filler, what follows); they are
/// played in order, whatever order the voice makes them in.
final class Reply {
    /// Held back at most: a minute.
    private static let heldLimit = 480_000
    private static let roundLimit = 4
    private static let attemptLimit = 2

    private struct Segment {
        /// Nil when the audio came from the book of phrases.
        var utterance: Int?
        var text = ""
        var audio: [UInt8] = []
        var isFinished = false
        /// Kept in the book when it is whole.
        var isPhrase = false
        /// Where the segment begins in the reply's audio, once that is known.
        var start: Int64?
        var kept: [UInt8] = []
        var wasRetried = false
    }

    private enum Thinking {
        case idle
        case asked(at: Instant)
        /// Tools wait for the turn to be confirmed.
        case wantsTools
        case runsTools
        /// Failed before the turn was confirmed: asked again when it is.
        case failed
        case done
    }

    let number: Int
    private let words: String
    private weak var host: (any ReplyHost)?

    var spoken: SpokenReply
    private(set) var isConfirmed: Bool
    private(set) var isOver = false
    private var thinking = Thinking.idle
    private var model: (any LanguageModelReply)?
    private var rounds = 0
    private var attempts = 0
    private var toolCalls: [ToolCall] = []
    private var splitter: ClauseSplitter
    private var segments: [Segment] = []
    /// The last segment takes more text.
    private var isSegmentOpen = false
    /// Audio made, in nanoseconds, held or played.
    private var made: Int64 = 0
    private var confirmedAt: Instant?
    private var spokenAt: Instant?

    init(number: Int, to words: String, host: any ReplyHost, isConfirmed: Bool = false) {
        self.number = number
        self.words = words
        self.host = host
        self.isConfirmed = isConfirmed
        spoken = SpokenReply(number: number)
        var rules = ClauseSplitter.Rules()
        rules.firstWords = host.settings.firstWords
        splitter = ClauseSplitter(rules)
    }

    // MARK: Verbs

    /// Asks the model, about the caller's words when they are not yet in the history.
    func think() {
        guard let host, let languageModel = host.languageModel else { return apologise() }
        attempts += 1
        var deadlines = HTTPDeadlines()
        deadlines.connect = host.settings.connectDeadline
        deadlines.firstByte = host.settings.firstTokenDeadline
        deadlines.stall = host.settings.stallDeadline
        let request = LanguageModelRequest(
            model: host.settings.model, messages: host.messages(about: isConfirmed ? nil : words),
            tools: TaskTools.declarations, deadlines: deadlines)
        thinking = .asked(at: host.loop.now)
        model = languageModel.start(request, handler: self)
    }

    /// Says a fixed phrase and nothing else.
    func say(_ phrase: String) {
        thinking = .done
        speak(phrase: phrase)
        drain()
    }

    /// The caller's words are in the history: what was held back may be heard, and tools may run.
    func confirm() {
        guard !isConfirmed, !isOver, let host else { return }
        isConfirmed = true
        confirmedAt = host.loop.now
        switch thinking {
        case .wantsTools: runTools()
        case .failed: think()
        case .idle, .asked, .runsTools, .done: break
        }
        drain()
    }

    /// Nothing more of this reply is made or played.
    func cancel() {
        isOver = true
        model?.cancel()
        model = nil
        for segment in segments {
            if let utterance = segment.utterance { host?.voice?.cancel(utterance: utterance) }
        }
        segments = []
    }

    // MARK: Text

    private func speak(_ piece: String) {
        guard let voice = host?.voice else { return }
        if !isSegmentOpen {
            segments.append(Segment(utterance: voice.begin()))
            isSegmentOpen = true
        }
        let last = segments.count - 1
        segments[last].text += piece
        if spokenAt == nil { spokenAt = host?.loop.now }
        if let utterance = segments[last].utterance { voice.speak(piece, utterance: utterance) }
        spoken.spoke(piece)
    }

    private func closeSegment() {
        guard isSegmentOpen, let utterance = segments.last?.utterance else { return }
        isSegmentOpen = false
        host?.voice?.finishText(utterance: utterance)
    }

    private func speak(phrase: String) {
        guard let host, !phrase.isEmpty else { return }
        if let audio = host.phrases.audio(of: phrase) {
            segments.append(
                Segment(
                    utterance: nil, text: phrase, audio: audio, isFinished: true, start: made))
            made += Int64(audio.count) * 125_000
            spoken.spoke(phrase)
        } else {
            speak(phrase)
            segments[segments.count - 1].isPhrase = true
            closeSegment()
        }
    }

    private func apologise() {
        thinking = .done
        guard let host else { return }
        speak(phrase: host.settings.apology)
        drain()
    }

    private func runTools() {
        guard let host else { return }
        thinking = .runsTools
        let calls = toolCalls
        toolCalls = []
        if spoken.text.isEmpty { speak(phrase: host.settings.toolFiller) }
        host.run(calls) { [weak self] in
            guard let self, !isOver else { return }
            attempts = 0
            splitter = ClauseSplitter()
            think()
        }
    }

    // MARK: Audio

    /// Plays what may be played, in order.
    private func drain() {
        guard isConfirmed, !isOver, let host else { return }
        while !segments.isEmpty {
            if !segments[0].audio.isEmpty {
                let audio = segments[0].audio
                segments[0].audio = []
                play(audio.span.bytes, on: host)
            }
            guard segments[0].isFinished else { return }
            segments.removeFirst()
        }
        if case .done = thinking {
            isOver = true
            host.completed(self)
        }
    }

    private func play(_ audio: RawSpan, on host: any ReplyHost) {
        if let confirmedAt {
            host.metrics.answered(after: host.loop.now - confirmedAt)
            self.confirmedAt = nil
        }
        host.play(audio, of: self)
    }

    private func place(of utterance: Int) -> Int? {
        segments.firstIndex { $0.utterance == utterance }
    }
}

extension Reply: CallVoiceHandler {
    func made(audio: RawSpan, utterance: Int) {
        guard !isOver, let host, let place = place(of: utterance) else { return }
        if let spokenAt, segments[place].start == nil {
            host.metrics.voiceAnswered(after: host.loop.now - spokenAt)
            self.spokenAt = nil
        }
        if segments[place].start == nil { segments[place].start = made }
        made += Int64(audio.byteCount) * 125_000
        if segments[place].isPhrase {
            audio.withUnsafeBytes { segments[place].kept.append(contentsOf: $0) }
        }
        if place == 0, isConfirmed, segments[0].audio.isEmpty {
            play(audio, on: host)
        } else if segments[place].audio.count < Self.heldLimit {
            audio.withUnsafeBytes { segments[place].audio.append(contentsOf: $0) }
        }
    }

    func timed(_ words: [SpokenWord], utterance: Int) {
        guard !isOver, let place = place(of: utterance) else { return }
        let start = Duration.nanoseconds(segments[place].start ?? made)
        spoken.timed(
            words.map {
                SpokenWord(text: $0.text, start: $0.start + start, end: $0.end + start)
            })
    }

    func finishedSpeaking(utterance: Int) {
        guard !isOver, let place = place(of: utterance) else { return }
        segments[place].isFinished = true
        if segments[place].isPhrase {
            host?.phrases.keep(segments[place].kept, of: segments[place].text)
        }
        drain()
    }

    func failedToSpeak(utterance: Int, _ failure: ProviderFailure) {
        guard !isOver, let host, let place = place(of: utterance) else { return }
        host.metrics.failed(.textToSpeech, failure)
        // What has been heard is not said twice; what has not is said once more.
        guard segments[place].start == nil, !segments[place].wasRetried, let voice = host.voice
        else {
            segments[place].isFinished = true
            if place == segments.count - 1 { isSegmentOpen = false }
            return drain()
        }
        let fresh = voice.begin()
        segments[place].utterance = fresh
        segments[place].wasRetried = true
        voice.speak(segments[place].text, utterance: fresh)
        if !(isSegmentOpen && place == segments.count - 1) { voice.finishText(utterance: fresh) }
    }
}

extension Reply: LanguageModelHandler {
    func received(text: String, on reply: any LanguageModelReply) {
        guard !isOver, reply === model, let host else { return }
        if case .asked(let at) = thinking {
            host.metrics.modelAnswered(after: host.loop.now - at)
            thinking = .idle
        }
        for piece in splitter.push(text) { speak(piece) }
    }

    func received(toolCall: ToolCall, on reply: any LanguageModelReply) {
        guard !isOver, reply === model, let host else { return }
        if case .asked(let at) = thinking {
            host.metrics.modelAnswered(after: host.loop.now - at)
            thinking = .idle
        }
        toolCalls.append(toolCall)
    }

    func finished(
        _ usage: LanguageModelUsage, reason: String, on reply: any LanguageModelReply
    ) {
        guard !isOver, reply === model else { return }
        model = nil
        if let rest = splitter.finish() { speak(rest) }
        closeSegment()
        if !toolCalls.isEmpty, rounds < Self.roundLimit {
            rounds += 1
            if isConfirmed { runTools() } else { thinking = .wantsTools }
        } else if spoken.text.isEmpty {
            failed(.empty)
        } else {
            thinking = .done
        }
        drain()
    }

    func failed(_ failure: ProviderFailure, on reply: any LanguageModelReply) {
        guard !isOver, reply === model else { return }
        model = nil
        failed(failure)
    }

    private func failed(_ failure: ProviderFailure) {
        guard let host else { return }
        host.metrics.failed(.languageModel, failure)
        toolCalls = []
        let isBegun = !segments.isEmpty && isSegmentOpen
        if isBegun {
            // Half an answer was said: what is known of the rest is said, and that is all.
            if let rest = splitter.finish() { speak(rest) }
            closeSegment()
            thinking = .done
            drain()
        } else if attempts >= Self.attemptLimit {
            apologise()
        } else if isConfirmed {
            think()
        } else {
            thinking = .failed
        }
    }
}
