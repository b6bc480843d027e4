import UproarCore

/// One event of the timeline as written: when, what, for how long, to whom. Rules: `TimelineCheck`.
package struct TimelineEvent: Hashable, Sendable {
    /// Given by `id:`, else made of the action and its number: `http_error-1`, `mark-2`.
    package var id: String
    package var when: When
    package var action: Action
    package var life: Life?
    package var scope: Scope

    package init(id: String, when: When, action: Action, life: Life? = nil, scope: Scope = .init())
    {
        self.id = id
        self.when = when
        self.action = action
        self.life = life
        self.scope = scope
    }

    package enum When: Hashable, Sendable {
        /// From the first due arrival.
        case at(Duration)
        /// This long after another event is over (an inject: cleared).
        case after(String, Duration)
        /// As soon as the condition holds; given up after `within`.
        case condition(GateRule, within: Duration)
        /// Again and again, each time moved by up to ± `jitter`, from the seed.
        case every(Duration, jitter: Duration, from: Duration, to: Duration)
    }

    package enum Action: Hashable, Sendable {
        case inject(fault: String, attributes: [Attribute])
        /// An event's id.
        case clear(String)
        case clearAll
        case probe(String)
        case expect(GateRule, within: Duration)
        case mark(String)
    }

    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var value: FaultDescriptor.Value
        /// As written.
        package var text: String
    }

    package enum Life: Hashable, Sendable {
        case lasting(Duration)
        /// Until another event begins.
        case untilEvent(String, max: Duration)
        case untilCondition(GateRule, max: Duration)
        /// On for the first, off for the second, over and over for the third.
        case pulse(on: Duration, off: Duration, lasting: Duration)
        /// Until it has hit so often.
        case count(Int, max: Duration)

        /// No later than this after its beginning it is over.
        package var longest: Duration {
            switch self {
            case .lasting(let time), .untilEvent(_, let time), .untilCondition(_, let time),
                .pulse(_, _, let time), .count(_, let time):
                time
            }
        }
    }

    package struct Scope: Hashable, Sendable {
        /// Roles, providers, links or processes; empty: wherever the fault can act.
        package var on: [String] = []
        /// What a request must match, in written order: `path`, `model`, `method`, …
        package var conditions: [Condition] = []
        package var cohort: Cohort?
        package var unit: Unit?
        package var chance: Chance = .always
        package var maxActive: Int?
        package var ramp: Duration = .zero

        package init() {}
    }

    package struct Condition: Hashable, Sendable {
        package var key: String
        package var value: String
    }

    /// Which calls; sticky for a call, from the seed.
    package enum Cohort: Hashable, Sendable {
        case share(Chance)
        /// Every n-th call.
        case every(Int)
        /// Calls with this tag.
        case tag(String, String)
    }

    /// What one draw of `p` decides about.
    package enum Unit: String, CaseIterable, Sendable {
        case request, connection, call, chunk
    }
}
