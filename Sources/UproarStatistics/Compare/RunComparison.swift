import Glibc
import UproarCore

/// From when a difference counts.
package struct ComparisonLimits: Hashable, Sendable {
    /// Of the first run's figure: 0.10 is 10 %.
    package var relative = 0.10
    /// Of times.
    package var absolute = Duration.milliseconds(30)
    /// Of shares: one turn in a hundred.
    package var share = 0.01
    /// Of dollars by minute.
    package var dollars = 0.001
    package var confidence = 0.95
    package var draws = 1000
    /// Of times: what this machine cannot tell apart, three times its noise floor.
    package var noise = Duration.zero

    package init() {}

    /// The same with the noise of the runs to compare.
    package func heeding(_ floors: NoiseFloor?...) -> ComparisonLimits {
        var limits = self
        limits.noise = (floors.compactMap { $0?.errorP50 }.max() ?? .zero) * 3
        return limits
    }

    func floor(_ dimension: MetricDescriptor.Dimension) -> Double {
        switch dimension {
        case .time: Double(max(absolute, noise).nanoseconds)
        case .share: share
        case .money: dollars
        case .count, .bytes, .bitrate, .cores: 0
        }
    }
}

/// Two runs beside each other: `after` against `before`.
///
/// A difference is a regression when it is larger than the relative *and* the absolute limit *and* the confidence interval of the
/// difference, from drawing whole calls, excludes zero. It is none when that interval excludes a regression. Else there were too few calls
/// to know, and the row says how many more it would take.
package struct RunComparison: Sendable, Equatable {
    package enum Verdict: String, Sendable {
        case regressed, improved, unchanged, inconclusive
    }

    /// Which side can have more calls.
    package enum Growing: Sendable {
        case both
        /// The first side is a stored baseline.
        case after
    }

    package struct Row: Sendable, Hashable {
        package var metric: String
        /// `p95`, `mean`, `share`.
        package var figure: String
        package var dimension: MetricDescriptor.Dimension
        package var before: Double
        package var after: Double
        /// Of `after − before`.
        package var interval: ConfidenceInterval
        /// How much more would be a regression.
        package var limit: Double
        package var verdict: Verdict
        /// About how many more calls on each side would decide it; nil when decided.
        package var callsNeeded: Int?
        /// Set in its place when no number of calls on the second side decides it, because the first side alone is too uncertain:
        /// about how many more calls the first would need, with as many on the second.
        package var baselineCallsNeeded: Int?
        /// A difference that the machine's own noise floor could make.
        package var isWithinNoise = false

        package var difference: Double { after - before }
        /// Nil when the first run's figure is zero.
        package var relative: Double? { before == 0 ? nil : difference / abs(before) }
    }

    package private(set) var rows: [Row] = []
    package var callCounts: (before: Int, after: Int)

    package static func == (a: RunComparison, b: RunComparison) -> Bool {
        a.rows == b.rows && a.callCounts == b.callCounts
    }

    /// Of all rows: regressed before inconclusive before improved before unchanged.
    package var verdict: Verdict {
        let order: [Verdict] = [.regressed, .inconclusive, .improved]
        return order.first { verdict in rows.contains { $0.verdict == verdict } }
            ?? (rows.isEmpty ? .inconclusive : .unchanged)
    }

    /// Of several: the worst is the answer.
    package static func worst(_ comparisons: [RunComparison]) -> Verdict {
        let order: [Verdict] = [.regressed, .inconclusive, .improved]
        return order.first { verdict in comparisons.contains { $0.verdict == verdict } }
            ?? .unchanged
    }

    init(rows: [Row], callCounts: (before: Int, after: Int)) {
        self.rows = rows
        self.callCounts = callCounts
    }

    package init(
        _ before: CallDraw, _ after: CallDraw, _ limits: ComparisonLimits = .init(),
        growing: Growing = .both
    ) {
        let left = before.entries
        let right = after.entries
        callCounts = (left.count, right.count)
        let counts = callCounts
        /// A stream of its own for each row: adding a row moves no other.
        func random(_ metric: String) -> RandomStream { Seed(0x5eed).stream(text: metric) }

        func quantiles(_ metric: String, _ values: (CallDraw.Entry) -> [Int64], _ qs: [Double]) {
            let a = CallBootstrap(left.map(values))
            let b = CallBootstrap(right.map(values))
            for q in qs {
                guard let x = a.quantile(q), let y = b.quantile(q) else { continue }
                var stream = random("\(metric) \(q)")
                let interval = a.difference(
                    to: b, quantile: q, confidence: limits.confidence, draws: limits.draws, &stream)
                // The draw counts microseconds.
                let (before, after) = (Double(x) * 1000, Double(y) * 1000)
                let drawn = interval.scaled(by: 1000)
                rows.append(
                    Self.judged(
                        metric, "p\(Int(q * 100))", .time, before, after,
                        Self.widened(drawn, around: after - before, counts), counts, limits,
                        drawn: drawn, growing: growing))
            }
        }
        quantiles("voice_to_voice", \.voiceToVoice, [0.5, 0.95])
        quantiles("voice_to_answer", \.voiceToAnswer, [0.95])
        quantiles("call_setup", { $0.setup.map { [$0] } ?? [] }, [0.95])

        func ratio(
            _ metric: String, _ figure: String, _ dimension: MetricDescriptor.Dimension,
            _ parts: (CallDraw.Entry) -> (Double, Double)?
        ) {
            let a = RatioBootstrap(left.compactMap(parts))
            let b = RatioBootstrap(right.compactMap(parts))
            guard let x = a.ratio, let y = b.ratio else { return }
            var stream = random(metric)
            let interval = a.difference(
                to: b, confidence: limits.confidence, draws: limits.draws, &stream)
            rows.append(
                Self.judged(
                    metric, figure, dimension, x, y,
                    Self.widened(interval, around: y - x, counts), counts, limits,
                    drawn: interval, growing: growing))
        }
        ratio("turns_bad", "share", .share) {
            ($0.owed > 0) ? (Double($0.bad), Double($0.owed)) : nil
        }
        ratio("cost_per_minute", "mean", .money) { entry in
            guard let cost = entry.nanoDollars, entry.connected > .zero else { return nil }
            return (Double(cost) / 1e9, entry.connected.inSeconds / 60)
        }
    }

    /// Below so many calls on a side nothing is decided, and below `fewCalls` only with a higher confidence.
    static let leastCalls = 5
    static let fewCalls = 40

    /// Few calls drawn again and again look surer than they are: the ends of the interval move out as Student's quantile is beyond the
    /// normal one, and by the root of n/(n − 1). Of two calls the drawing alone called the same agent a regression every other time.
    private static func widened(
        _ interval: ConfidenceInterval, around difference: Double,
        _ calls: (before: Int, after: Int)
    ) -> ConfidenceInterval {
        let least = min(calls.before, calls.after)
        guard least >= leastCalls else {
            return ConfidenceInterval(low: nil, high: nil, confidence: interval.confidence)
        }
        let confidence =
            least < fewCalls ? 1 - (1 - interval.confidence) / 10 : interval.confidence
        let n = Double(least)
        // Welch's degrees of freedom, of sides whose calls vary alike: those of the smaller side count most.
        let (a, b) = (1 / Double(calls.before), 1 / Double(calls.after))
        let freedom =
            (a + b) * (a + b)
            / (a * a / Double(calls.before - 1) + b * b / Double(calls.after - 1))
        let factor =
            PairedComparison.studentQuantile(1 - (1 - confidence) / 2, freedom)
            / normalQuantile(1 - (1 - interval.confidence) / 2) * sqrt(n / (n - 1))
        return ConfidenceInterval(
            low: interval.low.map { difference - factor * (difference - $0) },
            high: interval.high.map { difference + factor * ($0 - difference) },
            confidence: confidence)
    }

    /// - drawn: `interval` before it was widened for few calls, which more of them undo: what is needed goes by this one.
    static func judged(
        _ metric: String, _ figure: String, _ dimension: MetricDescriptor.Dimension,
        _ before: Double, _ after: Double, _ interval: ConfidenceInterval,
        _ calls: (before: Int, after: Int), _ limits: ComparisonLimits,
        drawn: ConfidenceInterval? = nil, growing: Growing = .both
    ) -> Row {
        let limit = max(limits.relative * abs(before), limits.floor(dimension))
        var row = Row(
            metric: metric, figure: figure, dimension: dimension, before: before, after: after,
            interval: interval, limit: limit, verdict: .inconclusive)
        let difference = after - before
        row.isWithinNoise =
            dimension == .time && abs(difference) < Double(limits.noise.nanoseconds)
        guard let low = interval.low, let high = interval.high else {
            // Pairs of blocks have no interval before there are two of them.
            let least = min(calls.before, calls.after)
            if least < leastCalls {
                if growing == .both || calls.after < leastCalls {
                    row.callsNeeded = fewCalls - (growing == .both ? least : calls.after)
                } else {
                    row.baselineCallsNeeded = fewCalls - calls.before
                }
            }
            return row
        }
        if difference > limit, low > 0 {
            row.verdict = .regressed
        } else if difference < -limit, high < 0 {
            row.verdict = .improved
        } else if high <= limit {
            row.verdict = .unchanged
        } else {
            let width = (drawn?.high ?? high) - (drawn?.low ?? low)
            let shrink = shrink(difference, limit, width)
            switch growing {
            case .both:
                let least = min(calls.before, calls.after)
                row.callsNeeded = max(needed(shrink, least), fewCalls - least)
            case .after:
                row.callsNeeded = neededAfter(shrink, calls).map { max($0, fewCalls - calls.after) }
                if row.callsNeeded == nil {
                    row.baselineCallsNeeded = neededBefore(shrink, calls)
                }
            }
        }
        return row
    }

    /// By what the interval's variance must be divided: half its width must become less than the distance from the difference to the
    /// limit (or to zero, when the difference is beyond the limit).
    private static func shrink(_ difference: Double, _ limit: Double, _ width: Double) -> Double {
        let distance = difference > limit ? difference : limit - difference
        // A difference right on the limit is never decided: a hundred times the calls is as good as never.
        return min(100, max(1.1, pow(width / 2 / max(distance, limit / 20), 2)))
    }

    /// The variance falls with the number of calls.
    private static func needed(_ shrink: Double, _ calls: Int) -> Int {
        max(1, Int((Double(calls) * (shrink - 1)).rounded(.up)))
    }

    /// The variance is that of the one side plus that of the other, each one by its number of calls: `1/before + 1/after`. Nil when
    /// the first term alone is too much, or so near to it that ten times the calls would not do.
    private static func neededAfter(_ shrink: Double, _ calls: (before: Int, after: Int)) -> Int? {
        let (before, after) = (Double(calls.before), Double(calls.after))
        let rest = (1 / before + 1 / after) / shrink - 1 / before
        guard rest > 0, 1 / rest <= 10 * max(before, after) else { return nil }
        return max(1, Int((1 / rest - after).rounded(.up)))
    }

    /// With as many on both sides.
    private static func neededBefore(_ shrink: Double, _ calls: (before: Int, after: Int)) -> Int {
        let (before, after) = (Double(calls.before), Double(calls.after))
        return max(1, Int((2 * shrink / (1 / before + 1 / after) - before).rounded(.up)))
    }
}

