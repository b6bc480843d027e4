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
        let start = output.count
        // Room is made once and filled by pointer: an append for each letter would check the array each time.
        output.append(contentsOf: repeatElement(0, count: encodedCount(bytes.byteCount)))
        output.withUnsafeMutableBufferPointer { output in
            bytes.withUnsafeBytes { source in
                letters.withUnsafeBufferPointer { letters in
                    var place = start
                    var index = 0
                    while index + 2 < source.count {
                        let word =
                            UInt32(source[index]) << 16 | UInt32(source[index + 1]) << 8
                            | UInt32(source[index + 2])
                        output[place] = letters[Int(word >> 18)]
                        output[place + 1] = letters[Int(word >> 12 & 63)]
                        output[place + 2] = letters[Int(word >> 6 & 63)]
                        output[place + 3] = letters[Int(word & 63)]
                        index += 3
                        place += 4
                    }
                    let rest = source.count - index
                    if rest > 0 {
                        let word =
                            UInt32(source[index]) << 16
                            | (rest == 2 ? UInt32(source[index + 1]) << 8 : 0)
                        output[place] = letters[Int(word >> 18)]
                        output[place + 1] = letters[Int(word >> 12 & 63)]
                        output[place + 2] =
                            rest == 2 ? letters[Int(word >> 6 & 63)] : UInt8(ascii: "=")
                        output[place + 3] = UInt8(ascii: "=")
                    }
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
        let start = output.count
        let good = text.withUnsafeBytes { source -> Bool in
            var count = source.count
            while count > 0, source[count - 1] == UInt8(ascii: "="), source.count - count < 2 {
                count -= 1
            }
            let rest = count % 4
            guard rest != 1 else { return false }
            output.append(contentsOf: repeatElement(0, count: count / 4 * 3 + max(0, rest - 1)))
            return output.withUnsafeMutableBufferPointer { output in
                values.withUnsafeBufferPointer { values in
                    var place = start
                    var index = 0
                    // Letters of no value leave a high bit; one look at the end is enough.
                    var seen: UInt8 = 0
                    while index + 3 < count {
                        // Silence in mu-law is 0xff, a row of slashes: most of all audio in calls.
                        while index + 8 <= count,
                            source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                                == 0x2f2f_2f2f_2f2f_2f2f
                        {
                            for offset in 0..<6 { output[place + offset] = 0xff }
                            index += 8
                            place += 6
                        }
                        guard index + 3 < count else { break }
                        let a = values[Int(source[index])]
                        let b = values[Int(source[index + 1])]
                        let c = values[Int(source[index + 2])]
                        let d = values[Int(source[index + 3])]
                        seen |= a | b | c | d
                        let word =
                            UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6 | UInt32(d)
                        output[place] = UInt8(truncatingIfNeeded: word >> 16)
                        output[place + 1] = UInt8(truncatingIfNeeded: word >> 8)
                        output[place + 2] = UInt8(truncatingIfNeeded: word)
                        index += 4
                        place += 3
                    }
                    if rest >= 2 {
                        let a = values[Int(source[index])]
                        let b = values[Int(source[index + 1])]
                        let c = rest == 3 ? values[Int(source[index + 2])] : 0
                        seen |= a | b | c
                        let word = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6
                        output[place] = UInt8(truncatingIfNeeded: word >> 16)
                        if rest == 3 { output[place + 1] = UInt8(truncatingIfNeeded: word >> 8) }
                    }
                    return seen < 64
                }
            }
        }
        if !good { output.removeLast(output.count - start) }
        return good
    }

    package static func decode(_ text: String) -> [UInt8]? {
        var output: [UInt8] = []
        let bytes = Array(text.utf8)
        return decode(bytes.span.bytes, into: &output) ? output : nil
    }
}
