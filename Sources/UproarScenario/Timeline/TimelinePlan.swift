import UproarCore

/// The timeline with its times worked out, as far as they can be known before the run: a pure function of the events, the
/// seed and the load's length. Times count from the first moment of the load.
package struct TimelinePlan: Hashable, Sendable {
    /// One happening of an event: `every` makes several.
    package struct Occurrence: Hashable, Sendable {
        /// Index in the scenario's timeline.
        package var event: Int
        /// The event's id; the second and later happenings of `every` have their number behind it: `flap#2`.
        package var id: String
        package var start: Span
        /// Equal to `start` for what takes no time.
        package var end: Span

        package init(event: Int, id: String, start: Span, end: Span) {
            self.event = event
            self.id = id
            self.start = start
            self.end = end
        }
    }

    /// A time that is known (`earliest == latest`) or lies between two.
    package struct Span: Hashable, Sendable {
        package var earliest: Duration
        package var latest: Duration

        package init(_ earliest: Duration, _ latest: Duration) {
            self.earliest = earliest
            self.latest = latest
        }

        package var isExact: Bool { earliest == latest }

        static func + (span: Span, delay: Duration) -> Span {
            Span(span.earliest + delay, span.latest + delay)
        }

        func cut(by other: Span) -> Span {
            Span(min(earliest, other.earliest), min(latest, other.latest))
        }
    }

    /// In order of their earliest start; at equal times in written order.
    package let occurrences: [Occurrence]
    /// When everything is cleared, whatever the timeline says: the end of the load.
    package let clearAll: Duration

    package init(_ timeline: [TimelineEvent], seed: Seed, loadDuration: Duration) {
        var planner = Planner(timeline: timeline, seed: seed)
        var all: [Occurrence] = []
        for index in timeline.indices {
            for (number, start) in planner.starts(of: index).enumerated() {
                let id = timeline[index].id + (number == 0 ? "" : "#\(number + 1)")
                let end = planner.end(of: index, start)
                all.append(Occurrence(event: index, id: id, start: start, end: end))
            }
        }
        Self.applyClears(timeline, &all)
        occurrences = all.enumerated().sorted {
            ($0.element.start.earliest, $0.element.event, $0.offset)
                < ($1.element.start.earliest, $1.element.event, $1.offset)
        }.map(\.element)
        clearAll = loadDuration
    }

    /// An inject ends where a `clear` of it begins, if that comes first.
    private static func applyClears(_ timeline: [TimelineEvent], _ all: inout [Occurrence]) {
        for clear in all {
            let target: String?
            switch timeline[clear.event].action {
            case .clear(let id): target = id
            case .clearAll: target = nil
            default: continue
            }
            for index in all.indices {
                let event = timeline[all[index].event]
                guard case .inject = event.action, target == nil || event.id == target,
                    clear.start.latest >= all[index].start.earliest
                else { continue }
                all[index].end = all[index].end.cut(by: clear.start)
            }
        }
    }
}

/// Works out starts and ends, each once; references are known to lead to events and not in circles.
private struct Planner {
    let timeline: [TimelineEvent]
    let seed: Seed
    private var known: [Int: [TimelinePlan.Span]] = [:]

    init(timeline: [TimelineEvent], seed: Seed) {
        self.timeline = timeline
        self.seed = seed
    }

    mutating func starts(of index: Int) -> [TimelinePlan.Span] {
        if let starts = known[index] { return starts }
        let starts: [TimelinePlan.Span]
        switch timeline[index].when {
        case .at(let time): starts = [.init(time, time)]
        case .condition(_, let within): starts = [.init(.zero, within)]
        case .after(let id, let delay):
            guard let other = timeline.firstIndex(where: { $0.id == id }),
                let last = self.starts(of: other).last
            else { return [] }
            starts = [end(of: other, last) + delay]
        case .every(let period, let jitter, let from, let to):
            let count = Int((to - from).nanoseconds / period.nanoseconds) + 1
            starts = (0..<min(count, 10_000)).map { number in
                var random = seed.stream("timeline", UInt64(index), UInt64(number))
                let span = Double(2 * jitter.nanoseconds) * random.unit()
                let moved = from + period * number + .nanoseconds(Int64(span)) - jitter
                let time = max(.zero, moved)
                return .init(time, time)
            }
        }
        known[index] = starts
        return starts
    }

    mutating func end(of index: Int, _ start: TimelinePlan.Span) -> TimelinePlan.Span {
        let event = timeline[index]
        if case .expect(_, let within) = event.action {
            return .init(start.earliest, start.latest + within)
        }
        switch event.life {
        case nil: return start
        case .lasting(let time)?, .pulse(_, _, let time)?: return start + time
        case .count(_, let longest)?, .untilCondition(_, let longest)?:
            return .init(start.earliest, start.latest + longest)
        case .untilEvent(let id, let longest)?:
            let open = TimelinePlan.Span(start.earliest, start.latest + longest)
            // Another event's start may hang on this one's end: then only the longest time is known.
            guard let other = timeline.firstIndex(where: { $0.id == id }),
                case .at(let time) = timeline[other].when, start.isExact
            else { return open }
            let end = min(max(time, start.earliest), start.earliest + longest)
            return .init(end, end)
        }
    }
}
