import UproarCore

/// Samples of one metric: values of either sign, and samples of which only a lower limit is known.
///
/// Negative values (the agent spoke before the caller had ended) live in a twin histogram of −x. Censored samples (a caller
/// lost patience after 10 s) stay in every percentile, above all others, and print as `> 10.0s`. Merging is exact,
/// associative and commutative.
package struct SignedHistogram: Sendable, Equatable {
    package private(set) var positive = HDRHistogram()
    /// Of −x for each x < 0.
    package private(set) var negative = HDRHistogram()
    package private(set) var censoredCount: UInt64 = 0
    /// The least of the limits at which samples were censored.
    package private(set) var censoredAt: Int64?

    package init() {}

    package init(positive: HDRHistogram, negative: HDRHistogram, censored: UInt64, at: Int64?) {
        self.positive = positive
        self.negative = negative
        censoredCount = at == nil ? 0 : censored
        censoredAt = censored == 0 ? nil : at
    }

    /// All samples, censored ones included.
    package var count: UInt64 { positive.count + negative.count + censoredCount }
    package var isEmpty: Bool { count == 0 }

    package mutating func record(_ value: Int64, times: UInt64 = 1) {
        if value >= 0 {
            positive.record(value, times: times)
        } else {
            negative.record(value == .min ? .max : -value, times: times)
        }
    }

    /// A sample known only to be at least `limit`.
    package mutating func recordCensored(at limit: Int64, times: UInt64 = 1) {
        guard times > 0 else { return }
        censoredCount += times
        censoredAt = min(censoredAt ?? limit, limit)
    }

    package mutating func add(_ other: SignedHistogram) {
        positive.add(other.positive)
        negative.add(other.negative)
        if let limit = other.censoredAt { recordCensored(at: limit, times: other.censoredCount) }
    }
}

/// A figure that may be only a lower limit of the true one, because samples were censored.
package struct Figure: Hashable, Sendable {
    package var value: Double
    /// The true figure is at least `value`.
    package var isCensored: Bool

    package init(_ value: Double, isCensored: Bool = false) {
        self.value = value
        self.isCensored = isCensored
    }

    /// `640ms`, or `> 10.0s` when censored.
    package func text(_ dimension: MetricDescriptor.Dimension) -> String {
        (isCensored ? "> " : "") + GateRule.Quantity(value, dimension).text
    }
}

extension SignedHistogram {
    /// The figure at a rank from 1 to `count`: negatives first (rising), then positives, then censored samples.
    package func figure(atRank rank: UInt64) -> Figure? {
        guard rank >= 1, rank <= count else { return nil }
        if rank <= negative.count {
            return negative.value(atRank: negative.count - rank + 1).map { Figure(-Double($0)) }
        }
        if let value = positive.value(atRank: rank - negative.count) {
            return Figure(Double(value))
        }
        return censoredAt.map { Figure(Double($0), isCensored: true) }
    }

    package func quantile(_ q: Double) -> Figure? {
        isEmpty ? nil : figure(atRank: nearestRank(q, of: count))
    }

    package var minimum: Figure? { figure(atRank: 1) }

    /// With censored samples: the greatest value known to be reached.
    package var maximum: Figure? {
        guard !isEmpty else { return nil }
        let known = positive.maximum ?? negative.minimum.map { -$0 }
        guard let censoredAt else { return known.map { Figure(Double($0)) } }
        return Figure(Double(max(known ?? censoredAt, censoredAt)), isCensored: true)
    }

    /// With censored samples, each counted at its limit: a lower limit of the mean.
    package var mean: Figure? {
        guard !isEmpty else { return nil }
        let sum =
            positive.sum - negative.sum
            + Int128(censoredAt ?? 0) * Int128(censoredCount)
        return Figure(Double(sum) / Double(count), isCensored: censoredCount > 0)
    }

    /// The standard deviation of the population; nil while empty.
    package var deviation: Figure? {
        guard let mean = mean?.value else { return nil }
        var squares = 0.0
        func add(_ value: Double, _ times: UInt64) {
            squares += (value - mean) * (value - mean) * Double(times)
        }
        negative.forEachSlot { add(-Double(HDRSlots.middle($0)), $1) }
        positive.forEachSlot { add(Double(HDRSlots.middle($0)), $1) }
        if let censoredAt { add(Double(censoredAt), censoredCount) }
        return Figure((squares / Double(count)).squareRoot(), isCensored: censoredCount > 0)
    }

    /// How many samples lie below `limit`; censored ones never do.
    package func count(below limit: Int64) -> UInt64 {
        if limit > 0 { return negative.count + positive.count(below: limit) }
        // x < limit <= 0 exactly when -x > -limit.
        return negative.count - negative.count(below: -limit + 1)
    }

    /// The share of samples below `limit`, in 0 ... 1; nil while empty.
    package func share(below limit: Int64) -> Double? {
        isEmpty ? nil : Double(count(below: limit)) / Double(count)
    }
}
