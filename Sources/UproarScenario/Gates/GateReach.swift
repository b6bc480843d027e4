import UproarCore

/// What a figure can be at all: a rule whose bound lies beyond it can never pass, or never fail, and is a slip of the pen.
struct GateReach {
    /// Least and greatest value.
    private var range: ClosedRange<Double>
    /// Values below zero are possible and are a fault in themselves: an answer before the question's end.
    private var mayFallBelow = false
    /// What it is, for messages: `a count is never below 0`.
    private var words: String

    /// Events that may come more than once by occasion.
    private static let repeated = [
        "eot_misprediction", "messages_sent", "pages_sent", "workflow_events", "workflow_repeated",
        "recordings_orphaned",
    ]
    /// Differences and parts of a turn that may overlap.
    private static let signed = [
        "claim_gap", "extra_latency", "extra_cost_per_turn", "uplink", "stt", "endpointing",
        "tools",
        "sentence", "downlink", "agent_share", "provider_share",
    ]

    /// Nil where any value is possible.
    init?(_ metric: MetricDescriptor, _ aggregate: GateRule.Aggregate) {
        switch aggregate {
        case .count: (range, words) = (0 ... .infinity, "a count is never below 0")
        case .perSecond: (range, words) = (0 ... .infinity, "events by second are never below 0")
        case .rate where Self.repeated.contains(metric.name):
            (range, words) = (0 ... .infinity, "a rate is never below 0%")
        case .rate: (range, words) = (0...1, "a rate lies between 0% and 100%")
        case .share: (range, words) = (0...1, "a share lies between 0% and 100%")
        case .deviation: (range, words) = (0 ... .infinity, "a deviation is never below 0")
        case .quantile, .mean, .minimum, .maximum:
            guard !Self.signed.contains(metric.name) else { return nil }
            (range, words) = (0 ... .infinity, "\(metric.name) is not meant to be below 0")
            mayFallBelow = metric.name.hasPrefix("voice_to_")
        }
    }

    /// Why the rule says nothing; nil for one that may pass and may fail.
    func problem(_ comparison: GateRule.Comparison, _ bound: GateRule.Bound) -> String? {
        let low: Double
        let high: Double
        switch bound {
        case .value(let value): (low, high) = (value.value, value.value)
        case .range(let from, let to): (low, high) = (from.value, to.value)
        case .baseline, .metric: return nil
        }
        if !canPass(comparison, low, high) { return "this can never hold: \(words)" }
        return canFail(comparison, low, high) ? nil : "this always holds: \(words)"
    }

    private func canPass(_ comparison: GateRule.Comparison, _ low: Double, _ high: Double) -> Bool {
        switch comparison {
        case .less: range.lowerBound < high
        case .lessOrEqual: range.lowerBound <= high
        case .greater: range.upperBound > low
        case .greaterOrEqual: range.upperBound >= low
        case .equal, .within: high >= range.lowerBound && low <= range.upperBound
        case .different: true
        }
    }

    private func canFail(_ comparison: GateRule.Comparison, _ low: Double, _ high: Double) -> Bool {
        let least = mayFallBelow ? -Double.infinity : range.lowerBound
        return switch comparison {
        case .less: range.upperBound >= high
        case .lessOrEqual: range.upperBound > high
        case .greater: least <= low
        case .greaterOrEqual: least < low
        case .equal: true
        case .within: low > least || high < range.upperBound
        case .different: low >= least && high <= range.upperBound
        }
    }
}
