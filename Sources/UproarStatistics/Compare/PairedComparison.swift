import Glibc
import UproarCore

/// Two agents in alternating blocks on one machine: the difference of each pair of neighbours, so that a machine that grows slower
/// (or noisier) from block to block slows both sides and moves no difference.
package struct PairedComparison: Sendable {
    /// One draw per block, in pairs: `before[n]` and `after[n]` ran next to each other.
    package private(set) var before: [CallDraw] = []
    package private(set) var after: [CallDraw] = []

    package init() {}

    package var pairCount: Int { before.count }

    package mutating func add(_ before: CallDraw, _ after: CallDraw) {
        self.before.append(before)
        self.after.append(after)
    }

    /// Each row's interval is Student's t over the differences of the pairs; its `after` is `before` plus their mean. Below two pairs
    /// nothing can be known.
    package func comparison(_ limits: ComparisonLimits = .init()) -> RunComparison {
        var single = limits
        // Of each pair only its figures are used, not its intervals.
        single.draws = 1
        let pairs = zip(before, after).map { RunComparison($0, $1, single) }
        let counts = pairs.reduce(into: (before: 0, after: 0)) {
            $0.before += $1.callCounts.before
            $0.after += $1.callCounts.after
        }
        var rows: [RunComparison.Row] = []
        for row in pairs.first?.rows ?? [] {
            let same = pairs.compactMap { pair in
                pair.rows.first { $0.metric == row.metric && $0.figure == row.figure }
            }
            guard same.count == pairs.count else { continue }
            let level = same.reduce(0) { $0 + $1.before } / Double(same.count)
            let differences = same.map(\.difference)
            let mean = differences.reduce(0, +) / Double(differences.count)
            rows.append(
                RunComparison.judged(
                    row.metric, row.figure, row.dimension, level, level + mean,
                    Self.interval(differences, limits.confidence),
                    counts, limits))
        }
        return RunComparison(rows: rows, callCounts: counts)
    }

    private static func interval(_ values: [Double], _ confidence: Double) -> ConfidenceInterval {
        let n = Double(values.count)
        guard values.count > 1 else {
            return ConfidenceInterval(low: nil, high: nil, confidence: confidence)
        }
        let mean = values.reduce(0, +) / n
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let half = studentQuantile(1 - (1 - confidence) / 2, n - 1) * sqrt(squares / (n - 1) / n)
        return ConfidenceInterval(low: mean - half, high: mean + half, confidence: confidence)
    }

    /// Student's t by G. W. Hill, "Algorithm 396" (CACM 1970): within 0.1 % from three degrees of freedom on; one and two are exact.
    static func studentQuantile(_ p: Double, _ freedom: Double) -> Double {
        let tail = 2 * (1 - p)
        if freedom < 1.5 { return cos(tail * .pi / 2) / sin(tail * .pi / 2) }
        if freedom < 2.5 { return sqrt(2 / (tail * (2 - tail)) - 2) }
        let a = 1 / (freedom - 0.5)
        let b = 48 / (a * a)
        var c = ((20700 * a / b - 98) * a - 16) * a + 96.36
        let d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * .pi / 2) * freedom
        var y = pow(d * tail, 2 / freedom)
        if y > 0.05 + a {
            let x = -normalQuantile(1 - tail / 2)
            y = x * x
            if freedom < 5 { c += 0.3 * (freedom - 4.5) * (-x + 0.6) }
            c = (((0.05 * d * -x - 5) * -x - 7) * -x - 2) * -x + b + c
            y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * -x
            y = a * y * y
            y = y > 0.002 ? exp(y) - 1 : 0.5 * y * y + y
        } else {
            y =
                ((1 / (((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3)
                    + 0.5 / (freedom + 4)) * y - 1) * (freedom + 1) / (freedom + 2) + 1 / y
        }
        return sqrt(freedom * y)
    }
}
