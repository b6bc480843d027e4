import UproarCore

/// One utterance as it is being heard. Times are positions in the stream.
package struct HeardUtterance {
    package typealias Word = SpeechVocabulary.Word

    package let reference: TurnReference?
    let onset: Duration
    private let tagEnd: Duration
    /// The words of the reference, with the tag's time.
    private let head: [Word]
    /// The clip's words, as believed now.
    private var words: [Word] = []
    /// When most of each word has been heard.
    private var heardBy: [Duration] = []
    /// How many of `words` are certain: rivals that fit as well say the same so far.
    private var certain = 0
    private var clip: (index: Int, start: Duration)?
    package var isMatched: Bool { clip != nil }
    /// From the first to after the last voiced sample of the clip, and its pauses.
    private(set) var speech = Duration.zero..<Duration.zero
    private var pauses: [Range<Duration>] = []
    /// After the last sample that counted as voice.
    var lastVoice: Duration
    /// Nothing contradicts that the clip believed in is the one.
    private var hasRivals = false
    /// Words that final results have carried.
    private(set) var delivered = 0
    /// Where the silence began for which the latest final result was sent.
    private(set) var closedSilence: Duration?

    init(onset: Duration) {
        reference = nil
        self.onset = onset
        head = []
        lastVoice = onset
        tagEnd = onset
    }

    init(reference: TurnReference, words: String, tag: Range<Duration>) {
        self.reference = reference
        onset = tag.lowerBound
        lastVoice = tag.upperBound
        tagEnd = tag.upperBound
        var written = words.split(separator: " ").map(String.init)
        written[0] = written[0].prefix(1).uppercased() + written[0].dropFirst()
        written[written.count - 1] += ","
        head = zip(written, VoiceText.times(of: written, within: tag)).map { Word($0, $1) }
    }

    /// Takes what the corpus says it is: clip `index`, from `start` on, unless it is one of the rivals.
    mutating func guess(
        _ index: Int, of vocabulary: SpeechVocabulary, from start: Duration, rivals: [Int]
    ) {
        if clip?.index != index || clip?.start != start {
            clip = (index, start)
            let known = vocabulary.clips[index]
            words = known.words.map { word in
                var word = word
                word.start += start
                word.end += start
                return word
            }
            heardBy = words.map { $0.end - ($0.end - $0.start) / 4 }
            let description = known.description
            speech = start + description.speech.lowerBound..<start + description.speech.upperBound
            pauses = description.innerPauses.map {
                start + $0.lowerBound..<start + $0.upperBound
            }
        }
        hasRivals = !rivals.isEmpty
        certain = words.count
        for rival in rivals {
            let same = zip(words, vocabulary.clips[rival].words).prefix { $0.plain == $1.plain }
            certain = min(certain, same.count)
        }
    }

    /// What was believed does not fit any more. What was delivered stays delivered.
    mutating func forgetGuess() {
        guard isMatched, delivered == 0 else { return }
        clip = nil
        words = []
        heardBy = []
        certain = 0
    }

    /// Words heard by `position`, the reference's included: what a result may hold.
    ///
    /// A word counts as heard when most of it has been; one that rivals dispute waits until the voice ends.
    package func heardCount(at position: Duration, isOver: Bool) -> Int {
        guard isMatched else { return isOver ? head.count : 0 }
        // Audio that got lost on the way leaves the clip a little short of its end.
        let length = speech.upperBound - speech.lowerBound
        if isOver, position >= speech.upperBound - max(.milliseconds(300), length / 7) {
            return head.count + words.count
        }
        let limit = isOver ? words.count : certain
        var count = 0
        while count < limit, heardBy[count] <= position { count += 1 }
        // Nothing but the reference is no result yet.
        return count == 0 && !isOver ? 0 : head.count + count
    }

    /// The words from the first not delivered up to `count`.
    package func results(upTo count: Int) -> [Word] {
        let all = head + words
        return delivered < count ? Array(all[delivered..<min(count, all.count)]) : []
    }

    /// Everything that will be said has been heard.
    package func isWhole(at position: Duration) -> Bool {
        isMatched && !hasRivals && position >= speech.upperBound
            && heardCount(at: position, isOver: true) == head.count + words.count
    }

    /// The clip believed in has words to come after `position`.
    func expectsMore(at position: Duration) -> Bool {
        isMatched && position < speech.upperBound && delivered < wordCount
    }

    /// Nothing of it can follow a new onset at `position`.
    func isOver(at position: Duration) -> Bool {
        isMatched && position >= speech.upperBound + .milliseconds(100)
    }

    package var wordCount: Int { head.count + words.count }
    /// Some of it has not been part of a final result.
    package var isOpen: Bool { delivered < wordCount || !isMatched && delivered == 0 }

    mutating func deliver(upTo count: Int, silence: Duration?) {
        delivered = max(delivered, count)
        closedSilence = silence ?? closedSilence
    }

    /// Where the silence began that goes on at `position`; nil while there is voice.
    ///
    /// The clip's own annotation decides when it is known, so that noise in the recording is no voice; what the level says
    /// decides when audio got lost and the clip's end will never come.
    func silence(at position: Duration) -> Duration? {
        guard isMatched else {
            // Between a tag and the first word a recording may have its own silence.
            let isTagAlone = reference != nil && lastVoice <= tagEnd + .milliseconds(50)
            let least: Duration = isTagAlone ? .milliseconds(1_500) : .zero
            return lastVoice + least < position ? lastVoice : nil
        }
        if position >= speech.upperBound { return speech.upperBound }
        if let pause = pauses.last(where: { $0.contains(position) }) { return pause.lowerBound }
        return position - lastVoice >= .milliseconds(400) ? lastVoice : nil
    }
}
