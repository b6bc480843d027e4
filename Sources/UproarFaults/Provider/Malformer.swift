import UproarCore

/// Breaks the bytes of a chunk in one known way.
package enum Malformer {
    /// A chunk longer than most clients take.
    static let oversize = 2 << 20

    /// - marks: what the vendor's content stands behind, such as `"content":"`; where the chunk has none of them, or no content is
    ///   told apart, its first key counts.
    /// - returns: the chunk as it was when there is nothing in it to break that way.
    package static func garble(
        _ chunk: [UInt8], _ kind: AnswerShape.Malformation, marks: [String] = []
    ) -> [UInt8] {
        switch kind {
        case .badJSON:
            // The last brace goes: the framing around it stays.
            guard let brace = chunk.lastIndex(of: UInt8(ascii: "}")) else {
                return chunk.dropLast()
            }
            return Array(chunk[..<brace]) + chunk[(brace + 1)...]
        case .splitUTF8:
            // The head of a two-byte character without its tail.
            let place = chunk.firstIndex(of: UInt8(ascii: ":")).map { $0 + 2 } ?? chunk.count
            let cut = min(place, chunk.count)
            return Array(chunk[..<cut]) + [0xc3] + chunk[cut...]
        case .badFraming:
            // Without blank lines one event runs into the next; without its first byte a message is no JSON.
            let text = chunk.filter { $0 != UInt8(ascii: "\n") }
            return text.count == chunk.count ? Array(chunk.dropFirst()) : text
        case .badBase64: return withBrokenRun(chunk)
        case .missingField:
            let content = marks.lazy.compactMap { firstIndex(of: Array($0.utf8), in: chunk) }.first
            guard let start = content ?? chunk.firstIndex(of: UInt8(ascii: "\"")),
                start + 1 < chunk.count
            else { return chunk }
            var chunk = chunk
            chunk[start + 1] =
                chunk[start + 1] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
            return chunk
        case .oversized:
            guard let brace = chunk.firstIndex(of: UInt8(ascii: "{")) else { return chunk }
            return Array(chunk[...brace]) + [UInt8](repeating: 0x20, count: oversize)
                + chunk[(brace + 1)...]
        }
    }

    private static func firstIndex(of mark: [UInt8], in chunk: [UInt8]) -> Int? {
        guard chunk.count >= mark.count else { return nil }
        return (0...(chunk.count - mark.count)).first {
            chunk[$0..<$0 + mark.count].elementsEqual(mark)
        }
    }

    /// The first long run of base64 gets a character that is none.
    private static func withBrokenRun(_ chunk: [UInt8]) -> [UInt8] {
        var start = 0
        for (index, byte) in chunk.enumerated() {
            if !AudioDefects.isDigit(byte) {
                start = index + 1
            } else if index - start == 63 {
                var broken = chunk
                broken[index] = UInt8(ascii: "!")
                return broken
            }
        }
        return chunk
    }
}
