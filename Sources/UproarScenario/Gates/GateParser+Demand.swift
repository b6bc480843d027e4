import UproarCore

/// What stands after the colon: aggregate, comparison, bound and options.
extension GateParser {
    mutating func aggregate(of metric: MetricDescriptor) throws(TextProblem)
        -> GateRule.Aggregate
    {
        scanner.skipSpaces()
        let start = scanner.offset
        let found: GateRule.Aggregate?
        if scanner.take("p"), let percent = scanner.decimal() {
            guard percent.value > 0, percent.value < 100 else {
                throw TextProblem(
                    offset: start, reason: "a percentile lies between 0 and 100",
                    allowed: "p50, p95")
            }
            found = .quantile(percent.hundredth.value)
        } else {
            scanner.offset = start
            switch scanner.word() {
            case "mean": found = .mean
            case "min": found = .minimum
            case "max": found = .maximum
            case "count": found = .count
            case "rate": found = .rate
            case "per_s": found = .perSecond
            case "stddev": found = .deviation
            case "share": found = try share(of: metric)
            default: found = nil
            }
        }
        let suited = Self.aggregates(of: metric)
        guard let found else {
            scanner.offset = start
            let word = scanner.word()
            scanner.offset = start
            throw scanner.problem(
                "unknown aggregate \(scanner.found)" + ScalarText.suggestion(word, among: suited),
                allowed: suited.joined(separator: ", "))
        }
        guard found.suits(metric.kind) else {
            throw TextProblem(
                offset: start, reason: "\(metric.name) has no \(found.text)",
                allowed: suited.joined(separator: ", "))
        }
        return found
    }

    static func aggregates(of metric: MetricDescriptor) -> [String] {
        switch metric.kind {
        case .samples: aggregates
        case .events: ["count", "rate", "per_s"]
        case .value: ["mean", "min", "max"]
        }
    }

    mutating func share(of metric: MetricDescriptor) throws(TextProblem)
        -> GateRule.Aggregate
    {
        scanner.skipSpaces()
        guard scanner.take("(") else {
            throw scanner.problem("share needs brackets", allowed: "share(<800ms)")
        }
        let comparison = try comparison()
        guard comparison != .within else {
            throw scanner.problem("share takes no range", allowed: "share(<800ms)")
        }
        let value = try quantity(metric.dimension)
        scanner.skipSpaces()
        guard scanner.take(")") else {
            throw scanner.problem("share( is not closed", allowed: "share(<800ms)")
        }
        return .share(comparison, value)
    }

    mutating func comparison() throws(TextProblem) -> GateRule.Comparison {
        scanner.skipSpaces()
        if scanner.take("<=") { return .lessOrEqual }
        if scanner.take("<") { return .less }
        if scanner.take(">=") { return .greaterOrEqual }
        if scanner.take(">") { return .greater }
        if scanner.take("==") { return .equal }
        if scanner.take("!=") { return .different }
        if scanner.takeWord("in") { return .within }
        throw scanner.problem(
            "a comparison is due, \(scanner.found) stands", allowed: Self.comparisons)
    }

    mutating func quantity(_ dimension: MetricDescriptor.Dimension) throws(TextProblem)
        -> GateRule.Quantity
    {
        .init(try QuantityText.scan(&scanner, dimension, signed: true), dimension)
    }

    mutating func bound(
        _ comparison: GateRule.Comparison, _ aggregate: GateRule.Aggregate,
        _ dimension: MetricDescriptor.Dimension
    ) throws(TextProblem) -> GateRule.Bound {
        scanner.skipSpaces()
        let start = scanner.offset
        if comparison == .within {
            let low = try quantity(dimension)
            scanner.skipSpaces()
            guard scanner.take("..") else {
                throw scanner.problem(
                    "\"..\" is due, \(scanner.found) stands", allowed: "LOW..HIGH")
            }
            let high = try quantity(dimension)
            guard low.value <= high.value else {
                throw TextProblem(
                    offset: start, reason: "the range is upside down", allowed: "LOW..HIGH")
            }
            return .range(low, high)
        }
        if scanner.takeWord("baseline") { return try baseline(dimension) }
        if let next = scanner.next, TextScanner.isLetter(next) {
            let metric = try metric()
            guard aggregate.suits(metric.kind), aggregate.dimension(of: metric) == dimension else {
                throw TextProblem(
                    offset: start,
                    reason: "\(metric.name) does not compare with what stands on the left",
                    allowed: "a metric with the same unit and the aggregate \(aggregate.text)")
            }
            return .metric(
                .init(metric: metric.name, selector: try selector(), window: try window()))
        }
        return .value(try quantity(dimension))
    }

    mutating func baseline(_ dimension: MetricDescriptor.Dimension) throws(TextProblem)
        -> GateRule.Bound
    {
        var factor = 1.0
        scanner.skipSpaces()
        if scanner.take("*") {
            scanner.skipSpaces()
            guard let number = scanner.decimal(), number.value > 0 else {
                throw scanner.problem(
                    "a factor is due, \(scanner.found) stands", allowed: "baseline*1.10 + 30ms")
            }
            factor = number.value
        }
        scanner.skipSpaces()
        guard scanner.take("+") else { return .baseline(factor: factor, plus: nil) }
        return .baseline(factor: factor, plus: try quantity(dimension))
    }

    mutating func readOptions(into rule: inout GateRule) throws(TextProblem) {
        var seen: Set<String> = []
        while true {
            scanner.skipSpaces()
            guard !scanner.isAtEnd else { return }
            let start = scanner.offset
            let name = scanner.word()
            guard Self.options.contains(name) else {
                scanner.offset = start
                throw scanner.problem(
                    "unknown option \(scanner.found)"
                        + ScalarText.suggestion(name, among: Self.options),
                    allowed: "for 10s, min_n=500, no_data=fail|warn|pass, confidence=0.95, why=text"
                )
            }
            guard seen.insert(name).inserted else {
                throw TextProblem(
                    offset: start, reason: "\"\(name)\" stands twice", allowed: "each option once")
            }
            if name == "for" {
                rule.holdFor = try DurationText.scan(&scanner)
                continue
            }
            guard scanner.take("=") else {
                throw scanner.problem("\(name) needs =", allowed: "\(name)=…")
            }
            try readOption(name, into: &rule)
        }
    }

    mutating func readOption(_ name: String, into rule: inout GateRule) throws(TextProblem) {
        let start = scanner.offset
        switch name {
        case "min_n":
            let text = scanner.text { $0 == 0x20 }
            do {
                rule.minimumCount = try ScalarText.integer(text, in: 1...1_000_000_000)
            } catch { throw error.shifted(by: start) }
        case "no_data":
            let all = GateRule.NoData.allCases.map { ($0.rawValue, $0) }
            let text = scanner.word()
            do { rule.noData = try ScalarText.word(text, of: all, what: "answer to no data") } catch
            {
                throw error.shifted(by: start)
            }
        case "confidence":
            guard let number = scanner.decimal(), (0.5..<1).contains(number.value) else {
                throw TextProblem(
                    offset: start, reason: "no confidence level stands here",
                    allowed: "a number from 0.5 to below 1, such as confidence=0.95")
            }
            rule.confidence = number.value
        default:
            // The last option: a text in quotes, or all that is left.
            let quote = scanner.take("'") ? UInt8(ascii: "'") : scanner.take("\"") ? 0x22 : nil
            let text = scanner.text { $0 == quote }
            if quote != nil { scanner.offset += scanner.isAtEnd ? 0 : 1 }
            rule.why = text
        }
    }
}
