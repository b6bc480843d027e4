import CHiredis
import UproarCore

/// A value of Redis' wire protocol, version 2 (redis.io, "Redis serialization protocol specification").
package enum RESPValue: Hashable, Sendable {
    /// A status line: `+OK`.
    case simple(String)
    /// An error line; its first word is the kind: `-READONLY You can't write …`.
    case error(String)
    case integer(Int)
    /// A binary-safe string.
    case bulk([UInt8])
    case array([RESPValue])
    /// The null bulk string, or the null array.
    case null

    package static let ok = RESPValue.simple("OK")

    package static func bulk(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }

    /// What is text in it: of a bulk string, a status or an error.
    package var text: String? {
        switch self {
        case .simple(let text), .error(let text): text
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .integer, .array, .null: nil
        }
    }

    /// The words of a command as a server receives it: an array of bulk strings, at least one.
    package var words: [[UInt8]]? {
        guard case .array(let items) = self, !items.isEmpty else { return nil }
        var words: [[UInt8]] = []
        for item in items {
            guard case .bulk(let word) = item else { return nil }
            words.append(word)
        }
        return words
    }

    /// Appends the value as a server sends it. A line end inside a status or an error becomes a blank: it would end the line.
    package func write(into output: inout [UInt8]) {
        switch self {
        case .simple(let text): Self.line("+", text.utf8, into: &output)
        case .error(let text): Self.line("-", text.utf8, into: &output)
        case .integer(let value): Self.line(":", String(value).utf8, into: &output)
        case .null: Self.line("$", "-1".utf8, into: &output)
        case .bulk(let bytes):
            Self.line("$", String(bytes.count).utf8, into: &output)
            output.append(contentsOf: bytes)
            output.append(contentsOf: [0x0d, 0x0a])
        case .array(let items):
            Self.line("*", String(items.count).utf8, into: &output)
            for item in items { item.write(into: &output) }
        }
    }

    private static func line(
        _ kind: Unicode.Scalar, _ text: String.UTF8View, into output: inout [UInt8]
    ) {
        output.append(UInt8(ascii: kind))
        for byte in text { output.append(byte == 0x0d || byte == 0x0a ? 0x20 : byte) }
        output.append(0x0d)
        output.append(0x0a)
    }
}

/// Commands as they go to a server.
package enum RESPCommand {
    /// Appends a command of at least one word. The C function is `redisFormatCommandArgv`.
    package static func write(_ words: [[UInt8]], into output: inout [UInt8]) {
        precondition(!words.isEmpty, "a command has at least one word")
        // The words one behind the other, so that each has an address for as long as the call takes.
        var joined: [UInt8] = []
        for word in words { joined += word }
        joined.withUnsafeBytes { bytes in
            // A word of no bytes still needs an address that is not null.
            let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for word in words {
                pointers.append((base + offset).assumingMemoryBound(to: CChar.self))
                offset += word.count
            }
            var target: UnsafeMutablePointer<CChar>?
            let count = redisFormatCommandArgv(
                &target, Int32(words.count), &pointers, words.map(\.count))
            guard let target, count >= 0 else {
                preconditionFailure("no memory for a command of \(joined.count) bytes")
            }
            output.append(contentsOf: UnsafeRawBufferPointer(start: target, count: Int(count)))
            redisFreeCommand(target)
        }
    }

    package static func write(_ words: [String], into output: inout [UInt8]) {
        write(words.map { Array($0.utf8) }, into: &output)
    }
}
