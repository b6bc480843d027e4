import UproarCore
import UproarFaults
import UproarScenario

/// Carries the timeline out: says at each instant what is to be armed, cleared or marked. A value that is asked; it arms nothing
/// itself.
///
/// ```
///  waiting ── its time, its condition ──► armed ── end, clear, count of hits ──► over
///      └── the condition did not come ──► given up
/// ```
package struct Nemesis {
    package enum Action: Hashable, Sendable {
        case arm(FaultPlan)
        /// The number of the plan and its id.
        case clear(UInt32, String)
        case mark(String)
        /// An expectation came true or did not.
        case expected(String, Bool)
        /// A condition or another event never came: what hung on it did not happen.
        case gaveUp(String)
    }

    private enum State: Hashable {
        case waiting
        case armed(from: Instant, until: Instant)
        case expecting(until: Instant)
        case over(Instant)
        case givenUp
    }

    private var timeline: [TimelineEvent]
    private var occurrences: [TimelinePlan.Occurrence]
    private let clearAllAt: Instant
    private let seed: Seed
    private let callsOf: (String, String) -> [UInt32]
    private var states: [State]
    private var hasClearedAll = false
    /// What was told to begin before its time, and when.
    private var hastened: [Int: Instant] = [:]

    /// How often conditions are looked at.
    package static let cadence = Duration.milliseconds(250)

    /// - callsOf: the calls with a tag, for cohorts by tag.
    package init(
        _ timeline: [TimelineEvent], plan: TimelinePlan, seed: Seed,
        callsOf: @escaping (String, String) -> [UInt32]
    ) {
        self.timeline = timeline
        self.seed = seed
        self.callsOf = callsOf
        occurrences = plan.occurrences
        clearAllAt = .zero + plan.clearAll
        states = occurrences.map { _ in .waiting }
    }

    package var isEmpty: Bool { occurrences.isEmpty }

    /// Nothing is armed and nothing will be.
    package var isOver: Bool {
        states.allSatisfy {
            switch $0 {
            case .over, .givenUp: true
            case .waiting, .armed, .expecting: false
            }
        }
    }

    /// Every fault that may be armed, by number: for the report.
    package var injects:
        [(number: UInt32, occurrence: TimelinePlan.Occurrence, event: TimelineEvent)]
    {
        occurrences.enumerated().compactMap { index, occurrence in
            let event = timeline[occurrence.event]
            guard case .inject = event.action else { return nil }
            return (UInt32(index), occurrence, event)
        }
    }

    /// When `advance` has something to do by time alone, or must look at a condition again.
    package func next(after now: Instant) -> Instant? {
        guard !isOver || !hasClearedAll else { return nil }
        var next = clearAllAt > now ? clearAllAt : Instant.distantFuture
        for (index, state) in states.enumerated() {
            switch state {
            case .waiting:
                let occurrence = occurrences[index]
                if hastened[index] == nil, case .condition = timeline[occurrence.event].when {
                    next = min(next, now + Self.cadence)
                } else if let start = start(of: index) {
                    next = min(next, max(start, now))
                }
            case .armed(_, let until):
                next = min(next, until)
                switch timeline[occurrences[index].event].life {
                case .untilCondition?, .count?: next = min(next, now + Self.cadence)
                default: break
                }
            case .expecting(let until): next = min(next, until, now + Self.cadence)
            case .over, .givenUp: break
            }
        }
        return next == .distantFuture ? nil : next
    }

    /// What is to be done at `now`, in order; at equal times in written order.
    ///
    /// - holds: whether a condition holds now; nil when there is nothing to judge it by yet.
    /// - hits: how often a fault took effect so far.
    package mutating func advance(
        to now: Instant, holds: (GateRule) -> Bool?, hits: (UInt32) -> Int
    ) -> [Action] {
        var actions: [Action] = []
        if now >= clearAllAt, !hasClearedAll {
            hasClearedAll = true
            for index in states.indices { end(index, at: now, &actions) }
            for index in states.indices where states[index] == .waiting {
                states[index] = .givenUp
                actions.append(.gaveUp(occurrences[index].id))
            }
            return actions
        }
        for index in states.indices { step(index, now, holds, hits, &actions) }
        return actions
    }

    /// Ends everything that is armed, and what waits never comes: the run was interrupted or a guard stopped it.
    package mutating func clearAll(at now: Instant) -> [Action] {
        var actions: [Action] = []
        for index in states.indices {
            end(index, at: now, &actions)
            if states[index] == .waiting { states[index] = .givenUp }
        }
        hasClearedAll = true
        return actions
    }

    /// An inject that nobody planned: game day. It begins with the next `advance` and ends as its life says; answers its number.
    package mutating func add(_ event: TimelineEvent, at now: Instant) -> UInt32 {
        var event = event
        event.when = .at(now - .zero)
        timeline.append(event)
        let start = TimelinePlan.Span(now - .zero, now - .zero)
        let life = event.life?.longest ?? .zero
        let end = TimelinePlan.Span(now - .zero + life, now - .zero + life)
        occurrences.append(
            .init(event: timeline.count - 1, id: event.id, start: start, end: end))
        states.append(.waiting)
        return UInt32(states.count - 1)
    }

    /// The planned fault that would be next begins now, whatever it waits for; it lasts as long as it would have. Answers its id, or
    /// nil when none is to come.
    package mutating func hasten(at now: Instant) -> String? {
        guard !hasClearedAll else { return nil }
        let next = states.indices.filter { index in
            guard case .inject = timeline[occurrences[index].event].action else { return false }
            return states[index] == .waiting
        }.min { occurrences[$0].start.earliest < occurrences[$1].start.earliest }
        guard let next else { return nil }
        hastened[next] = now
        return occurrences[next].id
    }

    /// Ends one fault by the id of its occurrence or event.
    package mutating func clear(_ id: String, at now: Instant) -> [Action] {
        var actions: [Action] = []
        for index in states.indices
        where occurrences[index].id == id || timeline[occurrences[index].event].id == id {
            end(index, at: now, &actions)
        }
        return actions
    }

    /// The ids of what is armed.
    package var armed: [String] {
        states.indices.compactMap { index in
            if case .armed = states[index] { occurrences[index].id } else { nil }
        }
    }

    // MARK: Steps

    private mutating func step(
        _ index: Int, _ now: Instant, _ holds: (GateRule) -> Bool?, _ hits: (UInt32) -> Int,
        _ actions: inout [Action]
    ) {
        let event = timeline[occurrences[index].event]
        switch states[index] {
        case .waiting:
            if hastened[index] == nil, case .condition(let rule, let within) = event.when {
                if holds(rule) == true { return begin(index, event, now, &actions) }
                if now >= .zero + occurrences[index].start.earliest + within {
                    states[index] = .givenUp
                    actions.append(.gaveUp(occurrences[index].id))
                }
            } else if let start = start(of: index), start <= now {
                begin(index, event, max(start, .zero), &actions)
            }
        case .armed(_, let until):
            var isOver = now >= until
            switch event.life {
            case .untilEvent(let id, _)?: isOver = isOver || hasBegun(id)
            case .untilCondition(let rule, _)?: isOver = isOver || holds(rule) == true
            case .count(let limit, _)?: isOver = isOver || hits(UInt32(index)) >= limit
            default: break
            }
            if isOver { end(index, at: min(now, until), &actions) }
        case .expecting(let until):
            guard case .expect(let rule, _) = event.action else { return }
            if holds(rule) == true {
                states[index] = .over(now)
                actions.append(.expected(occurrences[index].id, true))
            } else if now >= until {
                states[index] = .over(now)
                actions.append(.expected(occurrences[index].id, false))
            }
        case .over, .givenUp: break
        }
    }

    private mutating func begin(
        _ index: Int, _ event: TimelineEvent, _ now: Instant, _ actions: inout [Action]
    ) {
        switch event.action {
        case .inject(let fault, let attributes):
            let life = event.life ?? .lasting(.zero)
            let until = now + life.longest
            states[index] = .armed(from: now, until: until)
            actions.append(.arm(plan(index, event, fault, attributes, life, now, until)))
        case .clear(let id):
            states[index] = .over(now)
            for other in states.indices where timeline[occurrences[other].event].id == id {
                end(other, at: now, &actions)
            }
        case .clearAll:
            states[index] = .over(now)
            for other in states.indices where other != index { end(other, at: now, &actions) }
        case .mark(let text):
            states[index] = .over(now)
            actions.append(.mark(text))
        case .probe(let name):
            states[index] = .over(now)
            actions.append(.mark("probe \(name)"))
        case .expect(_, let within): states[index] = .expecting(until: now + within)
        }
    }

    private mutating func end(_ index: Int, at now: Instant, _ actions: inout [Action]) {
        guard case .armed = states[index] else { return }
        states[index] = .over(now)
        actions.append(.clear(UInt32(index), occurrences[index].id))
    }

    private func hasBegun(_ id: String) -> Bool {
        states.indices.contains { index in
            timeline[occurrences[index].event].id == id && states[index] != .waiting
                && states[index] != .givenUp
        }
    }

    /// When a waiting event begins; nil while that hangs on another one.
    private func start(of index: Int) -> Instant? {
        if let at = hastened[index] { return at }
        let occurrence = occurrences[index]
        guard case .after(let id, let delay) = timeline[occurrence.event].when else {
            return .zero + occurrence.start.earliest
        }
        var last: Instant?
        for other in states.indices where timeline[occurrences[other].event].id == id {
            guard case .over(let at) = states[other] else { return nil }
            last = max(last ?? at, at)
        }
        return last.map { $0 + delay }
    }

    private func plan(
        _ index: Int, _ event: TimelineEvent, _ fault: String,
        _ attributes: [TimelineEvent.Attribute], _ life: TimelineEvent.Life, _ now: Instant,
        _ until: Instant
    ) -> FaultPlan {
        var window = FaultWindow(from: now, until: until)
        switch life {
        case .pulse(let on, let off, _): window.pulse = .init(on: on, off: off)
        case .count(let count, _): window.count = count
        default: break
        }
        return FaultPlan(
            id: occurrences[index].id, number: UInt32(index), fault: fault,
            attributes: FaultAttributes(attributes.map { ($0.name, $0.value) }),
            scope: scope(event.scope), window: window, seed: seed)
    }

    /// Whom a fault may meet, in the words of plans.
    package func scope(_ scope: TimelineEvent.Scope) -> FaultScope {
        var result = FaultScope(on: scope.on)
        result.conditions = scope.conditions.map { .init($0.key, $0.value) }
        result.chance = scope.chance
        result.maxActive = scope.maxActive
        result.ramp = scope.ramp
        result.unit = scope.unit.flatMap { FaultScope.Unit(rawValue: $0.rawValue) }
        switch scope.cohort {
        case .share(let chance)?: result.cohort = .share(chance)
        case .every(let count)?: result.cohort = .every(count)
        case .tag(let key, let value)?: result.cohort = .calls(callsOf(key, value))
        case nil: break
        }
        return result
    }
}
