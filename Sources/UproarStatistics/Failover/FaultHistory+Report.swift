import UproarCore

/// What came of it.
extension FaultHistory {
    /// - end: of what was watched.
    package func report(end: Instant) -> FaultReport {
        var report = FaultReport(subject: subject)
        report.armed = armed
        report.firstEffect = firstEffect
        report.lastEffect = lastEffect
        report.cleared = cleared
        report.effects = effects
        guard let firstEffect else { return report }
        let span = Watch(
            start: firstEffect, over: cleared ?? end, end: end,
            recoveryEnd: min(end, (cleared ?? end) + subject.recovery))
        let exposed = exposed(span)
        addCalls(&report, exposed, span)
        addWays(&report, exposed, span)
        addFailback(&report, span)
        addRecovery(&report, exposed, span)
        addPrices(&report, span)
        report.detection = detection(exposed, report, span)
        if let policy = subject.policy {
            report.floor = DetectionFloor(policy, requestsPerSecond: requestRate)
        }
        report.findings = findings(report)
        return report
    }

    /// The times that everything is held against.
    struct Watch {
        /// First effect, end of the fault, end of what was watched, end of the recovery window.
        var start: Instant
        var over: Instant
        var end: Instant
        var recoveryEnd: Instant
    }

    // MARK: Calls

    /// Calls that the fault met, and those that were owed something by its provider while it lasted and did not get it there: a
    /// breaker that keeps a call from asking does not make it unexposed.
    private func exposed(_ span: Watch) -> [UInt32] {
        var calls = Set<UInt32>()
        for (call, trail) in zip(trails.keys, trails.values) where trail.firstEffect != nil {
            calls.insert(call)
        }
        // Where no effect can be told to belong to a call (a store, a process, a link), it is everybody's.
        let isEverybodys = calls.isEmpty && subject.role == nil
        for turn in turns
        where turn.ended >= span.start && turn.ended < span.over && covers(turn.call) {
            guard !isEverybodys else {
                calls.insert(turn.call)
                continue
            }
            guard subject.role != nil, subject.isCertain else { continue }
            if turn.server.map({ !sides.isPrimary($0) }) ?? (turn.outcome != .answered) {
                calls.insert(turn.call)
            }
        }
        return calls.sorted()
    }

    private func addCalls(_ report: inout FaultReport, _ exposed: [UInt32], _ span: Watch) {
        let met = Set(exposed)
        let window = turns.filter { $0.ended < span.recoveryEnd }
        report.exposed = exposed.count
        report.turns = window.count
        report.turnsLost = window.count { $0.outcome == .lost }
        report.turnsLate = window.count { $0.outcome == .late }
        report.marks = [.duplicated, .stale, .truncated, .crossTalked, .deadAir, .drifted].map {
            mark in
            (mark, window.count { $0.marks.contains(mark) })
        }
        report.deadAir = window.map(\.deadAir).max()
        report.deadAirTotal = window.reduce(.zero) { $0 + $1.deadAir }
        let dropped = drops(&report, span)
        let bad = Set(window.lazy.filter { !$0.isGood }.map(\.call)).union(dropped)
        report.affected = bad.intersection(met).count
        report.collateral = bad.subtracting(met).count
        report.active = Set(window.map(\.call)).union(met).union(dropped).count
        // By the control cohort where there is one, else by what came before.
        let control = window.filter { !covers($0.call) }
        let (wrong, of) =
            control.count >= 30
            ? (control.count { !$0.isGood }, control.count) : (before.badTurns, before.turns)
        if of > 0 {
            let share = Confidence.share(hits: UInt64(wrong), of: UInt64(of))
            func predicted(_ share: Double) -> Double {
                var sum = 0.0
                for call in exposed {
                    let turns = window.count { $0.call == call }
                    var allGood = 1.0
                    for _ in 0..<turns { allGood *= 1 - share }
                    sum += 1 - allGood
                }
                return sum
            }
            // Nothing was ever wrong without the fault: it predicts nothing.
            if wrong > 0 {
                report.expected = predicted(share?.low ?? 0)...predicted(share?.high ?? 1)
            }
        }
        for call in exposed {
            let wrong = window.filter { $0.call == call && !$0.isGood }
            guard let first = wrong.map(\.ended).min(), let last = wrong.map(\.ended).max() else {
                continue
            }
            let good = turns.filter { $0.call == call && $0.isGood && $0.ended > last }
                .map(\.ended).min()
            report.badCallTime +=
                min(good ?? endings[call]?.at ?? span.end, span.end) - first
        }
    }

