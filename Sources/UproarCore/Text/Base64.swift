/// Base64 (RFC 4648 §4) for the data plane: no allocation beyond the caller's buffer.
package enum Base64 {
    private static let letters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xff, count: 256)
        for (value, letter) in letters.enumerated() { table[Int(letter)] = UInt8(value) }
        // The URL-safe letters (§5) are read too: some clients send them.
        table[Int(UInt8(ascii: "-"))] = 62
        table[Int(UInt8(ascii: "_"))] = 63
        return table
    }()

    package static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Appends the padded encoding of `bytes`.
    package static func encode(_ bytes: RawSpan, into output: inout [UInt8]) {
        bytes.withUnsafeBytes { source in
            letters.withUnsafeBufferPointer { letters in
                output.reserveCapacity(output.count + encodedCount(source.count))
                var index = 0
                while index + 2 < source.count {
                    let word =
                        UInt32(source[index]) << 16 | UInt32(source[index + 1]) << 8
                        | UInt32(source[index + 2])
                    output.append(letters[Int(word >> 18)])
                    output.append(letters[Int(word >> 12 & 63)])
                    output.append(letters[Int(word >> 6 & 63)])
                    output.append(letters[Int(word & 63)])
                    index += 3
                }
                let rest = source.count - index
                if rest > 0 {
                    let word =
                        UInt32(source[index]) << 16
                        | (rest == 2 ? UInt32(source[index + 1]) << 8 : 0)
                    output.append(letters[Int(word >> 18)])
                    output.append(letters[Int(word >> 12 & 63)])
                    output.append(rest == 2 ? letters[Int(word >> 6 & 63)] : UInt8(ascii: "="))
                    output.append(UInt8(ascii: "="))
                }
            }
        }
    }

    package static func encode(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        encode(bytes.span.bytes, into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends the decoded bytes. False, with `output` as it was, when `text` is not Base64. Padding may be missing.
    package static func decode(_ text: RawSpan, into output: inout [UInt8]) -> Bool {
        let before = output.count
        let good = text.withUnsafeBytes { source -> Bool in
            values.withUnsafeBufferPointer { values in
                var count = source.count
                while count > 0, source[count - 1] == UInt8(ascii: "="), source.count - count < 2 {
                    count -= 1
                }
                guard count % 4 != 1 else { return false }
                output.reserveCapacity(before + count * 3 / 4)
                var index = 0
                while index + 3 < count {
                    let a = values[Int(source[index])]
                    let b = values[Int(source[index + 1])]
                    let c = values[Int(source[index + 2])]
                    let d = values[Int(source[index + 3])]
                    guard a | b | c | d < 64 else { return false }
                    let word = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6 | UInt32(d)
                    output.append(UInt8(truncatingIfNeeded: word >> 16))
                    output.append(UInt8(truncatingIfNeeded: word >> 8))
                    output.append(UInt8(truncatingIfNeeded: word))
                    index += 4
                }
                let rest = count - index
                if rest >= 2 {
                    let a = values[Int(source[index])]
                    let b = values[Int(source[index + 1])]
                    let c = rest == 3 ? values[Int(source[index + 2])] : 0
                    guard a | b | c < 64 else { return false }
                    let word = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6
                    output.append(UInt8(truncatingIfNeeded: word >> 16))
                    if rest == 3 { output.append(UInt8(truncatingIfNeeded: word >> 8)) }
                }
                return true
            }
        }
        if !good { output.removeLast(output.count - before) }
        return good
    }

    package static func decode(_ text: String) -> [UInt8]? {
        var output: [UInt8] = []
        let bytes = Array(text.utf8)
        return decode(bytes.span.bytes, into: &output) ? output : nil
    }
}
