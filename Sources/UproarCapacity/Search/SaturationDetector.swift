import UproarCore
import UproarStatistics

/// Sees that an agent falls ever further behind: what is under way and what a turn takes both grow, and neither by chance.
///
/// Fed once a second. *Under way* are the calls in progress where calls come by themselves; where callers dial again only
/// when their call has ended that number cannot grow, and the turns under way stand in: turns ended in the second times their
/// mean latency (Little's law).
package struct SaturationDetector: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Nothing is concluded from less.
        package var least = Duration.seconds(30)
        /// Growth over the stretch, relative to its mean: less is no saturation, however sure.
        package var growth = 0.2

        package init() {}
    }

    /// What it concluded from.
    package struct Evidence: Hashable, Sendable {
        /// Under way, per second.
        package var underWay: Trend
        /// Seconds of latency, per second.
        package var latency: Trend

        package var text: String {
            func slope(_ trend: Trend, _ unit: String, _ scale: Double) -> String {
                "+\(NumberText.fixed(trend.slope * scale, 2)) \(unit) "
                    + "(\(NumberText.fixed((trend.interval.low ?? 0) * scale, 2)) to "
                    + "\(NumberText.fixed((trend.interval.high ?? 0) * scale, 2)))"
            }
            return "over-saturated: under way \(slope(underWay, "a minute", 60)), turn latency "
                + slope(latency, "ms a second", 1000)
        }
    }

    package let limits: Limits
    private var underWay: [(x: Double, y: Double)] = []
    private var latency: [(x: Double, y: Double)] = []

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    package mutating func add(second: Double, underWay calls: Double?, meanLatency: Double?) {
        if let calls { underWay.append((second, calls)) }
        if let meanLatency { latency.append((second, meanLatency)) }
    }

    /// Nil while there is no reason to say so.
    package var evidence: Evidence? {
        guard let calls = rise(underWay), let turns = rise(latency) else { return nil }
        return Evidence(underWay: calls, latency: turns)
    }

    private func rise(_ points: [(x: Double, y: Double)]) -> Trend? {
        guard let first = points.first, let last = points.last,
            last.x - first.x + 1 >= limits.least.inSeconds,
            let trend = Trend(points, blockCount: 10), trend.isRising
        else { return nil }
        let mean = points.reduce(0) { $0 + $1.y } / Double(points.count)
        return trend.to - trend.from > limits.growth * mean ? trend : nil
    }
}
