import Glibc
import UproarCore
import UproarStatistics

/// A straight line through a series over time (or load), with the interval of its slope.
///
/// Neighbours of a series resemble each other, which makes a plain interval too narrow: the series is first averaged into
/// blocks, and what resemblance is left between neighbouring blocks widens the interval (Bartlett's factor).
package struct Trend: Hashable, Sendable {
    /// Per unit of x.
    package var slope: Double
    package var interval: ConfidenceInterval
    /// The fitted line's value at the first and last block.
    package var from: Double
    package var to: Double
    package var blocks: Int

    /// It rises, and the interval excludes that it does not.
    package var isRising: Bool { (interval.low ?? -.infinity) > 0 }

    /// Nil for fewer than five blocks, or points that all have the same x.
    ///
    /// - points: in order of x.
    /// - blockCount: into how many blocks of neighbours the points are averaged; no more than there are points.
    package init?(
        _ points: [(x: Double, y: Double)], blockCount: Int = 12, confidence: Double = 0.95
    ) {
        let count = min(blockCount, points.count)
        guard count >= 5 else { return nil }
        var rows: [[Double]] = []
        var values: [Double] = []
        for block in 0..<count {
            let part = points[block * points.count / count..<(block + 1) * points.count / count]
            let n = Double(part.count)
            rows.append([1, part.reduce(0) { $0 + $1.x } / n])
            values.append(part.reduce(0) { $0 + $1.y } / n)
        }
        guard let fit = LeastSquares(rows, values), let plain = fit.interval(of: 1),
            let low = plain.low, let high = plain.high
        else { return nil }
        slope = fit.coefficients[1]
        let widen = sqrt(Self.resemblance(fit.residuals))
        let half = (high - low) / 2 * widen
        interval = ConfidenceInterval(
            low: slope - half, high: slope + half, confidence: confidence)
        from = fit.value(at: rows[0])
        to = fit.value(at: rows[count - 1])
        blocks = count
    }

    /// By how much neighbours that resemble each other reduce what the points are worth: (1 + r) / (1 − r), r ≥ 0.
    private static func resemblance(_ residuals: [Double]) -> Double {
        let squares = residuals.reduce(0) { $0 + $1 * $1 }
        guard squares > 0 else { return 1 }
        let products = zip(residuals, residuals.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
        let r = min(0.9, max(0, products / squares))
        return (1 + r) / (1 - r)
    }
}
