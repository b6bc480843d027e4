import Glibc
import UproarCore
import UproarStatistics

/// Weighted least squares: `y ≈ Σ coefficient · column`, with the covariance of the coefficients.
///
/// For the few columns of a fit against load; solved by the normal equations with pivoting.
package struct LeastSquares: Hashable, Sendable {
    package private(set) var coefficients: [Double]
    /// Of the coefficients, by row and column.
    package private(set) var covariance: [[Double]]
    /// Measured minus fitted, in the order of the rows.
    package private(set) var residuals: [Double]
    /// Rows minus coefficients.
    package private(set) var freedom: Int
    /// Weighted sum of squared residuals.
    package private(set) var squares: Double

    /// Nil when there are fewer rows than columns, or the columns are not independent.
    ///
    /// - weights: one per row, proportional to the inverse of its variance; empty: all the same.
    package init?(_ rows: [[Double]], _ y: [Double], weights: [Double] = []) {
        guard let width = rows.first?.count, width > 0, rows.count >= width,
            rows.count == y.count, weights.isEmpty || weights.count == y.count
        else { return nil }
        var normal = [[Double]](repeating: [Double](repeating: 0, count: width), count: width)
        var right = [Double](repeating: 0, count: width)
        for (place, row) in rows.enumerated() {
            let weight = weights.isEmpty ? 1 : weights[place]
            for a in 0..<width {
                right[a] += weight * row[a] * y[place]
                for b in 0..<width { normal[a][b] += weight * row[a] * row[b] }
            }
        }
        guard let inverse = Self.inverse(normal) else { return nil }
        coefficients = (0..<width).map { a in
            (0..<width).reduce(0) { $0 + inverse[a][$1] * right[$1] }
        }
        residuals = []
        squares = 0
        for (place, row) in rows.enumerated() {
            let fitted = zip(row, coefficients).reduce(0) { $0 + $1.0 * $1.1 }
            residuals.append(y[place] - fitted)
            squares += (weights.isEmpty ? 1 : weights[place]) * residuals[place] * residuals[place]
        }
        freedom = rows.count - width
        let variance = freedom > 0 ? squares / Double(freedom) : 0
        covariance = inverse.map { $0.map { $0 * variance } }
    }

    /// What the fit says at `row`.
    package func value(at row: [Double]) -> Double {
        zip(row, coefficients).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// What the fit says at `row`, and where a new measurement there lies: the scatter of the residuals and the uncertainty of
    /// the coefficients. Nil without a degree of freedom.
    package func prediction(at row: [Double], confidence: Double = 0.95) -> (
        value: Double, interval: ConfidenceInterval
    )? {
        guard freedom > 0 else { return nil }
        var spread = squares / Double(freedom)
        for a in row.indices {
            for b in row.indices { spread += row[a] * covariance[a][b] * row[b] }
        }
        let value = value(at: row)
        let half =
            studentQuantile(1 - (1 - confidence) / 2, freedom: freedom) * sqrt(max(0, spread))
        return (
            value, .init(low: value - half, high: value + half, confidence: confidence)
        )
    }

    /// The interval of one coefficient; nil without a degree of freedom.
    package func interval(of index: Int, confidence: Double = 0.95) -> ConfidenceInterval? {
        guard freedom > 0 else { return nil }
        let half =
            studentQuantile(1 - (1 - confidence) / 2, freedom: freedom)
            * sqrt(max(0, covariance[index][index]))
        return ConfidenceInterval(
            low: coefficients[index] - half, high: coefficients[index] + half,
            confidence: confidence)
    }

    /// Gauss–Jordan with the largest pivot; nil for a singular matrix.
    static func inverse(_ matrix: [[Double]]) -> [[Double]]? {
        let width = matrix.count
        var left = matrix
        var right = (0..<width).map { row in (0..<width).map { $0 == row ? 1.0 : 0.0 } }
        let scale = matrix.flatMap { $0 }.map(abs).max() ?? 0
        guard scale > 0, scale.isFinite else { return nil }
        for column in 0..<width {
            guard
                let pivot = (column..<width).max(by: {
                    abs(left[$0][column]) < abs(left[$1][column])
                })
            else { return nil }
            // Columns of different size are judged by their own diagonal.
            guard abs(left[pivot][column]) > 1e-12 * max(abs(matrix[column][column]), 1e-300)
            else { return nil }
            left.swapAt(column, pivot)
            right.swapAt(column, pivot)
            let head = left[column][column]
            for place in 0..<width {
                left[column][place] /= head
                right[column][place] /= head
            }
            for row in 0..<width where row != column {
                let factor = left[row][column]
                guard factor != 0 else { continue }
                for place in 0..<width {
                    left[row][place] -= factor * left[column][place]
                    right[row][place] -= factor * right[column][place]
                }
            }
        }
        return right
    }
}