    private func drops(_ report: inout FaultReport, _ span: Watch) -> Set<UInt32> {
        var dropped = Set<UInt32>()
        for (call, ending) in zip(endings.keys, endings.values)
        where ending.at >= span.start && ending.at < span.recoveryEnd {
            switch (ending.outcome, ending.way) {
            case (.dropped, .byAgent): report.drops.byAgent += 1
            case (.dropped, _): report.drops.transport += 1
            case (.abandoned, _): report.drops.deadAir += 1
            case (.refused, _), (.notStarted, _): report.drops.neverAnswered += 1
            case (.completed, _), (.cutByRun, _): continue
            }
            dropped.insert(call)
        }
        return dropped
    }

    // MARK: Failing over

    private func addWays(_ report: inout FaultReport, _ exposed: [UInt32], _ span: Watch) {
        for call in exposed {
            guard let trail = trails[call] else { continue }
            let start = trail.firstEffect ?? span.start
            guard
                let way = trail.way(
                    sides, from: start, over: span.over, watchedUntil: span.recoveryEnd)
            else { continue }
            let succeeded = way.succeeded
            let wait = min(span.over, endings[call]?.at ?? .distantFuture)
            let isElsewhere = succeeded != nil && (way.primary.map { $0 > succeeded! } ?? true)
            report.detect.append(
                .init(
                    call, from: way.owed, to: way.asked, end: max(wait, way.owed),
                    slack: way.slack))
            report.failover.append(
                .init(
                    call, from: way.owed, to: isElsewhere ? succeeded : nil,
                    end: max(wait, way.owed), slack: way.slack))
            if isElsewhere, let asked = way.asked, let succeeded {
                report.establish.append(
                    .init(call, from: asked, to: succeeded, end: succeeded))
            }
        }
        report.detect = Self.telling(report.detect)
        report.failover = Self.telling(report.failover)
        report.alternates = alternates(span)
    }

    /// A wait that was cut short says nothing beside longer ones that ended: it goes.
    private static func telling(_ spans: [FaultReport.Span]) -> [FaultReport.Span] {
        guard let longest = spans.compactMap(\.length.exact).max() else { return spans }
        return spans.filter { $0.length.exact != nil || $0.length.floor > longest }
    }

    private func alternates(_ span: Watch) -> [ProviderID] {
        var found: [ProviderID] = []
        for trail in trails.values {
            for event in trail.events
            where event.what == .asked && event.at >= span.start && event.at < span.recoveryEnd {
                guard let provider = event.provider, sides.isAlternate(provider),
                    !found.contains(provider)
                else { continue }
                found.append(provider)
            }
        }
        return found.sorted { $0.rawValue < $1.rawValue }
    }

    private func addFailback(_ report: inout FaultReport, _ span: Watch) {
        guard let cleared, trails.values.contains(where: { $0.left(sides, from: span.start) })
        else { return }
        let returned = trails.values.compactMap { $0.returned(sides, from: cleared) }.min()
        report.failback = .init(
            Fact.noCall, from: cleared, to: returned,
            end: max(cleared, min(span.end, cleared + Self.returnLimit)))
    }

    private func detection(_ exposed: [UInt32], _ report: FaultReport, _ span: Watch)
        -> FaultFigure?
    {
        if let sign {
            var figure = FaultFigure("time_to_detect", .exact(sign.at - span.start))
            figure.low = Double(max(.zero, sign.after - span.start).nanoseconds)
            figure.high = figure.value
            figure.basis = "by its own \(sign.name)"
            return figure
        }
        guard subject.role != nil else { return nil }
        if !report.detect.isEmpty, report.detect.contains(where: { $0.length.exact != nil }) {
            // The first of all calls: the system knew.
            let first = report.detect.filter { $0.length.exact != nil }
                .min { $0.length.floor < $1.length.floor }!
            var figure = FaultFigure("time_to_detect", worst: [first])
            figure.basis = "by its first request elsewhere"
            return figure
        }
        let spoke = exposed.compactMap { trails[$0]?.fallbackUtterance(after: span.start) }.min()
        var figure = FaultFigure(
            "time_to_detect",
            spoke.map { .exact($0 - span.start) } ?? .atLeast(max(.zero, span.over - span.start)))
        figure.basis = spoke == nil ? "no sign was seen" : "by what it said instead"
        return figure
    }

    private var requestRate: Double {
        guard let first = before.firstRequest, let last = before.lastRequest, last > first else {
            return 0
        }
        return Double(before.requests - 1) / (last - first).inSeconds
    }

    // MARK: Recovery

