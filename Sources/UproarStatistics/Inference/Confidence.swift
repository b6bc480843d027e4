import Glibc
import UproarCore

/// An interval that holds the true figure with a stated confidence. An end that the samples cannot bound is nil.
package struct ConfidenceInterval: Hashable, Sendable {
    package var low: Double?
    package var high: Double?
    /// 0.95 for 95 %.
    package var confidence: Double

    package init(low: Double?, high: Double?, confidence: Double = 0.95) {
        self.low = low
        self.high = high
        self.confidence = confidence
    }
}

/// How sure a figure is, without assuming a shape of the distribution.
package enum Confidence {
    /// The fewest samples for quantile `q`: ten on its thinner side (p95: 200, p99: 1,000, p50: 20).
    package static func minimumCount(quantile q: Double) -> UInt64 {
        UInt64((10 / min(q, 1 - q) - 1e-6).rounded(.up))
    }

    /// The ranks whose values enclose quantile `q` of `count` samples (order statistics: the number of samples below the true
    /// quantile is binomial). A rank is nil when so few samples cannot bound that side.
    package static func ranks(quantile q: Double, count: UInt64, confidence: Double)
        -> (low: UInt64?, high: UInt64?)
    {
        precondition(q > 0 && q < 1 && confidence > 0 && confidence < 1)
        guard count > 0 else { return (nil, nil) }
        let tail = (1 - confidence) / 2
        let n = Double(count)
        if count > 4000 {
            let spread = normalQuantile(1 - tail) * sqrt(n * q * (1 - q))
            let low = (n * q - spread).rounded(.down)
            let high = (n * q + spread).rounded(.up) + 1
            return (low >= 1 ? UInt64(low) : nil, high <= n ? UInt64(high) : nil)
        }
        // Sums the binomial distribution from below: low is the last rank with P(B < rank) <= tail, high the first
        // with P(B < rank) >= 1 - tail.
        var below = 0.0
        var low: UInt64?
        for successes in 0...count {
            let k = Double(successes)
            // `below` is P(B < successes).
            if below <= tail, successes >= 1 { low = successes }
            if below >= 1 - tail, successes >= 1 { return (low, successes) }
            below += exp(
                lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(q)
                    + (n - k) * log(1 - q))
        }
        return (low, nil)
    }

    /// The interval around quantile `q`, in the stored unit. A censored end is open.
    package static func quantile(
        _ q: Double, of samples: SignedHistogram, confidence: Double = 0.95
    ) -> ConfidenceInterval {
        let ranks = ranks(quantile: q, count: samples.count, confidence: confidence)
        func value(_ rank: UInt64?) -> Double? {
            rank.flatMap { samples.figure(atRank: $0) }.flatMap { $0.isCensored ? nil : $0.value }
        }
        return ConfidenceInterval(
            low: value(ranks.low), high: value(ranks.high), confidence: confidence)
    }

    /// The interval around a share of `hits` in `count` (E. B. Wilson, 1927); nil for none.
    package static func share(hits: UInt64, of count: UInt64, confidence: Double = 0.95)
        -> ConfidenceInterval?
    {
        guard count > 0 else { return nil }
        let z = normalQuantile(1 - (1 - confidence) / 2)
        let n = Double(count)
        let p = min(1, Double(hits) / n)
        let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return ConfidenceInterval(
            low: max(0, centre - half), high: min(1, centre + half), confidence: confidence)
    }

    /// The interval around a mean by the central limit; nil for fewer than two samples. Open above when samples are censored.
    package static func mean(of samples: SignedHistogram, confidence: Double = 0.95)
        -> ConfidenceInterval?
    {
        guard samples.count > 1, let mean = samples.mean, let deviation = samples.deviation else {
            return nil
        }
        let z = normalQuantile(1 - (1 - confidence) / 2)
        let half = z * deviation.value / sqrt(Double(samples.count - 1))
        return ConfidenceInterval(
            low: mean.value - half, high: mean.isCensored ? nil : mean.value + half,
            confidence: confidence)
    }
}

/// How much of what may go wrong has gone wrong: an objective of 99.5 % over 4,000 turns allows 20 bad ones.
package struct ErrorBudget: Hashable, Sendable {
    /// The share that must be good, in 0 ..< 1.
    package var objective: Double
    package var total: UInt64
    package var bad: UInt64

    package init(objective: Double, total: UInt64, bad: UInt64) {
        precondition(objective >= 0 && objective < 1, "an objective of 100 % leaves no budget")
        self.objective = objective
        self.total = total
        self.bad = bad
    }

    package var allowed: Double { (1 - objective) * Double(total) }
    /// 1 is all of it; nil before anything happened.
    package var spent: Double? { total == 0 ? nil : Double(bad) / allowed }
    package var remaining: Double { allowed - Double(bad) }

    /// How fast a stretch of the run spent it: 1 spends just the budget, 10 ten times it. Nil without occasions.
    package func burnRate(total: UInt64, bad: UInt64) -> Double? {
        total == 0 ? nil : Double(bad) / Double(total) / (1 - objective)
    }
}
