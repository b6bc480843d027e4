import UproarCore

/// What a fault did, in figures. Durations come per call; what was not seen is censored.
package struct FaultReport: Sendable {
    /// From something to something else on one call.
    package struct Span: Hashable, Sendable {
        package var call: UInt32
        package var from: Instant
        package var length: TurnSample

        init(_ call: UInt32, from: Instant, to: Instant?, end: Instant) {
            self.call = call
            self.from = from
            length =
                if let to { .exact(max(.zero, to - from)) } else {
                    .atLeast(max(.zero, end - from))
                }
        }
    }

    package let subject: FaultHistory.Subject
    package var armed: Instant?
    package var firstEffect: Instant?
    package var lastEffect: Instant?
    package var cleared: Instant?
    package var effects: UInt64 = 0
    /// Providers that were tried in its place.
    package var alternates: [ProviderID] = []
    /// Calls with at least one operation that the fault met, or that needed an alternate while it lasted.
    package var exposed = 0
    /// Exposed calls with at least one turn that was wrong.
    package var affected = 0
    /// Calls that it did not meet and that had a wrong turn all the same.
    package var collateral = 0
    package var dropped = 0
    package var turns = 0
    package var turnsLost = 0
    package var deadAir: Duration?
    /// First effect on a call to its first request at an alternate.
    package var detect: [Span] = []
    /// First effect on a call to the first success of an alternate for it.
    package var failover: [Span] = []
    /// The fault's end to the first success of the primary for a call that had left it.
    package var failback: [Span] = []
    /// First wrong turn of the exposed calls to the first good one after their last wrong one, when `goodRun` good ones follow; nil
    /// when none was wrong.
    package var recovery: TurnSample?
    package var recoveredAt: Instant?
    /// The same from the fault's end.
    package var recoveryLag: TurnSample?
    /// Requests by turn while it lasted, as a multiple of before.
    package var amplification: Double?

    package init(subject: FaultHistory.Subject) { self.subject = subject }

    /// - turns: of the exposed calls, by the caller's end.
    mutating func addRecovery(_ turns: [(ended: Instant, isGood: Bool)], end: Instant) {
        guard let symptom = turns.first(where: { !$0.isGood })?.ended else { return }
        // Good turns between wrong ones are no recovery: other calls' turns come in between.
        let run = turns.reversed().prefix { $0.isGood }
        if run.count >= FaultHistory.goodRun { recoveredAt = run.last?.ended }
        recovery = recoveredAt.map { .exact($0 - symptom) } ?? .atLeast(max(.zero, end - symptom))
        guard let cleared else { return }
        recoveryLag =
            recoveredAt.map { .exact(max(.zero, $0 - cleared)) }
            ?? .atLeast(max(.zero, end - cleared))
    }

    /// The figures in the order of reports.
    package var figures: [FaultFigure] {
        func worst(_ spans: [Span], _ name: String) -> [FaultFigure] {
            guard !spans.isEmpty else { return [] }
            return [.init(name, worst: spans.map(\.length))]
        }
        var figures =
            worst(detect, "time_to_detect") + worst(failover, "time_to_failover")
            + worst(failback, "time_to_fail_back")
        if let recovery { figures.append(.init("time_to_recover", worst: [recovery])) }
        if let recoveryLag { figures.append(.init("recovery_lag", worst: [recoveryLag])) }
        if let deadAir { figures.append(.init("longest_dead_air", worst: [.exact(deadAir)])) }
        for (name, value) in [
            ("calls_exposed", exposed), ("calls_affected", affected),
            ("calls_collateral", collateral), ("calls_dropped", dropped), ("turns", turns),
            ("turns_lost", turnsLost),
        ] {
            figures.append(.init(name, .count, Double(value)))
        }
        if let amplification { figures.append(.init("amplification", .factor, amplification)) }
        return figures
    }

    /// Puts its spans where gates read: `failover_time{provider=deepgram}`.
    package func record(into recorder: inout IntervalRecorder) {
        var tags: MetricTags = ["fault": subject.id]
        if let provider = subject.providers.first { tags["provider"] = provider.name }
        func record(_ metric: String, _ spans: [Span]) {
            for span in spans {
                switch span.length {
                case .exact(let length):
                    recorder.record(
                        metric, tags, at: span.from, value: length.nanoseconds, call: span.call)
                case .atLeast(let limit):
                    recorder.recordCensored(
                        metric, tags, at: span.from, limit: limit.nanoseconds, call: span.call)
                }
            }
        }
        record("detect_time", detect)
        record("failover_time", failover)
        record("failback_time", failback)
        guard let recovery, let firstEffect else { return }
        switch recovery {
        case .exact(let length):
            recorder.record("recovery_time", tags, at: firstEffect, value: length.nanoseconds)
        case .atLeast(let limit):
            recorder.recordCensored(
                "recovery_time", tags, at: firstEffect, limit: limit.nanoseconds)
        }
    }
}

/// One figure of a fault: a name that reports and gates share, and a value.
package struct FaultFigure: Hashable, Sendable {
    package enum Unit: String, Sendable { case time, count, factor }

    package var name: String
    package var unit: Unit
    /// Nanoseconds, a number, or a multiple.
    package var value: Double
    /// Not seen by the end: at least this.
    package var isCensored = false
    /// How many samples it is the worst of; 1 for a plain figure.
    package var samples = 1

    package init(_ name: String, _ unit: Unit, _ value: Double) {
        self.name = name
        self.unit = unit
        self.value = value
    }

    /// The greatest of them; censored ones are greater than all others.
    init(_ name: String, worst lengths: [TurnSample]) {
        var exact: Int64 = 0
        var censored: Int64?
        for length in lengths {
            switch length {
            case .exact(let time): exact = max(exact, time.nanoseconds)
            case .atLeast(let time): censored = max(censored ?? 0, time.nanoseconds)
            }
        }
        self.init(name, .time, Double(censored ?? exact))
        isCensored = censored != nil
        samples = lengths.count
    }

    /// `1.24s`, `> 45s`, `12`, `1.3x`.
    package var text: String {
        switch unit {
        case .time:
            (isCensored ? "> " : "") + NumberText.duration(.nanoseconds(Int64(value)))
        case .count: NumberText.grouped(Int(value))
        case .factor: NumberText.fixed(value, 1) + "x"
        }
    }
}
