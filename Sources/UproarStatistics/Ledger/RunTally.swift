import UproarCore

/// The whole of a run's measurement while it goes on: call records in, distributions, counts, cost and the worst calls out.
///
/// Holds no call but the worst ones: memory does not grow with time.
package struct RunTally: Sendable {
    package private(set) var recorder = IntervalRecorder()
    package private(set) var ledger = RunLedger()
    package private(set) var cost = CostTally()
    package private(set) var worst = WorstCalls()
    package private(set) var draw = CallDraw()
    package private(set) var ages = CallAges()
    package let settings: FoldSettings

    package init(_ settings: FoldSettings) { self.settings = settings }

    package mutating func add(_ call: CallRecord) {
        ledger.add(call, targets: settings.targets)
        cost.add(call)
        worst.add(call)
        draw.add(call)
        ages.add(call)
        CallSampler(call: call, settings: settings).record(into: &recorder)
    }

    /// One second of one caller loop's frame lateness. `at` is since the first due arrival.
    package mutating func addSendLateness(_ histogram: HDRHistogram, at: Instant) {
        recorder.record("send_lateness", .init(), at: at, histogram: histogram)
    }

    /// What `FactCollector.drainUnattributed` gave at `at`: of no call, but the run paid for it.
    package mutating func addUnattributed(
        _ usage: OrderedTable<ProviderID, ProviderUsage>, at: Instant
    ) {
        let before = cost.unattributed
        cost.addUnattributed(usage, settings.prices)
        guard cost.unattributed > before else { return }
        recorder.recordRatio(
            "cost_per_minute", .init(), at: at, numerator: cost.unattributed - before,
            denominator: 0)
    }

    /// A service beside the call took something: of no call, but gates count it. `at` is since the first due arrival.
    package mutating func addService(_ fact: Fact) {
        let at = max(fact.instant, .zero)
        func count(_ metric: String, _ events: Int = 1) {
            recorder.recordEvents(metric, .init(), at: at, events: events)
        }
        switch FactKind(rawValue: fact.kind) {
        case .messageAccepted: count("messages_sent")
        case .eventDelivered where fact.detail == 1: count("pages_sent")
        case .eventDelivered: count(fact.value == 1 ? "workflow_events" : "workflow_repeated")
        default: break
        }
    }

    /// A provider refused something: of a call or of none, and how often is what counts.
    package mutating func addRefusal(_ fact: Fact) {
        guard let provider = FactOrigin(rawValue: fact.origin).provider else { return }
        ledger.add(refusalOf: provider, fact.detail, 1)
    }

    /// What became of one call's recording. `at` is the call's end.
    package mutating func addRecording(_ marks: Set<RecordingMark>, call: UInt32, at: Instant) {
        for mark in RecordingMark.allCases where mark != .orphaned {
            recorder.recordEvents(
                mark.metric, .init(), at: max(at, .zero), events: marks.contains(mark) ? 1 : 0,
                call: call)
        }
    }

    package mutating func addOrphanedRecordings(_ count: Int, at: Instant) {
        recorder.recordEvents(
            RecordingMark.orphaned.metric, .init(), at: max(at, .zero), events: count)
    }

    /// There are such services: nothing that came is a count of none.
    package mutating func openServices() {
        for metric in ["messages_sent", "pages_sent", "workflow_events", "workflow_repeated"] {
            recorder.recordEvents(metric, .init(), at: .zero, events: 0)
        }
    }

    /// What calls under way have come to (`FactCollector.preview`), to be read together with `recorder` by live gates.
    package func preview(_ calls: [CallRecord]) -> IntervalRecorder {
        var preview = IntervalRecorder(width: recorder.width)
        for call in calls { CallSampler(call: call, settings: settings).record(into: &preview) }
        return preview
    }

    /// What is known of a call only after the run.
    package mutating func addEvents(
        _ metric: String, _ tags: MetricTags, at: Instant, events: Int, call: UInt32
    ) {
        recorder.recordEvents(metric, tags, at: at, events: events, call: call)
    }

    package mutating func setValue(_ metric: String, _ tags: MetricTags = .init(), to value: Double)
    {
        recorder.setValue(metric, tags, to: value)
    }
}

