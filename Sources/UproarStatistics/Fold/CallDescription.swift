import UproarCore

/// What the plan knows of a call before it is dialled: the rest comes from facts.
package struct CallDescription: Hashable, Sendable {
    package var id: UInt32
    /// `channel`, `transport`, `load` (the load line's name): on every sample of the call.
    package var tags: MetricTags
    /// False when the providers are real: then no reply can be told from another, and what needs that is unknown.
    package var isTagged: Bool
    /// How long the caller waits for an answer; a turn that got none is a censored sample at this.
    package var patience: Duration

    package init(id: UInt32, tags: MetricTags, isTagged: Bool = true, patience: Duration) {
        self.id = id
        self.tags = tags
        self.isTagged = isTagged
        self.patience = patience
    }
}

/// What is the same for every call of a run.
package struct FoldSettings: Sendable {
    /// The run's first due arrival: records and results count time from here.
    package var origin: Instant
    package var prices: PriceBook
    /// An agent that stops later than this after an interruption yielded late.
    package var bargeInLimit: Duration
    /// The longest silence while a reply is owed that is not counted in `dead_air_over_2s`.
    package var deadAirLimit: Duration
    /// Per-turn limits of the gates; a turn that keeps all of them is good.
    package var targets: [TurnTarget]
    /// The emulated voices know the words by which the agent goes on with a call that dropped.
    package var knowsResumption: Bool

    package init(
        origin: Instant = .zero, prices: PriceBook, bargeInLimit: Duration = .seconds(1),
        deadAirLimit: Duration = .seconds(2), targets: [TurnTarget] = [],
        knowsResumption: Bool = false
    ) {
        self.origin = origin
        self.prices = prices
        self.bargeInLimit = bargeInLimit
        self.deadAirLimit = deadAirLimit
        self.targets = targets
        self.knowsResumption = knowsResumption
    }
}

/// One per-turn limit: `voice_to_voice` below 800 ms.
package struct TurnTarget: Hashable, Sendable {
    package var metric: String
    package var below: Duration

    package init(metric: String, below: Duration) {
        self.metric = metric
        self.below = below
    }

    /// The limits that gates put on single turns: upper limits on quantiles, means, maxima and shares of turn latencies.
    package static func of(_ rules: [GateRule]) -> [TurnTarget] {
        var targets = OrderedTable<String, Duration>()
        for rule in rules where TurnRecord.metrics.contains(rule.metric) {
            let limit: GateRule.Quantity
            switch (rule.aggregate, rule.comparison, rule.bound) {
            case (.quantile, .less, .value(let value)),
                (.quantile, .lessOrEqual, .value(let value)),
                (.mean, .less, .value(let value)), (.mean, .lessOrEqual, .value(let value)),
                (.maximum, .less, .value(let value)), (.maximum, .lessOrEqual, .value(let value)):
                limit = value
            case (.share(.less, let value), .greater, _),
                (.share(.less, let value), .greaterOrEqual, _),
                (.share(.lessOrEqual, let value), .greaterOrEqual, _):
                limit = value
            default: continue
            }
            let below = Duration.nanoseconds(Int64(limit.value))
            targets[rule.metric] = min(targets[rule.metric] ?? below, below)
        }
        return zip(targets.keys, targets.values).map { TurnTarget(metric: $0, below: $1) }
    }
}
