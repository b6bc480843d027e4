/// Durations as people write them in scenarios: `20ms`, `1.5s`, `2m`, `1h`, `1m30s`. A unit is always written.
package enum DurationText {
    package static let allowed = "a duration with its unit, such as 20ms, 1.5s, 2m, 1h or 1m30s"

    /// Longest first, so that `ms` is not read as `m`.
    private static let units: [(name: StaticString, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("min", 60_000_000_000),
        ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// The whole of `text` as a duration.
    package static func parse(_ text: String) throws(TextProblem) -> Duration {
        var scanner = TextScanner(text)
        let value = try scan(&scanner)
        scanner.skipSpaces()
        guard scanner.isAtEnd else {
            throw scanner.problem("\(scanner.found) after a duration", allowed: allowed)
        }
        return value
    }

    /// A duration at the scanner's place. Parts of a compound one go from large to small: `1h02m03s`.
    package static func scan(_ scanner: inout TextScanner) throws(TextProblem) -> Duration {
        scanner.skipSpaces()
        let start = scanner.offset
        var total: Int64 = 0
        var smallest = Int64.max
        var isFirst = true
        while isFirst || scanner.next.map(TextScanner.isDigit) == true {
            guard let number = scanner.decimal() else {
                throw scanner.problem("\(scanner.found) is no duration", allowed: allowed)
            }
            guard let unit = takeUnit(&scanner) else {
                let reason = "\"\(scanner.text(from: start))\" has no unit of time"
                if let next = scanner.next, TextScanner.isLetter(next) {
                    throw scanner.problem("unknown unit \(scanner.found)", allowed: allowed)
                }
                throw TextProblem(offset: start, reason: reason, allowed: allowed)
            }
            guard unit < smallest else {
                throw TextProblem(
                    offset: start, reason: "the parts go from large units to small ones",
                    allowed: allowed)
            }
            smallest = unit
            guard let part = number.times(unit), part <= Int64.max - total,
                total + part <= 1_000 * 3_600_000_000_000
            else {
                throw TextProblem(
                    offset: start, reason: "a duration over 1000h", allowed: allowed)
            }
            total += part
            isFirst = false
        }
        return .nanoseconds(total)
    }

    private static func takeUnit(_ scanner: inout TextScanner) -> Int64? {
        let start = scanner.offset
        for unit in units where scanner.take(unit.name) {
            guard let next = scanner.next, TextScanner.isLetter(next) else {
                return unit.nanoseconds
            }
            scanner.offset = start
        }
        return nil
    }

    /// The text that `parse` reads back to exactly this duration: whole numbers of the largest unit that allows it.
    package static func exact(_ value: Duration) -> String {
        let ns = value.nanoseconds
        guard ns != 0 else { return "0s" }
        for (name, unit) in [
            ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
            ("ms", 1_000_000), ("us", 1_000),
        ] as [(String, Int64)] where ns % unit == 0 { return "\(ns / unit)\(name)" }
        return "\(ns)ns"
    }
}
