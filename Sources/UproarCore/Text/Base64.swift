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

    /// The letters of 12 bits each, as they lie in memory: two look-ups make four letters.
    private static let pairs: [UInt16] = (0..<4096).map { value in
        UInt16(letters[value >> 6]) | UInt16(letters[value & 63]) << 8
    }
    private static let zeros = [UInt8](repeating: 0, count: 4096)

    package static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Appends the padded encoding of `bytes`.
    package static func encode(_ bytes: RawSpan, into output: inout [UInt8]) {
        let start = output.count
        // Room is made once and filled by pointer: an append for each letter would check the array each time.
        makeRoom(encodedCount(bytes.byteCount), in: &output)
        output.withUnsafeMutableBytes { output in
            bytes.withUnsafeBytes { source in
                pairs.withUnsafeBufferPointer { pairs in
                    var place = start
                    var index = 0
                    // Six bytes make eight letters in one store; eight are read for them.
                    while index + 8 <= source.count {
                        let word = UInt64(
                            bigEndian: source.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                        let first = UInt64(pairs[Int(word >> 52)])
                        let second = UInt64(pairs[Int(word >> 40 & 4095)])
                        let third = UInt64(pairs[Int(word >> 28 & 4095)])
                        let fourth = UInt64(pairs[Int(word >> 16 & 4095)])
                        let eight = first | second << 16 | third << 32 | fourth << 48
                        output.storeBytes(
                            of: eight.littleEndian, toByteOffset: place, as: UInt64.self)
                        index += 6
                        place += 8
                    }
                    while index + 2 < source.count {
                        let word =
                            UInt32(source[index]) << 16 | UInt32(source[index + 1]) << 8
                            | UInt32(source[index + 2])
                        let four =
                            UInt32(pairs[Int(word >> 12)]) | UInt32(pairs[Int(word & 4095)]) << 16
                        output.storeBytes(
                            of: four.littleEndian, toByteOffset: place, as: UInt32.self)
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

    /// What each letter gives at each of the four places in the three bytes that they make, as they lie in memory; the highest byte
    /// is zero but for what is no letter.
    private static let parts: [UInt32] = (0..<4).flatMap { place in
        values.map { letter -> UInt32 in
            let value = UInt32(letter)
            guard value < 64 else { return 1 << 24 }
            switch place {
            case 0: return value << 2
            case 1: return (value >> 4) | ((value & 15) << 12)
            case 2: return ((value >> 2) << 8) | ((value & 3) << 22)
            default: return value << 16
            }
        }
    }

    @inline(__always)
    private static func withTables<Result>(
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt32>) -> Result
    ) -> Result {
        values.withUnsafeBufferPointer { values in
            parts.withUnsafeBufferPointer { parts in body(values, parts) }
        }
    }

    /// Appends `count` bytes of no matter what.
    private static func makeRoom(_ count: Int, in output: inout [UInt8]) {
        var rest = count
        zeros.withUnsafeBufferPointer { zeros in
            while rest > 0 {
                let part = min(rest, zeros.count)
                output.append(contentsOf: UnsafeBufferPointer(rebasing: zeros[..<part]))
                rest -= part
            }
        }
    }

    /// Decodes the slashes at `index`, 32 or 8 at a time; returns how many.
    @inline(__always)
    private static func silence(
        _ source: UnsafeRawBufferPointer, from start: Int, to end: Int,
        _ output: UnsafeMutableBufferPointer<UInt8>, at place: Int
    ) -> Int {
        guard source[start] == UInt8(ascii: "/") else { return 0 }
        let target = UnsafeMutableRawBufferPointer(output)
        let slashes = SIMD4<UInt64>(repeating: 0x2f2f_2f2f_2f2f_2f2f)
        var index = start
        var place = place
        while index + 32 <= end,
            source.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self) == slashes
        {
            for offset in 0..<3 {
                target.storeBytes(of: UInt64.max, toByteOffset: place + 8 * offset, as: UInt64.self)
            }
            index += 32
            place += 24
        }
        while index + 8 <= end,
            source.loadUnaligned(fromByteOffset: index, as: UInt64.self) == slashes[0]
        {
            target.storeBytes(of: UInt32.max, toByteOffset: place, as: UInt32.self)
            target.storeBytes(of: UInt16.max, toByteOffset: place + 4, as: UInt16.self)
            index += 8
            place += 6
        }
        return index - start
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
            makeRoom(count / 4 * 3 + max(0, rest - 1), in: &output)
            return output.withUnsafeMutableBufferPointer { output in
                let target = UnsafeMutableRawBufferPointer(output)
                return withTables { values, parts in
                    var place = start
                    var index = 0
                    // Letters of no value leave a high bit; one look at the end is enough.
                    var seen: UInt8 = 0
                    var bad: UInt32 = 0
                    while index + 3 < count {
                        // Silence in mu-law is 0xff, a row of slashes: most of all audio in calls.
                        let skipped = silence(source, from: index, to: count, output, at: place)
                        index += skipped
                        place += skipped / 4 * 3
                        // Four at a time; each store writes a byte too many, which the next three letters' own bytes replace.
                        while index + 8 <= count {
                            let a = parts[Int(source[index])]
                            let b = parts[256 + Int(source[index + 1])]
                            let c = parts[512 + Int(source[index + 2])]
                            let d = parts[768 + Int(source[index + 3])]
                            let word: UInt32 = a | b | c | d
                            bad |= word
                            target.storeBytes(
                                of: word.littleEndian, toByteOffset: place, as: UInt32.self)
                            index += 4
                            place += 3
                            // A row of slashes is quicker in larger steps.
                            if word == 0xff_ffff { break }
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
                    return seen < 64 && bad < 1 << 24
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
