import UproarCapacity
import UproarCore
import UproarStatistics

/// `capacity.html`: a search for capacity on one page that needs no network.
package struct CapacityPage {
    let result: CapacityResult
    let model: CapacityModel

    package init(_ result: CapacityResult) {
        self.result = result
        model = result.model
    }

    package var text: String {
        let sections: [(id: String, name: String, markup: String)] = [
            ("latency", "Latency", latency), ("resources", "Resources", resources),
            ("call", "A call", call), ("limit", "Next limit", limit), ("model", "Model", fits),
            ("edges", "Ramp and start", edges), ("runs", "Runs", runs), ("setup", "Setup", setup),
        ].filter { !$0.markup.isEmpty }
        let links = sections.map { "<a href=\"#\($0.id)\">\($0.name)</a>" }.joined()
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>\(HTMLText.escaped("\(result.scenario): capacity"))</title>
            <style>
            \(HTMLStyle.sheet)
            </style></head><body>
            <a class="skip" href="#runs">Skip to the runs</a>
            <main>
            \(hero)
            <nav aria-label="Sections">\(links)</nav>
            \(sections.map(\.markup).joined())<footer>uproar \(HTMLText.escaped(result.version)) · commit \(HTMLText.escaped(result.commit)) · seed \(result.seed)</footer>
            </main>
            <script>
            \(HTMLStyle.script)
            </script>
            </body></html>

            """
    }

    private var tone: String {
        switch result.verdict {
        case .found, .limit: "good"
        case .nothingHolds, .unreachable: "bad"
        case .harness, .budget, .interrupted: "doubt"
        }
    }

    private var hero: String {
        let isEdge = result.verdict == .found
        let calls =
            result.calls.map { "\(isEdge ? "" : "≥ ")\($0) calls" }
            ?? (result.verdict == .nothingHolds ? "0 calls" : "unknown")
        let interval =
            result.interval.map {
                "95 % interval \(CapacityText.interval($0, 1, 1)). "
            } ?? ""
        return """
            <header class="card hero \(tone)">
            <div class="headline"><div><div class="brand">UPROAR CAPACITY</div>
            <h1>\(HTMLText.escaped(result.scenario))</h1><p>\(HTMLText.escaped(result.verdictText))</p>
            <p class="soft">\(interval)\(HTMLText.escaped(result.target)), \(result.world.rawValue), \(result.probes.count) runs</p></div>
            <div class="verdict \(tone)-box">\(calls)</div></div>
            </header>
            """
    }

    // MARK: Charts

    private static let dots: [CapacityProbe.Outcome: String] = [
        .held: "p50", .broke: "bad-dot", .harness: "plan",
    ]

    private func tip(_ probe: CapacityProbe, _ figure: String) -> String {
        "\(probe.load) callers, \(probe.outcome.rawValue)\n\(figure)\n\(probe.reason)"
    }

    /// The curve from its first to its last measurement, with the band of a new one.
    private func curve(_ fit: LoadCurve, name: String, style: String) -> LoadChart.Curve {
        let loads = fit.points.map(\.load)
        let from = loads.min() ?? 0
        let to = loads.max() ?? 1
        let places = (0...80).map { from + (to - from) * Double($0) / 80 }
        return LoadChart.Curve(
            name: name, style: style, points: places.map { ($0, fit($0)) },
            band: places.map {
                let interval = fit.predict($0).interval
                return ($0, interval.low ?? 0, interval.high ?? 0)
            })
    }

    private var tried: [CapacityProbe] {
        result.probes.filter { $0.purpose != .ramping && $0.purpose != .cooling }
    }

    private var latency: String {
        let points = tried.compactMap { probe -> LoadChart.Point? in
            guard let p95 = probe.p95 else { return nil }
            return .init(
                x: Double(probe.load), y: p95, low: probe.p95Interval?.low,
                high: probe.p95Interval?.high, style: Self.dots[probe.outcome] ?? "plan",
                tip: tip(
                    probe, "p95 \(CapacityText.fixed(p95 * 1000, 0)) ms of \(probe.turns) turns"))
        }
        guard !points.isEmpty else { return "" }
        var marks = gateMarks
        if let knee = model.knee {
            marks.append(.init(name: "knee", value: knee, isHorizontal: false))
        }
        if let calls = result.calls {
            marks.append(.init(name: "holds \(calls)", value: Double(calls), isHorizontal: false))
        }
        let chart = LoadChart(
            id: "latency-load", title: "p95 of voice-to-voice against callers",
            xName: "callers under way", points: points,
            curves: model.p95.map { [curve($0, name: "fit", style: "p95")] } ?? [], marks: marks,
            format: { PlotScale.latency($0 * 1e9) })
        var entries: [(name: String, colour: String)] = [
            ("held", "p50"), ("broke", "bad"), ("harness not fit", "soft"),
        ]
        if model.p95 != nil { entries.append(("fit", "p95")) }
        let legend = HTMLText.legend(entries)
        return HTMLText.section(
            "latency", "Latency against load",
            intro: latencyIntro,
            legend
                + HTMLText.figure(
                    chart.markup(),
                    caption: "Steady state of each run; whiskers are the 95 % interval of p95."
                        + (model.p95 == nil ? "" : " The band is where a new run would lie."),
                    extra: HTMLText.numbers(
                        ["callers", "outcome", "turns", "p50 ms", "p95 ms", "p99 ms"],
                        tried.map { probe in
                            [String(probe.load), probe.outcome.rawValue, String(probe.turns)]
                                + [probe.p50, probe.p95, probe.p99].map {
                                    $0.map { CapacityText.fixed($0 * 1000, 0) } ?? "–"
                                }
                        }, caption: "Latency against load")))
    }

    private var latencyIntro: String {
        guard let knee = model.knee else {
            let words = CapacityText.latency(result, model) ?? ""
            return words.isEmpty ? "" : "The knee is " + words
        }
        return "The knee, at \(CapacityText.fixed(knee, 1)) calls"
            + (model.kneeInterval.map { " (\(CapacityText.interval($0, 1, 1)))" } ?? "")
            + ", is where throughput by latency is greatest: beyond it each call costs more latency than it brings."
    }

    /// Limits of gates on the p95 that the chart shows.
    private var gateMarks: [LoadChart.Mark] {
        result.gates.compactMap { text in
            guard text.hasPrefix("voice_to_voice"), let end = text.lastIndex(of: "<") else {
                return nil
            }
            let bound = text[text.index(after: end)...].drop { $0 == "=" || $0 == " " }
                .prefix { $0 != " " }
            guard text.contains("p95"), let limit = try? DurationText.parse(String(bound)) else {
                return nil
            }
            return .init(name: "gate \(bound)", value: limit.inSeconds, isHorizontal: true)
        }
    }

    private var resources: String {
        var figures: [String] = []
        let cpu = tried.compactMap { probe -> LoadChart.Point? in
            guard let calls = probe.callsUnderWay, let cores = probe.agentCores else { return nil }
            return .init(
                x: calls, y: cores, style: Self.dots[probe.outcome] ?? "plan",
                tip: tip(probe, "\(CapacityText.fixed(cores, 3)) cores"))
        }
        if !cpu.isEmpty {
            var marks: [LoadChart.Mark] = []
            if let cores = result.limits.cores {
                marks.append(.init(name: result.limits.coresText, value: cores, isHorizontal: true))
            }
            figures.append(
                figure(
                    "cpu-load", "Cores of the agent's process tree", cpu, model.cpu, marks,
                    { CapacityText.fixed($0, 2) }))
        }
        let memory = tried.compactMap { probe -> LoadChart.Point? in
            guard let calls = probe.callsUnderWay, let bytes = probe.agentMemory else { return nil }
            return .init(
                x: calls, y: bytes / 1e6, style: Self.dots[probe.outcome] ?? "plan",
                tip: tip(probe, "\(CapacityText.fixed(bytes / 1e6, 1)) MB"))
        }
        if !memory.isEmpty {
            let scaled = model.memory.map { fit in
                (0...40).map { step in
                    let load = (memory.map(\.x).max() ?? 1) * Double(step) / 40
                    return (x: load, y: fit.value(at: [1, load]) / 1e6)
                }
            }
            let chart = LoadChart(
                id: "memory-load", title: "Memory of the agent's process tree, in MB",
                xName: "calls under way", points: memory,
                curves: scaled.map { [.init(name: "fit", style: "p95", points: $0)] } ?? [],
                format: { CapacityText.fixed($0, 0) })
            figures.append(HTMLText.figure(chart.markup(), caption: chart.title))
        }
        return HTMLText.section(
            "resources", "Resources against load",
            intro: "Means over the steady state; callers and emulators are left out.",
            "<div class=\"pair\">" + figures.joined() + "</div>".unless(figures.isEmpty)
        )
        .unless(figures.isEmpty)
    }

    private func figure(
        _ id: String, _ title: String, _ points: [LoadChart.Point], _ fit: LeastSquares?,
        _ marks: [LoadChart.Mark], _ format: @escaping (Double) -> String
    ) -> String {
        let most = points.map(\.x).max() ?? 1
        let line = fit.map { fit in
            (0...40).map { step -> (x: Double, y: Double) in
                let load = most * Double(step) / 40
                let row = Array([1, load, load * load].prefix(fit.coefficients.count))
                return (load, fit.value(at: row))
            }
        }
        let chart = LoadChart(
            id: id, title: title, xName: "calls under way", points: points,
            curves: line.map { [.init(name: "fit", style: "p95", points: $0)] } ?? [],
            marks: marks, format: format)
        return HTMLText.figure(chart.markup(), caption: title)
    }

    // MARK: Tables

    private var call: String {
        func row(_ name: String, _ measured: String?, _ guides: [String]) -> [String] {
            [name, measured.map { "<b>\(HTMLText.escaped($0))</b>" } ?? "not observed"] + guides
        }
        func with(_ text: String?, _ interval: String?) -> String? {
            text.map { $0 + (interval.map { " (\($0))" } ?? "") }
        }
        let cores = with(
            model.coresPerCall.map { "\(CapacityText.fixed($0, 4)) cores" }
                ?? model.cpu.map { _ in CapacityText.callUntold },
            model.coresPerCallInterval.map { CapacityText.interval($0, 1, 4) })
        let memory = with(
            model.bytesPerCall.map { "\(CapacityText.fixed($0 / 1e6, 2)) MB" },
            model.bytesPerCallInterval.map { CapacityText.interval($0, 1e-6, 2) })
        let bits = result.bitsPerCall.map { "\(CapacityText.fixed($0 / 1000, 0)) Kbps" }
        let body = HTMLText.table(
            [
                .init(name: "by call"), .init(name: "measured, 95 % interval"),
                .init(name: "voice only"), .init(name: "voice + tools"),
                .init(name: "realtime API"), .init(name: "multi-modal"),
            ],
            [
                row("processor", cores, GuideTable.rows.map { "\($0.cores) cores" }),
                row("memory", memory, GuideTable.rows.map { "\($0.megabytes) MB" }),
                row("network", bits, GuideTable.rows.map { "\($0.kbps) Kbps" }),
            ], caption: "What a call costs")
        let guides = GuideTable.contradictions.map { "<li>\(HTMLText.escaped($0))</li>" }.joined()
        return HTMLText.section(
            "call", "What a call costs, beside what the guides plan with",
            intro: "Of the agent's process tree only. Slopes over all loads that were measured.",
            body
                + "<p class=\"note\">The guides contradict themselves about calls by pod:</p><ul>\(guides)</ul>"
        )
    }

    private var limit: String {
        guard let bottleneck = result.bottleneck else { return "" }
        let evidence = bottleneck.evidence.map { "<li>\(HTMLText.escaped($0))</li>" }.joined()
        return HTMLText.section(
            "limit", "What gives way next",
            "<p><b>\(HTMLText.escaped(bottleneck.text))</b></p><ul>\(evidence)</ul>")
    }

    private var edges: String {
        var rows: [[String]] = []
        let starts = result.coldStarts
        if let low = starts.first, let high = starts.last {
            rows.append([
                "cold start",
                "\(CapacityText.fixed(starts[starts.count / 2], 2)) s (\(CapacityText.fixed(low, 2)) to \(CapacityText.fixed(high, 2)), \(starts.count) starts)",
                "start of the agent's process until it takes calls",
            ])
        }
        for ramp in result.ramps {
            rows.append([
                "ramp", "\(CapacityText.fixed(ramp.perSecond, 1)) callers a second to \(ramp.load)",
                ramp.held ? "absorbed" : "not absorbed",
            ])
        }
        if let seconds = result.coolDown {
            rows.append([
                "cool-down", "\(CapacityText.fixed(seconds, 0)) s",
                "from the end of the load until the agent's processor is at rest",
            ])
        }
        guard !rows.isEmpty else { return "" }
        return HTMLText.section(
            "edges", "Start, ramp and cool-down",
            HTMLText.table(
                [.init(name: "what"), .init(name: "measured"), .init(name: "meaning")], rows,
                caption: "Start, ramp and cool-down"))
    }

    private var runs: String {
        let rows = result.probes.map { probe -> [String] in
            let tone =
                [CapacityProbe.Outcome.held: "good", .broke: "bad"][probe.outcome] ?? "doubt"
            return [
                "<span class=\"mark \(tone)\">\(probe.outcome.rawValue)</span>",
                "<b>\(probe.load)</b> \(probe.purpose.rawValue)<div class=\"note\">\(HTMLText.escaped(probe.reason))</div>",
                String(probe.turns), probe.p95.map { CapacityText.fixed($0 * 1000, 0) } ?? "–",
                probe.agentCores.map { CapacityText.fixed($0, 3) } ?? "–",
                probe.agentMemory.map { CapacityText.fixed($0 / 1e6, 0) } ?? "–",
                probe.harnessCores.map { CapacityText.fixed($0, 2) } ?? "–",
                probe.validity.rawValue,
                "<a href=\"\(HTMLText.escaped(probe.folder))/report.html\">report</a>",
            ]
        }
        return HTMLText.section(
            "runs", "Every run",
            HTMLText.table(
                [
                    .init(name: "outcome"), .init(name: "callers", isWide: true),
                    .init(name: "turns", isNumber: true), .init(name: "p95 ms", isNumber: true),
                    .init(name: "agent cores", isNumber: true),
                    .init(name: "agent MB", isNumber: true),
                    .init(name: "harness cores", isNumber: true), .init(name: "validity"),
                    .init(name: "files"),
                ], rows, caption: "Every run", isFlowing: true), isLong: true)
    }

    private var setup: String {
        let rows = [
            [
                "gates",
                result.gates.map { "<code>\(HTMLText.escaped($0))</code>" }.joined(
                    separator: "<br/>"),
            ],
            ["providers", HTMLText.escaped(result.providers.joined(separator: ", "))],
            ["command", "<code>\(HTMLText.escaped(result.command))</code>"],
        ]
        return HTMLText.section(
            "setup", "Setup",
            HTMLText.table(
                [.init(name: ""), .init(name: "", isWide: true)], rows, caption: "Setup"))
    }
}

extension String {
    fileprivate func unless(_ condition: Bool) -> String { condition ? "" : self }
}