/// Provider usage and cost of a run.
package struct CostTally: Sendable, Hashable {
    package struct Line: Sendable, Hashable {
        package var provider: ProviderID
        package var usage: ProviderUsage
        /// Nano-dollars, so that shards add up exactly; nil when the price file lacks a price.
        package var nanoDollars: Int64?
    }

    /// By provider number.
    package private(set) var lines: [Line] = []
    /// Connected time of the calls that were charged.
    package private(set) var connected: Duration = .zero
    package private(set) var callCount: UInt64 = 0
    /// The part of `lines` that no call could be charged with.
    package private(set) var unattributed: Int64 = 0

    package init() {}

    package init(
        lines: [Line], connected: Duration, callCount: UInt64, unattributed: Int64
    ) {
        self.lines = lines
        self.connected = connected
        self.callCount = callCount
        self.unattributed = unattributed
    }

    /// Nil when nothing was used or a price is missing.
    package var nanoDollars: Int64? {
        guard !lines.isEmpty else { return nil }
        return lines.reduce(0 as Int64?) { sum, line in
            sum.flatMap { sum in line.nanoDollars.map { sum + $0 } }
        }
    }

    package var dollars: Double? { nanoDollars.map { Double($0) / 1e9 } }

    package var dollarsPerCall: Double? {
        callCount == 0 ? nil : dollars.map { $0 / Double(callCount) }
    }

    /// Total cost by total connected time: never a mean of ratios.
    package var dollarsPerMinute: Double? {
        connected == .zero ? nil : dollars.map { $0 / (connected.inSeconds / 60) }
    }

    mutating func add(_ call: CallRecord) {
        if call.answered != nil {
            connected += call.connected
            callCount += 1
        }
        for record in call.usage {
            add(record.provider, record.usage, record.cost.map { StoredUnit.stored($0, .money) })
        }
    }

    mutating func addUnattributed(
        _ usage: OrderedTable<ProviderID, ProviderUsage>, _ prices: PriceBook
    ) {
        for (provider, used) in zip(usage.keys, usage.values) {
            let cost = prices.cost(of: used, provider: provider)
                .map { StoredUnit.stored($0, .money) }
            unattributed += cost ?? 0
            add(provider, used, cost)
        }
    }

    private mutating func add(
        _ provider: ProviderID, _ usage: ProviderUsage, _ nanoDollars: Int64?
    ) {
        let place =
            lines.firstIndex { $0.provider.rawValue >= provider.rawValue } ?? lines.count
        if place == lines.count || lines[place].provider != provider {
            lines.insert(Line(provider: provider, usage: .init(), nanoDollars: 0), at: place)
        }
        lines[place].usage += usage
        lines[place].nanoDollars = lines[place].nanoDollars.flatMap { sum in
            nanoDollars.map { sum + $0 }
        }
    }
}

/// The calls to listen to first, with everything that is known of them.
package struct WorstCalls: Sendable, Hashable {
    package static let limit = 20
    /// Worst first.
    package private(set) var calls: [CallRecord] = []

    package init() {}

    mutating func add(_ call: CallRecord) {
        let rank = Self.rank(call)
        if calls.count == Self.limit, let last = calls.last, rank <= Self.rank(last) { return }
        let place = calls.firstIndex { Self.rank($0) < rank } ?? calls.count
        calls.insert(call, at: place)
        if calls.count > Self.limit { calls.removeLast() }
    }

    /// Dropped calls first, then calls with lost turns, then replies that were wrong, then by the slowest turn.
    private static func rank(_ call: CallRecord) -> Rank {
        let severity =
            switch call.outcome {
            case .dropped: 4
            case .refused, .notStarted: 3
            case .abandoned: 3
            case .completed, .cutByRun: 0
            }
        var lost = 0
        var wrong = 0
        var slowest = Int64.min
        for turn in call.turns {
            if turn.outcome == .lost || turn.outcome == .late { lost += 1 }
            if !turn.marks.isDisjoint(with: [.duplicated, .stale, .truncated, .crossTalked]) {
                wrong += 1
            }
            switch turn.voiceToAnswer ?? turn.voiceToVoice {
            case .exact(let value): slowest = max(slowest, value.nanoseconds)
            case .atLeast: slowest = .max
            case nil: break
            }
        }
        return Rank(
            severity: severity, lost: lost, wrong: wrong, slowest: slowest, call: call.id)
    }

    private struct Rank: Comparable {
        var severity: Int
        var lost: Int
        var wrong: Int
        var slowest: Int64
        var call: UInt32

        static func < (a: Rank, b: Rank) -> Bool {
            if a.severity != b.severity { return a.severity < b.severity }
            if a.lost != b.lost { return a.lost < b.lost }
            if a.wrong != b.wrong { return a.wrong < b.wrong }
            if a.slowest != b.slowest { return a.slowest < b.slowest }
            return a.call > b.call
        }
    }
}
