/// Distributions as scenarios and child configurations write them:
///
/// `60ms` · `uniform(50ms, 80ms)` · `normal(mean=60ms, sd=10ms)` · `lognormal(p50=60ms, p95=110ms)` ·
/// `lognormal(median=60ms, sigma=0.4)` · `pareto(min=20ms, alpha=1.5)` · `empirical(20ms, 25ms, 31ms)`
package enum DistributionText {
    package static let allowed =
        "a duration (60ms), uniform(50ms, 80ms), normal(mean=60ms, sd=10ms), lognormal(p50=60ms, p95=110ms), "
        + "lognormal(median=60ms, sigma=0.4), pareto(min=20ms, alpha=1.5) or empirical(file.csv)"

    /// More values than this in one `empirical` list are refused.
    package static let empiricalLimit = 1_000_000

    /// `read` answers the durations of a file named in `empirical(file)`; without it only lists are read.
    package typealias Reader = (_ file: String) throws(TextProblem) -> [Duration]

    package static func parse(_ text: String, read: Reader? = nil) throws(TextProblem)
        -> Distribution
    {
        var scanner = TextScanner(text)
        scanner.skipSpaces()
        if let first = scanner.next, TextScanner.isDigit(first) {
            return .constant(try DurationText.parse(text))
        }
        let start = scanner.offset
        let name = scanner.word()
        let names = ["uniform", "normal", "lognormal", "pareto", "empirical"]
        guard names.contains(name) else {
            let near = NearestName.of(name, among: names).map { "; did you mean \($0)?" } ?? ""
            throw TextProblem(
                offset: start,
                reason: "\"\(name.isEmpty ? text : name)\" is no distribution\(near)",
                allowed: allowed)
        }
        scanner.skipSpaces()
        guard scanner.take("(") else {
            throw scanner.problem("\(name) needs its values in brackets", allowed: allowed)
        }
        let result: Distribution
        if name == "empirical" {
            result = try empirical(&scanner, read)
        } else {
            result = try distribution(name, at: start, arguments(&scanner))
        }
        scanner.skipSpaces()
        guard scanner.isAtEnd else {
            throw scanner.problem("\(scanner.found) after a distribution", allowed: allowed)
        }
        return result
    }

    private struct Argument {
        var name: String
        var offset: Int
        var text: String

        func duration() throws(TextProblem) -> Duration {
            do { return try DurationText.parse(text) } catch { throw error.shifted(by: offset) }
        }

        func number() throws(TextProblem) -> Double {
            var scanner = TextScanner(text)
            guard let value = scanner.decimal(), scanner.isAtEnd else {
                throw TextProblem(
                    offset: offset, reason: "\"\(text)\" is no plain number",
                    allowed: "a number without unit, such as 0.4")
            }
            return value.value
        }
    }

    /// `name=value` or `value`, separated by commas, up to the closing bracket.
    private static func arguments(_ scanner: inout TextScanner) throws(TextProblem) -> [Argument] {
        var found: [Argument] = []
        while true {
            scanner.skipSpaces()
            var offset = scanner.offset
            var text = scanner.text { [UInt8(ascii: ","), UInt8(ascii: ")")].contains($0) }
            var name = ""
            if let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) {
                var value = TextScanner(String(text[text.utf8.index(after: equals)...]))
                name = String(text[..<equals])
                while name.last == " " { name.removeLast() }
                offset += text.utf8.distance(from: text.utf8.startIndex, to: equals) + 1
                value.skipSpaces()
                offset += value.offset
                text = value.rest
            }
            found.append(Argument(name: name, offset: offset, text: text))
            if scanner.take(")") { return found }
            guard scanner.take(",") else {
                throw scanner.problem("the bracket is not closed", allowed: allowed)
            }
        }
    }

    private static func distribution(
        _ name: String, at start: Int, _ arguments: [Argument]
    ) throws(TextProblem) -> Distribution {
        func wrong(_ reason: String) -> TextProblem {
            TextProblem(offset: start, reason: reason, allowed: allowed)
        }
        let names = arguments.map(\.name)
        switch (name, names) {
        case ("uniform", ["", ""]):
            let (low, high) = (try arguments[0].duration(), try arguments[1].duration())
            guard low <= high else { throw wrong("uniform's first value is above its second") }
            return .uniform(low, high)
        case ("normal", ["mean", "sd"]):
            return .normal(
                mean: try arguments[0].duration(), deviation: try arguments[1].duration())
        case ("lognormal", ["p50", "p95"]):
            let (p50, p95) = (try arguments[0].duration(), try arguments[1].duration())
            guard p50 > .zero, p95 >= p50 else { throw wrong("lognormal needs 0 < p50 <= p95") }
            return .lognormal(p50: p50, p95: p95)
        case ("lognormal", ["median", "sigma"]):
            let (median, sigma) = (try arguments[0].duration(), try arguments[1].number())
            guard median > .zero, sigma <= 5 else {
                throw wrong("lognormal needs median > 0 and sigma <= 5")
            }
            return .lognormal(median: median, sigma: sigma)
        case ("pareto", ["min", "alpha"]):
            let (minimum, alpha) = (try arguments[0].duration(), try arguments[1].number())
            guard minimum > .zero, alpha > 0 else { throw wrong("pareto needs min > 0, alpha > 0") }
            return .pareto(minimum: minimum, alpha: alpha)
        default:
            let wanted =
                switch name {
                case "uniform": "uniform(low, high)"
                case "normal": "normal(mean=…, sd=…)"
                case "lognormal": "lognormal(p50=…, p95=…) or lognormal(median=…, sigma=…)"
                default: "pareto(min=…, alpha=…)"
                }
            throw wrong("\(name) is written \(wanted)")
        }
    }

    private static func empirical(_ scanner: inout TextScanner, _ read: Reader?)
        throws(TextProblem) -> Distribution
    {
        let start = scanner.offset
        let list = try arguments(&scanner)
        var values: [Duration] = []
        if let read, list.count == 1, list[0].text.utf8.first.map(TextScanner.isDigit) != true {
            do { values = try read(list[0].text) } catch { throw error.shifted(by: list[0].offset) }
        } else {
            for item in list { values.append(try item.duration()) }
        }
        guard !values.isEmpty, values.count <= empiricalLimit else {
            throw TextProblem(
                offset: start, reason: "empirical needs 1 to \(empiricalLimit) values",
                allowed: allowed)
        }
        return .empirical(values.sorted())
    }

    /// The text that `parse` reads back to this distribution: durations exactly, `sigma` and `alpha` to 15 digits.
    package static func exact(_ value: Distribution) -> String {
        func text(_ duration: Duration) -> String { DurationText.exact(duration) }
        return switch value {
        case .constant(let duration): text(duration)
        case .uniform(let low, let high): "uniform(\(text(low)), \(text(high)))"
        case .normal(let mean, let deviation): "normal(mean=\(text(mean)), sd=\(text(deviation)))"
        case .lognormal(let median, let sigma):
            "lognormal(median=\(text(median)), sigma=\(NumberText.fixed(sigma, 14)))"
        case .pareto(let minimum, let alpha):
            "pareto(min=\(text(minimum)), alpha=\(NumberText.fixed(alpha, 14)))"
        case .empirical(let values):
            "empirical(\(values.map { text($0) }.joined(separator: ", ")))"
        }
    }
}
