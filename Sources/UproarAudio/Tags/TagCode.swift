/// The error-correcting code of a tag: Reed–Solomon over GF(16), 15 symbols of which 10 carry 32 bits and their CRC-8.
///
/// Five parity symbols make good any mixture of `e` wrong and `s` unreadable symbols with 2e + s ≤ 5. A word is packed
/// into 60 bits, symbol 0 in the lowest four.
enum TagCode {
    static let length = 15
    private static let parity = 5

    static func symbol(_ index: Int, of word: UInt64) -> UInt8 { UInt8(word >> (4 * index) & 15) }

    private static func set(_ symbol: UInt8, _ index: Int, of word: inout UInt64) {
        word = word & ~(15 << (4 * UInt64(index))) | UInt64(symbol) << (4 * UInt64(index))
    }

    /// The code word of `value`: parity in symbols 0…4, CRC in 5 and 6, the value in 7…14.
    static func encode(_ value: UInt32) -> UInt64 {
        var word: UInt64 = 0
        let message = UInt64(value) << 8 | UInt64(crc8(value))
        // Long division by the generator polynomial, highest symbol first.
        var rest = [UInt8](repeating: 0, count: parity)
        for index in (0..<length - parity).reversed() {
            let symbol = UInt8(message >> (4 * UInt64(index)) & 15)
            set(symbol, index + parity, of: &word)
            let lead = symbol ^ rest[parity - 1]
            for place in (1..<parity).reversed() {
                rest[place] = rest[place - 1] ^ GF16.product(lead, generator[place])
            }
            rest[0] = GF16.product(lead, generator[0])
        }
        for index in 0..<parity { set(rest[index], index, of: &word) }
        return word
    }

    /// The value behind a damaged word, and how many symbols had to be mended; nil when no code word with a good CRC is near.
    ///
    /// `trust` (one per symbol) says how sure the reader is. The least trusted symbols are given up one by one, which is
    /// what a lost packet asks for, and for each number of them as many errors are searched as the parity still allows.
    static func decode(_ received: UInt64, trust: InlineArray<15, UInt8>)
        -> (value: UInt32, mended: Int)?
    {
        var order = InlineArray<15, Int> { $0 }
        for index in 1..<length {
            var place = index
            while place > 0, trust[order[place]] < trust[order[place - 1]] {
                order.swapAt(place, place - 1)
                place -= 1
            }
        }
        for erased in 0...parity {
            guard let word = decode(received, order: order, erased: erased) else { continue }
            let value = UInt32(truncatingIfNeeded: word >> 28)
            guard crc8(value) == UInt8(truncatingIfNeeded: word >> 20) else { continue }
            var mended = 0
            for index in 0..<length
            where symbol(index, of: word) != symbol(index, of: received) { mended += 1 }
            return (value, mended)
        }
        return nil
    }

    /// The code word that differs from `received` in the first `erased` places of `order` and in as few others as can be,
    /// at most (5 − erased) / 2.
    private static func decode(_ received: UInt64, order: InlineArray<15, Int>, erased: Int)
        -> UInt64?
    {
        let syndromes = syndromes(of: received)
        var places = InlineArray<5, Int>(repeating: 0)
        for index in 0..<erased { places[index] = order[index] }
        if let word = mend(received, syndromes, places, count: erased) { return word }
        let errors = (parity - erased) / 2
        guard errors > 0 else { return nil }
        for first in erased..<length {
            places[erased] = order[first]
            if let word = mend(received, syndromes, places, count: erased + 1) { return word }
        }
        guard errors > 1 else { return nil }
        for first in erased..<length {
            places[erased] = order[first]
            for second in first + 1..<length {
                places[erased + 1] = order[second]
                if let word = mend(received, syndromes, places, count: erased + 2) { return word }
            }
        }
        return nil
    }

    /// The values at α¹…α⁵, all zero for a code word.
    private static func syndromes(of word: UInt64) -> InlineArray<5, UInt8> {
        InlineArray<5, UInt8> { power in
            var sum: UInt8 = 0
            for index in (0..<length).reversed() {
                sum = GF16.product(sum, GF16.power(power + 1)) ^ symbol(index, of: word)
            }
            return sum
        }
    }

    /// Changes only the first `count` of `places` so that every syndrome becomes zero; nil when that cannot be.
    ///
    /// `count` unknown values, five equations: S_j = Σ value_i · α^(j · place_i). Gaussian elimination.
    private static func mend(
        _ received: UInt64, _ syndromes: InlineArray<5, UInt8>, _ places: InlineArray<5, Int>,
        count: Int
    ) -> UInt64? {
        var rows = InlineArray<5, InlineArray<6, UInt8>> { row in
            InlineArray<6, UInt8> { column in
                column < count
                    ? GF16.power((row + 1) * places[column]) : column == 5 ? syndromes[row] : 0
            }
        }
        for column in 0..<count {
            guard let pivot = (column..<5).first(where: { rows[$0][column] != 0 }) else {
                return nil
            }
            rows.swapAt(column, pivot)
            let inverse = GF16.inverse(rows[column][column])
            for cell in 0..<6 { rows[column][cell] = GF16.product(rows[column][cell], inverse) }
            for row in 0..<5 where row != column && rows[row][column] != 0 {
                let factor = rows[row][column]
                for cell in 0..<6 { rows[row][cell] ^= GF16.product(factor, rows[column][cell]) }
            }
        }
        for row in count..<5 where rows[row][5] != 0 { return nil }
        var word = received
        for column in 0..<count {
            let symbol = symbol(places[column], of: word) ^ rows[column][5]
            set(symbol, places[column], of: &word)
        }
        return word
    }

    /// (x − α)(x − α²)…(x − α⁵), lowest coefficient first, without the leading 1.
    private static let generator: [UInt8] = {
        var polynomial: [UInt8] = [1]
        for root in 1...parity {
            var next = [UInt8](repeating: 0, count: polynomial.count + 1)
            for (index, coefficient) in polynomial.enumerated() {
                next[index + 1] ^= coefficient
                next[index] ^= GF16.product(coefficient, GF16.power(root))
            }
            polynomial = next
        }
        return Array(polynomial.dropLast())
    }()

    /// CRC-8 with polynomial x⁸ + x² + x + 1 (ITU-T I.432.1), starting at 0x55 so that silence-like zeros do not pass.
    private static func crc8(_ value: UInt32) -> UInt8 {
        var crc: UInt8 = 0x55
        for shift in [24, 16, 8, 0] {
            crc ^= UInt8(truncatingIfNeeded: value >> UInt32(shift))
            for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
        }
        return crc
    }
}

/// The field of 16 elements, modulo x⁴ + x + 1, with generator α = 2.
enum GF16 {
    private static let powers: [UInt8] = {
        var value: UInt8 = 1
        return (0..<15).map { _ in
            defer { value = value & 8 != 0 ? value << 1 ^ 0x13 : value << 1 }
            return value
        }
    }()
    private static let logarithms: [Int] = (0..<16).map { value in
        powers.firstIndex(of: UInt8(value)) ?? 0
    }

    /// α to the `exponent`, which must not be negative.
    static func power(_ exponent: Int) -> UInt8 { powers[exponent % 15] }

    static func product(_ a: UInt8, _ b: UInt8) -> UInt8 {
        a == 0 || b == 0 ? 0 : powers[(logarithms[Int(a)] + logarithms[Int(b)]) % 15]
    }

    static func inverse(_ a: UInt8) -> UInt8 {
        precondition(a != 0, "zero has no inverse")
        return powers[(15 - logarithms[Int(a)]) % 15]
    }
}
