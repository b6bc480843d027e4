import UproarCore

/// Every sample of a run, by metric, tags and interval: the only source of window percentiles. A window is a merge.
///
/// Intervals are one second wide and start at the run's first due arrival. A run longer than `intervalLimit` seconds doubles
/// the width (1, 2, 4 … s) by merging neighbours, so that memory does not grow with time; windows then have coarser edges.
package struct IntervalRecorder: Sendable, Equatable {
    package struct Key: Hashable, Sendable {
        package var metric: String
        package var tags: MetricTags

        package init(metric: String, tags: MetricTags) {
            self.metric = metric
            self.tags = tags
        }
    }

    package static let intervalLimit = 900

    /// The width of every interval.
    package private(set) var width: Duration = .seconds(1)
    package private(set) var series = OrderedTable<Key, IntervalSeries>()
    /// Metrics that are one number for the run (`agent_cpu_per_call`), in the unit of `GateRule.Quantity`.
    package private(set) var values = OrderedTable<Key, Double>()
    /// After the last interval in use.
    package private(set) var intervalCount = 0

    package init() {}

    /// For a stored result, whose width is known.
    package init(width: Duration) {
        precondition(width >= .seconds(1), "intervals are no narrower than a second")
        self.width = width
    }

    /// `at` is time since the run's first due arrival; what lies before counts to the first interval.
    package mutating func record(
        _ metric: String, _ tags: MetricTags, at: Instant, value: Int64, call: UInt32? = nil
    ) {
        update(metric, tags, at: at) {
            $0.samples.record(value)
            $0.occasions += 1
            if let call { $0.worst = .greater($0.worst, .init(call: call, value: value)) }
        }
    }

    /// A sample known only to be at least `limit`.
    package mutating func recordCensored(
        _ metric: String, _ tags: MetricTags, at: Instant, limit: Int64, call: UInt32? = nil
    ) {
        update(metric, tags, at: at) {
            $0.samples.recordCensored(at: limit)
            $0.occasions += 1
            if let call {
                $0.worst = .greater($0.worst, .init(call: call, value: .max))
                $0.missed = .greater($0.missed, .init(call: call, value: .max))
            }
        }
    }

    /// An occasion of a sample metric on which no sample could come (a refused call has no set-up time).
    package mutating func recordMissed(
        _ metric: String, _ tags: MetricTags, at: Instant, call: UInt32
    ) {
        update(metric, tags, at: at) {
            $0.occasions += 1
            $0.missed = .greater($0.missed, .init(call: call, value: 0))
        }
    }

    /// One occasion of an event metric, and how many events it brought (mostly none or one).
    package mutating func recordEvents(
        _ metric: String, _ tags: MetricTags, at: Instant, events: Int, occasions: Int = 1,
        call: UInt32? = nil
    ) {
        update(metric, tags, at: at) {
            $0.events += UInt64(events)
            $0.occasions += UInt64(occasions)
            guard let call else { return }
            if events > 0 {
                $0.worst = .greater($0.worst, .init(call: call, value: Int64(events)))
            } else if occasions > 0 {
                $0.missed = .greater($0.missed, .init(call: call, value: 0))
            }
        }
    }

    /// Adds to the totals whose ratio is the metric's mean.
    package mutating func recordRatio(
        _ metric: String, _ tags: MetricTags, at: Instant, numerator: Int64, denominator: Int64
    ) {
        update(metric, tags, at: at) {
            $0.numerator += numerator
            $0.denominator += denominator
        }
    }

    /// A whole histogram of one interval: what a caller loop counted by itself (`send_lateness`).
    package mutating func record(
        _ metric: String, _ tags: MetricTags, at: Instant, histogram: HDRHistogram
    ) {
        guard !histogram.isEmpty else { return }
        update(metric, tags, at: at) {
            $0.samples.add(
                SignedHistogram(positive: histogram, negative: .init(), censored: 0, at: nil))
            $0.occasions += histogram.count
        }
    }

    package mutating func setValue(_ metric: String, _ tags: MetricTags = .init(), to value: Double)
    {
        values[Key(metric: metric, tags: tags)] = value
    }

    /// Puts back one stored interval; `index` counts intervals of this recorder's width.
    package mutating func restore(_ key: Key, index: Int, _ interval: Interval) {
        series[key, default: .init()].update(index) { $0.add(interval) }
        intervalCount = max(intervalCount, index + 1)
    }

    /// Adds all intervals of a shard of the same run.
    package mutating func add(_ other: IntervalRecorder) {
        var other = other
        while width < other.width { widen() }
        while other.width < width { other.widen() }
        for (key, theirs) in zip(other.series.keys, other.series.values) {
            series[key, default: .init()].add(theirs)
        }
        for (key, value) in zip(other.values.keys, other.values.values) { values[key] = value }
        intervalCount = max(intervalCount, other.intervalCount)
        while intervalCount > Self.intervalLimit { widen() }
    }

    private mutating func update(
        _ metric: String, _ tags: MetricTags, at: Instant, _ change: (inout Interval) -> Void
    ) {
        var index = interval(at: at)
        while index >= Self.intervalLimit {
            widen()
            index = interval(at: at)
        }
        intervalCount = max(intervalCount, index + 1)
        series[Key(metric: metric, tags: tags), default: .init()].update(index, change)
    }

    package func interval(at: Instant) -> Int {
        max(0, Int(at.nanoseconds / width.nanoseconds))
    }

    private mutating func widen() {
        width += width
        intervalCount = (intervalCount + 1) / 2
        for key in series.keys { series[key]?.halve() }
    }

    package static func == (a: IntervalRecorder, b: IntervalRecorder) -> Bool {
        guard a.width == b.width, a.intervalCount == b.intervalCount,
            a.series.count == b.series.count, a.values.count == b.values.count
        else { return false }
        return a.series.keys.allSatisfy { a.series[$0] == b.series[$0] }
            && a.values.keys.allSatisfy { a.values[$0] == b.values[$0] }
    }
}

