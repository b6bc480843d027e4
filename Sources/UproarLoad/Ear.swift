import UproarAudio
import UproarCore

/// What a caller hears of the agent, in the time of the ear.
enum EarEvent: Hashable {
    /// First audible sample after silence.
    case audible(at: Instant, wire: Instant)
    /// After the last audible sample.
    case silent(at: Instant)
    /// A head tag began here: 32 bits as they came from the wire.
    case head(UInt32, at: Instant, wire: Instant)
    /// A tail tag ended here.
    case tail(UInt32, at: Instant, wire: Instant)
    /// The agent's audio ran dry in the middle of speech.
    case gap(at: Instant, length: Duration)
}

/// Turns agent audio, in the order it plays, into what a caller hears and when.
///
/// Audio may arrive long before it plays; events wait until their time at the ear has come, and those that a `clear` cuts off
/// are never heard. The scanner runs on the audio as it arrives, so the ear keeps no audio.
///
/// ```
/// arrives  ████████            ██████
/// plays    ┌────────────┐ gap ┌─────────┐        sample n of a stretch is heard at stretch.start + n / rate
/// ```
struct Ear: ~Copyable {
    /// The earliest time at which `next(by:)` has something to say, as far as is known.
    private(set) var nextEventAt = Instant.distantFuture
    private let format: AudioFormat
    /// Heard time of the scanner's sample 0 in the present stretch of continuous audio.
    private var base = Instant.zero
    private var fed = 0
    /// Where audio went on after a short gap: from this sample on the clock is another. Ordered; a few at most.
    private var joints: [(sample: Int, base: Instant)] = []
    /// When all audio so far has been played.
    private var playedBy = Instant.zero
    private var lastArrival = Instant.zero
    private var pending: [EarEvent] = []
    private var firstPending = 0
    private var hasPending = false
    private var isAudible = false
    private var jitter = 0.0
    private var lastTransit: Int64?
    /// Last: large, and little of it is used while no tag is looked for.
    private var scanner: TagScanner

    /// A pause in the agent's audio shorter than this is heard as a gap, a longer one as silence.
    static let gapLimit = Duration.milliseconds(400)
    static let gapFloor = Duration.milliseconds(60)
    /// Audio that runs dry in mid-speech and goes on sooner than this is one stretch to the scanner: a tag that a busy agent sent
    /// in two pieces is whole again. Each piece keeps its own time.
    static let joinLimit = Duration.milliseconds(200)
    private static let jointLimit = 16
    /// So much silence after the last audio makes its end certain to the scanner.
    static let settling = Duration.milliseconds(300)

    /// For audio of a rate that `TagScanner` takes.
    init(format: AudioFormat) {
        self.format = format
        scanner = TagScanner(format)
    }

    mutating func begin(at: Instant) {
        base = at
        playedBy = at
    }

    mutating func hear(_ audio: RawSpan, playsAt: Instant, arrivedAt: Instant) {
        if playsAt > playedBy {
            let dry = playsAt - playedBy
            let isGap = isInMidSpeech && dry < Self.gapLimit
            if isGap, dry > Self.gapFloor { append(.gap(at: playedBy, length: dry)) }
            if isGap, dry < Self.joinLimit {
                join(at: playsAt)
            } else {
                pass(silenceUntil: playsAt)
            }
        }
        let samples = audio.byteCount / format.encoding.bytesPerSample
        noteJitter(arrivedAt)
        lastArrival = arrivedAt
        var found: [TagScanner.Event] = []
        scanner.feed(audio) { found.append($0) }
        fed += samples
        if !found.isEmpty { note(found) }
        playedBy = Instant(
            nanoseconds: playedBy.nanoseconds
                + Int64(samples) * 1_000_000_000 / Int64(format.rate.value))
        foresee()
    }

    /// Drops what had not been heard by `at`; returns how much audio that was.
    mutating func clear(at: Instant) -> Duration {
        guard playedBy > at else { return .zero }
        let dropped = playedBy - at
        while pending.count > firstPending, pending[pending.count - 1].at > at {
            pending.removeLast()
        }
        scanner = TagScanner(format)
        base = at
        fed = 0
        joints.removeAll(keepingCapacity: true)
        playedBy = at
        if isAudibleAfterPending {
            append(.silent(at: at))
        }
        hasPending = firstPending < pending.count
        foresee()
        return dropped
    }

