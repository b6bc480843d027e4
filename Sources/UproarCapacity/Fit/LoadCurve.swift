import Glibc
import UproarCore
import UproarStatistics

/// A figure against load: fitted, chosen among few shapes, with intervals, residuals and a knee.
///
/// | shape | formula | what it stands for |
/// |---|---|---|
/// | flat | c | the load does not show |
/// | usl | c + a (N − 1) + b N (N − 1) | the universal scalability law (Gunther): contention a, coherency b |
/// | queue | c + w ρ / (1 − ρ), ρ = N / m | a server that saturates at m calls |
///
/// The shape with the least corrected Akaike criterion (AICc) wins; errors are taken as proportional to the figure, since
/// latencies range over an order of magnitude.
package struct LoadCurve: Hashable, Sendable {
    package enum Shape: String, CaseIterable, Sendable { case flat, usl, queue }

    package struct Point: Hashable, Sendable {
        package var load: Double
        package var value: Double

        package init(load: Double, value: Double) {
            self.load = load
            self.value = value
        }
    }

    package struct Prediction: Hashable, Sendable {
        package var value: Double
        /// Where a new measurement at that load lies.
        package var interval: ConfidenceInterval
    }

    package private(set) var shape: Shape
    /// In the order of the formula: c · c, a, b · c, w, m.
    package private(set) var parameters: [Double]
    /// Relative residuals: (measured − fitted) / fitted, in the order of `points`.
    package private(set) var residuals: [Double]
    package private(set) var points: [Point]
    private var covariance: [[Double]]
    private var variance: Double
    private var freedom: Int

    /// Nil for fewer than three different loads, or values that are not above zero.
    ///
    /// - shapes: to choose from.
    package init?(_ points: [Point], shapes: [Shape] = Shape.allCases) {
        let points = points.filter { $0.value > 0 && $0.load > 0 && $0.value.isFinite }
        guard Set(points.map(\.load)).count >= 3 else { return nil }
        var best: (score: Double, shape: Shape, parameters: [Double])?
        for shape in shapes {
            guard let parameters = Self.fit(shape, points) else { continue }
            let score = Self.criterion(shape, parameters, points)
            if score < (best?.score ?? .infinity) { best = (score, shape, parameters) }
        }
        guard let best else { return nil }
        shape = best.shape
        parameters = best.parameters
        self.points = points
        residuals = points.map { point in
            let fitted = Self.value(best.shape, best.parameters, point.load)
            return (point.value - fitted) / fitted
        }
        freedom = max(1, points.count - best.parameters.count)
        variance = max(
            residuals.reduce(0) { $0 + $1 * $1 } / Double(freedom), 1e-8)
        covariance = Self.covariance(best.shape, best.parameters, points, variance)
    }

    /// How far the worst measurement lies from the curve, as a share of it.
    package var worstResidual: Double { residuals.map(abs).max() ?? 0 }

    /// From this on a shape does not follow its points, and the intervals of its parameters would be of something that is not there.
    package static let residualLimit = 0.25

    package var isTrusted: Bool { worstResidual <= Self.residualLimit }

    package func callAsFunction(_ load: Double) -> Double {
        Self.value(shape, parameters, load)
    }

    package func predict(_ load: Double, confidence: Double = 0.95) -> Prediction {
        let value = self(load)
        let gradient = Self.gradient(shape, parameters, load)
        var spread = variance * value * value
        for a in gradient.indices {
            for b in gradient.indices { spread += gradient[a] * covariance[a][b] * gradient[b] }
        }
        let half =
            studentQuantile(1 - (1 - confidence) / 2, freedom: freedom) * sqrt(max(0, spread))
        return Prediction(
            value: value,
            interval: .init(
                low: max(0, value - half), high: value + half, confidence: confidence))
    }

    /// The intervals of the parameters, linearised at the optimum.
    package func interval(of parameter: Int, confidence: Double = 0.95) -> ConfidenceInterval {
        let half =
            studentQuantile(1 - (1 - confidence) / 2, freedom: freedom)
            * sqrt(max(0, covariance[parameter][parameter]))
        return ConfidenceInterval(
            low: parameters[parameter] - half, high: parameters[parameter] + half,
            confidence: confidence)
    }

    /// The load at which throughput by latency is greatest: where a line from the origin touches the curve (Kleinrock, 1979).
    /// Beyond it each further call costs more latency than it brings. Nil when the curve does not bend below `limit`.
    package func knee(limit: Double) -> Double? {
        guard shape != .flat, limit > 1 else { return nil }
        // N / R(N) rises, then falls: golden-section search.
        func power(_ load: Double) -> Double { load / self(load) }
        let ratio = (sqrt(5) - 1) / 2
        var low = 1.0
        var high = shape == .queue ? min(limit, parameters[2] * 0.999) : limit
        guard high > low else { return nil }
        let end = high
        for _ in 0..<80 {
            let a = high - ratio * (high - low)
            let b = low + ratio * (high - low)
            if power(a) < power(b) { low = a } else { high = b }
        }
        let knee = (low + high) / 2
        return knee < end * 0.999 ? knee : nil
    }

    /// The load at which the curve reaches `value`; nil when it does not below `limit`.
    package func load(reaching value: Double, limit: Double) -> Double? {
        var low = 0.0
        var high = shape == .queue ? min(limit, parameters[2] * 0.9999) : limit
        guard self(high) >= value, high > 0 else { return nil }
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if self(middle) < value { low = middle } else { high = middle }
        }
        return high
    }

    /// The parameters' names in the formula, and what each stands for.
    package var names: [(name: String, meaning: String)] {
        switch shape {
        case .flat: [("c", "whatever the load")]
        case .usl:
            [
                ("c", "with one call"), ("a", "contention: by further call"),
                ("b", "coherency: by pair of calls"),
            ]
        case .queue:
            [
                ("c", "without waiting"), ("w", "waiting at half of m"),
                ("m", "calls at which it saturates"),
            ]
        }
    }

    /// The formula with its numbers, for people. `unit` follows what is a figure.
    package func text(_ format: (Double) -> String) -> String {
        switch shape {
        case .flat: format(parameters[0])
        case .usl:
            "\(format(parameters[0])) + \(format(parameters[1]))·(N−1) + "
                + "\(format(parameters[2]))·N(N−1)"
        case .queue:
            "\(format(parameters[0])) + \(format(parameters[1]))·ρ/(1−ρ), ρ = N/"
                + NumberText.fixed(parameters[2], 1)
        }
    }

    // MARK: The shapes

    static func value(_ shape: Shape, _ p: [Double], _ load: Double) -> Double {
        switch shape {
        case .flat: return p[0]
        case .usl: return p[0] + p[1] * (load - 1) + p[2] * load * (load - 1)
        case .queue:
            let rho = min(load / p[2], 0.9999)
            return p[0] + p[1] * rho / (1 - rho)
        }
    }

    private static func gradient(_ shape: Shape, _ p: [Double], _ load: Double) -> [Double] {
        p.indices.map { place in
            let step = max(abs(p[place]) * 1e-5, 1e-9)
            var up = p
            var down = p
            up[place] += step
            down[place] -= step
            return (value(shape, up, load) - value(shape, down, load)) / (2 * step)
        }
    }

    private static func covariance(
        _ shape: Shape, _ p: [Double], _ points: [Point], _ variance: Double
    ) -> [[Double]] {
        let zero = [[Double]](
            repeating: [Double](repeating: 0, count: p.count), count: p.count)
        // A parameter on its bound has no spread of its own.
        let free = p.indices.filter { $0 == 0 || p[$0] > 0 }
        var normal = [[Double]](
            repeating: [Double](repeating: 0, count: free.count), count: free.count)
        for point in points {
            let slope = gradient(shape, p, point.load)
            let fitted = value(shape, p, point.load)
            for a in free.indices {
                for b in free.indices {
                    normal[a][b] += slope[free[a]] * slope[free[b]] / (fitted * fitted)
                }
            }
        }
        guard let inverse = LeastSquares.inverse(normal) else { return zero }
        var result = zero
        for a in free.indices {
            for b in free.indices { result[free[a]][free[b]] = inverse[a][b] * variance }
        }
        return result
    }

    private static func fit(_ shape: Shape, _ points: [Point]) -> [Double]? {
        let y = points.map(\.value)
        let weights = y.map { 1 / ($0 * $0) }
        switch shape {
        case .flat:
            return LeastSquares(points.map { _ in [1] }, y, weights: weights)?.coefficients
        case .usl:
            guard points.count > 3 else { return nil }
            return usl(points, y, weights)
        case .queue:
            guard points.count > 3 else { return nil }
            return queue(points, y, weights)
        }
    }

    /// Neither contention nor coherency is negative: a column that would be is left out.
    private static func usl(_ points: [Point], _ y: [Double], _ weights: [Double]) -> [Double]? {
        let columns: [(Point) -> Double] = [
            { $0.load - 1 }, { $0.load * ($0.load - 1) },
        ]
        var best: (squares: Double, parameters: [Double])?
        for kept in [[0, 1], [0], [1], []] {
            let rows = points.map { point in [1] + kept.map { columns[$0](point) } }
            guard let fit = LeastSquares(rows, y, weights: weights),
                fit.coefficients[0] > 0, fit.coefficients.dropFirst().allSatisfy({ $0 >= 0 })
            else { continue }
            var parameters = [fit.coefficients[0], 0, 0]
            for (place, column) in kept.enumerated() {
                parameters[1 + column] = fit.coefficients[1 + place]
            }
            if fit.squares < (best?.squares ?? .infinity) { best = (fit.squares, parameters) }
        }
        return best?.parameters
    }

    /// For each m the rest is linear (variable projection); m itself by a search in its logarithm.
    private static func queue(_ points: [Point], _ y: [Double], _ weights: [Double]) -> [Double]? {
        guard let most = points.map(\.load).max() else { return nil }
        func solve(_ m: Double) -> (squares: Double, parameters: [Double])? {
            let rows = points.map { point -> [Double] in
                let rho = point.load / m
                return [1, rho / (1 - rho)]
            }
            guard let fit = LeastSquares(rows, y, weights: weights), fit.coefficients[0] > 0,
                fit.coefficients[1] >= 0
            else { return nil }
            return (fit.squares, [fit.coefficients[0], fit.coefficients[1], m])
        }
        var best: (squares: Double, parameters: [Double])?
        var step = 0.005
        // The distance of m from the greatest load, from half a percent to forty times it.
        while step < 40 {
            if let found = solve(most * (1 + step)), found.squares < (best?.squares ?? .infinity) {
                best = found
            }
            step *= 1.05
        }
        return best?.parameters
    }

    private static func criterion(_ shape: Shape, _ p: [Double], _ points: [Point]) -> Double {
        let squares = points.reduce(0) { sum, point in
            let fitted = value(shape, p, point.load)
            let relative = (point.value - fitted) / fitted
            return sum + relative * relative
        }
        let n = Double(points.count)
        // A parameter on its bound was not used.
        let k = 1 + Double(p.indices.filter { $0 == 0 || p[$0] > 0 }.count)
        let correction = n - k - 1 > 0 ? 2 * k * (k + 1) / (n - k - 1) : 1e6
        return n * log(max(squares / n, 1e-10)) + 2 * k + correction
    }
}
