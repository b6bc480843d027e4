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
    private static let depthLimit = 128

    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        if parser.index < bytes.count { throw parser.error("text after the value") }
        return value
    }

    package static func parse(_ text: String) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8))
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

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
        while true {
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                throw error("a key is due")
            }
            let key = try string()
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else {
                throw error("':' is due")
            }
            index += 1
            members.append(.init(key, try value(depth: depth + 1)))
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
        var seen: UInt8 = 0
        bytes.withUnsafeBufferPointer { bytes in
            var place = start
            while place < bytes.count, bytes[place] != UInt8(ascii: "\""),
                bytes[place] != UInt8(ascii: "\\"), bytes[place] >= 0x20
            {
                seen |= bytes[place]
                place += 1
            }
            index = place
        }
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
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw error("a number out of range") }
        return .number(value)
    }
}
