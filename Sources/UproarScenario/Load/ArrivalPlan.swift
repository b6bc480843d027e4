import UproarCore

/// When callers come: a pure function of the load lines and the seed. Times count from the first moment of the load.
///
/// - **Open** arrivals (`arrive`, rate ramps, `spike`, `replay`) are single calls with an intended start each.
/// - **Closed** callers (`ramp`, `hold`, `steps`) are spans: a caller dials when its span begins and, when a call of its
///   ends, dials again after `redial` as long as the span lasts.
///
/// Nothing here looks at the target, so nothing the target does can slow the plan.
package struct ArrivalPlan: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        package var name: String
        package var shape: LoadShape
        package var from: Duration
        package var to: Duration
    }

    /// A single call of an open line.
    package struct Arrival: Hashable, Sendable {
        package var at: Duration
        /// Index in `lines`.
        package var line: Int
    }

    /// A caller of the closed lines, present from `from` to before `until`.
    package struct Span: Hashable, Sendable {
        /// 0 ..< peak level: the place in the level, which a later span may take again.
        package var caller: Int
        package var from: Duration
        package var until: Duration
        /// The line in which it begins: index in `lines`.
        package var line: Int
    }

    /// One intended start, open or closed, before any redial.
    package struct Start: Hashable, Sendable {
        package var at: Duration
        package var line: Int
        /// The index in `spans` of a closed caller; nil for a single call.
        package var span: Int?
    }

    package let lines: [Line]
    package let redial: Duration
    /// In order of time.
    package let arrivals: [Arrival]
    /// In order of their beginning.
    package let spans: [Span]
    package let duration: Duration

    package init(_ load: [LoadLine], seed: Seed, redial: Duration) {
        var lines: [Line] = []
        var arrivals: [Arrival] = []
        var closed = ClosedLevels()
        var place = Duration.zero
        for (index, line) in load.enumerated() {
            let end = place + line.shape.duration
            lines.append(Line(name: line.name, shape: line.shape, from: place, to: end))
            var random = seed.stream("arrivals", UInt64(index))
            let starts: [Duration]
            switch line.shape {
            case .callerRamp(let shape):
                closed.setLevel(shape.from, at: place, line: index)
                for change in 0..<abs(shape.to - shape.from) {
                    closed.setLevel(
                        closed.level + (shape.to > shape.from ? 1 : -1),
                        at: place + shape.change(change), line: index)
                }
                starts = []
            case .hold(let shape):
                closed.setLevel(shape.callers, at: place, line: index)
                starts = []
            case .steps(let shape):
                for (step, level) in shape.levels.enumerated() {
                    closed.setLevel(level, at: place + shape.every * step, line: index)
                }
                starts = []
            case .arrive(let shape):
                closed.setLevel(0, at: place, line: index)
                starts = shape.starts(&random)
            case .rateRamp(let shape):
                closed.setLevel(0, at: place, line: index)
                starts = shape.starts()
            case .spike(let shape): starts = Array(repeating: .zero, count: shape.calls)
            case .replay(let shape):
                closed.setLevel(0, at: place, line: index)
                starts = shape.starts
            }
            arrivals.append(contentsOf: starts.map { Arrival(at: place + $0, line: index) })
            place = end
        }
        closed.setLevel(0, at: place, line: load.count - 1)
        self.lines = lines
        self.redial = redial
        self.arrivals = arrivals
        spans = closed.spans.enumerated().sorted {
            ($0.element.from, $0.offset) < ($1.element.from, $1.offset)
        }.map(\.element)
        duration = place
    }

    /// Every intended start in order of time; at equal times in order of the lines, open calls after closed ones.
    package var starts: [Start] {
        var all: [Start] = []
        all.reserveCapacity(arrivals.count + spans.count)
        var next = 0
        for (index, span) in spans.enumerated() {
            while next < arrivals.count, arrivals[next].at < span.from {
                all.append(Start(at: arrivals[next].at, line: arrivals[next].line, span: nil))
                next += 1
            }
            all.append(Start(at: span.from, line: span.line, span: index))
        }
        for arrival in arrivals[next...] {
            all.append(Start(at: arrival.at, line: arrival.line, span: nil))
        }
        return all
    }

    /// When a closed caller whose call ended at `end` dials again, or nil when its span is over by then.
    package func redialTime(span: Int, after end: Duration) -> Duration? {
        let time = end + redial
        return time < spans[span].until ? time : nil
    }

    /// How many closed callers there shall be at `time`.
    package func closedLevel(at time: Duration) -> Int {
        spans.count { $0.from <= time && time < $0.until }
    }

    /// The greatest number of calls at once, if an open call lasts `callLength`.
    package func peakCalls(callLength: Duration) -> Int {
        var changes: [(at: Duration, by: Int)] = []
        changes.reserveCapacity(2 * (spans.count + arrivals.count))
        for span in spans {
            changes.append((span.from, 1))
            changes.append((span.until, -1))
        }
        for arrival in arrivals {
            changes.append((arrival.at, 1))
            changes.append((arrival.at + callLength, -1))
        }
        // At equal times those who go leave room for those who come.
        changes.sort { ($0.at, $0.by) < ($1.at, $1.by) }
        var level = 0
        var peak = 0
        for change in changes {
            level += change.by
            peak = max(peak, level)
        }
        return peak
    }

    /// How many calls the load makes in all, if each lasts `callLength`; closed callers dial again until their span ends.
    package func callCount(callLength: Duration) -> Int {
        let cycle = max(1, (callLength + redial).nanoseconds)
        return spans.reduce(arrivals.count) {
            $0 + 1 + Int(max(0, ($1.until - $1.from).nanoseconds - 1) / cycle)
        }
    }
}

/// Turns a level that changes over time into spans of callers: the last to come is the first to go.
private struct ClosedLevels {
    private(set) var spans: [ArrivalPlan.Span] = []
    /// Indices in `spans` of the callers present, by their place in the level.
    private var present: [Int] = []

    var level: Int { present.count }

    mutating func setLevel(_ level: Int, at time: Duration, line: Int) {
        while present.count < level {
            spans.append(
                .init(caller: present.count, from: time, until: .zero, line: line))
            present.append(spans.count - 1)
        }
        while present.count > level { spans[present.removeLast()].until = time }
    }
}
