import UproarCore
import UproarRuntime

/// Hears what a call's voice makes. Utterances are numbered by `CallVoice`.
protocol CallVoiceHandler: AnyObject {
    func made(audio: RawSpan, utterance: Int)
    func timed(_ words: [SpokenWord], utterance: Int)
    func finishedSpeaking(utterance: Int)
    /// No more audio of this utterance will come, and not all came.
    func failedToSpeak(utterance: Int, _ failure: ProviderFailure)
}

/// A call's connection to its voice: opened once, opened anew when it broke and there is something to say.
final class CallVoice: VoiceHandler {
    private let voice: any TextToSpeech
    private let settings: TextToSpeechSettings
    private weak var handler: (any CallVoiceHandler)?
    private var stream: (any VoiceStream)?
    private var isClosed = false
    private var lastUtterance = 0
    /// Begun and neither finished nor cancelled, in order.
    private var underWay: [Int] = []

    init(
        _ voice: any TextToSpeech, _ settings: TextToSpeechSettings,
        handler: any CallVoiceHandler
    ) {
        self.voice = voice
        self.settings = settings
        self.handler = handler
    }

    func open() {
        guard !isClosed, stream == nil else { return }
        stream = voice.open(settings, handler: self)
    }

    /// The number of a new utterance.
    func begin() -> Int {
        lastUtterance += 1
        underWay.append(lastUtterance)
        open()
        return lastUtterance
    }

    func speak(_ text: String, utterance: Int) {
        guard underWay.contains(utterance) else { return }
        stream?.speak(text, reply: utterance)
    }

    func finishText(utterance: Int) {
        guard underWay.contains(utterance) else { return }
        stream?.finishText(reply: utterance)
    }

    func cancel(utterance: Int) {
        guard forget(utterance) else { return }
        stream?.cancel(reply: utterance)
    }

    func close() {
        isClosed = true
        underWay = []
        stream?.close()
        stream = nil
    }

    private func forget(_ utterance: Int) -> Bool {
        guard let place = underWay.firstIndex(of: utterance) else { return false }
        underWay.remove(at: place)
        return true
    }

    // MARK: VoiceHandler

    func opened(_ stream: any VoiceStream) {}

    func received(audio: RawSpan, reply: Int, on stream: any VoiceStream) {
        guard stream === self.stream, underWay.contains(reply) else { return }
        handler?.made(audio: audio, utterance: reply)
    }

    func received(words: [SpokenWord], reply: Int, on stream: any VoiceStream) {
        guard stream === self.stream, underWay.contains(reply) else { return }
        handler?.timed(words, utterance: reply)
    }

    func finished(reply: Int, on stream: any VoiceStream) {
        guard stream === self.stream, forget(reply) else { return }
        handler?.finishedSpeaking(utterance: reply)
    }

    func failed(_ failure: ProviderFailure, reply: Int?, on stream: any VoiceStream) {
        guard stream === self.stream else { return }
        if let reply {
            if forget(reply) { handler?.failedToSpeak(utterance: reply, failure) }
            return
        }
        self.stream = nil
        let lost = underWay
        underWay = []
        for utterance in lost { handler?.failedToSpeak(utterance: utterance, failure) }
    }
}
