import Glibc
import UproarCore
import UproarStatistics

/// Where the edge between loads that hold and loads that break lies, given trials that each held or broke.
///
/// A load holds with the chance 1 / (1 + exp((N − edge) / (width · edge))): near the edge a run may go either way. Every edge
/// between the lowest and the highest trial is as likely as any other beforehand, and every width between 0.5 % and 20 % on a
/// logarithmic scale; what is left after the trials gives the median and the interval.
package struct EdgeEstimate: Hashable, Sendable {
    package struct Trial: Hashable, Sendable {
        package var load: Double
        package var held: Bool

        package init(load: Double, held: Bool) {
            self.load = load
            self.held = held
        }
    }

    package var median: Double
    package var interval: ConfidenceInterval

    /// Nil unless some trial held and some trial broke.
    package init?(_ trials: [Trial], confidence: Double = 0.95) {
        guard let low = trials.map(\.load).min(), let high = trials.map(\.load).max(), low > 0,
            trials.contains(where: \.held), trials.contains(where: { !$0.held })
        else { return nil }
        let steps = 2000
        let from = low * 0.8
        let to = high * 1.2
        let widths = (0..<24).map { 0.005 * pow(40, Double($0) / 23) }
        var weights = [Double](repeating: 0, count: steps)
        for step in 0..<steps {
            let edge = from + (to - from) * (Double(step) + 0.5) / Double(steps)
            for width in widths {
                var likelihood = 1.0
                for trial in trials {
                    let distance = (trial.load - edge) / (width * edge)
                    let holds = 1 / (1 + exp(max(-700, min(700, distance))))
                    likelihood *= trial.held ? holds : 1 - holds
                }
                weights[step] += likelihood
            }
        }
        let total = weights.reduce(0, +)
        guard total > 0 else { return nil }
        func quantile(_ q: Double) -> Double {
            var sum = 0.0
            for step in 0..<steps {
                sum += weights[step]
                if sum >= q * total {
                    return from + (to - from) * (Double(step) + 0.5) / Double(steps)
                }
            }
            return to
        }
        let tail = (1 - confidence) / 2
        median = quantile(0.5)
        interval = ConfidenceInterval(
            low: quantile(tail), high: quantile(1 - tail), confidence: confidence)
    }
}
