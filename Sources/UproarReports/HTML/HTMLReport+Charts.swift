import UproarCore
import UproarStatistics

/// Validity, latency over time, percentiles and stages: the sections that are drawn.
extension HTMLReport {
    /// Upper limits that gates put on voice-to-voice: drawn into the latency charts.
    private var latencyLimits: [TimeChart.Limit] {
        var limits: [TimeChart.Limit] = []
        for gate in result.gates where gate.rule.metric == "voice_to_voice" {
            guard case .quantile = gate.rule.aggregate, let limit = gate.limit,
                [.less, .lessOrEqual].contains(gate.rule.comparison),
                !limits.contains(where: { $0.value == limit })
            else { continue }
            limits.append(
                .init(
                    name: "\(gate.rule.aggregate.text) \(gate.rule.demand)", value: limit))
        }
        return limits
    }

    /// What the charts over time cover: the run, and turns that ended after it.
    var seconds: Double {
        let recorder = result.recorder
        let turns = recorder.timeline("voice_to_voice").lastIndex { !$0.isEmpty } ?? 0
        return max(
            result.load.duration.inSeconds, Double(turns + 1) * recorder.width.inSeconds, 1)
    }

    // MARK: Validity

    var validity: String {
        let validity = result.validity
        let tone = [.valid: "good", .suspect: "doubt", .invalid: "bad"][validity.state] ?? "doubt"
        var body =
            "<p><span class=\"mark \(tone)\">\(sign(tone)) \(validity.state.rawValue)</span> "
            + "\(HTMLText.escaped(validitySentence))</p>"
        if !validity.reasons.isEmpty {
            body +=
                "<ul>"
                + validity.reasons.map { "<li>\(HTMLText.escaped($0))</li>" }.joined() + "</ul>"
        }
        let log = GeneratorChart(validity.log)
        if !log.isEmpty {
            body += "<div class=\"pair\">"
            body += log.calls(seconds, result.windows)
            body += log.cores(seconds, result.windows)
            body += log.lateness(seconds, result.windows)
            body += log.arrivals(seconds, result.windows)
            body += log.memory(seconds, result.windows)
            body += "</div>"
        }
        return HTMLText.section(
            "validity", "Was the harness fit to judge?",
            intro:
                "Uproar measures itself every second. A run its machine could not carry is invalid: "
                + "neither a pass nor a fail.", body)
    }

    private var validitySentence: String {
        var parts: [String] = []
        if let p99 = result.validity.sendLatenessP99 {
            parts.append("frames left \(NumberText.duration(p99)) late at p99 (limit 5ms)")
        }
        let calls = result.ledger.calls
        if calls.due > 0 {
            parts.append(
                "\(RunDigest.percent(Double(calls.dialed) / Double(calls.due))) of the calls due were dialled"
            )
        }
        parts.append("\(digest.drops) packets dropped")
        if let noise = result.validity.noiseText { parts.append("known answers: \(noise)") }
        return parts.joined(separator: ", ") + "."
    }

    // MARK: Latency over time

    func latency(_ buckets: ChartBuckets) -> String {
        let timeline = buckets.timeline("voice_to_voice", digest.main)
        guard timeline.contains(where: { !$0.samples.isEmpty }) else { return "" }
        func values(_ q: Double) -> [Figure?] { timeline.map { $0.samples.quantile(q) } }
        let width = PlotScale.time(buckets.seconds)
        let chart = TimeChart(
            id: "latency-chart", title: "Voice-to-voice latency over the run\(digest.mainNote)",
            bucket: buckets.seconds, duration: seconds,
            lines: [
                .init(name: "p99", style: "p99", values: values(0.99)),
                .init(name: "p95", style: "p95", values: values(0.95)),
                .init(name: "p50", style: "p50", values: values(0.5)),
            ], limits: latencyLimits, windows: result.windows, height: 300,
            format: PlotScale.latency,
            note: { RunDigest.many(Int(timeline[$0].samples.count), "turn") })
        let numbers = timeline.enumerated().compactMap { index, interval -> [String]? in
            guard !interval.samples.isEmpty else { return nil }
            return [
                PlotScale.time(Double(index) * buckets.seconds), String(interval.samples.count),
            ] + [0.5, 0.95, 0.99].map { interval.samples.quantile($0)?.text(.time) ?? "–" }
        }
        var body =
            HTMLText.legend([("p50", "p50"), ("p95", "p95"), ("p99", "p99")])
            + HTMLText.figure(
                chart.markup(),
                caption:
                    "Voice to voice by the second in which the caller ended; buckets of \(width), "
                    + "each a merge of its turns. Empty buckets are gaps; an arrow at the top is a turn "
                    + "still unanswered when the caller's patience ended.",
                extra: HTMLText.numbers(
                    ["from", "turns", "p50", "p95", "p99"], numbers, caption: chart.title))
        body += heatMap(buckets)
        body += errors(buckets)
        body += lanes(buckets)
        body += latencyTable
        return HTMLText.section("latency", "Latency over time", body, isLong: true)
    }

