import Glibc
import UproarCore

/// Finds members in a small JSON message without building a value: for the media path, where a message comes every 20 ms and one
/// string of it matters. Allocates nothing.
///
/// Blanks and the order of keys do not matter. It reads well-formed messages right and never reads beyond the bytes, but it does not prove a
/// message well-formed: what it does not look at may be anything. Keys with escapes are not compared; where a key repeats, the
/// first counts. Who must know more uses `JSONParser`.
package enum JSONScanner {
    /// A string member: where its contents lie, between the quotes.
    package struct Text: Hashable, Sendable {
        package var range: Range<Int>
        /// The contents hold escapes: read them with `JSONScanner.unescaped`.
        package var hasEscapes: Bool
    }

    /// The string at a key of the outermost object: `{"event":"media"}` at `event`.
    package static func string(_ bytes: RawSpan, at key: StaticString) -> Text? {
        bytes.withUnsafeBytes { bytes in
            var cursor = Cursor(bytes)
            return cursor.enterObject(key) ? cursor.string() : nil
        }
    }

    /// The string at a key of an object that is itself a member: `{"media":{"payload":"…"}}` at `media`, `payload`.
    package static func string(
        _ bytes: RawSpan, at outer: StaticString, _ inner: StaticString
    ) -> Text? {
        bytes.withUnsafeBytes { bytes in
            var cursor = Cursor(bytes)
            return cursor.enterObject(outer) && cursor.enterObject(inner) ? cursor.string() : nil
        }
    }

    /// Whether the string at `key` is `value` (which needs no escapes).
    package static func holds(
        _ bytes: RawSpan, at key: StaticString, _ value: StaticString
    ) -> Bool {
        guard let text = string(bytes, at: key), !text.hasEscapes else { return false }
        return bytes.withUnsafeBytes { bytes in
            value.withUTF8Buffer { bytes[text.range].elementsEqual($0) }
        }
    }

    /// The whole number at a key of the outermost object, written as a number or, as Twilio does, as a string.
    package static func integer(_ bytes: RawSpan, at key: StaticString) -> Int? {
        bytes.withUnsafeBytes { bytes in
            var cursor = Cursor(bytes)
            return cursor.enterObject(key) ? cursor.integer() : nil
        }
    }

    package static func integer(
        _ bytes: RawSpan, at outer: StaticString, _ inner: StaticString
    ) -> Int? {
        bytes.withUnsafeBytes { bytes in
            var cursor = Cursor(bytes)
            return cursor.enterObject(outer) && cursor.enterObject(inner) ? cursor.integer() : nil
        }
    }

    /// The string that `text` found, copied, escapes resolved; nil when it is not valid JSON after all.
    package static func unescaped(_ bytes: RawSpan, _ text: Text) -> String? {
        bytes.withUnsafeBytes { bytes in
            guard text.hasEscapes else {
                return String(validating: bytes[text.range], as: UTF8.self)
            }
            let quoted = bytes[(text.range.lowerBound - 1)...text.range.upperBound]
            return try? JSONParser.parse(Array(quoted)).text
        }
    }
}

/// A place in a JSON text. Every step either moves forward or gives up.
private struct Cursor {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            index &+= 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard current == byte else { return false }
        index &+= 1
        return true
    }

    /// From before an object to before the value of its member `key`. False when there is none.
    mutating func enterObject(_ key: StaticString) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        while let name = string() {
            guard take(UInt8(ascii: ":")) else { return false }
            if isSame(name.range, key) { return true }
            guard skipValue(), take(UInt8(ascii: ",")) else { return false }
        }
        return false
    }

    /// The C function is `memcmp`.
    private func isSame(_ range: Range<Int>, _ key: StaticString) -> Bool {
        guard range.count == key.utf8CodeUnitCount, let base = bytes.baseAddress else {
            return false
        }
        return memcmp(base + range.lowerBound, key.utf8Start, range.count) == 0
    }

    /// A string's contents; the cursor ends behind its closing quote.
    mutating func string() -> JSONScanner.Text? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = index
        guard let quote = firstIndex(of: UInt8(ascii: "\""), in: start..<bytes.count) else {
            return nil
        }
        if let escape = firstIndex(of: UInt8(ascii: "\\"), in: start..<quote) {
            return stringWithEscapes(from: start, firstEscape: escape)
        }
        index = quote &+ 1
        return .init(range: start..<quote, hasEscapes: false)
    }

    private mutating func stringWithEscapes(from start: Int, firstEscape: Int) -> JSONScanner.Text?
    {
        index = firstEscape
        while let byte = current {
            index &+= byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") {
                return .init(range: start..<index - 1, hasEscapes: true)
            }
        }
        return nil
    }

    /// The C function is `memchr`.
    private func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        guard let base = bytes.baseAddress,
            let found = memchr(base + range.lowerBound, Int32(byte), range.count)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    mutating func integer() -> Int? {
        skipBlanks()
        var end: Int?
        if current == UInt8(ascii: "\"") {
            guard let text = string() else { return nil }
            index = text.range.lowerBound
            end = text.range.upperBound
        }
        let isNegative = current == UInt8(ascii: "-")
        if isNegative { index &+= 1 }
        let start = index
        var value = 0
        while let byte = current, (0x30...0x39).contains(byte) {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(byte &- 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
            index &+= 1
        }
        guard index > start, end == nil || end == index else { return nil }
        // Not the whole part of something else.
        switch current {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
        default: return isNegative ? -value : value
        }
    }

    /// Over any value: brackets are counted, not matched, because only their balance matters here.
    private mutating func skipValue() -> Bool {
        var depth = 0
        while true {
            skipBlanks()
            guard let byte = current else { return false }
            switch byte {
            case UInt8(ascii: "\""):
                guard string() != nil else { return false }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth &+= 1
                index &+= 1
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { return false }
                depth &-= 1
                index &+= 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard depth > 0 else { return false }
                index &+= 1
                continue
            default:
                while let byte = current, !Self.endsWord(byte) { index &+= 1 }
            }
            if depth == 0 { return true }
        }
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x0a, 0x0d, 0x09, UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "]"),
            UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "\""):
            true
        default: false
        }
    }
}
