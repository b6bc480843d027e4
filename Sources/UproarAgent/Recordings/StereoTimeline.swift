import UproarCore

/// Puts what the caller says and what he hears beside each other: caller left, agent right, on one clock.
///
/// Caller audio comes as it is spoken; where frames are missing the clock goes on without them. Agent audio comes ahead of its time and
/// waits for it. Nothing before the origin is kept.
struct StereoTimeline {
    /// Agent audio that waits may be so long; a far end queues no more either.
    static let aheadLimit = Duration.seconds(120)
    /// The caller's clock may be so far behind before silence is put in its place.
    private static let tolerance = Duration.milliseconds(200)

    private let format: AudioFormat
    private let origin: Instant
    /// Not interleaved yet; `left` begins at sample `taken`.
    private var left: [UInt8] = []
    private var right: [UInt8] = []
    /// Samples given out.
    private(set) var taken = 0
    /// The far end has played all agent audio by then.
    private var playedUntil: Instant
    /// Agent audio that did not fit.
    private(set) var dropped = 0

    init(_ format: AudioFormat, from origin: Instant) {
        self.format = format
        self.origin = origin
        playedUntil = origin
    }

    private var width: Int { format.encoding.bytesPerSample }

    /// Samples of the caller's side so far.
    var count: Int { taken + left.count / width }

    private func samples(until now: Instant) -> Int {
        now <= origin ? 0 : format.rate.samples(in: now - origin)
    }

    /// The caller's audio that has just arrived: it was spoken before `now`.
    mutating func heard(_ audio: RawSpan, at now: Instant) {
        guard now > origin else { return }
        let due = samples(until: now) - audio.byteCount / width
        if due - count > format.rate.samples(in: Self.tolerance) { pad(until: due) }
        audio.withUnsafeBytes { left.append(contentsOf: $0) }
    }

    private mutating func pad(until sample: Int) {
        let missing = sample - count
        guard missing > 0 else { return }
        left.append(
            contentsOf: repeatElement(format.encoding.silence, count: missing * width))
    }

    /// Audio was put into the far end's queue: it is played when what came before has been.
    mutating func queued(_ audio: RawSpan, at now: Instant) {
        let start = max(now, playedUntil)
        playedUntil = start + format.duration(bytes: audio.byteCount)
        guard playedUntil > origin else { return }
        guard playedUntil - now <= Self.aheadLimit else {
            dropped += audio.byteCount
            return
        }
        let skipped = start < origin ? format.rate.samples(in: origin - start) * width : 0
        let place = max(0, samples(until: start) - taken) * width
        if right.count < place {
            right.append(
                contentsOf: repeatElement(
                    format.encoding.silence, count: place - right.count))
        }
        audio.withUnsafeBytes { right.append(contentsOf: $0.dropFirst(skipped)) }
    }

    /// The far end's queue was emptied.
    mutating func cleared(at now: Instant) {
        playedUntil = min(playedUntil, max(now, origin))
        let kept = max(0, samples(until: now) - taken) * width
        if right.count > kept { right.removeLast(right.count - kept) }
    }

    /// Both sides up to where the caller's has come, interleaved, when there is at least so much.
    mutating func take(atLeast least: Int) -> [UInt8]? {
        let count = left.count / width
        guard count >= max(1, least) else { return nil }
        let silence = format.encoding.silence
        let bytes = [UInt8](unsafeUninitializedCapacity: 2 * count * width) { output, written in
            for sample in 0..<count {
                for byte in 0..<width {
                    let place = sample * width + byte
                    output[2 * sample * width + byte] = left[place]
                    output[(2 * sample + 1) * width + byte] =
                        place < right.count ? right[place] : silence
                }
            }
            written = 2 * count * width
        }
        left.removeAll(keepingCapacity: true)
        right.removeFirst(min(right.count, count * width))
        taken += count
        return bytes
    }

    /// The end: what was spoken before it and never came is silence.
    mutating func finish(at now: Instant) -> [UInt8]? {
        let due = samples(until: now)
        if due - count > format.rate.samples(in: Self.tolerance) { pad(until: due) }
        return take(atLeast: 1)
    }
}
