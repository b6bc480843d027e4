import UproarCore

/// Reads gates as people write them (the grammar stands at `GateRule` and in `docs/gates.md`). Every error has its column
/// inside the rule, says what is allowed there and names the nearest valid word.
package struct GateParser {
    private var scanner: TextScanner
    private let names: Names

    /// What a rule may refer to.
    package struct Names: Sendable {
        package var metrics: [MetricDescriptor]
        /// Names of load lines; nil: any.
        package var stages: [String]?
        /// Ids of the timeline's events; nil: any.
        package var faults: [String]?

        package init(
            metrics: [MetricDescriptor] = MetricCatalog.all, stages: [String]? = nil,
            faults: [String]? = nil
        ) {
            self.metrics = metrics
            self.stages = stages
            self.faults = faults
        }
    }

    static let aggregates = [
        "p95", "mean", "min", "max", "count", "rate", "per_s", "stddev", "share(<800ms)",
    ]
    static let windows = ["all", "steady", "warmup", "stage", "fault", "last"]
    static let comparisons = "<, <=, >, >=, == or !=, or in LOW..HIGH"
    static let options = ["for", "min_n", "no_data", "confidence", "why"]

    package static func parse(_ text: String, names: Names = Names()) throws(TextProblem)
        -> GateRule
    {
        var parser = GateParser(scanner: TextScanner(text), names: names)
        return try parser.rule(text)
    }

    /// A condition of the timeline: a rule without severity and options.
    package static func parseCondition(_ text: String, names: Names) throws(TextProblem)
        -> GateRule
    {
        let rule = try parse(text, names: names)
        let plain = GateRule(
            metric: rule.metric, selector: rule.selector, window: rule.window,
            aggregate: rule.aggregate, comparison: rule.comparison, bound: rule.bound,
            holdFor: rule.holdFor, text: text)
        guard plain == rule else {
            throw TextProblem(
                offset: 0, reason: "a condition has no severity and no options",
                allowed: "metric: aggregate op bound, such as voice_to_voice: p95 > 2s")
        }
        return rule
    }

    private mutating func rule(_ text: String) throws(TextProblem) -> GateRule {
        let severity = try severity()
        let metric = try metric()
        let selector = try selector()
        let window = try window()
        scanner.skipSpaces()
        guard scanner.take(":") else {
            throw scanner.problem(
                "\":\" is due after the metric, \(scanner.found) stands",
                allowed: "metric {selector} @window: aggregate op bound")
        }
        let aggregate = try aggregate(of: metric)
        let dimension = aggregate.dimension(of: metric)
        let comparison = try comparison()
        let bound = try bound(comparison, aggregate, dimension)
        var rule = GateRule(
            severity: severity, metric: metric.name, selector: selector, window: window,
            aggregate: aggregate, comparison: comparison, bound: bound, text: text)
        try readOptions(into: &rule)
        return rule
    }

    private mutating func severity() throws(TextProblem) -> GateRule.Severity {
        let start = scanner.offset
        scanner.skipSpaces()
        let place = scanner.offset
        let word = scanner.word()
        let gap = scanner.offset
        scanner.skipSpaces()
        if scanner.offset > gap, let next = scanner.next, TextScanner.isLetter(next) {
            if let severity = GateRule.Severity(rawValue: word) { return severity }
            let all = GateRule.Severity.allCases.map(\.rawValue)
            throw TextProblem(
                offset: place,
                reason: "unknown severity \"\(word)\"" + ScalarText.suggestion(word, among: all),
                allowed: all.joined(separator: ", "))
        }
        scanner.offset = start
        return .fail
    }

    private mutating func metric() throws(TextProblem) -> MetricDescriptor {
        scanner.skipSpaces()
        let start = scanner.offset
        let name = scanner.word()
        guard let metric = names.metrics.first(where: { $0.name == name }) else {
            let all = names.metrics.map(\.name)
            throw TextProblem(
                offset: start,
                reason: name.isEmpty
                    ? "a metric is due, \(scanner.found) stands"
                    : "unknown metric \"\(name)\"" + ScalarText.suggestion(name, among: all),
                allowed: all.joined(separator: ", "))
        }
        return metric
    }

    private mutating func selector() throws(TextProblem) -> [GateRule.Condition] {
        let form = "{key=value}, {key!=value} or {key~part}, several separated by commas"
        scanner.skipSpaces()
        guard scanner.take("{") else { return [] }
        var conditions: [GateRule.Condition] = []
        while true {
            let key = scanner.word()
            guard !key.isEmpty else {
                throw scanner.problem("a key is due, \(scanner.found) stands", allowed: form)
            }
            scanner.skipSpaces()
            let test: GateRule.Condition.Test
            if scanner.take("!=") {
                test = .differs
            } else if scanner.take("=") {
                test = .equals
            } else if scanner.take("~") {
                test = .contains
            } else {
                throw scanner.problem("=, != or ~ is due, \(scanner.found) stands", allowed: form)
            }
            let value = scanner.text { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") }
            guard !value.isEmpty else {
                throw scanner.problem("the key \"\(key)\" has no value", allowed: form)
            }
            conditions.append(.init(key, test, value))
            if scanner.take("}") { return conditions }
            guard scanner.take(",") else {
                throw scanner.problem("the selector is not closed", allowed: form)
            }
        }
    }

    private mutating func window() throws(TextProblem) -> GateRule.Window {
        scanner.skipSpaces()
        guard scanner.take("@") else { return .all }
        scanner.skipSpaces()
        let start = scanner.offset
        let name = scanner.word()
        switch name {
        case "all": return .all
        case "steady": return .steady
        case "warmup": return .warmup
        case "stage":
            let stage = try bracket(name)
            try known(stage, names.stages, "load line", what: "@stage")
            return .stage(stage.text)
        case "last":
            let inside = try bracket(name)
            do {
                return .last(try ScalarText.positiveDuration(inside.text))
            } catch { throw error.shifted(by: inside.offset) }
        case "fault": return try faultWindow(bracket(name))
        default:
            throw TextProblem(
                offset: start,
                reason: "unknown window \"\(name)\""
                    + ScalarText.suggestion(name, among: Self.windows),
                allowed:
                    "all, steady, warmup, stage(NAME), fault(ID), fault(ID, 2s..15s), last(20s)"
            )
        }
    }

    private func known(
        _ name: (text: String, offset: Int), _ all: [String]?, _ kind: String, what: String
    ) throws(TextProblem) {
        guard let all, !all.contains(name.text) else { return }
        throw TextProblem(
            offset: name.offset,
            reason: "\(what) names no \(kind): \"\(name.text)\""
                + ScalarText.suggestion(name.text, among: all),
            allowed: all.isEmpty
                ? "there is no \(kind) in this scenario"
                : all.joined(separator: ", "))
    }

    private mutating func bracket(_ name: String) throws(TextProblem) -> (
        text: String, offset: Int
    ) {
        scanner.skipSpaces()
        guard scanner.take("(") else {
            throw scanner.problem("\(name) needs brackets", allowed: "\(name)(…)")
        }
        scanner.skipSpaces()
        let offset = scanner.offset
        let text = scanner.text { $0 == UInt8(ascii: ")") }
        guard scanner.take(")"), !text.isEmpty else {
            throw scanner.problem("\(name)( is not closed or empty", allowed: "\(name)(…)")
        }
        return (text, offset)
    }

    private func faultWindow(_ inside: (text: String, offset: Int)) throws(TextProblem)
        -> GateRule.Window
    {
        var scanner = TextScanner(inside.text)
        let id = scanner.text { $0 == UInt8(ascii: ",") }
        try known((id, inside.offset), names.faults, "event of the timeline", what: "@fault")
        guard scanner.take(",") else { return .fault(id, from: nil, to: nil) }
        do throws(TextProblem) {
            let from = try DurationText.scan(&scanner)
            scanner.skipSpaces()
            guard scanner.take("..") else {
                throw scanner.problem("\"..\" is due, \(scanner.found) stands", allowed: "2s..15s")
            }
            let to = try DurationText.scan(&scanner)
            try scanner.end(allowed: "fault(ID, 2s..15s)")
            guard from < to else {
                throw TextProblem(offset: 0, reason: "the range is empty", allowed: "2s..15s")
            }
            return .fault(id, from: from, to: to)
        } catch { throw error.shifted(by: inside.offset) }
    }

    private mutating func aggregate(of metric: MetricDescriptor) throws(TextProblem)
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

    private static func aggregates(of metric: MetricDescriptor) -> [String] {
        switch metric.kind {
        case .samples: aggregates
        case .events: ["count", "rate", "per_s"]
        case .value: ["mean", "min", "max"]
        }
    }

    private mutating func share(of metric: MetricDescriptor) throws(TextProblem)
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

    private mutating func comparison() throws(TextProblem) -> GateRule.Comparison {
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

    private mutating func quantity(_ dimension: MetricDescriptor.Dimension) throws(TextProblem)
        -> GateRule.Quantity
    {
        .init(try QuantityText.scan(&scanner, dimension, signed: true), dimension)
    }

    private mutating func bound(
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

    private mutating func baseline(_ dimension: MetricDescriptor.Dimension) throws(TextProblem)
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

    private mutating func readOptions(into rule: inout GateRule) throws(TextProblem) {
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

    private mutating func readOption(_ name: String, into rule: inout GateRule) throws(TextProblem)
    {
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
