import UproarAudio
import UproarCore
import UproarRuntime

/// One reply on its way from text to sound: pieces of text in, audio out in order, references as tags, facts stated.
///
/// ```
///  text pieces ──► references found ──► clauses ──► units:  [tag][clause, pause][clause, pause][tag]
///                                                            └─ each ready at its text's arrival + first-byte time
/// ```
/// Whoever owns it asks for its `progress`, sleeps or takes a chunk accordingly, and is woken by `onProgress` when a clause
/// that had to be made is there.
package final class VoiceReply {
    package struct Settings {
        package var provider: ProviderID
        package var format: VoiceFormat
        package var voice: String
        /// From a text's arrival to its first audio.
        package var firstByte: Distribution
        /// How long text without a clause's end may wait for more; zero: every piece is spoken as it is.
        package var bufferDelay: Duration
        /// Names the draws of a reply without reference.
        package var ordinal: UInt64
        /// A reply of the same connection had this reference in front: where it stands again it is the end.
        package var earlierReference: TurnReference?
        /// The call this connection belongs to, as far as it is known.
        package var call: UInt32?
        /// Its line in the request log; nil for the voice of a realtime response, whose line is its model's.
        package var entry: RequestEntry?

        package init(
            provider: ProviderID, format: VoiceFormat, voice: String, firstByte: Distribution,
            bufferDelay: Duration, ordinal: UInt64, earlierReference: TurnReference?,
            call: UInt32?, entry: RequestEntry?
        ) {
            self.entry = entry
            self.provider = provider
            self.format = format
            self.voice = voice
            self.firstByte = firstByte
            self.bufferDelay = bufferDelay
            self.ordinal = ordinal
            self.earlierReference = earlierReference
            self.call = call
        }
    }

    package enum Progress: Hashable, Sendable {
        /// Audio may be taken now.
        case sounding
        /// Nothing before this instant.
        case waiting(until: Instant)
        /// A clause is being made; `onProgress` follows.
        case making
        /// All text so far is spoken, and more may come.
        case idle
        /// All text is spoken and no more will come.
        case finished
    }

    private struct Unit {
        var sound: Sound
        var words: [String]
        var pauseBytes: Int
        var readyAt: Instant
        var isReference = false

        enum Sound {
            case made([UInt8])
            case pending
        }
    }

    package let settings: Settings
    package var onProgress: (() -> Void)?
    package private(set) var reference: TurnReference?
    private let context: EmulatorContext
    private let renderer: any VoiceRenderer
    private let tags: TagVoice
    private var scanner: ReferenceScanner
    /// Text that waits for the end of its clause.
    private var buffered = ""
    private var bufferedSince: Instant?
    private var units: [Unit] = []
    /// The first unit not spoken, its number since the beginning, and how much of it is sent.
    private var firstUnit = 0
    private var sentOfFirst = 0
    private var isTextOver = false
    private var isOver = false
    private var firstTextAt: Instant?
    private var hasStatedText = false
    private var hasSounded = false
    private var hasSpokenWords = false
    /// Which piece of text is in work, and which was the first with something to speak.
    private var submission: UInt64 = 0
    private var firstSpoken: UInt64?
    private var readyAt: Instant
    /// Audio taken so far.
    private var position = Duration.zero
    private var spokenBytes = 0
    private var characters = 0
    private var trailingBlanks = 0
    private var followsReference = false

    package init(
        _ settings: Settings, tags: TagVoice, renderer: any VoiceRenderer, context: EmulatorContext
    ) {
        self.settings = settings
        self.tags = tags
        self.renderer = renderer
        self.context = context
        scanner = ReferenceScanner(context.references)
        readyAt = context.now
    }

    /// Clauses and tags that wait to be sent.
    private static let unitLimit = 1_000

    // MARK: Text

    package func receive(_ text: String, at now: Instant) {
        guard !isTextOver, !text.isEmpty else { return }
        if firstTextAt == nil { firstTextAt = now }
        for segment in context.isTagging ? scanner.receive(text) : [.text(text)] {
            take(segment, at: now)
        }
        if settings.bufferDelay == .zero {
            speakBuffered(at: now)
        } else {
            let bytes = Array(buffered.utf8)
            let count = VoiceText.completeCount(of: bytes)
            if count > 0 {
                speak(String(decoding: bytes[..<count], as: UTF8.self), at: now)
                buffered = String(decoding: bytes[count...], as: UTF8.self)
            }
            bufferedSince = buffered.isEmpty ? nil : bufferedSince ?? now
        }
        submission += 1
    }

    /// Speaks what waits for more, references that are not whole included.
    package func flush(at now: Instant) {
        for segment in scanner.finish() { take(segment, at: now) }
        speakBuffered(at: now)
    }

    /// No more text will come.
    package func finishText(at now: Instant) {
        guard !isTextOver else { return }
        flush(at: now)
        isTextOver = true
    }

    private func take(_ segment: ReferenceScanner.Segment, at now: Instant) {
        switch segment {
        case .text(let text):
            count(text)
            buffered += text
        case .reference(let found, let words):
            speakBuffered(at: now)
            // The blank that sets a reference apart is its own.
            characters -= trailingBlanks
            trailingBlanks = 0
            followsReference = true
            let isHead = !hasSpokenWords && settings.earlierReference != found
            reference = reference ?? found
            setReadyTime(at: now)
            let bytes = tags.bytes(context.references.key.wire(found), isHead ? .head : .tail)
            units.append(
                Unit(
                    sound: .made(bytes), words: words, pauseBytes: 0, readyAt: readyAt,
                    isReference: true))
        }
    }

    private func count(_ text: String) {
        var scalars = text.unicodeScalars[...]
        if followsReference { scalars = scalars.drop { $0.properties.isWhitespace } }
        guard !scalars.isEmpty else { return }
        followsReference = false
        characters += scalars.count
        trailingBlanks = scalars.reversed().prefix { $0.properties.isWhitespace }.count
    }

    private func speakBuffered(at now: Instant) {
        let text = buffered
        buffered = ""
        bufferedSince = nil
        speak(text, at: now)
    }

    private func speak(_ text: String, at now: Instant) {
        for clause in VoiceText.clauses(of: text) where !clause.spoken.isEmpty {
            // Ten minutes ahead of what has been heard nobody listens: the rest is not spoken.
            guard units.count < Self.unitLimit else { return }
            setReadyTime(at: now)
            if !hasSpokenWords, reference == nil, begins(clause, with: context.resumption) {
                addSign(.resumption)
            }
            hasSpokenWords = true
            let number = firstUnit + units.count
            let made = renderer.render(
                clause.spoken, voice: settings.voice, format: settings.format
            ) { [weak self] in self?.made($0, unit: number) }
            units.append(
                Unit(
                    sound: made.map { .made($0.bytes) } ?? .pending, words: clause.words,
                    pauseBytes: settings.format.bytes(in: clause.pause), readyAt: readyAt))
        }
    }

    /// A tag of no turn in front of what is said: nobody's reply, and none of its words.
    private func addSign(_ sign: TurnReference) {
        let bytes = tags.bytes(context.references.key.wire(sign), .head)
        units.append(
            Unit(
                sound: .made(bytes), words: [], pauseBytes: 0, readyAt: readyAt, isReference: true))
    }

    private func begins(_ clause: VoiceText.Clause, with words: [String]) -> Bool {
        guard context.isTagging, !words.isEmpty else { return false }
        return UtterancePattern.words(of: clause.spoken).map(\.plain).starts(with: words)
    }

    /// The first audio counts from the first text, later text from its own arrival.
    private func setReadyTime(at now: Instant) {
        let first = firstSpoken ?? submission
        firstSpoken = first
        let key = reference.map { UInt64($0.rawValue) } ?? 1 << 32 | settings.ordinal
        let wait =
            submission == first
            ? context.firstContent(
                firstByte, "voice first byte", key, of: settings.provider,
                reference: reference, fields: settings.entry?.fields ?? [])
            : context.draw(
                firstByte, "voice first byte", key, index: submission - first)
        let start = first == submission ? firstTextAt ?? now : now
        readyAt = max(readyAt, start + wait)
    }

    private var firstByte: Distribution { settings.entry?.timing?.first ?? settings.firstByte }

    private func made(_ clause: SpokenClause?, unit number: Int) {
        let place = number - firstUnit
        guard !isOver, units.indices.contains(place) else { return }
        // What cannot be made is left out: its lateness is as long as nobody waits any more.
        units[place].sound = .made(clause?.bytes ?? [])
        let late = context.now - units[place].readyAt
        if late > .zero {
            state(.providerLate, at: context.now, value: late.nanoseconds)
        }
        onProgress?()
    }

    // MARK: Audio

    /// Units of sound (clauses and tags) that text has become so far, and those that are spoken.
    package var unitCount: Int { firstUnit + units.count }
    package var spokenUnitCount: Int { firstUnit }

    package func progress(at now: Instant) -> Progress {
        guard let unit = units.first else {
            if isTextOver { return .finished }
            return bufferedSince.map { .waiting(until: $0 + settings.bufferDelay) } ?? .idle
        }
        if unit.readyAt > now { return .waiting(until: unit.readyAt) }
        if case .pending = unit.sound { return .making }
        return .sounding
    }

    /// The buffered text has waited long enough.
    package func bufferDelayPassed(at now: Instant) {
        if let since = bufferedSince, now >= since + settings.bufferDelay { flush(at: now) }
    }

    /// Appends up to `limit` bytes of audio that are ready, and the words that begin in them with their times.
    package func take(
        upTo limit: Int, at now: Instant, into audio: inout [UInt8], words: inout [SpokenWord]
    ) {
        let end = audio.count + limit
        while audio.count < end, let unit = units.first, unit.readyAt <= now,
            case .made(let bytes) = unit.sound
        {
            if sentOfFirst == 0 { appendWords(unit, byteCount: bytes.count, to: &words) }
            let before = audio.count
            if sentOfFirst < bytes.count {
                let count = min(end - audio.count, bytes.count - sentOfFirst)
                audio.append(contentsOf: bytes[sentOfFirst..<sentOfFirst + count])
                if !unit.isReference { spokenBytes += count }
                sentOfFirst += count
            }
            if sentOfFirst >= bytes.count {
                let left = bytes.count + unit.pauseBytes - sentOfFirst
                let count = min(end - audio.count, left)
                audio.append(
                    contentsOf: repeatElement(settings.format.silence, count: count))
                if !unit.isReference { spokenBytes += count }
                sentOfFirst += count
                if count == left {
                    units.removeFirst()
                    firstUnit += 1
                    sentOfFirst = 0
                }
            }
            position += settings.format.duration(bytes: audio.count - before)
        }
    }

    private func appendWords(_ unit: Unit, byteCount: Int, to words: inout [SpokenWord]) {
        let span = position..<position + settings.format.duration(bytes: byteCount)
        for (word, time) in zip(unit.words, VoiceText.times(of: unit.words, within: span)) {
            words.append(SpokenWord(text: word, start: time.lowerBound, end: time.upperBound))
        }
    }

    // MARK: Facts

    /// The first audio leaves now.
    package func sounded(at now: Instant) {
        guard !hasSounded else { return }
        hasSounded = true
        stateText()
        state(.voiceFirstAudio, at: now)
    }

    /// The last audio has left.
    package func finished(at now: Instant) {
        end(.voiceFinished, at: now)
        settings.entry?.closeExchange(.answered, at: now)
    }

    /// Nobody listens any more.
    package func cancelled(at now: Instant) {
        if !isOver { context[settings.provider].cancelled += 1 }
        end(.voiceCancelled, at: now)
        settings.entry?.closeExchange(.cancelled, at: now)
    }

    private func end(_ kind: FactKind, at now: Instant) {
        guard !isOver else { return }
        isOver = true
        onProgress = nil
        units = []
        guard firstTextAt != nil else { return }
        stateText()
        let spoken = settings.format.duration(bytes: spokenBytes)
        var usage = ProviderUsage()
        usage.audio = spoken
        usage.characters = Int64(characters)
        usage.requests = 1
        context[settings.provider].usage += usage
        settings.entry?.add(usage)
        state(kind, at: now, value: spoken.nanoseconds, detail: UInt32(characters))
    }

    /// Known only once the reference is: then with the time at which the text came.
    private func stateText() {
        guard !hasStatedText, let firstTextAt else { return }
        hasStatedText = true
        settings.entry?.began(at: firstTextAt)
        settings.entry?.reference = reference
        state(.voiceTextReceived, at: firstTextAt)
    }

    private func state(_ kind: FactKind, at instant: Instant, value: Int64 = 0, detail: UInt32 = 0)
    {
        context.state(
            kind, of: settings.provider, at: instant,
            call: reference == nil ? settings.call : nil, reference: reference, value: value,
            detail: detail, entry: kind == .voiceFirstAudio ? settings.entry : nil)
    }
}