    private func addRecovery(_ report: inout FaultReport, _ exposed: [UInt32], _ span: Watch) {
        let met = Set(exposed)
        let ordered = turns.filter { met.contains($0.call) && $0.ended < span.end }
            .sorted { ($0.ended, $0.call) < ($1.ended, $1.call) }
        guard let symptom = ordered.first(where: { !$0.isGood && $0.ended < span.recoveryEnd })
        else {
            // Calls that were met, were never wrong and went on well afterwards were well at the fault's end.
            if let cleared, Self.goodTail(ordered.filter { $0.ended >= cleared }) != nil {
                report.recoveryLag = .exact(.zero)
            }
            return
        }
        // Good turns between wrong ones are no recovery: other calls' turns come in between. Calls that came later count: those
        // that were met may all have been let go.
        let all = turns.filter { (met.contains($0.call) || covers($0.call)) && $0.ended < span.end }
            .sorted { ($0.ended, $0.call) < ($1.ended, $1.call) }
        report.recoveredAt =
            Self.goodTail(all.filter { $0.ended < span.recoveryEnd }) ?? Self.goodTail(all)
        report.recovery =
            report.recoveredAt.map { .exact($0 - symptom.ended) }
            ?? .atLeast(max(.zero, span.end - symptom.ended))
        report.recoveryUnderFault = underFault(ordered, symptom.ended, exposed.count, span)
        guard let cleared else { return }
        report.recoveryLag =
            report.recoveredAt.map { .exact(max(.zero, $0 - cleared)) }
            ?? .atLeast(max(.zero, span.end - cleared))
    }

    /// Where the good turns begin with which it all ends, when they are enough.
    private static func goodTail(_ turns: [Turn]) -> Instant? {
        let tail = turns.reversed().prefix { $0.isGood }
        return tail.count >= goodRun ? tail.last?.ended : nil
    }

    /// The first run in which, while the fault lasts, as many turns are good as there are calls.
    private func underFault(
        _ turns: [Turn], _ symptom: Instant, _ calls: Int, _ span: Watch
    ) -> TurnSample {
        let needed = max(Self.goodRun, calls)
        var began: Instant?
        var length = 0
        for turn in turns where turn.ended >= symptom && turn.ended < span.over {
            guard turn.isGood else {
                (began, length) = (nil, 0)
                continue
            }
            began = began ?? turn.ended
            length += 1
            if length >= needed, let began { return .exact(began - symptom) }
        }
        return .atLeast(max(.zero, span.over - symptom))
    }

    // MARK: What it cost

    private func addPrices(_ report: inout FaultReport, _ span: Watch) {
        let during = turns.count { $0.ended >= span.start && $0.ended < span.over }
        if before.turns > 0, before.requests > 0, during > 0 {
            report.amplification =
                Double(requestsDuring + refusalsDuring) / Double(during)
                / (Double(before.requests) / Double(before.turns))
        }
        let stoodIn = turns.filter { $0.server.map(sides.isAlternate) ?? false }
        guard !stoodIn.isEmpty, before.turns > 0 else { return }
        if alternateNanoDollars > 0, before.nanoDollars > 0 {
            report.extraCost =
                (Double(alternateNanoDollars) / Double(stoodIn.count)
                    - Double(before.nanoDollars) / Double(before.turns)) / 1e9
        }
        let latencies = stoodIn.compactMap(\.latency).sorted()
        if !latencies.isEmpty, let usual = before.latency.quantile(0.5) {
            report.extraLatency =
                latencies[latencies.count / 2] - .nanoseconds(Int64(usual))
        }
    }

    // MARK: Findings

    private func findings(_ report: FaultReport) -> [String] {
        var findings: [String] = []
        if subject.role != nil, report.exposed > 0, report.alternates.isEmpty,
            !report.failover.isEmpty, report.failover.allSatisfy({ $0.length.exact == nil })
        {
            findings.append("no other provider ever stood in")
        }
        if let failback = report.failback, failback.length.exact == nil {
            findings.append(
                "calls never went back to the primary: "
                    + FaultFigure("", failback.length).text + " after the fault")
        }
        if cleared != nil, let recovery = report.recovery, recovery.exact == nil {
            findings.append("metastable: the calls did not recover within what was watched")
        }
        if report.collateral > 0 {
            findings.append(
                "\(report.collateral) calls that the fault did not meet went wrong with the others")
        }
        if let amplification = report.amplification, amplification > 3 {
            findings.append(
                "a retry storm: \(NumberText.fixed(amplification, 1)) times the requests of before")
        }
        return findings
    }
}
