import UproarCapacity
import UproarCore
import UproarScenario
import UproarStatistics

/// Feeds a `SaturationDetector` from a run that goes on, and asks it every few seconds.
final class SaturationWatch {
    private let limits: SaturationDetector.Limits
    private let from: Instant
    private let to: Instant
    /// Callers dial again when their call ends: the calls under way cannot grow, the turns under way can.
    private let isClosed: Bool
    private var calls: [(at: Instant, count: Int)] = []
    private var nextLook: Instant

    /// Turns of the last seconds are still under way.
    private static let lag = Duration.seconds(4)
    private static let lookEvery = Duration.seconds(5)

    init(_ limits: SaturationDetector.Limits, plan: RunPlan) {
        self.limits = limits
        let steady = plan.arrivals.windows.steady
        from = .zero + steady.lowerBound
        to = .zero + steady.upperBound
        isClosed = !plan.arrivals.spans.isEmpty
        nextLook = from + limits.least
    }

    /// One second is over.
    func add(at: Instant, inCall: Int) {
        guard at >= from, at < to else { return }
        calls.append((at, inCall))
    }

    /// - recorders: what has been measured so far; asked only when a look is due.
    func evidence(_ recorders: () -> [IntervalRecorder]) -> SaturationDetector.Evidence? {
        guard let last = calls.last?.at, last >= nextLook else { return nil }
        nextLook = last + Self.lookEvery
        var detector = SaturationDetector(limits)
        let recorders = recorders()
        guard let width = recorders.first?.width else { return nil }
        var turns: [Interval] = []
        for recorder in recorders {
            for (place, interval) in recorder.timeline("voice_to_voice").enumerated() {
                if place == turns.count { turns.append(Interval()) }
                turns[place].add(interval)
            }
        }
        for (place, interval) in turns.enumerated() {
            let start = Instant.zero + width * place
            guard start >= from, start + width <= last - Self.lag else { continue }
            let second = start.seconds + width.inSeconds / 2
            let latency = interval.samples.mean.map { $0.value / 1e9 }
            // Little's law: turns a second times what each takes.
            let underWay =
                isClosed
                ? latency.map { $0 * Double(interval.samples.count) / width.inSeconds }
                : calls.last { $0.at <= start + width }.map { Double($0.count) }
            detector.add(second: second, underWay: underWay, meanLatency: latency)
        }
        return detector.evidence
    }
}
