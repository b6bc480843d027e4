import UproarCore

/// Reads gates as people write them (the grammar stands at `GateRule` and in `docs/gates.md`). Every error has its column
/// inside the rule, says what is allowed there and names the nearest valid word.
package struct GateParser {
    var scanner: TextScanner
    let names: Names

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
        scanner.skipSpaces()
        let boundPlace = scanner.offset
        let bound = try bound(comparison, aggregate, dimension)
        if let problem = GateReach(metric, aggregate)?.problem(comparison, bound) {
            throw TextProblem(
                offset: boundPlace, reason: problem,
                allowed:
                    "a bound that some runs keep and others do not, such as \(Self.example(metric, aggregate))"
            )
        }
        var rule = GateRule(
            severity: severity, metric: metric.name, selector: selector, window: window,
            aggregate: aggregate, comparison: comparison, bound: bound, text: text)
        try readOptions(into: &rule)
        return rule
    }

    private static func example(_ metric: MetricDescriptor, _ aggregate: GateRule.Aggregate)
        -> String
    {
        switch (aggregate.dimension(of: metric), aggregate) {
        case (_, .count): "count <= 0 or count >= 1"
        case (_, .perSecond): "per_s < 2"
        case (.share, _): "\(aggregate.text) >= 99% or \(aggregate.text) <= 1%"
        case (.time, _): "\(aggregate.text) < 800ms"
        case (.money, _): "\(aggregate.text) < $0.07"
        default: "one above 0"
        }
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

    mutating func metric() throws(TextProblem) -> MetricDescriptor {
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

    mutating func selector() throws(TextProblem) -> [GateRule.Condition] {
        let form = "{key=value}, {key!=value} or {key~part}, several separated by commas"
        scanner.skipSpaces()
        guard scanner.take("{") else { return [] }
        var conditions: [GateRule.Condition] = []
        while true {
            scanner.skipSpaces()
            let place = scanner.offset
            let key = scanner.word()
            guard !key.isEmpty else {
                throw scanner.problem("a key is due, \(scanner.found) stands", allowed: form)
            }
            guard Self.selectorKeys.contains(key) else {
                throw TextProblem(
                    offset: place,
                    reason: "unknown key \"\(key)\""
                        + ScalarText.suggestion(key, among: Self.selectorKeys),
                    allowed: Self.selectorKeys.joined(separator: ", "))
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
            scanner.skipSpaces()
            let valuePlace = scanner.offset
            let value = scanner.text { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") }
            guard !value.isEmpty else {
                throw scanner.problem("the key \"\(key)\" has no value", allowed: form)
            }
            if test != .contains, value != "*", let (all, kind) = values(of: key) {
                try known((value, valuePlace), all, kind, what: key)
            }
            conditions.append(.init(key, test, value))
            if scanner.take("}") { return conditions }
            guard scanner.take(",") else {
                throw scanner.problem("the selector is not closed", allowed: form)
            }
        }
    }

    /// What samples are told apart by.
    static let selectorKeys = ["channel", "fault", "load", "provider", "transport"]

    /// What a key may be, as far as that is known here.
    private func values(of key: String) -> (all: [String]?, kind: String)? {
        switch key {
        case "channel": (Scenario.Channel.allCases.map(\.rawValue), "channel")
        case "provider": (ProviderID.allCases.map(\.name), "provider")
        case "load": (names.stages, "load line")
        case "fault": (names.faults, "event of the timeline")
        default: nil
        }
    }

    mutating func window() throws(TextProblem) -> GateRule.Window {
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
}
