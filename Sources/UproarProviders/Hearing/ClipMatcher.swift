import UproarCore

/// Finds which clip of the corpus is being heard, from how loud it is when: one utterance at a time, as it comes.
///
/// Every candidate is a clip at one place in the stream. For each 10 ms the difference of levels (dB) is added up; the right
/// clip's differences are all alike, whatever the gain, so their variance tells. After a while only near candidates are
/// followed, so that steady state costs next to nothing.
struct ClipMatcher {
    private struct Candidate {
        var clip: Int
        var levels: Range<Int>
        /// The clip's first hop, counted from the anchor in hops.
        var shift: Int
        var sum: Float = 0
        var squares: Float = 0
    }

    struct Match: Equatable {
        var clip: Int
        /// Where the clip begins, in blocks of the stream.
        var startBlock: Int
        /// Of the differences of levels, in dB².
        var variance: Float
    }

    private let vocabulary: SpeechVocabulary
    /// The stream has room for treble; whether it carries any is open, for it may come from a telephone.
    private let isWide: Bool
    private var candidates: [Candidate] = []
    private var anchorBlock = 0
    /// Hops compared so far.
    private(set) var hops = 0
    /// Of these, hops that were not silent.
    private var loudHops = 0
    /// Of what is heard, to tell how much there is to explain.
    private var levelSum: Float = 0
    private var levelSquares: Float = 0

    /// From so many hops on, candidates far off are dropped.
    private static let hopsBeforePruning = 30
    /// The right clip stays far below this; another voice or other words are far above.
    static let limit: Float = 20
    /// And below this share of the variance of what is heard: audio of one loudness, such as garbled audio is, is like no
    /// clip.
    private static let limitShare: Float = 0.4

    init(_ vocabulary: SpeechVocabulary, rate: Hertz) {
        self.vocabulary = vocabulary
        isWide = rate > .telephone
    }

    var isActive: Bool { !candidates.isEmpty }

    /// The clip's file begins at this block: a head tag ended here.
    mutating func start(atFileStart block: Int) {
        start(at: block, shifts: [-1, 0, 1]) { _ in [0] }
    }

    /// Something became audible at this block: a clip's speech begins here, or its file (one with noise).
    ///
    /// The quieter the clip, the later its onset is noticed.
    mutating func start(atOnset block: Int) {
        start(at: block, shifts: [-16, -14, -12, -10, -8, -6, -5, -4, -3, -2, -1, 0, 1]) { clip in
            let speech = Int(clip.description.speech.lowerBound / SpeechVocabulary.hop)
            return clip.isAudibleAtOnce ? [0, speech] : [speech]
        }
    }

    private mutating func start(
        at block: Int, shifts: [Int], leads: (SpeechVocabulary.Clip) -> [Int]
    ) {
        anchorBlock = block
        hops = 0
        loudHops = 0
        levelSum = 0
        levelSquares = 0
        candidates = []
        for (index, clip) in vocabulary.clips.enumerated() {
            for lead in leads(clip) {
                for shift in shifts {
                    candidates.append(
                        Candidate(clip: index, levels: clip.narrowLevels, shift: shift - lead))
                    guard isWide, let levels = clip.wideLevels else { continue }
                    candidates.append(
                        Candidate(clip: index, levels: levels, shift: shift - lead))
                }
            }
        }
    }

    /// Gives the memory back: there are many streams, and few are heard at once.
    mutating func stop() { candidates = [] }

    /// Compares what has been heard since the last call.
    mutating func follow(_ blocks: LevelBlocks) {
        guard isActive else { return }
        while anchorBlock + 2 * hops + 2 <= blocks.count {
            let block = anchorBlock + 2 * hops
            compare(SpeechVocabulary.decibels((blocks[block] + blocks[block + 1]) / 2))
            hops += 1
            if hops == Self.hopsBeforePruning || hops == 2 * Self.hopsBeforePruning { prune() }
        }
    }

    private mutating func compare(_ level: Float) {
        if level > SpeechVocabulary.floor + 6 { loudHops += 1 }
        levelSum += level
        levelSquares += level * level
        let hop = hops
        var followed: [Candidate] = []
        swap(&followed, &candidates)
        vocabulary.levels.withUnsafeBufferPointer { levels in
            for index in followed.indices {
                let range = followed[index].levels
                let place = range.lowerBound &+ hop &- followed[index].shift
                let known =
                    place >= range.lowerBound && place < range.upperBound
                    ? levels[place] : SpeechVocabulary.floor
                let difference = level - known
                followed[index].sum += difference
                followed[index].squares += difference * difference
            }
        }
        swap(&followed, &candidates)
    }

    private static func variance(_ candidate: Candidate, _ hops: Int) -> Float {
        let mean = candidate.sum / Float(hops)
        return max(0, candidate.squares / Float(hops) - mean * mean)
    }

    private mutating func prune() {
        let hops = hops
        let best = candidates.lazy.map { Self.variance($0, hops) }.min() ?? 0
        let limit = max(40, best * 3)
        candidates = candidates.filter { Self.variance($0, hops) <= limit }
    }

    /// The best candidate, when it is good enough to be believed.
    func best(limit: Float = ClipMatcher.limit) -> Match? {
        guard hops >= 12, loudHops >= 6 else { return nil }
        let mean = levelSum / Float(hops)
        let heard = max(0, levelSquares / Float(hops) - mean * mean)
        let limit = min(limit, heard * Self.limitShare)
        var best: (candidate: Candidate, variance: Float)?
        for candidate in candidates {
            let variance = Self.variance(candidate, hops)
            if variance < best?.variance ?? limit { best = (candidate, variance) }
        }
        return best.map {
            Match(
                clip: $0.candidate.clip, startBlock: anchorBlock + 2 * $0.candidate.shift,
                variance: $0.variance)
        }
    }

    /// The clips that may be meant as well as `match`, but say other words.
    func rivals(of match: Match) -> [Int] {
        let limit = match.variance * 2 + 1.5
        let wording = vocabulary.clips[match.clip].wording
        var found: [Int] = []
        for candidate in candidates
        where vocabulary.clips[candidate.clip].wording != wording
            && !found.contains(candidate.clip) && Self.variance(candidate, hops) <= limit
        {
            found.append(candidate.clip)
        }
        return found
    }
}
