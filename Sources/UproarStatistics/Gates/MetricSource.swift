import UproarCore

/// Where a gate reads: the run's recorder, and while it goes on a second one with what the calls under way have come to.
package struct MetricSource: Sendable {
    /// All of one width.
    package var recorders: [IntervalRecorder]
    package var windows: [RunWindow]
    /// The end of what has been measured: the run's last interval, or now.
    package var end: Instant

    package init(_ recorders: [IntervalRecorder], windows: [RunWindow], end: Instant) {
        precondition(
            !recorders.isEmpty && recorders.allSatisfy { $0.width == recorders[0].width },
            "recorders of one width are read together")
        self.recorders = recorders
        self.windows = windows
        self.end = end
    }

    /// A figure of one aggregate, the samples behind it, and how sure it is.
    struct Observation {
        var figure: Figure
        var count: UInt64
        var interval: ConfidenceInterval?
    }

    func merged(
        _ metric: String, _ selector: [GateRule.Condition], _ ranges: [Range<Instant>]
    ) -> Interval {
        var sum = Interval()
        for recorder in recorders { sum.add(recorder.merged(metric, selector, in: ranges)) }
        return sum
    }

    /// The one number of a metric of kind `value`.
    func value(_ metric: String, _ selector: [GateRule.Condition]) -> Double? {
        for recorder in recorders {
            for (key, value) in zip(recorder.values.keys, recorder.values.values)
            where key.metric == metric && key.tags.match(selector) { return value }
        }
        return nil
    }

    /// The part of `ranges` that has been measured, in seconds.
    func seconds(_ ranges: [Range<Instant>]) -> Double {
        ranges.reduce(0) { sum, range in
            let low = max(range.lowerBound, .zero)
            let high = min(range.upperBound, end)
            return sum + (high > low ? (high - low).inSeconds : 0)
        }
    }

    /// nil when there is no sample, no occasion and no value.
    func observe(
        _ aggregate: GateRule.Aggregate, of metric: MetricDescriptor,
        _ selector: [GateRule.Condition], in ranges: [Range<Instant>], confidence: Double
    ) -> Observation? {
        if metric.kind == .value {
            return value(metric.name, selector).map { Observation(figure: Figure($0), count: 1) }
        }
        let data = merged(metric.name, selector, ranges)
        guard !data.isEmpty else { return nil }
        let isEvents = metric.kind == .events
        let count = isEvents ? data.events : data.samples.count
        switch aggregate {
        case .count:
            return Observation(
                figure: Figure(Double(count)), count: max(count, data.occasions))
        case .perSecond:
            let seconds = seconds(ranges)
            guard seconds > 0 else { return nil }
            return Observation(figure: Figure(Double(count) / seconds), count: count)
        case .rate:
            guard data.occasions > 0 else { return nil }
            let hits = isEvents ? data.events : data.samples.count - data.samples.censoredCount
            return Observation(
                figure: Figure(Double(hits) / Double(data.occasions)), count: data.occasions,
                interval: Confidence.share(
                    hits: hits, of: data.occasions, confidence: confidence))
        case .mean where data.denominator > 0:
            // A ratio of totals: nano-dollars by nanoseconds, as dollars by minute.
            return Observation(
                figure: Figure(Double(data.numerator) * 60 / Double(data.denominator)),
                count: data.samples.count)
        default: return observe(aggregate, of: data.samples, metric.dimension, confidence)
        }
    }

    private func observe(
        _ aggregate: GateRule.Aggregate, of samples: SignedHistogram,
        _ dimension: MetricDescriptor.Dimension, _ confidence: Double
    ) -> Observation? {
        let scale = StoredUnit.scale(dimension)
        func scaled(_ interval: ConfidenceInterval?) -> ConfidenceInterval? {
            interval.map {
                ConfidenceInterval(
                    low: $0.low.map { $0 / scale }, high: $0.high.map { $0 / scale },
                    confidence: $0.confidence)
            }
        }
        func observation(_ figure: Figure?, _ interval: ConfidenceInterval? = nil) -> Observation? {
            figure.map {
                Observation(
                    figure: Figure($0.value / scale, isCensored: $0.isCensored),
                    count: samples.count, interval: scaled(interval))
            }
        }
        switch aggregate {
        case .quantile(let q):
            return observation(
                samples.quantile(q),
                samples.isEmpty
                    ? nil : Confidence.quantile(q, of: samples, confidence: confidence))
        case .mean:
            return observation(samples.mean, Confidence.mean(of: samples, confidence: confidence))
        case .minimum: return observation(samples.minimum)
        case .maximum: return observation(samples.maximum)
        case .deviation: return observation(samples.deviation)
        case .share(let comparison, let limit):
            guard !samples.isEmpty else { return nil }
            let hits = Self.hits(comparison, StoredUnit.stored(limit.value, dimension), samples)
            return Observation(
                figure: Figure(Double(hits) / Double(samples.count)), count: samples.count,
                interval: Confidence.share(
                    hits: hits, of: samples.count, confidence: confidence))
        case .count, .rate, .perSecond:
            preconditionFailure("\(aggregate.text) is no aggregate of samples alone")
        }
    }

    private static func hits(
        _ comparison: GateRule.Comparison, _ limit: Int64, _ samples: SignedHistogram
    ) -> UInt64 {
        let below = samples.count(below: limit)
        let through = samples.count(below: limit == .max ? limit : limit + 1)
        switch comparison {
        case .less: return below
        case .lessOrEqual: return through
        case .greater: return samples.count - through
        case .greaterOrEqual: return samples.count - below
        case .equal: return through - below
        case .different: return samples.count - (through - below)
        // The grammar has no range inside `share`.
        case .within: return 0
        }
    }

    /// Calls to listen to for a rule, worst first: those with the greatest samples or with events, or, where a rule wants
    /// many, those that missed.
    func worstCalls(_ rule: GateRule, _ kind: MetricDescriptor.Kind, _ ranges: [Range<Instant>])
        -> [UInt32]
    {
        let wantsMany: Bool
        switch (rule.aggregate, rule.comparison) {
        case (.rate, .greater), (.rate, .greaterOrEqual): wantsMany = true
        case (.count, .greater), (.count, .greaterOrEqual): wantsMany = kind == .events
        default: wantsMany = false
        }
        var found: [Exemplar] = []
        for recorder in recorders {
            for (key, series) in zip(recorder.series.keys, recorder.series.values)
            where key.metric == rule.metric && key.tags.match(rule.selector) {
                for range in ranges {
                    series.forEach(recorder.intervals(of: range)) { _, interval in
                        if let call = wantsMany ? interval.missed : interval.worst {
                            found.append(call)
                        }
                    }
                }
            }
        }
        var calls: [UInt32] = []
        for exemplar in found.sorted(by: >) where !calls.contains(exemplar.call) {
            calls.append(exemplar.call)
            if calls.count == 5 { break }
        }
        return calls
    }
}
