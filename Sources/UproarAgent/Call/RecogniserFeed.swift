import UproarCore
import UproarRuntime

/// Hears what a recogniser says about a call's audio.
protocol RecogniserFeedHandler: AnyObject {
    /// Positions count from the start of the call's audio.
    func heardWords(_ transcript: Transcript)
    /// The stream broke; another one is being opened.
    func recogniserRestarted(_ failure: ProviderFailure)
}

/// Sends a call's audio to a recogniser in batches, and opens a new stream when one breaks.
///
/// What is heard while no stream is open waits, up to 10 s; what is older is lost to the recogniser.
final class RecogniserFeed: SpeechToTextHandler, TimerHandler {
    struct Batches {
        /// In samples (mu-law: bytes).
        var speaking: Int
        var silent: Int
    }

    private static let waitingLimit = 80_000
    private static let pauses: [Duration] = [
        .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2),
    ]

    private let recogniser: any SpeechToText
    private let settings: SpeechToTextSettings
    private let batches: Batches
    private let loop: EventLoop
    private weak var handler: (any RecogniserFeedHandler)?

    private var stream: (any SpeechToTextStream)?
    private var isOpen = false
    private var isClosed = false
    private var failures = 0
    private var timer = TimerID.none
    private var batch: [UInt8] = []
    /// Samples of the call before the first one of this stream.
    private var base = 0
    /// Samples of the call before the first one of `batch`.
    private var sent = 0

    init(
        _ recogniser: any SpeechToText, _ settings: SpeechToTextSettings, batches: Batches,
        loop: EventLoop, handler: any RecogniserFeedHandler
    ) {
        self.recogniser = recogniser
        self.settings = settings
        self.batches = batches
        self.loop = loop
        self.handler = handler
    }

    func open() {
        guard !isClosed, stream == nil else { return }
        stream = recogniser.open(settings, handler: self)
    }

    /// Takes audio; `isSpeaking` decides how much is gathered before it is sent on.
    func send(_ audio: RawSpan, isSpeaking: Bool) {
        audio.withUnsafeBytes { batch.append(contentsOf: $0) }
        guard isOpen else {
            if batch.count > Self.waitingLimit {
                sent += batch.count
                batch.removeAll(keepingCapacity: true)
            }
            return
        }
        if batch.count >= (isSpeaking ? batches.speaking : batches.silent) { flush() }
    }

    /// Asks for the final result of everything so far.
    func finishUtterance() {
        guard isOpen else { return }
        flush()
        stream?.finishUtterance()
    }

    func close() {
        isClosed = true
        isOpen = false
        loop.cancel(timer)
        stream?.close()
        stream = nil
    }

    private func flush() {
        guard !batch.isEmpty else { return }
        // Taken out while the stream looks at it.
        var audio: [UInt8] = []
        swap(&audio, &batch)
        stream?.send(audio: audio.span.bytes)
        sent += audio.count
        audio.removeAll(keepingCapacity: true)
        swap(&audio, &batch)
    }

    // MARK: SpeechToTextHandler

    func opened(_ stream: any SpeechToTextStream) {
        guard stream === self.stream else { return }
        isOpen = true
        base = sent
        flush()
    }

    func heard(_ transcript: Transcript, on stream: any SpeechToTextStream) {
        guard stream === self.stream else { return }
        failures = 0
        var transcript = transcript
        transcript.start += settings.format.duration(bytes: base)
        handler?.heardWords(transcript)
    }

    func failed(_ failure: ProviderFailure, on stream: any SpeechToTextStream) {
        guard stream === self.stream, !isClosed else { return }
        self.stream = nil
        isOpen = false
        let pause = Self.pauses[min(failures, Self.pauses.count - 1)]
        failures += 1
        timer = loop.schedule(self, at: loop.now + pause)
        handler?.recogniserRestarted(failure)
    }

    func timerFired(token: UInt64, now: Instant) { open() }
}
