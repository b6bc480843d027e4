import UproarCore
import UproarRuntime

/// Sends a reply's audio in chunks, faster than it plays, as vendors do.
///
/// ```
///  text ──first byte──► chunk ─ interval ─► chunk ─ … ─► (idle: more text? else expires) ─► finished
/// ```
package final class VoicePump: TimerHandler {
    package struct Pace: Hashable, Sendable {
        /// The first chunk is short, so that it leaves early.
        package var firstChunk = Duration.milliseconds(100)
        package var chunk = Duration.milliseconds(200)
        /// Seconds of audio sent in one second.
        package var speed = 5.0
        /// How long a reply without an end waits for more text after its last audio; nil: for ever.
        package var patience: Duration?
        package init() {}
    }

    package let reply: VoiceReply
    private let pace: Pace
    private let loop: EventLoop
    private weak var sink: (any VoiceSink)?
    private var timer = TimerID.none
    /// Computed from the chunk before, not from when that was sent.
    private var nextChunkAt = Instant(nanoseconds: .min)
    private var lastSoundAt: Instant
    private var hasSounded = false
    private var isOver = false
    private var spare: [UInt8] = []

    /// What may wait for a peer that reads slowly.
    private static let queueLimit = 1 << 20

    /// - sink: held weakly; it owns the pump.
    package init(
        _ reply: VoiceReply, pace: Pace, loop: EventLoop, sink: any VoiceSink
    ) {
        self.reply = reply
        var pace = pace
        if let factor = reply.settings.entry?.timing?.factor { pace.speed = factor }
        self.pace = pace
        self.loop = loop
        self.sink = sink
        lastSoundAt = loop.now
        reply.onProgress = { [weak self] in
            guard let self else { return }
            pump(at: self.loop.now)
        }
    }

    package func timerFired(token: UInt64, now: Instant) {
        reply.bufferDelayPassed(at: now)
        pump(at: now)
    }

    /// Nobody listens any more; the sink hears nothing further.
    package func cancel(at now: Instant) {
        guard !isOver else { return }
        stop()
        reply.cancelled(at: now)
    }

    /// Sends what is due. Called after every change of the reply's text.
    package func pump(at now: Instant) {
        guard let sink else { return sendWhatIsDue(at: now) }
        sink.together { sendWhatIsDue(at: now) }
    }

    private func sendWhatIsDue(at now: Instant) {
        loop.cancel(timer)
        while !isOver {
            switch reply.progress(at: now) {
            case .sounding:
                guard sendChunk(at: now) else { return }
            case .waiting(let instant):
                sink?.caughtUp()
                return wake(at: instant)
            case .making: return
            case .idle:
                sink?.caughtUp()
                guard let patience = pace.patience else { return }
                let limit = lastSoundAt + patience
                guard now >= limit else { return wake(at: limit) }
                reply.finishText(at: now)
                if reply.progress(at: now) == .finished { finish(.expired, at: now) }
            case .finished:
                sink?.caughtUp()
                finish(.whole, at: now)
            }
        }
    }

    private func wake(at instant: Instant) { timer = loop.schedule(self, at: instant) }

    /// False when the next chunk is not due yet.
    private func sendChunk(at now: Instant) -> Bool {
        guard let sink else {
            cancel(at: now)
            return false
        }
        if now < nextChunkAt {
            wake(at: nextChunkAt)
            return false
        }
        guard sink.queuedByteCount < Self.queueLimit else {
            wake(at: now + .milliseconds(100))
            return false
        }
        let length = hasSounded ? pace.chunk : pace.firstChunk
        var audio: [UInt8] = []
        swap(&audio, &spare)
        defer { swap(&audio, &spare) }
        audio.removeAll(keepingCapacity: true)
        var words: [SpokenWord] = []
        reply.take(
            upTo: reply.settings.format.bytes(in: length), at: now, into: &audio, words: &words)
        // A clause that could not be made leaves nothing.
        guard !audio.isEmpty else { return true }
        let sent = reply.settings.format.duration(bytes: audio.count)
        let step = Duration.nanoseconds(Int64(Double(sent.nanoseconds) / pace.speed))
        nextChunkAt = (hasSounded ? max(nextChunkAt, now - step) : now) + step
        hasSounded = true
        lastSoundAt = now
        reply.sounded(at: now)
        sink.send(audio: audio.span.bytes, words: words, step: step)
        return true
    }

    private func finish(_ end: VoiceEnd, at now: Instant) {
        stop()
        reply.finished(at: lastSoundAt)
        sink?.finished(end)
    }

    private func stop() {
        isOver = true
        loop.cancel(timer)
    }
}

package enum VoiceEnd: Hashable, Sendable {
    /// All text was spoken.
    case whole
    /// No more text came in time.
    case expired
}

/// Takes what a pump sends.
package protocol VoiceSink: AnyObject {
    /// Bytes that wait for a slow peer.
    var queuedByteCount: Int { get }
    /// Runs `body`; what the sink is told meanwhile may leave in one write.
    func together(_ body: () -> Void)
    /// `words`: those that begin in this audio. `step`: the time until the next chunk.
    func send(audio: RawSpan, words: [SpokenWord], step: Duration)
    /// All audio that is ready has been sent.
    func caughtUp()
    func finished(_ end: VoiceEnd)
}
