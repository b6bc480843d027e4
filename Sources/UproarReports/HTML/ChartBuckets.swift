import UproarCore
import UproarStatistics

/// The buckets charts are drawn in: whole intervals of the recorder, joined by exact merge until there are few enough to see
/// and most of them hold enough turns to speak of percentiles. Never an average of percentiles.
struct ChartBuckets {
    let recorder: IntervalRecorder
    /// Intervals in one bucket.
    let factor: Int

    private static let mostBuckets = 240
    private static let fewestBuckets = 20
    private static let wantedTurns = 10.0

    init(_ recorder: IntervalRecorder) {
        self.recorder = recorder
        let turns = Double(recorder.merged("voice_to_voice").samples.count)
        let intervals = max(1, recorder.intervalCount)
        let widths = [1, 2, 5, 10, 15, 30, 60, 120, 300]
        var place = widths.firstIndex { intervals / $0 <= Self.mostBuckets } ?? widths.count - 1
        while place + 1 < widths.count, intervals / widths[place + 1] >= Self.fewestBuckets,
            turns * Double(widths[place]) / Double(intervals) < Self.wantedTurns
        { place += 1 }
        factor = widths[place]
    }

    /// Buckets of so many intervals: for charts that lie over another's.
    init(_ recorder: IntervalRecorder, factor: Int) {
        self.recorder = recorder
        self.factor = max(1, factor)
    }

    /// Seconds of one bucket.
    var seconds: Double { recorder.width.inSeconds * Double(factor) }

    var count: Int { (recorder.intervalCount + factor - 1) / factor }

    func timeline(_ metric: String, _ selector: [GateRule.Condition] = []) -> [Interval] {
        var buckets = [Interval](repeating: Interval(), count: count)
        for (index, interval) in recorder.timeline(metric, selector).enumerated() {
            buckets[index / factor].add(interval)
        }
        return buckets
    }
}
