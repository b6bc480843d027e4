import UproarCore

/// Finds references in text that comes in pieces cut anywhere: `lus` · `ab ba` · `bad, done`.
///
/// What might still become a reference is held back until the next piece or `finish`.
package struct ReferenceScanner: Sendable {
    package enum Segment: Hashable, Sendable {
        case text(String)
        /// `words` as they stood in the text: `Lusab`, `babad,`.
        case reference(TurnReference, words: [String])
    }

    private let references: ReferenceText
    private var held: [UInt8] = []

    package init(_ references: ReferenceText) { self.references = references }

    /// Whether some text waits for what follows.
    package var isHolding: Bool { !held.isEmpty }

    package mutating func receive(_ piece: String) -> [Segment] {
        held.append(contentsOf: piece.utf8)
        return take(upTo: Self.decidedCount(of: held))
    }

    /// All that is left; no more text follows.
    package mutating func finish() -> [Segment] { take(upTo: held.count) }

    private mutating func take(upTo count: Int) -> [Segment] {
        guard count > 0 else { return [] }
        var segments: [Segment] = []
        var place = 0
        for found in references.references(in: held) where found.range.upperBound <= count {
            Self.append(held[place..<found.range.lowerBound], to: &segments)
            // The punctuation that sets the words apart belongs to them; the mark that ends a sentence too.
            var end = found.range.upperBound
            while end < count,
                ReferenceText.isSeparator(held[end]) || ReferenceText.isEndMark(held[end])
            {
                end += 1
            }
            let words = held[found.range.lowerBound..<end].split(
                whereSeparator: ReferenceText.isSpace)
            segments.append(
                .reference(
                    found.reference, words: words.map { String(decoding: $0, as: UTF8.self) }))
            place = end
        }
        Self.append(held[place..<count], to: &segments)
        held.removeFirst(count)
        return segments
    }

    private static func append(_ bytes: ArraySlice<UInt8>, to segments: inout [Segment]) {
        guard !bytes.isEmpty else { return }
        segments.append(.text(String(decoding: bytes, as: UTF8.self)))
    }

    /// How many bytes no later text can make part of a reference.
    ///
    /// Undecided is the end of the text from a whole proquint word with only spaces, commas or hyphens after it, or from the
    /// beginning of a word that may become one. A reference already whole waits for the punctuation that may belong to it.
    static func decidedCount(of bytes: [UInt8]) -> Int {
        var start = wordStart(in: bytes, before: bytes.count)
        if start < bytes.count {
            guard isProquintBeginning(bytes[start...]) else { return bytes.count }
        }
        // Step over at most two whole proquint words.
        for _ in 0..<2 {
            var gap = start
            while gap > 0, isGap(bytes[gap - 1]) { gap -= 1 }
            let earlier = wordStart(in: bytes, before: gap)
            guard earlier < gap, gap < start || start == bytes.count,
                Proquint.half(bytes[earlier..<gap]) != nil
            else { break }
            start = earlier
        }
        return start
    }

    private static func wordStart(in bytes: [UInt8], before end: Int) -> Int {
        var start = end
        while start > 0, isLetter(bytes[start - 1]) { start -= 1 }
        return start
    }

    private static func isGap(_ byte: UInt8) -> Bool {
        ReferenceText.isSpace(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "-")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte >= 0x80
            || (byte >= 0x30 && byte <= 0x39) || byte == 0x27
    }

    /// Whether these letters, with more to come, can become a proquint word: `lus`, `b`, `babad`.
    private static func isProquintBeginning(_ word: ArraySlice<UInt8>) -> Bool {
        guard word.count <= 5 else { return false }
        let rest = "babab".utf8.dropFirst(word.count)
        return Proquint.half(Array(word) + rest) != nil
    }
}
