import UproarCore

/// Judges gates on interval histograms. One engine for three moments: while the run goes on (`GateMonitor`), at its end, and
/// on a stored result; the same intervals give the same verdict.
package struct GateEvaluator: Sendable {
    package var source: MetricSource
    /// The run to compare with, for rules that say `baseline`.
    package var baseline: MetricSource?

    package init(_ source: MetricSource, baseline: MetricSource? = nil) {
        self.source = source
        self.baseline = baseline
    }

    package func evaluate(_ rules: [GateRule]) -> [GateResult] { rules.map { evaluate($0) } }

    /// The verdict on the whole of what has been measured. A `last(…)` rule is judged at the end of every interval.
    package func evaluate(_ rule: GateRule) -> GateResult {
        guard let metric = MetricCatalog.named(rule.metric) else {
            return GateResult(
                rule: rule, outcome: .inconclusive, dimension: .count,
                reason: "no metric is named \(rule.metric)")
        }
        // One number of the run has no windows.
        if metric.kind == .value { return judge(rule, metric, []) }
        if case .last(let length) = rule.window { return slide(rule, metric, length) }
        return judge(rule, metric, source.windows.ranges(of: rule.window))
    }

    /// The verdict at this moment: `last(20s)` is the 20 s before `source.end`.
    package func evaluateNow(_ rule: GateRule) -> GateResult {
        guard case .last(let length) = rule.window, let metric = MetricCatalog.named(rule.metric)
        else { return evaluate(rule) }
        return judge(rule, metric, [source.end - length..<source.end])
    }

    // MARK: One window

    private func judge(
        _ rule: GateRule, _ metric: MetricDescriptor, _ ranges: [Range<Instant>]?
    ) -> GateResult {
        let dimension = rule.aggregate.dimension(of: metric)
        var result = GateResult(rule: rule, outcome: .inconclusive, dimension: dimension)
        guard let ranges else {
            return withoutData(result, "the run has no window \(rule.window.text)")
        }
        guard
            let seen = source.observe(
                rule.aggregate, of: metric, rule.selector, in: ranges,
                confidence: rule.confidence ?? 0.95)
        else { return withoutData(result, "no data") }
        result.observed = seen.figure
        result.count = seen.count
        result.interval = seen.interval
        guard let limits = limits(rule, metric) else {
            result.reason = unresolved(rule)
            return result
        }
        if case .range = rule.bound {} else { result.limit = limits.low }
        if let needed = needed(rule), seen.count < needed {
            result.reason =
                "\(rule.aggregate.text) needs \(NumberText.grouped(Int(needed))) samples, has "
                + NumberText.grouped(Int(seen.count))
            return result
        }
        switch truth(rule, seen, limits) {
        case .holds: result.outcome = .passed
        case .fails: result.outcome = .failed
        case .unknown:
            result.reason =
                seen.figure.isCensored
                ? "known only to be at least \(Figure(seen.figure.value).text(dimension))"
                : "the confidence interval holds the limit"
        }
        if result.outcome != .passed {
            result.worstCalls = source.worstCalls(rule, metric.kind, ranges)
        }
        return result
    }

    private func truth(
        _ rule: GateRule, _ seen: MetricSource.Observation, _ limits: (low: Double, high: Double)
    ) -> Truth {
        guard rule.confidence != nil, let interval = seen.interval else {
            return rule.comparison.truth(of: seen.figure, limits)
        }
        // Both ends must agree; an end the samples cannot bound agrees with nothing.
        guard let low = interval.low, let high = interval.high else {
            guard let known = interval.low,
                rule.comparison.truth(of: Figure(known, isCensored: true), limits) == .fails
            else { return .unknown }
            return .fails
        }
        let ends = (
            rule.comparison.truth(of: Figure(low), limits),
            rule.comparison.truth(of: Figure(high), limits)
        )
        return ends.0 == ends.1 ? ends.0 : .unknown
    }

    private func needed(_ rule: GateRule) -> UInt64? {
        if let minimum = rule.minimumCount { return UInt64(max(0, minimum)) }
        if case .quantile(let q) = rule.aggregate { return Confidence.minimumCount(quantile: q) }
        return nil
    }

    private func withoutData(_ result: GateResult, _ reason: String) -> GateResult {
        var result = result
        result.reason = reason
        switch result.rule.noData {
        case .fail: result.outcome = .failed
        case .pass: result.outcome = .passed
        case .warn:
            result.outcome = .inconclusive
            result.decides = false
        }
        return result
    }

    // MARK: Limits

    private func limits(_ rule: GateRule, _ metric: MetricDescriptor) -> (
        low: Double, high: Double
    )? {
        switch rule.bound {
        case .value(let value): return (value.value, value.value)
        case .range(let low, let high): return (low.value, high.value)
        case .baseline(let factor, let plus):
            guard let baseline, let ranges = baseline.windows.ranges(of: rule.window),
                let seen = baseline.observe(
                    rule.aggregate, of: metric, rule.selector, in: ranges, confidence: 0.95),
                !seen.figure.isCensored
            else { return nil }
            let limit = seen.figure.value * factor + (plus?.value ?? 0)
            return (limit, limit)
        case .metric(let reference):
            guard let other = MetricCatalog.named(reference.metric),
                let ranges = source.windows.ranges(of: reference.window),
                let seen = source.observe(
                    rule.aggregate, of: other, reference.selector, in: ranges, confidence: 0.95),
                !seen.figure.isCensored
            else { return nil }
            return (seen.figure.value, seen.figure.value)
        }
    }

    private func unresolved(_ rule: GateRule) -> String {
        switch rule.bound {
        case .baseline:
            baseline == nil
                ? "no baseline was given" : "the baseline has no such figure"
        default: "\(rule.bound.text) has no such figure"
        }
    }

    // MARK: Sliding windows

    /// Judges at the end of every interval from the first full window on. Fails when the rule has not held for `holdFor` without
    /// a break; a window without enough samples neither holds nor breaks.
    private func slide(_ rule: GateRule, _ metric: MetricDescriptor, _ length: Duration)
        -> GateResult
    {
        let width = source.recorders[0].width
        let count = source.recorders.map(\.intervalCount).max() ?? 0
        let first = max(1, Int((length.nanoseconds + width.nanoseconds - 1) / width.nanoseconds))
        var failingSince: Instant?
        var worst: GateResult?
        var undecided: GateResult?
        for end in stride(from: min(first, max(count, 1)), through: max(count, 1), by: 1) {
            let at = Instant.zero + .nanoseconds(width.nanoseconds * Int64(end))
            let result = judge(rule, metric, [at - length..<at])
            switch result.outcome {
            case .failed where result.observed != nil:
                let since = failingSince ?? at
                failingSince = since
                if at - since >= rule.holdFor ?? .zero {
                    var failed = result
                    failed.reason = "at \(NumberText.duration(at - .zero))"
                    return failed
                }
                worst = Self.closer(worst, result)
            case .passed where result.observed != nil:
                failingSince = nil
                worst = Self.closer(worst, result)
            default: undecided = undecided ?? result
            }
        }
        if var held = worst {
            held.outcome = .passed
            held.worstCalls = []
            return held
        }
        return undecided ?? judge(rule, metric, nil)
    }

    /// The one whose figure came nearest to its limit from the good side, or passed it.
    private static func closer(_ a: GateResult?, _ b: GateResult) -> GateResult {
        guard let a, let mine = a.margin, let theirs = b.margin else { return a ?? b }
        switch a.rule.comparison {
        case .greater, .greaterOrEqual: return theirs < mine ? b : a
        default: return theirs > mine ? b : a
        }
    }
}

/// Watches the abort rules while the run goes on. Asked once a second; says which rule ends the run.
package struct GateMonitor: Sendable {
    package let rules: [GateRule]
    private var failingSince: [Instant?]

    /// Only rules of severity `abort` are watched.
    package init(_ rules: [GateRule]) {
        self.rules = rules.filter { $0.severity == .abort }
        failingSince = Array(repeating: nil, count: self.rules.count)
    }

    /// The first rule that has not held for its `for` time. `now` is since the first due arrival.
    package mutating func check(_ evaluator: GateEvaluator, now: Instant) -> GateResult? {
        for place in rules.indices {
            let rule = rules[place]
            if case .last(let length) = rule.window, now < .zero + length { continue }
            let result = evaluator.evaluateNow(rule)
            // A window without data proves nothing while the run still goes on.
            guard result.observed != nil else { continue }
            switch result.outcome {
            case .passed: failingSince[place] = nil
            case .inconclusive: break
            case .failed:
                let since = failingSince[place] ?? now
                failingSince[place] = since
                if now - since >= rule.holdFor ?? .zero { return result }
            }
        }
        return nil
    }
}
