import UproarCore
import UproarRuntime

/// Has phrases spoken into the book before a call needs them; tries again later where no voice would.
final class PhraseMaker: CallVoiceHandler {
    /// The first pause is for a voice that is only starting, too.
    private let backoff = Backoff(first: .seconds(1), longest: .seconds(10))
    private var failures = 0

    private var phrases: [String]
    private let chain: ProviderChain<VoiceCandidate>
    private let settings: AgentSettings
    private let format: AudioFormat
    private let loop: EventLoop
    private let metrics: AgentMetrics
    private let book: PhraseBook
    private var random: RandomStream
    private var voice: CallVoice?
    private var utterance = 0
    private var audio: [UInt8] = []
    private var timer = TimerID.none

    init(
        _ phrases: [String], chain: ProviderChain<VoiceCandidate>, settings: AgentSettings,
        format: AudioFormat = .telephone, loop: EventLoop, metrics: AgentMetrics,
        random: RandomStream, book: PhraseBook
    ) {
        self.phrases = phrases
        self.chain = chain
        self.settings = settings
        self.format = format
        self.loop = loop
        self.metrics = metrics
        self.random = random
        self.book = book
    }

    func start() {
        guard !phrases.isEmpty else { return stop() }
        let voice =
            self.voice
            ?? CallVoice(
                chain,
                TextToSpeechSettings(
                    format: format, voice: settings.voice, language: settings.language,
                    connectDeadline: settings.connectDeadline),
                deadlines: .init(
                    firstByte: settings.voiceDeadline, stall: settings.voiceStall), loop: loop,
                metrics: metrics, handler: self)
        self.voice = voice
        audio = []
        guard let utterance = voice.begin() else { return tryLater() }
        self.utterance = utterance
        voice.speak(phrases[0], utterance: utterance)
        voice.finishText(utterance: utterance)
    }

    func stop() {
        loop.cancel(timer)
        voice?.close()
        voice = nil
    }

    private func tryLater() {
        let pause = backoff.pause(attempt: failures, &random)
        failures += 1
        timer = loop.schedule(at: loop.now + pause) { [weak self] in self?.start() }
    }

    func made(audio: RawSpan, utterance: Int) {
        guard utterance == self.utterance else { return }
        audio.withUnsafeBytes { self.audio.append(contentsOf: $0) }
    }

    func timed(_ words: [SpokenWord], utterance: Int) {}

    func finishedSpeaking(utterance: Int) {
        guard utterance == self.utterance else { return }
        book.keep(audio, of: phrases.removeFirst(), in: format)
        start()
    }

    func failedToSpeak(utterance: Int, _ failure: ProviderFailure) { tryLater() }
}
