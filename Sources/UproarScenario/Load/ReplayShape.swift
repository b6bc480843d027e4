import UproarCore

/// `replay: calls.csv x2`: the calls of a log, at the gaps they had, `x2` twice as fast.
package struct ReplayShape: Hashable, Sendable {
    /// As written in the scenario.
    package var file: String
    /// Times of the calls from the first one, in order; never empty.
    package var offsets: [Duration]
    package var speed: Decimal

    package init(file: String, offsets: [Duration], speed: Decimal) {
        precondition(!offsets.isEmpty && speed.digits > 0)
        self.file = file
        self.offsets = offsets
        self.speed = speed
    }

    package var speedText: String { "x" + NumberText.fixed(speed.value, speed.places) }

    package var starts: [Duration] {
        offsets.map { .nanoseconds(Int64((Double($0.nanoseconds) / speed.value).rounded())) }
    }

    /// The line lasts until its last call begins.
    package var duration: Duration { starts.last ?? .zero }

    package static let allowed =
        "a line for each call whose first column is its start: seconds (12.5), a duration (1m30s) or "
        + "a time of day (09:30:05.250), not going back"

    /// The start times of a call log: the first column of a CSV file. A first line without a time is a heading; empty lines
    /// and lines that begin with # do not count. The error's offset is the line number.
    package static func offsets(csv bytes: [UInt8]) throws(TextProblem) -> [Duration] {
        var times: [Duration] = []
        var number = 0
        for line in bytes.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        {
            number += 1
            let cell = line.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: ";") }
            let text = String(decoding: cell, as: UTF8.self).filter {
                !$0.isWhitespace && $0 != "\""
            }
            if text.isEmpty || text.first == "#" { continue }
            guard let time = time(text) else {
                if times.isEmpty, number == 1 { continue }
                throw TextProblem(
                    offset: number, reason: "\"\(text)\" is no time of a call", allowed: allowed)
            }
            if let last = times.last, time < last {
                throw TextProblem(
                    offset: number, reason: "\"\(text)\" is earlier than the line before",
                    allowed: allowed)
            }
            guard times.count < TurnReference.callLimit else {
                throw TextProblem(
                    offset: number, reason: "more than \(TurnReference.callLimit) calls",
                    allowed: allowed)
            }
            times.append(time)
        }
        guard let first = times.first else {
            throw TextProblem(offset: number, reason: "no call in it", allowed: allowed)
        }
        return times.map { $0 - first }
    }

    private static func time(_ text: String) -> Duration? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count) else { return nil }
        var total: Int64 = 0
        for (index, part) in parts.enumerated() {
            var scanner = TextScanner(String(part))
            guard let number = scanner.decimal(), scanner.isAtEnd,
                index == parts.count - 1 || number.places == 0,
                index == 0 || number.value < 60,
                let part = number.times(1_000_000_000), parts.count == 1 || part < 1 << 50
            else { return parts.count == 1 ? try? DurationText.parse(text) : nil }
            total = total * 60 + part
        }
        return .nanoseconds(total)
    }
}
