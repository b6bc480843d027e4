import UproarCore
import UproarStatistics

/// `compare.html`: two runs or more laid over each other, on one page that needs no network.
package struct ComparisonReport {
    let comparison: RunComparison
    let before: RunResult
    let after: RunResult
    let names: (before: String, after: String)
    /// Why the two should not be compared; the page says so when they were all the same.
    let unlike: [String]
    /// More runs that are held against the first.
    let further: [Further]

    package struct Further {
        package var name: String
        package var run: RunResult
        package var comparison: RunComparison

        package init(name: String, run: RunResult, comparison: RunComparison) {
            self.name = name
            self.run = run
            self.comparison = comparison
        }
    }

    /// One more line is no longer told from the others.
    package static let runLimit = 5
    private static let styles = ["p50", "plan", "answer"]

    package init(
        _ comparison: RunComparison, _ before: RunResult, _ after: RunResult,
        names: (before: String, after: String), unlike: [String] = [], further: [Further] = []
    ) {
        self.further = further
        self.comparison = comparison
        self.before = before
        self.after = after
        self.names = names
        self.unlike = unlike
    }

    package var text: String {
        let title = "\(after.scenario.name): \(verdict.rawValue)"
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>\(HTMLText.escaped(title))</title>
            <style>
            \(HTMLStyle.sheet)
            </style></head><body>
            <a class="skip" href="#rows">Skip to the figures</a>
            <main>
            \(hero)
            \(table)\(percentiles)\(overTime)\(stages)\(setup)<footer>uproar \(HTMLText.escaped(after.version))</footer>
            </main>
            <script>
            \(HTMLStyle.script)
            </script>
            </body></html>

            """
    }

    static func section(_ comparison: RunComparison, id: String, title: String, lead: String = "")
        -> String
    {
        let rows = comparison.rows.map { row in
            let tone =
                [RunComparison.Verdict.regressed: "bad", .inconclusive: "doubt"][row.verdict]
                ?? "good"
            return [
                "<span class=\"mark \(tone)\">\(ComparisonText.sign(row.verdict)) \(row.verdict.rawValue)</span>",
                "<b>\(HTMLText.escaped(row.metric))</b> \(row.figure)<div class=\"note\">"
                    + "\(HTMLText.escaped(ComparisonText.note(row)))</div>",
                ComparisonText.quantity(row.before, row), ComparisonText.quantity(row.after, row),
                HTMLText.escaped(ComparisonText.change(row)),
                HTMLText.escaped(ComparisonText.interval(row)),
            ]
        }
        return HTMLText.section(
            id, title,
            intro:
                lead
                + "A regression is larger than the relative and the absolute limit, and the 95 % interval of the "
                + "difference (of whole calls drawn again; between blocks, of the pairs) excludes zero.",
            HTMLText.table(
                [
                    .init(name: "verdict"), .init(name: "figure", isWide: true),
                    .init(name: "before", isNumber: true), .init(name: "after", isNumber: true),
                    .init(name: "change", isNumber: true), .init(name: "95 % interval"),
                ], rows, caption: title))
    }

    private var verdict: RunComparison.Verdict {
        RunComparison.worst([comparison] + further.map(\.comparison))
    }

    private var tone: String {
        switch verdict {
        case .regressed: "bad"
        case .improved, .unchanged: "good"
        case .inconclusive: "doubt"
        }
    }

    private var sentence: String {
        switch verdict {
        case .regressed: "Something is worse, by more than noise and the limits allow."
        case .improved: "Something is better, and nothing is worse."
        case .unchanged:
            "Whatever differs is within the limits, and there were calls enough to know."
        case .inconclusive: "There were too few calls to know."
        }
    }

    private var hero: String {
        let warning =
            unlike.isEmpty
            ? ""
            : "<div class=\"banner bad-box\">Forced: these runs are unlike.<ul>"
                + unlike.map { "<li>\(HTMLText.escaped($0))</li>" }.joined() + "</ul></div>"
        return """
            <header class="card hero \(tone)">
            <div class="headline"><div><div class="brand">UPROAR COMPARE</div>
            <h1>\(HTMLText.escaped(after.scenario.name))</h1><p>\(sentence)</p>
            <p class="soft">\(HTMLText.escaped(names.before)) (\(comparison.callCounts.before) calls) against \(HTMLText.escaped(names.after)) (\(comparison.callCounts.after) calls)\(furtherNames)</p></div>
            <div class="verdict \(tone)-box">\(ComparisonText.sign(verdict)) \(verdict.rawValue.uppercased())</div></div>\(warning)
            </header>
            """
    }

    private var furtherNames: String {
        further.map {
            ", \(HTMLText.escaped($0.name)) (\($0.comparison.callCounts.after) calls)"
        }.joined()
    }

    private var table: String {
        guard !further.isEmpty else {
            return Self.section(comparison, id: "rows", title: "What changed")
        }
        return Self.section(comparison, id: "rows", title: "What changed: \(names.after)")
            + further.enumerated().map { place, other in
                Self.section(
                    other.comparison, id: "rows-\(place + 2)", title: "What changed: \(other.name)")
            }.joined()
    }

    private var legend: String {
        var entries: [(name: String, colour: String)] = [
            ("before: \(names.before)", "p99"), ("after: \(names.after)", "p95"),
        ]
        for (other, colour) in zip(further, ["p50", "soft", "p50"]) {
            entries.append(("after: \(other.name)", colour))
        }
        return HTMLText.legend(entries)
    }

    private var percentiles: String {
        let left = before.recorder.merged("voice_to_voice").samples
        let right = after.recorder.merged("voice_to_voice").samples
        guard !left.isEmpty, !right.isEmpty else { return "" }
        var curves: [PercentileCurve.Curve] = [
            .init(name: "before", style: "actual", samples: left),
            .init(name: "after", style: "p95", samples: right),
        ]
        for (other, style) in zip(further, Self.styles) {
            curves.append(
                .init(
                    name: other.name, style: style,
                    samples: other.run.recorder.merged("voice_to_voice").samples))
        }
        let chart = PercentileCurve(
            id: "overlay-curve", title: "Voice-to-voice latency by percentile", curves: curves,
            limits: [])
        return HTMLText.section(
            "percentiles", "Percentiles",
            legend
                + HTMLText.figure(
                    chart.markup(),
                    caption:
                        "\(RunDigest.many(Int(left.count), "turn")) before, \(RunDigest.many(Int(right.count), "turn")) after. "
                        + "Each step to the right is ten times rarer."))
    }

    private var overTime: String {
        // All in the widest buckets of any.
        let recorders = [before.recorder, after.recorder] + further.map(\.run.recorder)
        let factor = recorders.map { ChartBuckets($0).factor }.max() ?? 1
        let a = ChartBuckets(before.recorder, factor: factor)
        let b = ChartBuckets(after.recorder, factor: factor)
        guard a.seconds == b.seconds else { return "" }
        func values(_ buckets: ChartBuckets) -> [Figure?] {
            buckets.timeline("voice_to_voice").map { $0.samples.quantile(0.95) }
        }
        var lines: [TimeChart.Line] = [
            .init(name: "before p95", style: "actual", values: values(a)),
            .init(name: "after p95", style: "p95", values: values(b)),
        ]
        for (other, style) in zip(further, Self.styles) {
            let buckets = ChartBuckets(other.run.recorder, factor: factor)
            // Of a run whose intervals are wider by themselves the line would lie elsewhere.
            guard buckets.seconds == b.seconds else { continue }
            lines.append(
                .init(name: "\(other.name) p95", style: style, values: values(buckets)))
        }
        let lengths = ([before, after] + further.map(\.run)).map(\.load.duration.inSeconds)
        let chart = TimeChart(
            id: "overlay-time", title: "p95 of voice-to-voice over the run", bucket: b.seconds,
            duration: max(lengths.max() ?? 0, 1), lines: lines, windows: after.windows,
            format: PlotScale.latency)
        return HTMLText.section(
            "time", "Over time",
            legend
                + HTMLText.figure(
                    chart.markup(),
                    caption:
                        "p95 in buckets of \(PlotScale.time(b.seconds)), each a merge of its turns. Empty "
                        + "buckets are gaps."))
    }

    private var stages: String {
        let rows = Stage.allCases.compactMap { stage -> [String]? in
            let left = before.recorder.merged(stage.rawValue).samples
            let right = after.recorder.merged(stage.rawValue).samples
            guard let a = left.mean, let b = right.mean else { return nil }
            let change = b.value - a.value
            return [
                "<b>\(HTMLText.escaped(StageWaterfall.names[stage] ?? stage.rawValue))</b>",
                stage.owner.rawValue, HTMLText.figureText(a), HTMLText.figureText(b),
                (change < 0 ? "−" : "+") + Figure(abs(change)).text(.time),
                HTMLText.figureText(left.quantile(0.95)), HTMLText.figureText(right.quantile(0.95)),
            ]
        }
        guard !rows.isEmpty else { return "" }
        return HTMLText.section(
            "stages", "Stages",
            intro: "Means, which add up to the mean answer time: where a difference comes from.",
            HTMLText.table(
                [
                    .init(name: "stage", isWide: true), .init(name: "whose"),
                    .init(name: "mean before", isNumber: true),
                    .init(name: "mean after", isNumber: true),
                    .init(name: "change", isNumber: true),
                    .init(name: "p95 before", isNumber: true),
                    .init(name: "p95 after", isNumber: true),
                ], rows, caption: "Stages", isFlowing: true))
    }

    private var setup: String {
        func rows(_ run: RunResult) -> [String] {
            [
                run.commit, String(run.seed), run.world.rawValue, run.target,
                RunDigest.clock(run.load.duration), run.validity.state.rawValue,
                RunDigest(run).verdict, run.command,
            ]
        }
        let heads = [
            "commit", "seed", "world", "target", "duration", "validity", "its own verdict",
            "command",
        ]
        let columns = ([before, after] + further.map(\.run)).map(rows)
        let body = heads.enumerated().map { place, head in
            [head] + columns.map { HTMLText.escaped($0[place]) }
        }
        let names = ["", "before", "after"] + further.map(\.name)
        return HTMLText.section(
            "setup", "The runs",
            HTMLText.table(
                names.map { HTMLText.Column(name: $0) }, body, caption: "The runs"))
    }
}
