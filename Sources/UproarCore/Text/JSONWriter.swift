/// JSON text, independent of the locale: the shortest number that reads back the same, no trailing spaces.
extension JSONValue {
    /// One line without spaces (`indent` nil), or indented by two spaces a level.
    package func encoded(pretty: Bool = false) -> [UInt8] {
        var output: [UInt8] = []
        write(into: &output, indent: pretty ? 0 : nil)
        return output
    }

    package func text(pretty: Bool) -> String {
        String(decoding: encoded(pretty: pretty), as: UTF8.self)
    }

    package func write(into output: inout [UInt8], indent: Int? = nil) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): output.append(contentsOf: String(value).utf8)
        case .number(let value): output.append(contentsOf: Self.text(of: value).utf8)
        case .string(let value): Self.write(value, into: &output)
        case .array(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.breakLine(&output, indent.map { $0 + 1 })
                item.write(into: &output, indent: indent.map { $0 + 1 })
            }
            if !items.isEmpty { Self.breakLine(&output, indent) }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.breakLine(&output, indent.map { $0 + 1 })
                Self.write(member.key, into: &output)
                output.append(UInt8(ascii: ":"))
                if indent != nil { output.append(UInt8(ascii: " ")) }
                member.value.write(into: &output, indent: indent.map { $0 + 1 })
            }
            if !members.isEmpty { Self.breakLine(&output, indent) }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// A JSON number. JSON has no infinity and no NaN: they become null, and nothing of ours writes them.
    private static func text(of value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return value.description
    }

    private static func breakLine(_ output: inout [UInt8], _ indent: Int?) {
        guard let indent else { return }
        output.append(UInt8(ascii: "\n"))
        for _ in 0..<indent { output.append(contentsOf: [0x20, 0x20]) }
    }

    /// A string with its quotes, escaped as RFC 8259 §7 demands and no further.
    package static func write(_ text: String, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        // Nearly all texts need no escape: then they are one copy.
        let isPlain =
            text.utf8.withContiguousStorageIfAvailable { bytes in
                guard JSONParser.plainEnd(of: .init(bytes), from: 0).end == bytes.count else {
                    return false
                }
                output.append(contentsOf: bytes)
                return true
            } ?? false
        if !isPlain { escape(text, into: &output) }
        output.append(UInt8(ascii: "\""))
    }

    private static func escape(_ text: String, into output: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): output.append(contentsOf: [0x5c, 0x22])
            case UInt8(ascii: "\\"): output.append(contentsOf: [0x5c, 0x5c])
            case 0x0a: output.append(contentsOf: [0x5c, 0x6e])
            case 0x0d: output.append(contentsOf: [0x5c, 0x72])
            case 0x09: output.append(contentsOf: [0x5c, 0x74])
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                output.append(contentsOf: "\\u00".utf8)
                output.append(digits[Int(byte >> 4)])
                output.append(digits[Int(byte & 15)])
            default: output.append(byte)
            }
        }
    }
}
