package import UproarCore

/// Listens to one direction of a call: when speech starts and ends, and which tags it carries.
///
/// ```
///  level   ____▁█▇█▆▇█▆█▇___▂▆▇▅▇█▆▅▁▁▁▁▁▁▁▁▁____
///              |--400 ms--|          |-600 ms-|
///              ↑ head tags may start          ↑ tail tags are looked for backwards from here
///         speechStarted                  speechEnded (known one hangover later)
/// ```
/// *Onset*: the first 10 ms of a run with 60 ms voiced within 100 ms; a tag counts. *End*: after the last voiced sample, once
/// nothing was voiced for the hangover. A pause of 100 ms or more inside speech lets a head tag start right after it as well
/// (a filler, then the reply). Frames outside these windows cost level detection alone; nothing is allocated per frame.
///
/// Positions are samples at the input's rate since the first sample fed.
package struct TagScanner: ~Copyable {
    package enum Event: Hashable, Sendable {
        case speechStarted(at: Int)
        /// `mended`: how many of the tag's 20 symbols were wrong, 0…6.
        case tagDecoded(wire: UInt32, kind: AudioTag.Kind, start: Int, mended: Int)
        /// A tail tag of this speech was told just before.
        case speechEnded(at: Int)
    }

    package let format: AudioFormat
    // What owners ask after each frame is stored: a scanner is large, and what computes from it may be handed a copy.
    package private(set) var isSpeaking = false
    /// Samples fed so far.
    package private(set) var position = 0
    /// After the last sample that counted as voice, as known now; nil before the first speech.
    package private(set) var lastVoice: Int?
    private let hangoverHops: Int
    private let findsTails: Bool
    private let bytesPerSample: Int
    private var history: SampleHistory
    private var level = LevelDetector()
    /// The last 32 hops, newest in bit 0.
    private var voiced: UInt32 = 0
    private var lastVoicedHop = Int.min / 2
    private var endOfVoice = 0

    /// Blocks still to be measured, from the next one to after the last; empty when nothing is searched for.
    private var blocks = 0..<0
    private var firstBlock = 0
    /// The last hop in which a head tag may start.
    private var lastStartHop = 0
    private var blocksToProveTone = Int.max
    private var tonalMarks = 0
    private var search = TagSearch(.head)
    // Last: large, and used only while a tag is looked for.
    private var meter = ToneMeter()

    /// A scanner for audio of this format: 8, 16, 24, 32 or 48 kHz; resample anything else first.
    ///
    /// `hangover` is at most 350 ms (bounded by the history kept). `findsTails` off: nobody asks for tail tags, and none are told.
    package init(
        _ format: AudioFormat, hangover: Duration = .milliseconds(200), findsTails: Bool = true
    ) {
        precondition(hangover >= .milliseconds(100) && hangover <= .milliseconds(350))
        self.format = format
        bytesPerSample = format.encoding.bytesPerSample
        self.findsTails = findsTails
        hangoverHops = Int(hangover.nanoseconds / LevelDetector.hop.nanoseconds)
        history = SampleHistory(format)
    }

    /// Starts anew at position 0, as if nothing had been heard; keeps its storage.
    package mutating func reset() {
        history.reset()
        level = LevelDetector()
        isSpeaking = false
        position = 0
        lastVoice = nil
        voiced = 0
        lastVoicedHop = Int.min / 2
        blocks = 0..<0
    }

    /// True for the rates a scanner takes.
    package static func accepts(_ rate: Hertz) -> Bool {
        rate.value % 8_000 == 0 && (1...6).contains(rate.value / 8_000)
    }

    /// Takes the next bytes in the scanner's format, any number of whole samples.
    package mutating func feed(_ bytes: RawSpan, onEvent: (Event) -> Void) {
        var rest = bytes
        while !rest.isEmpty {
            let taken = history.take(rest)
            position += taken
            rest = rest.extracting(droppingFirst: taken * bytesPerSample)
            if history.hopIsFull { endHop(onEvent) }
        }
    }

    /// Takes the next samples, of the scanner's rate.
    package mutating func feed(samples: Span<Int16>, onEvent: (Event) -> Void) {
        var rest = samples
        while !rest.isEmpty {
            let taken = history.take(rest)
            position += taken
            rest = rest.extracting(droppingFirst: taken)
            if history.hopIsFull { endHop(onEvent) }
        }
    }

    /// Takes `count` samples of digital silence: the same events as feeding zeros.
    package mutating func feedSilence(_ count: Int, onEvent: (Event) -> Void) {
        var rest = count
        while rest > 0 {
            let taken = history.takeSilence(rest)
            position += taken
            rest -= taken
            if history.hopIsFull { endHop(onEvent) }
        }
    }

    // MARK: Each 10 ms

    private mutating func endHop(_ onEvent: (Event) -> Void) {
        let hop = history.endHop()
        let limit = level.limit
        let isVoiced = level.heard(power: history.hopPower)
        voiced = voiced << 1 | (isVoiced ? 1 : 0)
        if !isSpeaking {
            guard isVoiced, (voiced & 0x3ff).nonzeroBitCount >= 6 else { return }
            isSpeaking = true
            let onset = hop - (31 - (voiced & 0x3ff).leadingZeroBitCount)
            onEvent(.speechStarted(at: history.firstLoud(inHop: onset, limit: limit) * factor))
            noteVoice(hop, limit)
            startHeadSearch(atHop: onset, window: 40)
        } else if isVoiced {
            if voiced & 0x7fe == 0 {
                finishHeadSearch(onEvent)
                resumeAfterPause(hop)
            }
            if (voiced & 0x3ff).nonzeroBitCount >= 2 { noteVoice(hop, limit) }
        }
        if !blocks.isEmpty { searchHead(onEvent) }
        if hop - lastVoicedHop >= hangoverHops { endSpeech(onEvent) }
    }

    private var factor: Int { history.factor }

    private mutating func noteVoice(_ hop: Int, _ limit: Float) {
        lastVoicedHop = hop
        endOfVoice = history.afterLastLoud(inHop: hop, limit: limit)
        lastVoice = endOfVoice * factor
    }

    /// Lets a head tag start from 20 ms before the hop to `window` hops after it.
    private mutating func startHeadSearch(atHop hop: Int, window: Int) {
        let blocksPerHop = SampleHistory.blocksPerHop
        firstBlock = max(history.firstBlockKept, (hop - 2) * blocksPerHop)
        lastStartHop = hop + window
        blocks = firstBlock..<(hop + window + 2 * AudioTag.frameCount + 1) * blocksPerHop
        meter.reset()
        search.reset(.head)
        blocksToProveTone = .max
        tonalMarks = 0
    }

    /// Speech goes on after 100 ms without any: a head tag may start here too, and one that began before the pause is lost.
    private mutating func resumeAfterPause(_ hop: Int) {
        let window = lastStartHop - hop
        startHeadSearch(atHop: hop, window: max(6, window))
        if window < 6 { blocksToProveTone = 16 * SampleHistory.blocksPerHop }
    }

    private mutating func searchHead(_ onEvent: (Event) -> Void) {
        let end = min(blocks.upperBound, history.blocksComplete)
        for block in blocks.lowerBound..<end {
            let mark = history.measure(block, with: &meter)
            if mark.trust >= TagSearch.clear { tonalMarks += 1 }
            if let find = search.add(mark, isWhole: block - firstBlock >= 7) {
                onEvent(event(find, .head))
                blocks = 0..<0
                return
            }
        }
        blocks = end..<blocks.upperBound
        if blocks.isEmpty, let find = search.finish() { onEvent(event(find, .head)) }
        // A tag after a pause starts at once: without tones in its first 160 ms there is none, and the search is over.
        if end - firstBlock >= blocksToProveTone,
            tonalMarks * 4 < end - firstBlock
        {
            blocks = 0..<0
        }
    }

    /// No more of this speech can hold a head tag.
    private mutating func finishHeadSearch(_ onEvent: (Event) -> Void) {
        if !blocks.isEmpty, let find = search.finish() { onEvent(event(find, .head)) }
        blocks = 0..<0
    }

    private mutating func endSpeech(_ onEvent: (Event) -> Void) {
        isSpeaking = false
        finishHeadSearch(onEvent)
        if findsTails { searchTail(onEvent) }
        blocks = 0..<0
        onEvent(.speechEnded(at: endOfVoice * factor))
    }

    private mutating func searchTail(_ onEvent: (Event) -> Void) {
        let blocksPerHop = SampleHistory.blocksPerHop
        firstBlock = max(history.firstBlockKept, (lastVoicedHop + 1 - 62) * blocksPerHop)
        let end = min(history.blocksComplete, (lastVoicedHop + 1 + 4) * blocksPerHop)
        meter.reset()
        search.reset(.tail)
        var best: TagSearch.Find?
        for block in firstBlock..<end {
            let mark = history.measure(block, with: &meter)
            if let find = search.add(mark, isWhole: block - firstBlock >= 7),
                find.mended <= best?.mended ?? .max
            {
                best = find
            }
        }
        if let find = best ?? search.finish() { onEvent(event(find, .tail)) }
    }

    private func event(_ find: TagSearch.Find, _ kind: AudioTag.Kind) -> Event {
        let start = firstBlock * ToneMeter.blockSize + find.start
        return .tagDecoded(
            wire: find.wire, kind: kind, start: max(0, start) * factor, mended: find.mended)
    }
}
