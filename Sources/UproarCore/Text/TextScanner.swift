/// What is wrong inside one scalar of a file, and where: `offset` counts bytes from the start of the scalar's text.
///
/// A reader that knows the file adds its name, line and column.
package struct TextProblem: Error, Hashable, Sendable {
    package var offset: Int
    /// What is wrong, without a full stop: `"60" has no unit`.
    package var reason: String
    /// What is allowed there: `a duration such as 20ms, 1.5s, 2m or 1m30s`.
    package var allowed: String

    package init(offset: Int, reason: String, allowed: String) {
        self.offset = offset
        self.reason = reason
        self.allowed = allowed
    }

    /// The same problem in a text that begins `by` bytes further right.
    package func shifted(by distance: Int) -> TextProblem {
        TextProblem(offset: offset + distance, reason: reason, allowed: allowed)
    }
}

/// Reads the small grammars that live inside one scalar (durations, distributions, load lines, gates): bytes of
/// UTF-8 with a place, and nothing that can run past the end.
package struct TextScanner: Sendable {
    package let bytes: [UInt8]
    package var offset = 0

    package init(_ text: String) { bytes = Array(text.utf8) }

    package var isAtEnd: Bool { offset >= bytes.count }
    package var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    /// The text from `start` to here.
    package func text(from start: Int) -> String {
        String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    /// What is left, without moving.
    package var rest: String { String(decoding: bytes[min(offset, bytes.count)...], as: UTF8.self) }

    package mutating func skipSpaces() {
        while let byte = next, byte == 0x20 || byte == 0x09 { offset += 1 }
    }

    /// Skips `text` if it stands here, byte for byte.
    package mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset + count <= bytes.count,
            text.withUTF8Buffer({ $0.elementsEqual(bytes[offset..<offset + count]) })
        else { return false }
        offset += count
        return true
    }

    /// Skips spaces, then `text` if it stands there as a whole word; moves nothing when it does not.
    package mutating func takeWord(_ text: StaticString) -> Bool {
        let start = offset
        skipSpaces()
        if take(text), !(next.map(Self.isWordByte) ?? false) { return true }
        offset = start
        return false
    }

    /// Skips spaces and reads letters, digits, `_` and `-`; empty when none stands there.
    package mutating func word() -> String {
        skipSpaces()
        let start = offset
        while let byte = next, Self.isWordByte(byte) { offset += 1 }
        return text(from: start)
    }

    /// Reads bytes until one of `stops` or the end; spaces at both ends are cut.
    package mutating func text(until stops: (UInt8) -> Bool) -> String {
        skipSpaces()
        let start = offset
        while let byte = next, !stops(byte) { offset += 1 }
        var end = offset
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    package static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || isLetter(byte)
    }

    package static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    package static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte >= 0x80
    }

    package func problem(_ reason: String, allowed: String) -> TextProblem {
        TextProblem(offset: min(offset, bytes.count), reason: reason, allowed: allowed)
    }

    /// What stands here, for "found …" in a message: the next word or character, or `the end`.
    package var found: String {
        var copy = self
        copy.skipSpaces()
        guard let byte = copy.next else { return "the end" }
        let word = copy.word()
        if !word.isEmpty { return "\"\(word)\"" }
        return byte < 0x80 ? "\"\(Character(Unicode.Scalar(byte)))\"" : "an unreadable character"
    }
}
