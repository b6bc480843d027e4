import UproarCore

/// What a fault did, in figures. Durations come per call; what was not seen is censored.
package struct FaultReport: Sendable {
    /// From something to something else on one call.
    package struct Span: Hashable, Sendable {
        package var call: UInt32
        package var from: Instant
        package var length: TurnSample
        /// How much longer it may have been: for so long nothing was owed, so nothing could be seen.
        package var slack = Duration.zero

        init(_ call: UInt32, from: Instant, to: Instant?, end: Instant, slack: Duration = .zero) {
            self.call = call
            self.from = from
            self.slack = slack
            length =
                if let to { .exact(max(.zero, to - from)) } else {
                    .atLeast(max(.zero, end - from))
                }
        }
    }

    /// How calls came to an end before their scripts did.
    package struct Drops: Hashable, Sendable {
        /// The stream broke, or the agent closed it without a word before.
        package var transport = 0
        /// The agent hung up.
        package var byAgent = 0
        /// The caller gave up: silence for longer than it bears.
        package var deadAir = 0
        package var neverAnswered = 0

        package var total: Int { transport + byAgent + deadAir + neverAnswered }
    }

    package let subject: FaultHistory.Subject
    package var armed: Instant?
    package var firstEffect: Instant?
    package var lastEffect: Instant?
    package var cleared: Instant?
    package var effects: UInt64 = 0
    /// Providers that were tried in its place.
    package var alternates: [ProviderID] = []
    /// Calls under way from the first effect to the end of what is watched.
    package var active = 0
    /// Calls with at least one operation that the fault met, or that were owed one by its provider and did not get it there.
    package var exposed = 0
    /// Exposed calls with at least one turn that was wrong, and how many of them would have been without the fault.
    package var affected = 0
    package var expected: ClosedRange<Double> = 0...0
    /// Calls that it did not meet and that had a wrong turn all the same.
    package var collateral = 0
    package var drops = Drops()
    package var turns = 0
    package var turnsLost = 0
    package var turnsLate = 0
    package var marks: [(TurnMarks, Int)] = []
    /// Sum over the exposed calls from their first wrong turn to their first good one after the last.
    package var badCallTime = Duration.zero
    package var deadAir: Duration?
    package var deadAirTotal = Duration.zero
    /// First sign that the agent knew, from the first effect on.
    package var detection: FaultFigure?
    /// From the first thing owed to its first request at an alternate.
    package var detect: [Span] = []
    /// From the first thing owed to the first success of an alternate.
    package var failover: [Span] = []
    /// From that request to that success.
    package var establish: [Span] = []
    /// The fault's end to the first success of the primary, where an alternate had stood in.
    package var failback: Span?
    /// First wrong turn of the exposed calls to the first good one after their last wrong one, when `goodRun` good ones follow; nil
    /// when none was wrong.
    package var recovery: TurnSample?
    package var recoveredAt: Instant?
    /// First wrong turn to the first run of good ones that began and ended under the fault.
    package var recoveryUnderFault: TurnSample?
    /// The same from the fault's end.
    package var recoveryLag: TurnSample?
    /// Requests by turn while it lasted, as a multiple of before.
    package var amplification: Double?
    /// What the alternates added to a turn, in dollars and at the median.
    package var extraCost: Double?
    package var extraLatency: Duration?
    package var floor: DetectionFloor?
    /// What a person should know, one sentence each.
    package var findings: [String] = []

    package init(subject: FaultHistory.Subject) { self.subject = subject }

    package var dropped: Int { drops.total }

    /// The figures in the order of reports.
    package var figures: [FaultFigure] {
        func worst(_ spans: [Span], _ name: String) -> [FaultFigure] {
            spans.isEmpty ? [] : [.init(name, worst: spans)]
        }
        var figures: [FaultFigure] = []
        if let detection { figures.append(detection) }
        figures += worst(failover, "time_to_failover")
        figures += worst(detect, "failover_decide") + worst(establish, "failover_establish")
        figures += worst(failback.map { [$0] } ?? [], "time_to_fail_back")
        if let recoveryUnderFault {
            figures.append(.init("time_to_recover_under_fault", recoveryUnderFault))
        }
        if let recovery { figures.append(.init("time_to_recover", recovery)) }
        if let recoveryLag { figures.append(.init("recovery_lag", recoveryLag)) }
        if let deadAir {
            figures.append(.init("longest_dead_air", .exact(deadAir)))
            figures.append(.init("total_dead_air", .exact(deadAirTotal)))
        }
        var hit = FaultFigure("calls_affected", .count, Double(affected))
        if affected > 0, expected.upperBound > 0 {
            hit.low = max(0, Double(affected) - expected.upperBound)
            hit.high = max(0, Double(affected) - expected.lowerBound)
            hit.basis = "beyond what was wrong without the fault"
        }
        figures += counts([("calls_active", active), ("calls_exposed", exposed)]) + [hit]
        figures += counts([
            ("calls_collateral", collateral), ("calls_dropped", dropped),
            ("turns", turns), ("turns_lost", turnsLost), ("turns_late", turnsLate),
        ])
        figures += counts(
            marks.filter { $0.1 > 0 }.map { ("turns_" + $0.0.names.joined(), $0.1) })
        figures += counts(
            [
                ("dropped_by_transport", drops.transport), ("dropped_by_agent", drops.byAgent),
                ("dropped_in_silence", drops.deadAir),
                ("dropped_unanswered", drops.neverAnswered),
            ].filter { $0.1 > 0 })
        if badCallTime > .zero { figures.append(.init("bad_call_time", .exact(badCallTime))) }
        if let amplification { figures.append(.init("amplification", .factor, amplification)) }
        if let extraLatency {
            figures.append(.init("extra_latency", .time, Double(extraLatency.nanoseconds)))
        }
        if let extraCost { figures.append(.init("extra_cost_per_turn", .money, extraCost)) }
        if let attempt = floor?.oneAttempt {
            figures.append(.init("detection_floor", .exact(attempt)))
        }
        if let breaker = floor?.breaker {
            figures.append(.init("breaker_floor", .exact(breaker)))
        }
        return figures
    }

    private func counts(_ values: [(String, Int)]) -> [FaultFigure] {
        values.map { .init($0.0, .count, Double($0.1)) }
    }

    /// Puts what it found where gates read: `failover_time{provider=deepgram}`, `calls_affected{fault=stt-down}`.
    package func record(into recorder: inout IntervalRecorder) {
        guard let firstEffect else { return }
        var tags: MetricTags = ["fault": subject.id]
        if let provider = subject.providers.first { tags["provider"] = provider.name }
        func record(_ metric: String, _ sample: TurnSample?, at: Instant, call: UInt32? = nil) {
            switch sample {
            case .exact(let length)?:
                recorder.record(metric, tags, at: at, value: length.nanoseconds, call: call)
            case .atLeast(let limit)?:
                recorder.recordCensored(
                    metric, tags, at: at, limit: limit.nanoseconds, call: call)
            case nil: break
            }
        }
        for span in detect {
            record("detect_time", span.length, at: span.from, call: span.call)
        }
        for span in failover {
            record("failover_time", span.length, at: span.from, call: span.call)
        }
        record("failback_time", failback?.length, at: failback?.from ?? firstEffect)
        record("recovery_time", recovery, at: firstEffect)
        record("recovery_under_fault", recoveryUnderFault, at: firstEffect)
        record("recovery_lag", recoveryLag, at: firstEffect)
        let values: [(String, Double?)] = [
            ("calls_exposed", Double(exposed)), ("calls_affected", Double(affected)),
            ("calls_collateral", Double(collateral)),
            ("fault_calls_dropped", Double(dropped)), ("amplification", amplification),
            ("extra_cost_per_turn", extraCost),
            ("extra_latency", extraLatency.map { Double($0.nanoseconds) }),
            ("bad_call_time", Double(badCallTime.nanoseconds)),
        ]
        for (metric, value) in values {
            if let value { recorder.setValue(metric, tags, to: value) }
        }
    }
}
