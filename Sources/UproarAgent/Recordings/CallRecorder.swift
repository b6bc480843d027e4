import UproarCore
import UproarRuntime

/// Records one call: both sides, encrypted, to the spool as they are heard. Costs the call its audio's copy and nothing else; a disk that
/// refuses ends the recording, not the call.
final class CallRecorder {
    /// Pieces on disk are this long: what a killed worker loses at most, and the memory a recording takes.
    static let piece = Duration.milliseconds(500)

    private let desk: RecordingDesk
    private let name: RecordingName
    private let format: AudioFormat
    private var sealer: RecordingSealer
    private var timeline: StereoTimeline?
    private var isOpen = false
    private var isOver = false

    init(
        _ name: RecordingName, format: AudioFormat, sealer: RecordingSealer, desk: RecordingDesk
    ) {
        self.name = name
        self.format = format
        self.sealer = sealer
        self.desk = desk
    }

    var isRecording: Bool { timeline != nil && !isOver }

    /// What is said from `origin` on is recorded.
    func begin(from origin: Instant) {
        guard timeline == nil, !isOver else { return }
        timeline = StereoTimeline(format, from: origin)
    }

    func heard(_ audio: RawSpan, at now: Instant) {
        guard timeline != nil, !isOver else { return }
        timeline?.heard(audio, at: now)
        if let bytes = timeline?.take(atLeast: format.rate.samples(in: Self.piece)) { keep(bytes) }
    }

    func queued(_ audio: RawSpan, at now: Instant) { timeline?.queued(audio, at: now) }
    func cleared(at now: Instant) { timeline?.cleared(at: now) }

    /// - reason: `completed`, `dropped`, or `stopped` by the caller.
    func finish(_ reason: String, at now: Instant) {
        guard !isOver else { return }
        if let bytes = timeline?.finish(at: now) { keep(bytes) }
        guard !isOver else { return }
        isOver = true
        guard isOpen, let samples = timeline?.taken else { return desk.withdrawn(name) }
        desk.append(sealer.close(reason, samples: samples), to: name)
        desk.seal(name, as: reason)
        timeline = nil
    }

    /// The disk took no more: what there is of it is kept.
    func cut() {
        guard !isOver else { return }
        isOver = true
        timeline = nil
        desk.seal(name, as: "cut")
    }

    private func keep(_ bytes: [UInt8]) {
        if !isOpen {
            isOpen = true
            desk.append(sealer.open(), to: name) { [weak self] in self?.cut() }
        }
        desk.append(sealer.audio(bytes), to: name) { [weak self] in self?.cut() }
    }
}