extension ConfidenceInterval {
    func scaled(by factor: Double) -> ConfidenceInterval {
        ConfidenceInterval(
            low: low.map { $0 * factor }, high: high.map { $0 * factor }, confidence: confidence)
    }
}

/// The confidence of a ratio of totals (cost by time, bad turns by turns) from drawing calls with replacement.
struct RatioBootstrap {
    private let parts: [(Double, Double)]

    init(_ parts: [(Double, Double)]) { self.parts = parts }

    /// Nil without calls or when the lower total is zero.
    var ratio: Double? {
        let sums = parts.reduce(into: (0.0, 0.0)) {
            $0.0 += $1.0
            $0.1 += $1.1
        }
        return sums.1 > 0 ? sums.0 / sums.1 : nil
    }

    private func draw(_ random: inout RandomStream) -> Double {
        var upper = 0.0
        var lower = 0.0
        for _ in parts.indices {
            let part = parts[random.below(parts.count)]
            upper += part.0
            lower += part.1
        }
        return lower > 0 ? upper / lower : 0
    }

    func difference(
        to other: RatioBootstrap, confidence: Double, draws: Int, _ random: inout RandomStream
    ) -> ConfidenceInterval {
        guard !parts.isEmpty, !other.parts.isEmpty else {
            return ConfidenceInterval(low: nil, high: nil, confidence: confidence)
        }
        var differences: [Double] = []
        for _ in 0..<draws {
            let mine = draw(&random)
            differences.append(other.draw(&random) - mine)
        }
        return CallBootstrap.middle(differences, confidence)
    }
}
