import UproarCore
import UproarStatistics

/// The guides' checklist and the error budget.
extension HTMLReport {
    var checklist: String {
        let lines = SpecChecklist(result).lines
        let rows = lines.map { line in
            let tone = [SpecChecklist.Mark.pass: "good", .fail: "bad"][line.mark] ?? "doubt"
            let sign = [SpecChecklist.Mark.pass: "✓", .fail: "✗"][line.mark] ?? "○"
            return [
                "<span class=\"mark \(tone)\">\(sign) \(line.mark.rawValue)</span>",
                "<b>\(HTMLText.escaped(line.name))</b><div class=\"note\">"
                    + "\(HTMLText.escaped(line.method))</div>",
                HTMLText.escaped(line.evidence),
            ]
        }
        let isDone = lines.allSatisfy { $0.mark == .pass }
        let date = environment?["started"]?.text.map { String($0.prefix(10)) }
        let signOff =
            isDone
            ? "Validated: \(date ?? "date not known"). Archive result.json as the baseline and tell the stakeholders."
            : "Validated: not yet. \(lines.count { $0.mark == .pass }) of \(lines.count) lines pass; "
                + "what was not tested needs a run that tries it."
        return HTMLText.section(
            "checklist", "The guides' final checklist",
            intro: "As far as this run tried it. What was not tried is not tested, never passed.",
            HTMLText.table(
                [
                    .init(name: "result"), .init(name: "line and method", isWide: true),
                    .init(name: "evidence"),
                ], rows, caption: "Final checklist")
                + "<p class=\"note\">\(HTMLText.escaped(signOff))</p>")
    }

    /// The run against the one it was held to; nothing without one.
    var baseline: String {
        guard let baseline = result.baseline else { return "" }
        return ComparisonReport.section(
            baseline.comparison, id: "baseline", title: "Against the baseline",
            lead: "Held against \(HTMLText.escaped(baseline.sentence)). "
                + (baseline.rounds.isEmpty
                    ? "" : "All other sections of this page are of the first round. "))
    }

    /// The share of turns that must be good: what a gate asks for, or 99 %.
    private var objective: (share: Double, from: String) {
        for gate in result.gates where gate.rule.metric == "turns_good" {
            guard case .rate = gate.rule.aggregate, let limit = gate.limit, limit > 0, limit < 1
            else { continue }
            return (limit, "the gate \(gate.rule.text)")
        }
        return (0.99, "no gate on turns_good: 99 % is taken")
    }

    /// How much of the error budget went where; nothing when no turn was owed.
    var errorBudget: String {
        let (share, origin) = objective
        func budget(_ interval: Interval) -> ErrorBudget {
            ErrorBudget(
                objective: share, total: interval.occasions,
                bad: interval.occasions - min(interval.events, interval.occasions))
        }
        let whole = budget(result.recorder.merged("turns_good"))
        guard whole.total > 0, let spent = whole.spent else { return "" }
        var windows: [(String, GateRule.Window)] = [("steady state", .steady)]
        for fault in result.faults {
            windows.append(("fault \(fault.id)", .fault(fault.id, from: nil, to: nil)))
        }
        let rows = windows.compactMap { name, window -> [String]? in
            guard let ranges = result.windows.ranges(of: window) else { return nil }
            let part = budget(result.recorder.merged("turns_good", in: ranges))
            guard let rate = whole.burnRate(total: part.total, bad: part.bad) else { return nil }
            return [
                HTMLText.escaped(name), NumberText.grouped(Int(part.total)),
                NumberText.grouped(Int(part.bad)),
                rate > 1
                    ? "<b class=\"no\">\(NumberText.fixed(rate, 1))</b>"
                    : NumberText.fixed(rate, 1),
            ]
        }
        let sentence =
            "\(NumberText.grouped(Int(whole.bad))) of \(NumberText.grouped(Int(whole.total))) turns were not good; "
            + "\(RunDigest.percent(share)) must be (\(origin)), which allows "
            + "\(NumberText.fixed(whole.allowed, 1)). Spent: \(NumberText.fixed(spent * 100, 0))%."
        return "<h3>Error budget</h3><p>\(HTMLText.escaped(sentence))</p>"
            + (rows.isEmpty
                ? ""
                : HTMLText.table(
                    [
                        .init(name: "window", isWide: true), .init(name: "turns", isNumber: true),
                        .init(name: "not good", isNumber: true),
                        .init(name: "burn rate", isNumber: true),
                    ], rows, caption: "Error budget")
                    + "<p class=\"note\">A burn rate of 1 spends just the budget, 10 spends it ten times over.</p>")
    }

    // MARK: Charts that stand beside tables

    /// What was injected and who served; nothing in a run with neither faults nor a change of provider.
    func lanes(_ buckets: ChartBuckets) -> String {
        let faults = LaneChart.faults(result)
        let lanes = faults + LaneChart.providers(buckets, isComplete: !faults.isEmpty)
        guard !lanes.isEmpty else { return "" }
        let chart = LaneChart(
            id: "lane-chart", title: "Faults and who served the turns", bucket: buckets.seconds,
            duration: seconds, lanes: lanes)
        return "<h3>Faults and failover</h3>"
            + HTMLText.legend(
                [
                    ("fault in effect", "bad"), ("armed or recovering", "doubt"),
                    ("served", "provider"),
                ],
                boxes: true)
            + HTMLText.figure(
                chart.markup(),
                caption:
                    "Which provider served the turns that ended in each bucket of "
                    + "\(PlotScale.time(buckets.seconds)), the fuller the more of them. Nothing drawn: no turn."
            )
    }

    func heatMap(_ buckets: ChartBuckets) -> String {
        let map = LatencyHeatMap(
            id: "heat-chart", title: "How many turns took how long\(digest.mainNote)",
            bucket: buckets.seconds, duration: seconds,
            timeline: buckets.timeline("voice_to_voice", digest.main), windows: result.windows)
        return HTMLText.figure(
            map.markup(),
            caption:
                "Turns by voice-to-voice latency (logarithmic), buckets of \(map.bucketText): the darker the "
                + "more. What percentiles hide shows here: two humps, or a few turns far above the rest."
        )
    }

    /// Cost by the second in which its call was due.
    func costOverTime(_ buckets: ChartBuckets) -> String {
        let timeline = buckets.timeline("cost_per_minute")
        guard timeline.contains(where: { $0.numerator > 0 }) else { return "" }
        var total = 0.0
        let sums = timeline.map { interval -> Figure? in
            total += Double(interval.numerator) / 1e9
            return Figure(total)
        }
        let chart = TimeChart(
            id: "cost-chart", title: "Cost so far", bucket: buckets.seconds, duration: seconds,
            lines: [.init(name: "so far", style: "p95", values: sums)], windows: result.windows,
            height: 170, format: PlotScale.dollars,
            note: { "calls due here: \(NumberText.dollars(Double(timeline[$0].numerator) / 1e9))" },
            tickCount: 3)
        return HTMLText.figure(
            chart.markup(),
            caption:
                "Provider cost, added up by when each call was due, and what belongs to no call by when it was "
                + "seen; buckets of \(PlotScale.time(buckets.seconds)).")
    }
}
