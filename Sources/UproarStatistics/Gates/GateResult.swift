import UproarCore

/// How one gate came out, with everything a reader needs to believe it. Numbers are in the unit of the dimension
/// (`GateRule.Quantity`).
package struct GateResult: Hashable, Sendable {
    package var rule: GateRule
    package var outcome: GateOutcome
    /// What the numbers below are measured in.
    package var dimension: MetricDescriptor.Dimension
    /// nil when there was nothing to observe.
    package var observed: Figure?
    /// The limit after `baseline` and metric references are resolved; nil for a range and when it could not be resolved.
    package var limit: Double?
    /// Samples or occasions behind `observed`.
    package var count: UInt64
    package var interval: ConfidenceInterval?
    /// Calls to listen to, worst first, at most five.
    package var worstCalls: [UInt32]
    /// Why it is inconclusive, or failed without a number.
    package var reason: String?
    /// False for warnings, and for a missing sample the rule only warns of: then it moves no exit code.
    package var decides: Bool

    package init(
        rule: GateRule, outcome: GateOutcome, dimension: MetricDescriptor.Dimension,
        observed: Figure? = nil, limit: Double? = nil, count: UInt64 = 0,
        interval: ConfidenceInterval? = nil, worstCalls: [UInt32] = [], reason: String? = nil,
        decides: Bool? = nil
    ) {
        self.rule = rule
        self.outcome = outcome
        self.dimension = dimension
        self.observed = observed
        self.limit = limit
        self.count = count
        self.interval = interval
        self.worstCalls = worstCalls
        self.reason = reason
        self.decides = decides ?? (rule.severity != .warn)
    }

    /// Observed minus limit: positive is above it, whichever side is wanted.
    package var margin: Double? {
        guard let observed, let limit else { return nil }
        return observed.value - limit
    }
}

/// A comparison's answer when a figure may be only a lower limit.
enum Truth { case holds, fails, unknown }

extension GateRule.Comparison {
    /// Whether the comparison holds of a figure. `limits` are the bound, or the two ends of a range.
    func truth(of figure: Figure, _ limits: (low: Double, high: Double)) -> Truth {
        let value = figure.value
        let limit = limits.low
        func settled(_ holds: Bool) -> Truth { holds ? .holds : .fails }
        guard figure.isCensored else {
            switch self {
            case .less: return settled(value < limit)
            case .lessOrEqual: return settled(value <= limit)
            case .greater: return settled(value > limit)
            case .greaterOrEqual: return settled(value >= limit)
            case .equal: return settled(value == limit)
            case .different: return settled(value != limit)
            case .within: return settled(value >= limits.low && value <= limits.high)
            }
        }
        // The true figure is at least `value`.
        switch self {
        case .less: return value >= limit ? .fails : .unknown
        case .lessOrEqual: return value > limit ? .fails : .unknown
        case .greater: return value > limit ? .holds : .unknown
        case .greaterOrEqual: return value >= limit ? .holds : .unknown
        case .equal: return value > limit ? .fails : .unknown
        case .different: return value > limit ? .holds : .unknown
        case .within: return value > limits.high ? .fails : .unknown
        }
    }
}
