import UproarAudio
import UproarCore
import UproarRuntime

/// The input of a realtime session: its audio, where speech begins and ends in it, and what was said.
///
/// ```
///  append … ─► speechStarted ─► speechStopped, with its words   (the session's own turn detection)
///  append … ─► commit ─► committed, with its words              (the client's)
/// ```
final class RealtimeEar: SpeechStreamSink {
    struct Speech {
        var words: [SpeechVocabulary.Word]
        var audio: Duration
        var reference: TurnReference?
        /// In the session, of the silence that ended it.
        var end: Duration
        var isCommitted: Bool
    }

    private let context: EmulatorContext
    private let vocabulary: SpeechVocabulary
    private let provider: ProviderID
    private let ordinal: UInt64
    private var format: AudioFormat
    private var stream: SpeechStream!
    /// Whose exchanges the utterances are; nil where they are part of a response's.
    private weak var connection: EmulatorConnection?
    private weak var listener: (any RealtimeListener)?
    /// Of the streams before a change of format.
    private var offset = Duration.zero
    /// Position after the last commit or clearing.
    private var begin = Duration.zero
    private var words: [SpeechVocabulary.Word] = []
    private var isDetecting = false
    private(set) var isInSpeech = false
    private var isCommitting = false
    private var isClearing = false

    init(
        _ settings: RealtimeSettings, provider: ProviderID, ordinal: UInt64,
        vocabulary: SpeechVocabulary, context: EmulatorContext, connection: EmulatorConnection?
    ) {
        self.connection = connection
        self.context = context
        self.vocabulary = vocabulary
        self.provider = provider
        self.ordinal = ordinal
        format = settings.input
    }

    func start(_ settings: RealtimeSettings, for listener: any RealtimeListener) {
        self.listener = listener
        open(settings)
    }

    private func open(_ settings: RealtimeSettings) {
        format = settings.input
        // The turn is decided here without delay; what the model and the transcript take comes on top.
        var made = SpeechStream.Settings(
            provider: provider, format: format, ordinal: ordinal, latency: .constant(.zero),
            latencyLabel: "realtime turn")
        made.announcesSpeech = true
        made.billsAudio = provider == .whisper
        stream = SpeechStream(
            made, vocabulary: vocabulary, context: context, sink: self, on: connection)
        detect(settings)
    }

    func change(_ settings: RealtimeSettings, at now: Instant) {
        guard settings.input != format else { return detect(settings) }
        offset += stream.position
        stream.close(at: now)
        open(settings)
    }

    private func detect(_ settings: RealtimeSettings) {
        isDetecting = settings.turns != nil
        stream.setEndpointing(settings.turns?.silence, pauseLimit: settings.turns?.longestPause)
    }

    var reference: TurnReference? { stream.reference }
    /// Audio received so far in the session.
    var position: Duration { offset + stream.position }
    /// Of audio that nothing was made of yet.
    var uncommitted: Duration { position - begin }

    func receive(_ audio: RawSpan, at now: Instant) { stream.receive(audio, at: now) }

    func commit(at now: Instant) {
        isCommitting = true
        stream.finish(at: now)
    }

    func clear(at now: Instant) {
        isClearing = true
        stream.finish(at: now)
        isClearing = false
        words = []
        begin = position
        isInSpeech = false
    }

    func close(at now: Instant) { stream.close(at: now) }

    // MARK: SpeechStreamSink

    func say(_ message: SpeechStream.Message, at now: Instant) {
        guard !isClearing else { return }
        switch message {
        case .speechStarted(let time):
            guard isDetecting, !isInSpeech else { return }
            isInSpeech = true
            listener?.speechStarted(at: offset + time, now: now)
        case .final(let result):
            words += result.words
            if isCommitting {
                guard result.isFromFinish else { return }
                isCommitting = false
                tell(isCommitted: true, at: now)
            } else if isDetecting, isInSpeech, result.endsSpeech {
                tell(isCommitted: false, at: now)
            }
        case .interim, .utteranceEnd, .over: break
        }
    }

    private func tell(isCommitted: Bool, at now: Instant) {
        let speech = Speech(
            words: words, audio: position - begin, reference: stream.reference, end: position,
            isCommitted: isCommitted)
        words = []
        begin = position
        isInSpeech = false
        listener?.heard(speech, now: now)
    }
}

protocol RealtimeListener: AnyObject {
    func speechStarted(at position: Duration, now: Instant)
    func heard(_ speech: RealtimeEar.Speech, now: Instant)
}
