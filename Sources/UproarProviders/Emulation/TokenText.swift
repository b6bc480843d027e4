/// Text cut into pieces of about one token: a word of up to ten letters with the space before it, or one sign.
///
/// An estimate for usage and for the pieces of a stream; it needs no vendor's vocabulary.
package enum TokenText {
    private static let longestPiece = 10

    package static func pieces(of text: String) -> [String] {
        var pieces: [String] = []
        scan(text.utf8) { range, bytes in
            pieces.append(String(decoding: bytes[range], as: UTF8.self))
        }
        return pieces
    }

    package static func count(_ text: String) -> Int {
        var count = 0
        scan(text.utf8) { _, _ in count += 1 }
        return count
    }

    /// Bytes of JSON or code: about four to a token.
    package static func count(bytes: Int) -> Int { (bytes + 3) / 4 }

    private static func scan(
        _ text: String.UTF8View, _ body: (Range<Int>, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        let bytes = Array(text)
        bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            while start < bytes.count {
                var end = start
                while end < bytes.count, bytes[end] == 0x20 { end += 1 }
                let wordStart = end
                while end < bytes.count, isLetter(bytes[end]), end - wordStart < longestPiece {
                    end += 1
                }
                if end == wordStart, end < bytes.count { end += 1 }
                // Never cut inside a character.
                while end < bytes.count, bytes[end] & 0xc0 == 0x80 { end += 1 }
                body(start..<end, bytes)
                start = end
            }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte >= 0x80
            || (byte >= 0x30 && byte <= 0x39) || byte == 0x27
    }
}
