import UproarCore
import UproarRuntime

/// Plays every utterance back once it is over: a first try of a phone line, with no provider behind it.
final class EchoCall: CallChannelHandler {
    /// Longer utterances are played back from their beginning, cut.
    private static let longest = Duration.seconds(15)

    private let settings: AgentSettings
    private let metrics: AgentMetrics
    private let began: Instant
    private var channel: (any CallChannel)?
    private var speech: SpeechDetector
    private let endpointing: Int
    private let format: AudioFormat
    /// The last 100 ms before an onset, then the utterance.
    private var recording: [UInt8] = []
    private var isRecording = false
    private var answers = 0

    init(
        over channel: any CallChannel, settings: AgentSettings, metrics: AgentMetrics, now: Instant
    ) {
        self.channel = channel
        self.settings = settings
        self.metrics = metrics
        began = now
        format = channel.format
        endpointing = format.rate.samples(in: settings.endpointing)
        speech = SpeechDetector(rate: format.rate, runEnd: settings.endpointing)
        metrics.sessionBegan()
    }

    func heard(_ audio: RawSpan, at now: Instant) {
        speech.hear(audio, as: format.encoding)
        if speech.isActive || isRecording {
            isRecording = true
            if recording.count < format.bytes(in: Self.longest) {
                audio.withUnsafeBytes { recording.append(contentsOf: $0) }
            }
            if speech.silence >= endpointing { answer() }
        } else if speech.isQuiet {
            recording.removeAll(keepingCapacity: true)
        } else {
            audio.withUnsafeBytes { recording.append(contentsOf: $0) }
        }
    }

    private func answer() {
        isRecording = false
        let utterance = recording
        recording = []
        guard let channel else { return }
        metrics.observe(.voiceLatency, [channelName], 0)
        let silent = speech.silence * format.encoding.bytesPerSample
        let voiced = max(0, utterance.count - silent)
        let chunk = format.bytes(in: settings.chunk)
        for start in stride(from: 0, to: voiced, by: chunk) {
            let end = min(voiced, start + chunk)
            channel.play(utterance.span.bytes.extracting(start..<end))
        }
        answers += 1
        channel.mark("\(answers)")
        channel.flush()
    }

    func heardMark(_ name: String, at now: Instant) {}
    func heardDigit(_ digit: String, at now: Instant) {}
    func saw(_ picture: Picture, at now: Instant) {}
    func read(_ text: String, at now: Instant) { channel?.show(text) }

    private var channelName: String { format == .telephone ? "phone" : "browser" }

    func ended(isOrderly: Bool, at now: Instant) {
        metrics.sessionEnded(
            isOrderly ? .completed : .dropped, channel: channelName, after: now - began)
        channel = nil
    }
}
