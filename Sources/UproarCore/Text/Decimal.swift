/// A decimal number exactly as written: `digits × 10^-places`, so that `0.1s` is 100,000,000 ns and not a float near it.
package struct Decimal: Hashable, Sendable {
    package var digits: Int64
    package var places: Int

    package init(digits: Int64, places: Int = 0) {
        self.digits = digits
        self.places = places
    }

    /// A hundredth of it, as percent are: exact where dividing the float is not.
    package var hundredth: Decimal { Decimal(digits: digits, places: places + 2) }

    /// The nearest float.
    package var value: Double {
        var divisor = 1.0
        for _ in 0..<places { divisor *= 10 }
        return Double(digits) / divisor
    }

    /// This number times `unit`, rounded to the nearest whole (half away from zero); nil when it does not fit 64 bits.
    package func times(_ unit: Int64) -> Int64? {
        let (high, low) = digits.magnitude.multipliedFullWidth(by: unit.magnitude)
        var divisor: UInt64 = 1
        for _ in 0..<places { divisor *= 10 }
        guard high < divisor else { return nil }
        let (quotient, remainder) = divisor.dividingFullWidth((high, low))
        let rounded = quotient + (remainder >= divisor - divisor / 2 ? 1 : 0)
        guard rounded <= UInt64(Int64.max) else { return nil }
        return (digits < 0) != (unit < 0) ? -Int64(rounded) : Int64(rounded)
    }
}

extension TextScanner {
    /// Reads `12`, `1.5` or (when `signed`) `-3`; nil when no number stands here. At most 15 digits in all.
    package mutating func decimal(signed: Bool = false) -> Decimal? {
        let start = offset
        var isNegative = false
        if signed, next == UInt8(ascii: "-") {
            isNegative = true
            offset += 1
        }
        var digits: Int64 = 0
        var count = 0
        var places = 0
        while let byte = next, Self.isDigit(byte), count < 16 {
            digits = digits * 10 + Int64(byte - 0x30)
            count += 1
            offset += 1
        }
        if count > 0, next == UInt8(ascii: "."), offset + 1 < bytes.count,
            Self.isDigit(bytes[offset + 1])
        {
            offset += 1
            while let byte = next, Self.isDigit(byte), count < 16 {
                digits = digits * 10 + Int64(byte - 0x30)
                count += 1
                places += 1
                offset += 1
            }
        }
        guard count > 0, count < 16 else {
            offset = start
            return nil
        }
        return Decimal(digits: isNegative ? -digits : digits, places: places)
    }
}
