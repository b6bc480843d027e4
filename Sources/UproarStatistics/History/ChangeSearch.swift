import UproarCore

/// Where a series of figures, one a run, changes its level: for what is too small to show between any two runs.
///
/// ```
///  p95   612 608 615 611 609 613 | 624 627 621 626 623 625
///        before: median 611      ↑ a change of +13 ms between two neighbours whose own noise is as large
/// ```
/// The split with the greatest energy distance between its sides (E-divisive: Matteson and James, 2014; Hunter and Apache Otava search
/// performance histories by it) counts when it exceeds the greatest of any split in all but `significance` of seeded shuffles of the same
/// values; then each side is searched alike. No shape of the noise is assumed, and one odd run is no change.
package struct ChangeSearch: Hashable, Sendable {
    package struct Change: Hashable, Sendable {
        /// The first run of the new level.
        package var index: Int
        /// Medians of the level before and of the new one.
        package var before: Double
        package var after: Double
        /// The share of shuffles that split as well.
        package var chance: Double

        package var difference: Double { after - before }
        /// Nil when the level before is zero.
        package var relative: Double? { before == 0 ? nil : difference / abs(before) }
    }

    /// Of a series without any change so many are said to have one: 1 in 100.
    package var significance = 0.01
    package var shuffles = 999
    /// Runs on either side of a change, at the least.
    package var leastRuns = 4
    /// The last runs of a longer series: all pairs of them are compared in each shuffle.
    package static let limit = 200

    package init() {}

    /// So few runs cannot show a change, however large.
    package var neededRuns: Int { 2 * leastRuns }

    /// In order of time. The same values always give the same answer.
    package func changes(in values: [Double]) -> [Change] {
        let dropped = max(0, values.count - Self.limit)
        let values = Array(values.dropFirst(dropped))
        var random = Seed(0x5eed).stream("change-search")
        var splits: [(index: Int, chance: Double)] = []
        search(values, 0..<values.count, &random, into: &splits)
        splits.sort { $0.index < $1.index }
        let bounds = [0] + splits.map(\.index) + [values.count]
        return splits.indices.map { place in
            Change(
                index: splits[place].index + dropped,
                before: Self.median(values[bounds[place]..<bounds[place + 1]]),
                after: Self.median(values[bounds[place + 1]..<bounds[place + 2]]),
                chance: splits[place].chance)
        }
    }

    private func search(
        _ values: [Double], _ range: Range<Int>, _ random: inout RandomStream,
        into splits: inout [(index: Int, chance: Double)]
    ) {
        guard range.count >= neededRuns else { return }
        var part = Array(values[range])
        guard let best = split(part), best.distance > 0 else { return }
        var asGood = 0
        for _ in 0..<shuffles {
            for place in stride(from: part.count - 1, to: 0, by: -1) {
                part.swapAt(place, random.below(place + 1))
            }
            if let other = split(part), other.distance >= best.distance { asGood += 1 }
        }
        let chance = Double(asGood + 1) / Double(shuffles + 1)
        guard chance <= significance else { return }
        let index = range.lowerBound + best.index
        splits.append((index, chance))
        search(values, range.lowerBound..<index, &random, into: &splits)
        search(values, index..<range.upperBound, &random, into: &splits)
    }

    /// The split whose sides differ most: mn/(m + n) · (2·E|X − Y| − E|X − X′| − E|Y − Y′|), from sums that one more value on the left
    /// changes by its own distances.
    private func split(_ values: [Double]) -> (index: Int, distance: Double)? {
        let count = values.count
        var all = 0.0
        for a in 0..<count { for b in 0..<a { all += abs(values[a] - values[b]) } }
        var left = 0.0
        var right = all
        var best: (index: Int, distance: Double)?
        for index in 1..<count {
            let moved = values[index - 1]
            for place in 0..<index - 1 { left += abs(moved - values[place]) }
            for place in index..<count { right -= abs(moved - values[place]) }
            guard index >= leastRuns, count - index >= leastRuns else { continue }
            let m = Double(index)
            let n = Double(count - index)
            let between = 2 * (all - left - right) / (m * n)
            let within = 2 * left / (m * m) + 2 * right / (n * n)
            let distance = m * n / (m + n) * (between - within)
            if distance > best?.distance ?? 0 { best = (index, distance) }
        }
        return best
    }

    private static func median(_ values: ArraySlice<Double>) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
