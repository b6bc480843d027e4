/// Looks for one kind of tag in a run of marks, one mark each 2.5 ms, and decodes where it fits best.
///
/// ```
///  marks:   ……●·······●·······●·······●   20 of them, 8 apart, make a candidate
///           start                    now
/// ```
/// A candidate needs three of five sync symbols and 13 of 20 clear ones; the best within 10 ms is decoded. What needs much
/// mending waits for a better one: up to seven symbols before a tag there can be places where three sync symbols match by
/// chance (a window half in the silence before it hears the first tone all the same), and one in some thousand tags decoded
/// there to something else.
struct TagSearch {
    struct Find {
        var wire: UInt32
        /// Samples at 8 kHz from the first mark's window to the start of the tag.
        var start: Int
        /// Symbols that were wrong, of 20.
        var mended: Int
    }

    /// Marks by which a candidate must stay the best before it is decoded.
    static let patience = 4
    private static let span = (AudioTag.frameCount - 1) * ToneMeter.blocksPerSymbol
    /// The trust of a symbol that is heard clearly: a tone 4 dB above all noise. Garbled audio can keep the tones'
    /// frequencies (mu-law read as A-law does), but not their purity.
    static let clear: UInt8 = 155
    /// How many of the 20 must be clear: all but those that two lost packets take.
    private static let leastClear = 13
    /// Most symbols that may be wrong, sync included.
    static let mostMended = 6

    private var sync: [UInt8]
    private var tones = [UInt8](repeating: 0, count: 256)
    private var trusts = [UInt8](repeating: 0, count: 256)
    private var count = 0
    private var best: (start: Int, score: Int)?
    /// A find that needed much mending, and the start until which a better one is waited for.
    private var held: (find: Find, until: Int)?

    /// So many wrong symbols are much.
    private static let much = 4
    private static let hold = 7 * ToneMeter.blocksPerSymbol

    init(_ kind: AudioTag.Kind) { sync = AudioTag.syncTones[Int(kind.rawValue)] }

    /// Forgets everything heard and looks for tags of `kind` from now on.
    mutating func reset(_ kind: AudioTag.Kind) {
        sync = AudioTag.syncTones[Int(kind.rawValue)]
        count = 0
        best = nil
        held = nil
    }

    /// Takes the next mark; returns a tag when one has just become certain. After the last mark `finish` may know another.
    ///
    /// The first seven marks of a meter judge less than a symbol and are left out by `isWhole`.
    mutating func add(_ mark: ToneMeter.Mark, isWhole: Bool) -> Find? {
        guard isWhole else { return nil }
        tones[count & 255] = mark.tone
        trusts[count & 255] = mark.trust
        count += 1
        let start = count - 1 - Self.span
        guard start >= 0 else { return nil }
        if let score = score(at: start), score > best?.score ?? 0 { best = (start, score) }
        if let best, start - best.start >= Self.patience {
            self.best = nil
            for shift in [0, -1, 1] where best.start + shift >= 0 {
                guard let find = decode(at: best.start + shift) else { continue }
                if let sure = weigh(find, at: start) { return sure }
                break
            }
        }
        return held.map { start >= $0.until } == true ? finish() : nil
    }

    /// What still waits for a better find, when none will come.
    mutating func finish() -> Find? {
        defer { held = nil }
        return held?.find
    }

    private mutating func weigh(_ find: Find, at start: Int) -> Find? {
        guard find.mended >= Self.much else {
            held = nil
            return find
        }
        if let held {
            if find.mended < held.find.mended { self.held = (find, held.until) }
        } else {
            held = (find, start + Self.hold)
        }
        return nil
    }

    /// The sum of the trust of all symbols; nil when this is no tag.
    private func score(at start: Int) -> Int? {
        guard mismatches(at: start) <= 2 else { return nil }
        var clear = 0
        for place in 0..<AudioTag.frameCount where trusts[(start + 8 * place) & 255] >= Self.clear {
            clear += 1
        }
        return clear >= Self.leastClear ? trust(at: start) : nil
    }

    /// How many of the five sync symbols are other tones than they should be.
    private func mismatches(at start: Int) -> Int {
        var count = 0
        for index in 0..<5 {
            let place = (start + 8 * Self.syncPlaces[index]) & 255
            if tones[place] != sync[index] { count += 1 }
        }
        return count
    }

    private static let syncPlaces = InlineArray<5, Int> { AudioTag.syncPlaces[$0] }

    private func trust(at start: Int) -> Int {
        var total = 0
        for place in 0..<AudioTag.frameCount { total += Int(trusts[(start + 8 * place) & 255]) }
        return total
    }

    private func decode(at start: Int) -> Find? {
        let wrong = mismatches(at: start)
        var word: UInt64 = 0
        var trust = InlineArray<15, UInt8>(repeating: 0)
        for (index, place) in AudioTag.codePlaces.enumerated() {
            word |= UInt64(tones[(start + 8 * place) & 255]) << (4 * UInt64(index))
            trust[index] = trusts[(start + 8 * place) & 255]
        }
        guard let (value, mended) = TagCode.decode(word, trust: trust),
            wrong + mended <= Self.mostMended
        else { return nil }
        return Find(
            wire: value, start: start * ToneMeter.blockSize + fineShift(at: start),
            mended: wrong + mended)
    }

    /// Samples by which the true start lies off `start`: the trust falls off alike on both sides of it.
    private func fineShift(at start: Int) -> Int {
        guard start > 0, count > start + 1 + Self.span else { return 0 }
        let before = trust(at: start - 1)
        let here = trust(at: start)
        let after = trust(at: start + 1)
        let fall = here - min(before, after)
        guard fall > 0, here >= max(before, after) else { return 0 }
        return (after - before) * ToneMeter.blockSize / (2 * fall)
    }
}
