import UproarCore

/// Calls that came, or may come: a start and a length each, in order of their starts. Seconds since the first midnight.
package struct CallLog: Hashable, Sendable {
    package struct Call: Hashable, Sendable {
        package var start: Double
        package var length: Double

        package init(start: Double, length: Double) {
            self.start = start
            self.length = length
        }
    }

    package struct Problem: Error, Hashable, Sendable {
        package var line: Int
        package var reason: String
    }

    /// What a name stands for in messages and reports.
    package var name: String
    package var calls: [Call]

    package init(name: String, calls: [Call]) {
        self.name = name
        self.calls = calls
    }

    /// More lines than this are refused.
    package static let limit = 5_000_000

    package static let allowed =
        "a line for each call: its start (seconds, 17:03:22, or 2025-11-07T17:03:22), then a comma and its "
        + "length in seconds; without lengths they are drawn"

    /// Reads a call log. A first line without a start is a heading; empty lines and lines that begin with # do not count.
    ///
    /// - length: draws the length of a call whose line names none.
    package init(
        csv bytes: [UInt8], name: String, length: (inout RandomStream) -> Double, seed: Seed
    )
        throws(Problem)
    {
        self.name = name
        calls = []
        var random = seed.stream("call-log")
        var number = 0
        var firstDay: Int?
        for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
            number += 1
            let cells = line.split(
                maxSplits: 2, omittingEmptySubsequences: false,
                whereSeparator: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";") })
            let text = Self.text(cells.first ?? [])
            if text.isEmpty || text.first == "#" { continue }
            guard var start = Self.time(text, &firstDay) else {
                if calls.isEmpty, number == 1 { continue }
                throw Problem(line: number, reason: "\"\(text)\" is no start of a call")
            }
            if start < 0 { start = 0 }
            var duration: Double?
            if cells.count > 1 {
                let cell = Self.text(cells[1])
                if !cell.isEmpty {
                    guard let value = Double(cell), value >= 0, value <= 86_400 else {
                        throw Problem(
                            line: number, reason: "\"\(cell)\" is no length of a call in seconds")
                    }
                    duration = value
                }
            }
            guard calls.count < Self.limit else {
                throw Problem(line: number, reason: "more than \(Self.limit) calls")
            }
            calls.append(Call(start: start, length: duration ?? length(&random)))
        }
        guard !calls.isEmpty else { throw Problem(line: number, reason: "no call in it") }
        calls.sort { $0.start < $1.start }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.filter { $0 > 0x20 && $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }

    /// Seconds since the midnight before the first call.
    private static func time(_ text: String, _ firstDay: inout Int?) -> Double? {
        if let seconds = Double(text), seconds >= 0, seconds.isFinite { return seconds }
        var clock = Substring(text)
        var day = 0
        if text.utf8.count >= 15, text.utf8.dropFirst(4).first == UInt8(ascii: "-") {
            let parts = text.prefix(10).split(separator: "-").compactMap { Int($0) }
            guard parts.count == 3, (1...12).contains(parts[1]), (1...31).contains(parts[2]) else {
                return nil
            }
            day = Self.days(parts[0], parts[1], parts[2])
            let first = firstDay ?? day
            firstDay = first
            day -= first
            // White space was taken out: what follows the date is the clock, with or without a T.
            clock = text.dropFirst(10)
            if clock.first == "T" { clock = clock.dropFirst() }
            clock = clock.prefix { $0 == ":" || $0 == "." || $0.isNumber }
        }
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let hours = Int(parts[0]), (0...47).contains(hours),
            let minutes = Int(parts[1]), (0...59).contains(minutes)
        else { return nil }
        let seconds = parts.count == 3 ? Double(parts[2]) : 0
        guard let seconds, seconds >= 0, seconds < 61 else { return nil }
        return Double(day * 86_400 + hours * 3600 + minutes * 60) + seconds
    }

    /// Days since 0000-03-01 of the proleptic Gregorian calendar (H. Hinnant's algorithm).
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let m = (month + 9) % 12
        return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1
    }

    // MARK: What it comes to

    package var minutes: Double { calls.reduce(0) { $0 + $1.length } / 60 }
    package var meanLength: Double { minutes * 60 / Double(max(1, calls.count)) }
    /// Seconds from the first start to the last, at least an hour: what a month is scaled from.
    package var span: Double {
        max(3600, (calls.last?.start ?? 0) - (calls.first?.start ?? 0))
    }

    /// Most calls under way at once, and when.
    package var peak: (calls: Int, at: Double) {
        var ends = Heap<Double>()
        var most = (calls: 0, at: 0.0)
        for call in calls {
            while let first = ends.first, first <= call.start { _ = ends.popFirst() }
            ends.insert(call.start + call.length)
            if ends.count > most.calls { most = (ends.count, call.start) }
        }
        return most
    }

    /// The greatest number of calls that came within any `window` seconds.
    package func burst(_ window: Double) -> Int {
        var first = 0
        var most = 0
        for (place, call) in calls.enumerated() {
            while calls[first].start <= call.start - window { first += 1 }
            most = max(most, place - first + 1)
        }
        return most
    }
}
