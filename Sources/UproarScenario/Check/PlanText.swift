import UproarCore

/// What `uproar plan` prints: arrivals and faults with their times, and the hash. The same scenario and seed give the same
/// bytes on every machine.
package enum PlanText {
    package static func text(
        _ scenario: Scenario, seed: Seed, check: ScenarioCheck, hash: String,
        catalog: ScenarioCatalog
    ) -> String {
        var lines = summary(scenario, seed: seed, check: check, hash: hash)
        lines.append("ARRIVALS")
        lines += arrivals(check.plan)
        if !scenario.timeline.isEmpty {
            lines.append("FAULTS")
            lines += faults(scenario, check, catalog)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What `uproar check` prints: the plan's head and the estimates.
    package static func summary(
        _ scenario: Scenario, seed: Seed, check: ScenarioCheck, hash: String
    ) -> [String] {
        let plan = check.plan
        func span(_ range: Range<Duration>) -> String {
            let end = range.upperBound == LoadWindows.forever ? "the end" : time(range.upperBound)
            return range.isEmpty ? "none" : "\(time(range.lowerBound))..\(end)"
        }
        var lines = [
            "PLAN       \(scenario.name)   seed \(seed.value)   scenario \(hash)",
            "LOAD       \(time(plan.duration)): "
                + "\(grouped(plan.arrivals.count)) single calls, \(grouped(plan.spans.count)) callers that dial again "
                + "\(DurationText.exact(plan.redial)) after each call",
        ]
        for line in plan.lines {
            lines.append(
                "           \(time(line.from))  \(line.name): \(line.shape.key) \(line.shape.text)")
        }
        lines.append(
            "WINDOWS    warmup \(span(check.windows.warmup))   steady \(span(check.windows.steady))"
        )
        lines.append("AUDIO      \(scenario.audio.label)")
        lines.append("PROVIDERS  \(scenario.providers.label)   prices \(scenario.prices.name)")
        let call = check.call
        lines.append(
            "ESTIMATE   a call: \(call.turns) turns, "
                + (call.isEndless ? "over and over, " : "")
                + "\(tenths(call.length)); the run: about \(grouped(check.calls)) calls, "
                + "\(grouped(check.turns)) turns, \(grouped(check.peakCalls)) calls at once")
        let needs = check.processes.map { "\($0.name) \(grouped($0.descriptors))" }
        lines.append(
            "NEEDS      descriptors: \(needs.joined(separator: ", "))   ports \(grouped(check.ports))   "
                + "memory about \(grouped(check.memory / 1_000_000)) MB   "
                + "provider cost \(check.cost.map(NumberText.dollars) ?? "unknown: a price is missing")"
        )
        lines.append("GATES      " + scenario.gates.map(\.text).joined(separator: "\n           "))
        return lines
    }

    private static func arrivals(_ plan: ArrivalPlan) -> [String] {
        plan.starts.enumerated().map { number, start in
            var line = "  \(time(start.at))  #\(number + 1)  \(plan.lines[start.line].name)"
            if let index = start.span {
                let span = plan.spans[index]
                line += "  caller \(span.caller + 1) until \(time(span.until))"
            }
            return line
        }
    }

    private static func faults(
        _ scenario: Scenario, _ check: ScenarioCheck, _ catalog: ScenarioCatalog
    ) -> [String] {
        var lines: [String] = []
        for occurrence in check.timeline.occurrences {
            let event = scenario.timeline[occurrence.event]
            var line = "  \(span(occurrence.start))  \(occurrence.id)  \(event.action.text)"
            if let life = event.life {
                line += "  \(life.text), over at \(span(occurrence.end))  \(event.scope.text)"
            }
            if case .condition = event.when { line += "  (\(event.when.text))" }
            if case .inject(let name, _) = event.action {
                if let share = affected(event.scope) { line += "  affects about \(share)" }
                if let need = FaultDescriptor.named(
                    name, on: event.scope.on, among: catalog.faults)?.privilege
                {
                    line += "  needs \(need)"
                }
            }
            lines.append(line)
        }
        lines.append("  \(time(check.timeline.clearAll))  clear all")
        return lines
    }

    /// `25% of requests`: the cohort's share times the chance; nil when it cannot be known before.
    private static func affected(_ scope: TimelineEvent.Scope) -> String? {
        var share = Double(scope.chance.numerator) / Double(scope.chance.denominator)
        switch scope.cohort {
        case .share(let part)?: share *= Double(part.numerator) / Double(part.denominator)
        case .every(let count)?: share /= Double(count)
        case .tag?: return nil
        case nil: break
        }
        let places = share * 100 >= 1 || share == 0 ? 0 : 2
        return "\(NumberText.fixed(share * 100, places))% of \(scope.unit?.rawValue ?? "request")s"
    }

    private static func span(_ span: TimelinePlan.Span) -> String {
        span.isExact ? time(span.earliest) : "\(time(span.earliest))..\(time(span.latest))"
    }

    /// Seconds with milliseconds; times of a plan line up and sort.
    private static func time(_ duration: Duration) -> String {
        let ms = duration.nanoseconds / 1_000_000
        return "\(ms / 1000).\(NumberText.padded(Int(ms % 1000), 3))s"
    }

    private static func tenths(_ duration: Duration) -> String {
        NumberText.fixed(duration.inSeconds, 1) + "s"
    }

    private static func grouped(_ value: Int) -> String { NumberText.grouped(value) }
}