    /// Turns that went wrong, by bucket; nothing when none did.
    private func errors(_ buckets: ChartBuckets) -> String {
        let kinds: [(String, String, String)] = [
            ("lost", "turns_lost", "bad"), ("late", "turns_late", "doubt"),
            ("truncated", "turns_truncated", "p95"),
        ]
        let lines = kinds.compactMap { name, metric, style -> TimeChart.Line? in
            let timeline = buckets.timeline(metric)
            guard timeline.contains(where: { $0.events > 0 }) else { return nil }
            return .init(
                name: name, style: style,
                values: timeline.map { $0.isEmpty ? nil : Figure(Double($0.events)) })
        }
        guard !lines.isEmpty else { return "" }
        let chart = TimeChart(
            id: "error-chart", title: "Turns that went wrong", bucket: buckets.seconds,
            duration: seconds, lines: lines, isBars: true, windows: result.windows, height: 130,
            format: { NumberText.fixed($0, 0) }, tickCount: 3, leastTop: 3, isWhole: true)
        let colours = ["bad": "bad", "doubt": "provider", "p95": "p95"]
        return HTMLText.legend(
            lines.map { ($0.name, colours[$0.style] ?? "ink") }, boxes: true)
            + HTMLText.figure(
                chart.markup(),
                caption: "Turns that went wrong, by bucket of \(PlotScale.time(buckets.seconds)).")
    }

    private var latencyTable: String {
        let rows = digest.latency.map { row in
            [
                "<b>\(HTMLText.escaped(row.name))</b><div class=\"note\">\(HTMLText.escaped(row.meaning))</div>",
                NumberText.grouped(Int(row.samples.count)),
            ] + [0.5, 0.9, 0.95, 0.99].map { HTMLText.figureText(row.samples.quantile($0)) } + [
                HTMLText.figureText(row.samples.maximum),
                row.actual.map { HTMLText.figureText($0.quantile(0.95)) } ?? "",
            ]
        }
        guard !rows.isEmpty else { return "" }
        return HTMLText.table(
            [
                .init(name: "", isWide: true), .init(name: "n", isNumber: true),
                .init(name: "p50", isNumber: true), .init(name: "p90", isNumber: true),
                .init(name: "p95", isNumber: true), .init(name: "p99", isNumber: true),
                .init(name: "max", isNumber: true), .init(name: "p95 actual", isNumber: true),
            ], rows, caption: "Latency", isFlowing: true)
    }

    // MARK: Percentiles

    var percentiles: String {
        let recorder = result.recorder
        let intended = recorder.merged("voice_to_voice", digest.main).samples
        guard !intended.isEmpty else { return "" }
        var curves = [
            PercentileCurve.Curve(name: "intended", style: "p95", samples: intended)
        ]
        var legend = [("intended: from when the caller's last sample was due", "p95")]
        let actual = recorder.merged("voice_to_voice_actual", digest.main).samples
        if !actual.isEmpty {
            curves.append(.init(name: "actual", style: "actual", samples: actual))
            legend.append(("actual: from when it was sent", "p99"))
        }
        let answer = recorder.merged("voice_to_answer", digest.main).samples
        if !answer.isEmpty, answer != intended {
            curves.append(.init(name: "answer", style: "answer", samples: answer))
            legend.append(("answer: to the reply itself, past fillers", "p50"))
        }
        let chart = PercentileCurve(
            id: "percentile-chart", title: "Voice-to-voice latency by percentile\(digest.mainNote)",
            curves: curves, limits: latencyLimits)
        let numbers = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999].map { q in
            ["p" + GateRule.Quantity(q * 100, .count).text]
                + curves.map { $0.samples.quantile(q)?.text(.time) ?? "–" }
        }
        return HTMLText.section(
            "percentiles", "Percentiles",
            HTMLText.legend(legend)
                + HTMLText.figure(
                    chart.markup(),
                    caption:
                        "\(RunDigest.many(Int(intended.count), "turn")). Each step to the right is "
                        + "ten times rarer; the curve ends at the last turn.",
                    extra: HTMLText.numbers(
                        ["percentile"] + curves.map(\.name), numbers, caption: chart.title)))
    }

    // MARK: Stages

    var stages: String {
        let rows = digest.stages
        guard !rows.isEmpty else { return "" }
        let table = HTMLText.table(
            [
                .init(name: "stage", isWide: true), .init(name: "whose"),
                .init(name: "n", isNumber: true), .init(name: "mean", isNumber: true),
                .init(name: "p50", isNumber: true), .init(name: "p95", isNumber: true),
                .init(name: "p99", isNumber: true),
            ],
            rows.map { row in
                [
                    "<b>\(HTMLText.escaped(StageWaterfall.names[row.stage] ?? row.stage.rawValue))</b> "
                        + "<code>\(row.stage.rawValue)</code>",
                    row.stage.owner.rawValue, NumberText.grouped(Int(row.samples.count)),
                    HTMLText.figureText(row.samples.mean),
                ] + [0.5, 0.95, 0.99].map { HTMLText.figureText(row.samples.quantile($0)) }
            }, caption: "Stages", isFlowing: true)
        return HTMLText.section(
            "stages", "Where the time of a turn goes",
            intro:
                "From the caller's last sample to the first audible one of the reply, told apart by "
                + "turn references. Stages are signed: a request sent before the caller's end was certain "
                + "makes endpointing negative.",
            HTMLText.legend(
                [("agent's", "agent"), ("provider's", "provider"), ("network's", "network")],
                boxes: true)
                + HTMLText.figure(
                    StageWaterfall(id: "stage-chart", rows: rows).markup(),
                    caption:
                        "Means, one after the other: they add up to the mean answer time. The thin "
                        + "line reaches to the stage's p95.")
                + table)
    }
}
