import UproarAudio
import UproarCore

/// What an emulated recogniser makes of one stream: tags, the words of the clip being said, where its voice ends.
///
/// ```
///  stream  ____[tag][word word  pause  word word]______
///              ↑ utterance begins               ↑ end of voice
/// ```
/// A tag names the utterance; the words come from the corpus, by the levels that follow the tag (or the onset, for speech
/// without a tag). Garbled audio has neither tag nor match, and gives nothing, as with a real recogniser.
package struct SpeechHearing: ~Copyable {
    package struct News: OptionSet, Sendable {
        package var rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }
        /// Something became audible after silence.
        package static let speechStarted = News(rawValue: 1)
        /// A head tag was decoded: `utterance` has its reference, and is another one than before.
        package static let recognised = News(rawValue: 2)
        /// Silence after something audible is certain.
        package static let speechEnded = News(rawValue: 4)
    }

    package let format: AudioFormat
    private let vocabulary: SpeechVocabulary
    private let references: ReferenceText
    private let isTagging: Bool
    private var scanner: TagScanner
    private var blocks: LevelBlocks
    private var matcher: ClipMatcher
    private var arrivals = ArrivalTimes()
    package private(set) var utterance: HeardUtterance?
    /// The utterance before, when a tag began another before it was over.
    private var replaced: HeardUtterance?
    /// Where the latest onset was.
    package private(set) var onset = Duration.zero
    /// Head tags decoded so far: what usage leaves out.
    package private(set) var tagCount = 0
    /// The latest reference on this stream: tells the call of what carries none.
    package private(set) var lastReference: TurnReference?
    private var lastVoice = 0
    /// Where an utterance without a tag (so far) began, as long as its clip is not looked for.
    private var onsetBlock: Int?
    /// So many hops had been compared when the best match was last asked for.
    private var judgedHops = 0

    package init(
        _ format: AudioFormat, vocabulary: SpeechVocabulary, references: ReferenceText,
        isTagging: Bool
    ) {
        self.format = format
        self.vocabulary = vocabulary
        self.references = references
        self.isTagging = isTagging
        scanner = TagScanner(format, findsTails: false)
        blocks = LevelBlocks(format)
        matcher = ClipMatcher(vocabulary, rate: format.rate)
    }

    /// Audio received so far.
    package private(set) var position = Duration.zero
    /// Whether anything is audible now.
    package var isSpeaking: Bool { scanner.isSpeaking }

    /// Takes whole samples.
    package mutating func feed(_ bytes: RawSpan, at now: Instant) -> News {
        let samples = bytes.byteCount / format.encoding.bytesPerSample
        let isSilent = Self.isSilence(bytes, format.encoding.silence)
        if isSilent { blocks.feedSilence(samples) } else { blocks.feed(bytes) }
        var events: [TagScanner.Event] = []
        if isSilent {
            scanner.feedSilence(samples) { events.append($0) }
        } else {
            scanner.feed(bytes) { events.append($0) }
        }
        position = format.rate.duration(samples: scanner.position)
        arrivals.note(position: scanner.position, at: now)
        if let voice = scanner.lastVoice { lastVoice = voice }
        var news: News = []
        for event in events { take(event, &news) }
        if utterance != nil { updateUtterance() }
        return news
    }

    /// All bytes of this value: what callers send between utterances, and by far the most of all audio.
    static func isSilence(_ bytes: RawSpan, _ value: UInt8) -> Bool {
        bytes.withUnsafeBytes { bytes in
            let word = UInt64(value) &* 0x0101_0101_0101_0101
            var index = 0
            while index &+ 8 <= bytes.count {
                guard bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) == word else {
                    return false
                }
                index &+= 8
            }
            while index < bytes.count {
                guard bytes[index] == value else { return false }
                index &+= 1
            }
            return true
        }
    }

    private mutating func take(_ event: TagScanner.Event, _ news: inout News) {
        switch event {
        case .speechStarted(let sample):
            onset = format.rate.duration(samples: sample)
            news.insert(.speechStarted)
            // After a pause the utterance goes on, unless all of it has been said.
            if let utterance, utterance.isOpen {
                guard utterance.isOver(at: onset) else { return }
                replaced = utterance
            }
            utterance = HeardUtterance(onset: onset)
            matcher.stop()
            onsetBlock = block(of: sample)
        case .tagDecoded(let wire, .head, let start, _):
            // The tag of a reply is the agent's voice heard back: no utterance.
            guard isTagging, let reference = references.reference(ofWire: wire),
                reference.reply == 0
            else { return }
            let end = start + format.rate.samples(in: AudioTag.duration)
            let span =
                format.rate.duration(samples: start)..<format.rate.duration(samples: end)
            tagCount += 1
            lastReference = reference
            replaced = utterance
            utterance = HeardUtterance(
                reference: reference, words: references.words(reference), tag: span)
            onsetBlock = nil
            judgedHops = 0
            matcher.start(atFileStart: block(of: end))
            news.insert(.recognised)
        case .tagDecoded: break
        case .speechEnded: news.insert(.speechEnded)
        }
    }

    private func block(of sample: Int) -> Int {
        let size = format.rate.value / 200
        return (sample + size / 2) / size
    }

    private mutating func updateUtterance() {
        utterance?.lastVoice = format.rate.duration(samples: lastVoice)
        if let block = onsetBlock {
            // What sounds now may turn out to be a tag, whose tones are no words.
            guard !isTagging || position - onset >= Self.tagTime else { return }
            startMatching(at: block)
        }
        matcher.follow(blocks)
        guard matcher.hops >= judgedHops + 5 else { return }
        judgedHops = matcher.hops
        judge(limit: ClipMatcher.limit)
    }

    private mutating func startMatching(at block: Int) {
        onsetBlock = nil
        judgedHops = 0
        matcher.start(atOnset: block)
    }

    /// Long enough after an onset for a tag to have been decoded.
    private static let tagTime = AudioTag.duration + .milliseconds(100)
    /// What is still believed when nothing more will be heard.
    private static let lastLimit: Float = 40

    private mutating func judge(limit: Float) {
        guard let best = matcher.best(limit: limit) else {
            utterance?.forgetGuess()
            return
        }
        utterance?.guess(
            best.clip, of: vocabulary, from: .milliseconds(5 * best.startBlock),
            rivals: matcher.rivals(of: best))
    }

    /// The voice has ended: decides what was said, as well as can be.
    package mutating func settle() {
        guard let utterance else { return }
        if let block = onsetBlock { startMatching(at: block) }
        matcher.follow(blocks)
        if !utterance.isMatched { judge(limit: Self.lastLimit) }
    }

    package mutating func deliver(upTo count: Int, silence: Duration?) {
        utterance?.deliver(upTo: count, silence: silence)
    }

    /// The utterance is over: what is heard next belongs to another.
    package mutating func endUtterance() {
        utterance = nil
        onsetBlock = nil
        matcher.stop()
    }

    /// An utterance that ended because the next one began.
    package mutating func takeReplaced() -> HeardUtterance? {
        defer { replaced = nil }
        return replaced
    }

    /// When the sample at `position` of the stream arrived.
    package func arrival(of position: Duration) -> Instant {
        arrivals.arrival(of: format.rate.samples(in: position))
    }
}

/// When the latest pieces of a stream arrived.
struct ArrivalTimes {
    private var pieces = [(position: Int, at: Instant)](repeating: (0, Instant.zero), count: 256)
    private var count = 0

    /// Everything before `position` has arrived by `at`.
    mutating func note(position: Int, at: Instant) {
        pieces[count & 255] = (position, at)
        count += 1
    }

    /// The arrival of the piece with this sample; of the oldest piece known for what came before it.
    func arrival(of position: Int) -> Instant {
        var index = max(0, count - 256)
        while index < count - 1, pieces[index & 255].position < position { index += 1 }
        return count == 0 ? .zero : pieces[index & 255].at
    }
}