    /// When nothing will have come for so long that it is silence and no gap, in nanoseconds.
    private var dryAt: Int64 {
        guard scanner.isSpeaking else { return .max }
        return playedBy.nanoseconds &+ (isInMidSpeech ? Self.joinNanoseconds : 40_000_000)
    }

    private static let joinNanoseconds = joinLimit.nanoseconds

    /// Looks ahead to the next event, or to when silence has to be made certain. Costs no look at what is far away in memory
    /// while nothing is heard: it follows each frame.
    private mutating func foresee() {
        let dry = dryAt
        nextEventAt = Instant(
            nanoseconds: hasPending ? min(pending[firstPending].at.nanoseconds, dry) : dry)
    }

    /// The next event of those heard by `now`.
    mutating func next(by now: Instant) -> EarEvent? {
        if !hasPending, dryAt <= now.nanoseconds { pass(silenceUntil: now) }
        guard hasPending, pending[firstPending].at <= now else {
            foresee()
            return nil
        }
        let event = pending[firstPending]
        firstPending += 1
        if firstPending == pending.count {
            pending.removeAll(keepingCapacity: true)
            firstPending = 0
            hasPending = false
        }
        switch event {
        case .audible: isAudible = true
        case .silent: isAudible = false
        default: break
        }
        return event
    }

    /// What is known of the whole call at its end.
    func stateTotals(at: Instant, _ state: (FactKind, Int64) -> Void) {
        if lastTransit != nil { state(.callJitter, Int64(jitter)) }
    }

    // MARK: Inside

    private var isAudibleAfterPending: Bool {
        for event in pending[firstPending...].reversed() {
            if case .audible = event { return true }
            if case .silent = event { return false }
        }
        return isAudible
    }

    /// The audio goes on at `time`.
    private mutating func join(at time: Instant) {
        if joints.count == Self.jointLimit { joints.removeFirst() }
        joints.append((fed, time - format.rate.duration(samples: fed)))
        playedBy = time
    }

    /// Nothing is heard until `time`: the scanner hears enough of it to be certain, then the clock is set anew.
    private mutating func pass(silenceUntil time: Instant) {
        let length = time - playedBy
        let count = format.rate.samples(in: min(length, Self.settling))
        var found: [TagScanner.Event] = []
        scanner.feedSilence(count) { found.append($0) }
        fed += count
        note(found)
        playedBy = time
        joints.removeAll(keepingCapacity: true)
        base = time - format.rate.duration(samples: fed)
    }

    /// Whether the last audio was voiced to its end: what follows is a gap and not the end of a sentence.
    private var isInMidSpeech: Bool {
        guard scanner.isSpeaking, let voice = scanner.lastVoice else { return false }
        return (scanner.position - voice) * 50 <= format.rate.value
    }

    private mutating func note(_ found: [TagScanner.Event]) {
        for event in found {
            switch event {
            case .speechStarted(let sample):
                append(.audible(at: time(of: sample), wire: lastArrival))
            case .speechEnded(let sample): append(.silent(at: time(of: sample)))
            case .tagDecoded(let bits, .head, let start, _):
                append(.head(bits, at: time(of: start), wire: lastArrival))
            case .tagDecoded(let bits, .tail, let start, _):
                let end = start + format.rate.samples(in: AudioTag.duration)
                append(.tail(bits, at: time(of: end), wire: lastArrival))
            }
        }
    }

    private func time(of sample: Int) -> Instant {
        let joint = joints.last { $0.sample <= sample }
        return (joint?.base ?? base) + format.rate.duration(samples: sample)
    }

    private mutating func append(_ event: EarEvent) {
        pending.append(event)
        hasPending = true
    }

    /// RFC 3550 §6.4.1 over packets of any length: transit is arrival minus the media time before it.
    private mutating func noteJitter(_ arrival: Instant) {
        let transit = arrival.nanoseconds - playedBy.nanoseconds
        if let lastTransit {
            jitter += (Double(abs(transit - lastTransit)) - jitter) / 16
        }
        lastTransit = transit
    }
}

extension EarEvent {
    var at: Instant {
        switch self {
        case .audible(let at, _), .silent(let at), .head(_, let at, _), .tail(_, let at, _),
            .gap(let at, _):
            at
        }
    }
}
