import UproarCore

/// How many calls in how long: `10/s`, `0.5/min`, `100/h`.
package struct Rate: Hashable, Sendable {
    package var count: Decimal
    package var unit: Unit

    package enum Unit: String, CaseIterable, Sendable {
        case second = "s"
        case minute = "min"
        case hour = "h"

        package var nanoseconds: Int64 {
            switch self {
            case .second: 1_000_000_000
            case .minute: 60_000_000_000
            case .hour: 3_600_000_000_000
            }
        }
    }

    package init(_ count: Decimal, per unit: Unit) {
        self.count = count
        self.unit = unit
    }

    package static let allowed = "a rate such as 10/s, 0.5/min or 100/h"

    package var perSecond: Double { count.value * 1e9 / Double(unit.nanoseconds) }

    /// As written: `0.5/min`.
    package var text: String { "\(NumberText.fixed(count.value, count.places))/\(unit.rawValue)" }

    package static func parse(_ text: String) throws(TextProblem) -> Rate {
        var scanner = TextScanner(text)
        let rate = try scan(&scanner)
        try scanner.end(allowed: allowed)
        return rate
    }

    package static func scan(_ scanner: inout TextScanner) throws(TextProblem) -> Rate {
        scanner.skipSpaces()
        let start = scanner.offset
        guard let count = scanner.decimal() else {
            throw scanner.problem("\(scanner.found) is no rate", allowed: allowed)
        }
        guard scanner.take("/") else {
            throw TextProblem(
                offset: start, reason: "\"\(scanner.text(from: start))\" has no unit of a rate",
                allowed: allowed)
        }
        let place = scanner.offset
        let name = scanner.word()
        let unit: Unit? =
            switch name {
            case "s": .second
            case "min", "m": .minute
            case "h": .hour
            default: nil
            }
        guard let unit else {
            throw TextProblem(
                offset: place, reason: "unknown unit \"\(name)\" of a rate", allowed: allowed)
        }
        return Rate(count, per: unit)
    }
}

extension TextScanner {
    /// Nothing but spaces may be left.
    package mutating func end(allowed: String) throws(TextProblem) {
        skipSpaces()
        guard isAtEnd else { throw problem("\(found) stands after the end", allowed: allowed) }
    }
}
