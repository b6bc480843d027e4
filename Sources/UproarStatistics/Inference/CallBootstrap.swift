import UproarCore

/// Confidence by drawing calls with replacement: turns of one call resemble each other, so they are drawn together.
///
/// Seeded: the same calls and seed give the same interval.
package struct CallBootstrap: Sendable {
    /// All values in rising order with the place of their call.
    private let sorted: [(value: Int64, call: Int32)]
    private let callCount: Int

    /// The values of each call, in any order. Calls without values are left out.
    package init(_ calls: [[Int64]]) {
        let used = calls.filter { !$0.isEmpty }
        callCount = used.count
        var all: [(value: Int64, call: Int32)] = []
        for (place, values) in used.enumerated() {
            for value in values { all.append((value, Int32(place))) }
        }
        all.sort { $0.value != $1.value ? $0.value < $1.value : $0.call < $1.call }
        sorted = all
    }

    package var valueCount: Int { sorted.count }

    /// The quantile of all values by nearest rank.
    package func quantile(_ q: Double) -> Int64? {
        guard !sorted.isEmpty else { return nil }
        return sorted[Int(nearestRank(q, of: UInt64(sorted.count))) - 1].value
    }

    /// The quantile of each of `draws` resamples; empty without calls.
    package func quantiles(_ q: Double, draws: Int, _ random: inout RandomStream) -> [Int64] {
        guard callCount > 0 else { return [] }
        var weights = [Int](repeating: 0, count: callCount)
        var sizes = [Int](repeating: 0, count: callCount)
        for entry in sorted { sizes[Int(entry.call)] += 1 }
        var result: [Int64] = []
        result.reserveCapacity(draws)
        for _ in 0..<draws {
            for place in weights.indices { weights[place] = 0 }
            for _ in 0..<callCount { weights[random.below(callCount)] += 1 }
            var count = 0
            for place in weights.indices { count += weights[place] * sizes[place] }
            let rank = Int(nearestRank(q, of: UInt64(count)))
            var seen = 0
            for entry in sorted {
                seen += weights[Int(entry.call)]
                if seen >= rank {
                    result.append(entry.value)
                    break
                }
            }
        }
        return result
    }

    /// The percentile interval of quantile `q`.
    package func interval(
        quantile q: Double, confidence: Double = 0.95, draws: Int = 1000,
        _ random: inout RandomStream
    ) -> ConfidenceInterval {
        Self.middle(quantiles(q, draws: draws, &random).map(Double.init), confidence)
    }

    /// The percentile interval of how much quantile `q` of `other` exceeds that of these calls.
    package func difference(
        to other: CallBootstrap, quantile q: Double, confidence: Double = 0.95, draws: Int = 1000,
        _ random: inout RandomStream
    ) -> ConfidenceInterval {
        let mine = quantiles(q, draws: draws, &random)
        let theirs = other.quantiles(q, draws: draws, &random)
        return Self.middle(zip(mine, theirs).map { Double($1 - $0) }, confidence)
    }

    static func middle(_ draws: [Double], _ confidence: Double) -> ConfidenceInterval {
        let sorted = draws.sorted()
        guard !sorted.isEmpty else {
            return ConfidenceInterval(low: nil, high: nil, confidence: confidence)
        }
        let tail = (1 - confidence) / 2
        let count = UInt64(sorted.count)
        return ConfidenceInterval(
            low: sorted[Int(nearestRank(tail, of: count)) - 1],
            high: sorted[Int(nearestRank(1 - tail, of: count)) - 1], confidence: confidence)
    }
}