/// The intervals of one metric and one set of tags, in order, without the empty ones.
package struct IntervalSeries: Sendable, Equatable {
    package private(set) var indices: [Int] = []
    package private(set) var intervals: [Interval] = []

    package init() {}

    mutating func update(_ index: Int, _ change: (inout Interval) -> Void) {
        let place = firstPlace(from: index)
        if place == indices.count || indices[place] != index {
            indices.insert(index, at: place)
            intervals.insert(Interval(), at: place)
        }
        change(&intervals[place])
    }

    mutating func add(_ other: IntervalSeries) {
        for (index, interval) in zip(other.indices, other.intervals) {
            update(index) { $0.add(interval) }
        }
    }

    mutating func halve() {
        var halved = IntervalSeries()
        for (index, interval) in zip(indices, intervals) {
            if halved.indices.last == index / 2 {
                halved.intervals[halved.intervals.count - 1].add(interval)
            } else {
                halved.indices.append(index / 2)
                halved.intervals.append(interval)
            }
        }
        self = halved
    }

    /// The intervals whose index lies in `range`, added to `sum`.
    package func merge(_ range: Range<Int>, into sum: inout Interval) {
        var place = firstPlace(from: range.lowerBound)
        while place < indices.count, indices[place] < range.upperBound {
            sum.add(intervals[place])
            place += 1
        }
    }

    /// Visits the intervals whose index lies in `range`, in order.
    package func forEach(_ range: Range<Int>, _ body: (Int, Interval) -> Void) {
        var place = firstPlace(from: range.lowerBound)
        while place < indices.count, indices[place] < range.upperBound {
            body(indices[place], intervals[place])
            place += 1
        }
    }

    private func firstPlace(from index: Int) -> Int {
        // New samples mostly belong to the last interval.
        if let last = indices.last, last < index { return indices.count }
        var low = 0
        var high = indices.count
        while low < high {
            let middle = (low + high) / 2
            if indices[middle] < index { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
