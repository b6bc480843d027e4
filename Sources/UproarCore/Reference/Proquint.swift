/// Two pronounceable words for 32 bits: `lusab babad` (D. S. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016).
package enum Proquint {
    private static let consonants = Array("bdfghjklmnprstvz".utf8)
    private static let vowels = Array("aiou".utf8)

    /// The words in small letters, joined by one space: always 11 bytes.
    package static func words(_ value: UInt32) -> String {
        word(UInt16(value >> 16)) + " " + word(UInt16(value & 0xffff))
    }

    private static func word(_ half: UInt16) -> String {
        String(
            decoding: [
                consonants[Int(half >> 12)], vowels[Int(half >> 10 & 3)],
                consonants[Int(half >> 6 & 15)], vowels[Int(half >> 4 & 3)],
                consonants[Int(half & 15)],
            ], as: UTF8.self)
    }

    /// The 16 bits of one word of exactly five letters, in any case; nil for any other word.
    package static func half<Word: Collection>(_ word: Word) -> UInt16?
    where Word.Element == UInt8 {
        guard word.count == 5 else { return nil }
        var value: UInt16 = 0
        for (index, byte) in word.enumerated() {
            let letter = byte | 0x20
            if index % 2 == 0 {
                guard let place = consonants.firstIndex(of: letter) else { return nil }
                value = value << 4 | UInt16(place)
            } else {
                guard let place = vowels.firstIndex(of: letter) else { return nil }
                value = value << 2 | UInt16(place)
            }
        }
        return value
    }

    /// One pair of words found in text.
    package struct Match: Hashable, Sendable {
        package var value: UInt32
        /// Byte offsets in the text's UTF-8: from the first letter of the first word to after the last of the second.
        package var range: Range<Int>
    }

    /// Every pair of neighbouring proquint words in `text`, left to right, without overlap, whatever case and punctuation.
    ///
    /// Between the two words only spaces and the punctuation `,.;:!?-` may stand. English has proquint words (`human`,
    /// `robot`), so one may stand right before a pair: where `isWanted` declines a value, its second word may begin the next.
    package static func matches(
        in text: some Sequence<UInt8>, where isWanted: (UInt32) -> Bool = { _ in true }
    ) -> [Match] {
        var found: [Match] = []
        var previous: (half: UInt16, start: Int, end: Int)?
        var word: [UInt8] = []
        var start = 0
        var offset = 0
        var isBroken = false
        func isLetter(_ byte: UInt8) -> Bool {
            (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte >= 0x80
                || (byte >= 0x30 && byte <= 0x39)
                || byte == 0x27
        }
        func endWord() {
            defer { word.removeAll(keepingCapacity: true) }
            guard !word.isEmpty else { return }
            guard let half = half(word) else {
                previous = nil
                return
            }
            let pair = previous.map { UInt32($0.half) << 16 | UInt32(half) }
            if let first = previous, let pair, !isBroken, isWanted(pair) {
                found.append(Match(value: pair, range: first.start..<offset))
                previous = nil
            } else {
                previous = (half, start, offset)
            }
            isBroken = false
        }
        for byte in text {
            if isLetter(byte) {
                if word.isEmpty { start = offset }
                word.append(byte)
            } else {
                endWord()
                if !" ,.;:!?-\n\r\t".utf8.contains(byte) { isBroken = true }
            }
            offset += 1
        }
        endWord()
        return found
    }
}
