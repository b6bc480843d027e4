/// What is wrong with a JSON text, and where (byte offset from 0).
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package var offset: Int
    package var reason: String
    package var description: String { "not JSON at byte \(offset): \(reason)" }
}

/// Reads RFC 8259 text strictly; depth is bounded, because the text comes from outside.
package struct JSONParser {
    private let bytes: [UInt8]
    private var index = 0
    /// Members of these names are read over, and not in the value.
    private let skipped: [StaticString]
    private static let depthLimit = 128

    /// - skipped: names of members that nobody will ask for, at any depth: they are checked to be JSON, but no values are made of
    ///   them. For messages whose bulk is of no interest.
    package static func parse(_ bytes: [UInt8], without skipped: [StaticString] = [])
        throws(JSONError) -> JSONValue
    {
        var parser = JSONParser(bytes: bytes, skipped: skipped)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        if parser.index < bytes.count { throw parser.error("text after the value") }
        return value
    }

    package static func parse(_ text: String, without skipped: [StaticString] = [])
        throws(JSONError) -> JSONValue
    {
        try parse(Array(text.utf8), without: skipped)
    }

    /// Proves the text one JSON value and nothing behind it, without making one: for messages of which a scanner reads a member.
    package static func check(_ bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes: bytes, skipped: [])
        try parser.skipValue(depth: 0)
        parser.skipSpace()
        if parser.index < bytes.count { throw parser.error("text after the value") }
    }

    private init(bytes: [UInt8], skipped: [StaticString]) {
        self.bytes = bytes
        self.skipped = skipped
    }

    private func error(_ reason: String) -> JSONError { JSONError(offset: index, reason: reason) }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0a, 0x0d, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit)") }
        skipSpace()
        guard index < bytes.count else { throw error("the text ends where a value is due") }
        switch bytes[index] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError)
        -> JSONValue
    {
        let count = text.utf8CodeUnitCount
        guard index + count <= bytes.count,
            text.withUTF8Buffer({ $0.elementsEqual(bytes[index..<index + count]) })
        else { throw error("an unknown word") }
        index += count
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        index += 1
        var members: [JSONValue.Member] = []
        skipSpace()
        if index < bytes.count, bytes[index] == UInt8(ascii: "}") {
            index += 1
            return .object([])
        }
        members.reserveCapacity(6)
        while true {
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                throw error("a key is due")
            }
            let isWanted = skipped.isEmpty || !takeSkippedKey()
            let key = try isWanted ? string() : ""
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else {
                throw error("':' is due")
            }
            index += 1
            if isWanted {
                members.append(.init(key, try value(depth: depth + 1)))
            } else {
                try skipValue(depth: depth + 1)
            }
            skipSpace()
            guard index < bytes.count else { throw error("the object has no end") }
            index += 1
            if bytes[index - 1] == UInt8(ascii: "}") { return .object(members) }
            if bytes[index - 1] != UInt8(ascii: ",") {
                index -= 1
                throw error("',' or '}' is due")
            }
        }
    }

    /// Over the key at the quote, when it is one of those to be skipped.
    private mutating func takeSkippedKey() -> Bool {
        let start = index + 1
        let (end, _) = plainEnd(from: start)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return false }
        let isSkipped = bytes.withUnsafeBufferPointer { bytes in
            skipped.contains { name in
                name.utf8CodeUnitCount == end - start
                    && name.withUTF8Buffer { name in
                        name.indices.allSatisfy { bytes[start + $0] == name[$0] }
                    }
            }
        }
        if isSkipped { index = end + 1 }
        return isSkipped
    }

    /// Over a value, which is checked like any other.
    private mutating func skipValue(depth: Int) throws(JSONError) {
        guard depth < Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit)") }
        skipSpace()
        guard index < bytes.count else { throw error("the text ends where a value is due") }
        let open = bytes[index]
        guard open == UInt8(ascii: "{") || open == UInt8(ascii: "[") else {
            if open == UInt8(ascii: "\""), skipPlainString() { return }
            _ = try value(depth: depth)
            return
        }
        let isObject = open == UInt8(ascii: "{")
        let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        index += 1
        skipSpace()
        if index < bytes.count, bytes[index] == close {
            index += 1
            return
        }
        while true {
            if isObject {
                skipSpace()
                guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                    throw error("a key is due")
                }
                if !skipPlainString() { _ = try string() }
                skipSpace()
                guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else {
                    throw error("':' is due")
                }
                index += 1
            }
            try skipValue(depth: depth + 1)
            skipSpace()
            guard index < bytes.count else {
                throw error("the \(isObject ? "object" : "array") has no end")
            }
            index += 1
            if bytes[index - 1] == close { return }
            if bytes[index - 1] != UInt8(ascii: ",") {
                index -= 1
                throw error("',' or '\(isObject ? "}" : "]")' is due")
            }
        }
    }

    /// Over a string of ASCII without escapes; false, and not moved, at any other.
    private mutating func skipPlainString() -> Bool {
        let start = index + 1
        let (end, seen) = plainEnd(from: start)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\""), seen < 0x80 else { return false }
        index = end + 1
        return true
    }

    /// Where a run of bytes that stand for themselves ends (at a quote, a backslash or a control character), and all of them or-ed.
    private func plainEnd(from start: Int) -> (end: Int, seen: UInt8) {
        bytes.withUnsafeBytes { Self.plainEnd(of: $0, from: start) }
    }

    static func plainEnd(of bytes: UnsafeRawBufferPointer, from start: Int) -> (
        end: Int, seen: UInt8
    ) {
        var seen: UInt8 = 0
        var place = start
        // Eight at a time: a byte is zero where its highest bit is set after one is taken off and it was not set before.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let blanks: UInt64 = 0x2020_2020_2020_2020
        while place &+ 8 <= bytes.count {
            let part = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let quotes = part ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslashes = part ^ (ones &* UInt64(UInt8(ascii: "\\")))
            let quoted: UInt64 = (quotes &- ones) & ~quotes
            let escaped: UInt64 = (backslashes &- ones) & ~backslashes
            let control: UInt64 = (part &- blanks) & ~part
            let ends: UInt64 = quoted | escaped | control
            guard ends & tops == 0 else { break }
            if part & tops != 0 { seen = 0x80 }
            place &+= 8
        }
        while place < bytes.count, bytes[place] != UInt8(ascii: "\""),
            bytes[place] != UInt8(ascii: "\\"), bytes[place] >= 0x20
        {
            seen |= bytes[place]
            place &+= 1
        }
        return (place, seen)
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        index += 1
        var items: [JSONValue] = []
        skipSpace()
        if index < bytes.count, bytes[index] == UInt8(ascii: "]") {
            index += 1
            return .array([])
        }
        while true {
            items.append(try value(depth: depth + 1))
            skipSpace()
            guard index < bytes.count else { throw error("the array has no end") }
            index += 1
            if bytes[index - 1] == UInt8(ascii: "]") { return .array(items) }
            if bytes[index - 1] != UInt8(ascii: ",") {
                index -= 1
                throw error("',' or ']' is due")
            }
        }
    }

    private mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        // The common case, ASCII without an escape, is one copy and needs no check.
        let (end, seen) = plainEnd(from: start)
        index = end
        if index < bytes.count, bytes[index] == UInt8(ascii: "\""), seen < 0x80 {
            index += 1
            return bytes.withUnsafeBufferPointer {
                String(
                    decoding: UnsafeBufferPointer(rebasing: $0[start..<index - 1]), as: UTF8.self)
            }
        }
        var text: [UInt8] = []
        text.append(contentsOf: bytes[start..<index])
        while true {
            guard index < bytes.count else { throw error("the string has no end") }
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                guard let result = String(validating: text, as: UTF8.self) else {
                    throw error("not UTF-8")
                }
                return result
            }
            if byte < 0x20 { throw error("a control character in a string") }
            index += 1
            if byte != UInt8(ascii: "\\") {
                text.append(byte)
                continue
            }
            guard index < bytes.count else { throw error("the string has no end") }
            index += 1
            switch bytes[index - 1] {
            case UInt8(ascii: "\""): text.append(0x22)
            case UInt8(ascii: "\\"): text.append(0x5c)
            case UInt8(ascii: "/"): text.append(0x2f)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0c)
            case UInt8(ascii: "n"): text.append(0x0a)
            case UInt8(ascii: "r"): text.append(0x0d)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text.append(contentsOf: String(try escapedScalar()).utf8)
            default:
                index -= 1
                throw error("an unknown escape")
            }
        }
    }

    /// `\uXXXX`, joined with its low surrogate; a lone surrogate reads as U+FFFD, as browsers do.
    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let first = try hex4()
        if let scalar = Unicode.Scalar(UInt32(first)) { return scalar }
        guard first < 0xdc00, index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        else { return "\u{fffd}" }
        index += 2
        let second = try hex4()
        guard (0xdc00..<0xe000).contains(second) else { return "\u{fffd}" }
        return Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00))
            ?? "\u{fffd}"
    }

    private mutating func hex4() throws(JSONError) -> UInt16 {
        guard index + 4 <= bytes.count else { throw error("four hex digits are due") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
                throw error("a hex digit is due")
            }
            value = value << 4 | UInt16(digit)
            index += 1
        }
        return value
    }

    /// A number that its digits give without rounding: whole, or few digits over a power of ten that a `Double` holds exactly, so that
    /// one division rounds as `Double(_: String)` does. Nil for all others, and for what has an exponent.
    private static func shortNumber(_ text: Span<UInt8>, isWhole: Bool) -> JSONValue? {
        guard text.count <= 16 else { return nil }
        var digits: Int64 = 0
        var scale = 1.0
        var isFraction = false
        let isNegative = text[0] == UInt8(ascii: "-")
        for index in (isNegative ? 1 : 0)..<text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                isFraction = true
                continue
            }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            digits = digits * 10 + Int64(byte - 0x30)
            if isFraction { scale *= 10 }
        }
        if isWhole { return .integer(isNegative ? -digits : digits) }
        guard digits < 1 << 53 else { return nil }
        let value = Double(digits) / scale
        return .number(isNegative ? -value : value)
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = index
        func isDigit(_ place: Int) -> Bool {
            place < bytes.count && bytes[place] >= 0x30 && bytes[place] <= 0x39
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: "-") { index += 1 }
        guard isDigit(index) else { throw error("a value is due") }
        if bytes[index] == 0x30, isDigit(index + 1) { throw error("a number may not start with 0") }
        while isDigit(index) { index += 1 }
        var isWhole = true
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            isWhole = false
            index += 1
            guard isDigit(index) else { throw error("a digit is due") }
            while isDigit(index) { index += 1 }
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            index += 1
            if index < bytes.count,
                bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-")
            {
                index += 1
            }
            guard isDigit(index) else { throw error("a digit is due") }
            while isDigit(index) { index += 1 }
        }
        if let short = Self.shortNumber(bytes.span.extracting(start..<index), isWhole: isWhole) {
            return short
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw error("a number out of range") }
        return .number(value)
    }
}
