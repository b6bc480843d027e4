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
    package static func half(_ word: some Collection<UInt8>) -> UInt16? {
        let found = word.withContiguousStorageIfAvailable { half($0) }
        if let found { return found }
        return Array(word).withUnsafeBufferPointer { half($0) }
    }

    private static func half(_ word: UnsafeBufferPointer<UInt8>) -> UInt16? {
        guard word.count == 5 else { return nil }
        var value: UInt16 = 0
        for index in 0..<5 {
            let letter = word[index] | 0x20
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
        let found = text.withContiguousStorageIfAvailable { matches(in: $0, where: isWanted) }
        if let found { return found }
        return Array(text).withUnsafeBufferPointer { matches(in: $0, where: isWanted) }
    }

    private static func matches(
        in text: UnsafeBufferPointer<UInt8>, where isWanted: (UInt32) -> Bool
    ) -> [Match] {
        var found: [Match] = []
        var previous: (half: UInt16, start: Int)?
        /// Something stands between the previous word and here that may not stand between two words of a pair.
        var isBroken = false
        var index = 0
        kinds.withUnsafeBufferPointer { kinds in
            while index < text.count {
                let kind = kinds[Int(text[index])]
                guard kind == letter else {
                    if kind == breaking { isBroken = true }
                    index += 1
                    continue
                }
                let start = index
                repeat { index += 1 } while index < text.count && kinds[Int(text[index])] == letter
                guard index - start == 5,
                    let half = half(UnsafeBufferPointer(rebasing: text[start..<index]))
                else {
                    previous = nil
                    continue
                }
                if let first = previous, !isBroken,
                    isWanted(UInt32(first.half) << 16 | UInt32(half))
                {
                    let value = UInt32(first.half) << 16 | UInt32(half)
                    found.append(Match(value: value, range: first.start..<index))
                    previous = nil
                } else {
                    previous = (half, start)
                }
                isBroken = false
            }
        }
        return found
    }

    private static let letter: UInt8 = 1
    private static let breaking: UInt8 = 2
    /// What each byte is: part of a word, something that breaks a pair, or neither.
    private static let kinds: [UInt8] = (0...255).map { (byte: UInt8) in
        let isLetter =
            (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte >= 0x80
            || (byte >= 0x30 && byte <= 0x39) || byte == 0x27
        return isLetter ? letter : " ,.;:!?-\n\r\t".utf8.contains(byte) ? 0 : breaking
    }
}
