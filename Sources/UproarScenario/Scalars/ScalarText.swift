import UproarCore

/// The readers of single values, one for each type a key can have. Each takes the whole text.
package enum ScalarText {
    package static func text(_ text: String) throws(TextProblem) -> String { text }

    package static func isOn(_ text: String) throws(TextProblem) -> Bool {
        switch text {
        case "on", "true", "yes": return true
        case "off", "false", "no": return false
        default:
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is neither on nor off", allowed: "on or off")
        }
    }

    package static func duration(_ text: String) throws(TextProblem) -> Duration {
        try DurationText.parse(text)
    }

    package static func positiveDuration(_ text: String) throws(TextProblem) -> Duration {
        let value = try DurationText.parse(text)
        guard value > .zero else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is not above zero", allowed: DurationText.allowed)
        }
        return value
    }

    /// `1s, 2s, 4s`: at least one.
    package static func durations(_ text: String) throws(TextProblem) -> [Duration] {
        var scanner = TextScanner(text)
        var values: [Duration] = []
        repeat {
            values.append(try DurationText.scan(&scanner))
            scanner.skipSpaces()
        } while scanner.take(",")
        try scanner.end(allowed: "durations separated by commas, such as 1s, 2s, 4s")
        return values
    }

    package static func integer(_ text: String, in range: ClosedRange<Int>) throws(TextProblem)
        -> Int
    {
        let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        var scanner = TextScanner(text)
        guard let number = scanner.decimal(signed: true), scanner.isAtEnd, number.places == 0,
            range.contains(Int(number.digits))
        else {
            throw TextProblem(offset: 0, reason: "\"\(text)\" is no such number", allowed: allowed)
        }
        return Int(number.digits)
    }

    package static func seed(_ text: String) throws(TextProblem) -> UInt64 {
        guard !text.isEmpty, text.utf8.allSatisfy(TextScanner.isDigit), let value = UInt64(text)
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no seed",
                allowed: "a whole number from 0 to \(UInt64.max)")
        }
        return value
    }

    /// `30%` or `1/200`, exactly.
    package static func chance(_ text: String) throws(TextProblem) -> Chance {
        let allowed = "a chance as percent or as a ratio up to 1: 30%, 0.5%, 1/200"
        let wrong = TextProblem(offset: 0, reason: "\"\(text)\" is no chance", allowed: allowed)
        var scanner = TextScanner(text)
        guard let number = scanner.decimal() else { throw wrong }
        var denominator: UInt64 = 1
        if scanner.take("%") {
            denominator = 100
            for _ in 0..<number.places { denominator *= 10 }
        } else if scanner.take("/"), number.places == 0, let other = scanner.decimal(),
            other.places == 0, other.digits > 0
        {
            denominator = UInt64(other.digits)
        } else {
            throw wrong
        }
        guard scanner.isAtEnd, UInt64(number.digits) <= denominator else { throw wrong }
        return Chance(UInt64(number.digits), of: denominator)
    }

    /// `80 tokens/s`: how many, at least 1 and at most 100,000.
    package static func tokensPerSecond(_ text: String) throws(TextProblem) -> Double {
        let allowed = "a pace such as 80 tokens/s"
        var scanner = TextScanner(text)
        guard let number = scanner.decimal() else {
            throw TextProblem(offset: 0, reason: "\"\(text)\" is no pace", allowed: allowed)
        }
        guard scanner.takeWord("tokens"), scanner.take("/s") else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" has no unit of tokens", allowed: allowed)
        }
        try scanner.end(allowed: allowed)
        guard (1...100_000).contains(number.value) else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is out of range",
                allowed: "1 tokens/s to 100000 tokens/s")
        }
        return number.value
    }

    /// `0.5`: cores, from a hundredth of one.
    package static func cores(_ text: String) throws(TextProblem) -> Decimal {
        var scanner = TextScanner(text)
        guard let number = scanner.decimal(), scanner.isAtEnd, number.places <= 3,
            (0.01...1024).contains(number.value)
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no number of cores",
                allowed: "cores from 0.01 to 1024, such as 0.5 or 2")
        }
        return number
    }

    /// `4x`: that many times as fast as real time.
    package static func factor(_ text: String) throws(TextProblem) -> Decimal {
        var scanner = TextScanner(text)
        guard let number = scanner.decimal(), scanner.take("x"), scanner.isAtEnd,
            (0.01...1000).contains(number.value)
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no factor",
                allowed: "a factor from 0.01x to 1000x, such as 2x or 0.5x")
        }
        return number
    }

    /// One of a list of words; the error names the nearest.
    package static func word<Value>(
        _ text: String, of values: [(name: String, value: Value)], what: String
    ) throws(TextProblem) -> Value {
        if let match = values.first(where: { $0.name == text }) { return match.value }
        let names = values.map(\.name)
        throw TextProblem(
            offset: 0,
            reason: "unknown \(what) \"\(text)\"" + suggestion(text, among: names),
            allowed: names.isEmpty ? "none is known here" : names.joined(separator: ", "))
    }

    /// `; did you mean "x"?`, or nothing.
    package static func suggestion(_ word: String, among names: [String]) -> String {
        NearestName.of(word, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
    }
}
