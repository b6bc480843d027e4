import UproarCore

/// A stretch of the run with a name: what gates, charts and tables speak of. Times are since the run's first due arrival.
package struct RunWindow: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// One piece of the steady state: there are several when faults cut it.
        case steady
        case warmup
        /// One load line.
        case stage
        /// First effective injection of a fault to its clearing.
        case fault
        /// Clearing of a fault to the end of its recovery window.
        case recovery
        case drain
    }

    package var id: String
    package var kind: Kind
    package var from: Instant
    package var to: Instant

    package init(id: String, kind: Kind, from: Instant, to: Instant) {
        self.id = id
        self.kind = kind
        self.from = from
        self.to = max(from, to)
    }
}

extension RunWindow {
    /// The steady pieces of a run: from the end of the last ramp to the start of the drain, minus each of `disturbed`.
    package static func steady(
        from: Instant, to: Instant, minus disturbed: [Range<Instant>]
    ) -> [RunWindow] {
        var pieces: [RunWindow] = []
        var start = from
        for range in disturbed.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > start {
                let end = min(range.lowerBound, to)
                if end > start {
                    pieces.append(.init(id: "steady", kind: .steady, from: start, to: end))
                }
            }
            start = max(start, range.upperBound)
        }
        if to > start { pieces.append(.init(id: "steady", kind: .steady, from: start, to: to)) }
        return pieces
    }
}

extension [RunWindow] {
    /// The stretches a gate's window means: nil when the run knows no such stage or fault (or it never came).
    ///
    /// `last` is not resolved here: it slides.
    package func ranges(of window: GateRule.Window) -> [Range<Instant>]? {
        func pieces(_ kind: RunWindow.Kind, _ id: String? = nil) -> [Range<Instant>]? {
            let found = filter { $0.kind == kind && (id == nil || $0.id == id) }
            return found.isEmpty ? nil : found.map { $0.from..<$0.to }
        }
        switch window {
        case .all, .last: return [Instant(nanoseconds: .min)..<Instant.distantFuture]
        case .steady: return pieces(.steady)
        case .warmup: return pieces(.warmup)
        case .stage(let name): return pieces(.stage, name)
        case .fault(let id, let from, let to):
            guard let found = pieces(.fault, id) else { return nil }
            guard let from, let to else { return found }
            return found.map {
                $0.lowerBound + from..<Swift.max($0.lowerBound + from, $0.lowerBound + to)
            }
        }
    }
}

extension IntervalRecorder {
    /// The intervals a stretch covers: those whose middle lies in it, and at least the one around the stretch's own middle.
    package func intervals(of range: Range<Instant>) -> Range<Int> {
        let width = width.nanoseconds
        func nearestEdge(_ at: Instant) -> Int {
            guard at.nanoseconds > 0 else { return 0 }
            guard at.nanoseconds / width < intervalCount else { return intervalCount }
            return Int((at.nanoseconds + width / 2) / width)
        }
        guard !range.isEmpty else { return 0..<0 }
        let low = nearestEdge(range.lowerBound)
        let high = nearestEdge(range.upperBound)
        if low < high { return low..<high }
        let middle = range.lowerBound.nanoseconds / 2 + range.upperBound.nanoseconds / 2
        let index = interval(at: Instant(nanoseconds: middle))
        return index < intervalCount ? index..<index + 1 : 0..<0
    }

    /// Everything of `metric` whose tags match, in these stretches, merged.
    package func merged(
        _ metric: String, _ selector: [GateRule.Condition] = [], in ranges: [Range<Instant>]
    ) -> Interval {
        var sum = Interval()
        // Pieces narrower than an interval may round to the same one: it counts once.
        var spans: [Range<Int>] = []
        for span in ranges.map(intervals(of:)).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            let low = max(span.lowerBound, spans.last?.upperBound ?? 0)
            if low < span.upperBound { spans.append(low..<span.upperBound) }
        }
        forEachSeries(metric, selector) { series in
            for span in spans { series.merge(span, into: &sum) }
        }
        return sum
    }

    /// The same over the whole run.
    package func merged(_ metric: String, _ selector: [GateRule.Condition] = []) -> Interval {
        var sum = Interval()
        forEachSeries(metric, selector) { $0.merge(0..<intervalCount, into: &sum) }
        return sum
    }

    /// By interval, from the first to the last: empty intervals are empty, so that charts show gaps as gaps.
    package func timeline(_ metric: String, _ selector: [GateRule.Condition] = []) -> [Interval] {
        var result = [Interval](repeating: Interval(), count: intervalCount)
        forEachSeries(metric, selector) { series in
            series.forEach(0..<intervalCount) { result[$0].add($1) }
        }
        return result
    }

    private func forEachSeries(
        _ metric: String, _ selector: [GateRule.Condition], _ body: (IntervalSeries) -> Void
    ) {
        for (key, series) in zip(series.keys, series.values)
        where key.metric == metric && key.tags.match(selector) { body(series) }
    }
}
