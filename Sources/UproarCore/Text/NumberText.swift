/// Numbers as people read them, the same in every locale.
package enum NumberText {
    /// `value` with exactly `places` digits after the point, half away from zero: `fixed(1.25, 1) == "1.3"`.
    package static func fixed(_ value: Double, _ places: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 9e18 else { return value.description }
        let whole = UInt64(scaled)
        return text(of: whole, places: places, isNegative: value < 0 && whole > 0)
    }

    /// Digits from the last to the first, at least one of them before the point.
    private static func text(of whole: UInt64, places: Int, isNegative: Bool) -> String {
        let room = max(20, places + 1) + 2
        // Written elsewhere first: a text of up to 15 bytes then needs no memory of its own.
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { bytes in
            var rest = whole
            var start = room
            func put(_ byte: UInt8) {
                start -= 1
                bytes[start] = byte
            }
            var written = 0
            while rest > 0 || written <= places {
                if written == places, places > 0 { put(UInt8(ascii: ".")) }
                put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
                written += 1
            }
            if isNegative { put(UInt8(ascii: "-")) }
            return String(decoding: bytes[start...], as: UTF8.self)
        }
    }

    /// A duration in the unit that reads best: `850µs`, `12.4ms`, `640ms`, `1.24s`, `2m05s`, `1h02m`.
    package static func duration(_ value: Duration) -> String {
        let ns = value.nanoseconds
        if ns < 0 { return "-" + duration(.nanoseconds(ns == .min ? .max : -ns)) }
        switch ns {
        case 0: return "0ms"
        case ..<1_000_000: return fixed(Double(ns) / 1e3, 0) + "µs"
        case ..<100_000_000: return fixed(Double(ns) / 1e6, 1) + "ms"
        case ..<1_000_000_000: return fixed(Double(ns) / 1e6, 0) + "ms"
        case ..<60_000_000_000: return fixed(Double(ns) / 1e9, 2) + "s"
        case ..<3_600_000_000_000:
            let seconds = Int((Double(ns) / 1e9).rounded())
            return "\(seconds / 60)m" + padded(seconds % 60, 2) + "s"
        default:
            let minutes = Int((Double(ns) / 6e10).rounded())
            return "\(minutes / 60)h" + padded(minutes % 60, 2) + "m"
        }
    }

    /// `4812` as `4,812`.
    package static func grouped(_ value: Int) -> String {
        let digits = String(abs(value))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-" + text : text
    }

    /// Money in US dollars with the digits that matter: `$0.0139`, `$1.20`.
    package static func dollars(_ value: Double) -> String {
        (value < 0 ? "-$" : "$") + fixed(abs(value), abs(value) >= 1 ? 2 : 4)
    }

    package static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
