import UproarCapacity
import UproarCore
import UproarStatistics

/// A day under several autoscalers beside each other: on the terminal, and as `autoscale.html`.
package struct FleetPage {
    let reports: [FleetReport]
    let dollarsPerPodHour: [Double]
    let basis: SizingBasis
    let traffic: String
    let assumptions: [String]
    let version: String

    package init(
        _ reports: [FleetReport], dollarsPerPodHour: [Double], basis: SizingBasis, traffic: String,
        assumptions: [String], version: String
    ) {
        self.reports = reports
        self.dollarsPerPodHour = dollarsPerPodHour
        self.basis = basis
        self.traffic = traffic
        self.assumptions = assumptions
        self.version = version
    }

    package var terminal: String {
        var lines = ["AUTOSCALE  \(traffic)"]
        let heads = [
            "settings", "offered", "refused", "cut", "p95", "peak pods", "pod-hours", "cost",
        ]
        let widths = [10, 10, 10, 8, 10, 10, 10, 10]
        func line(_ cells: [String]) -> String {
            "           "
                + zip(cells, widths).enumerated().map { place, cell in
                    let fill = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
                    return place == 0 ? cell.0 + fill : fill + cell.0
                }.joined()
        }
        lines.append(line(heads))
        for (report, dollars) in zip(reports, dollarsPerPodHour) {
            lines.append(
                line([
                    report.policy.name, NumberText.grouped(report.offered),
                    NumberText.grouped(report.refused), NumberText.grouped(report.cut),
                    report.p95.map(Self.milliseconds) ?? "unknown", String(report.peakPods),
                    NumberText.fixed(report.podHours, 0),
                    "$" + NumberText.fixed(report.podHours * dollars, 2),
                ]))
        }
        for (place, text) in assumptions.enumerated() {
            lines.append((place == 0 ? "ASSUMED    " : "           ") + text)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    package var json: JSONValue {
        .object([
            .init("schema", "uproar.autoscale/1"), .init("source", .string(basis.source)),
            .init("traffic", .string(traffic)),
            .init("assumptions", .array(assumptions.map { .string($0) })),
            .init(
                "policies",
                .array(zip(reports, dollarsPerPodHour).map { $0.json(dollarsPerPodHour: $1) })),
        ])
    }

    private static func milliseconds(_ seconds: Double) -> String {
        NumberText.fixed(seconds * 1000, 0) + " ms"
    }

    // MARK: The page

    package var html: String {
        let best = reports.min {
            ($0.refused + $0.cut, $0.podHours) < ($1.refused + $1.cut, $1.podHours)
        }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>\(HTMLText.escaped("autoscaler: \(traffic)"))</title>
            <style>
            \(HTMLStyle.sheet)
            </style></head><body>
            <a class="skip" href="#settings">Skip to the figures</a>
            <main>
            <header class="card hero good">
            <div class="headline"><div><div class="brand">UPROAR AUTOSCALE</div>
            <h1>\(HTMLText.escaped(traffic))</h1>
            <p>Fewest calls lost: <b>\(HTMLText.escaped(best?.policy.name ?? ""))</b>, \(best?.refused ?? 0) refused and \(best?.cut ?? 0) cut, p95 over the day \(best?.p95.map(Self.milliseconds) ?? "unknown").</p>
            <p class="soft">A simulated day; a call's cost and its latency are those of \(HTMLText.escaped(basis.source))</p></div></div>
            </header>
            \(table)\(reports.enumerated().map(charts).joined())\(assumed)<footer>uproar \(HTMLText.escaped(version))</footer>
            </main>
            <script>
            \(HTMLStyle.script)
            </script>
            </body></html>

            """
    }

    private var table: String {
        let rows = zip(reports, dollarsPerPodHour).map { report, dollars -> [String] in
            [
                "<b>\(HTMLText.escaped(report.policy.name))</b><div class=\"note\">up \(HTMLText.escaped(report.policy.up.text)); down \(HTMLText.escaped(report.policy.down.text)); grace \(NumberText.fixed(report.policy.grace, 0)) s; \(report.policy.minimum) to \(report.policy.maximum) pods</div>",
                NumberText.grouped(report.offered),
                "\(NumberText.grouped(report.refused)) (\(NumberText.fixed(report.refusedShare * 100, 2)) %)",
                NumberText.grouped(report.cut), report.p95.map(Self.milliseconds) ?? "unknown",
                String(report.peakPods), NumberText.fixed(report.podHours, 0),
                "$" + NumberText.fixed(report.podHours * dollars, 2),
            ]
        }
        return HTMLText.section(
            "settings", "The settings beside each other",
            intro: "Refused: no pod had a place. Cut: under way on a pod that scale-down killed.",
            HTMLText.table(
                [
                    .init(name: "settings", isWide: true), .init(name: "offered", isNumber: true),
                    .init(name: "refused", isNumber: true), .init(name: "cut", isNumber: true),
                    .init(name: "p95 over the day", isNumber: true),
                    .init(name: "peak pods", isNumber: true),
                    .init(name: "pod-hours", isNumber: true), .init(name: "cost", isNumber: true),
                ], rows, caption: "The settings beside each other"))
    }

    private func charts(_ index: Int, _ report: FleetReport) -> String {
        let buckets = report.buckets
        func chart(
            _ part: String, _ title: String, _ lines: [TimeChart.Line], bars: Bool = false,
            limits: [TimeChart.Limit] = [], format: @escaping (Double) -> String
        ) -> String {
            HTMLText.figure(
                TimeChart(
                    id: "\(part)-\(index)", title: "\(title), \(report.policy.name)",
                    bucket: report.bucket, duration: Double(buckets.count) * report.bucket,
                    lines: lines, isBars: bars, limits: limits, height: 170, format: format
                ).markup(), caption: title)
        }
        func values(_ value: (FleetReport.Bucket) -> Double?) -> [Figure?] {
            buckets.map { bucket in value(bucket).map { Figure($0) } }
        }
        // Ticks may stand at halves: those are not rounded to whole pods.
        let whole: (Double) -> String = { NumberText.fixed($0, $0 == $0.rounded() ? 0 : 1) }
        var body = HTMLText.legend([("pods", "p95"), ("calls by 10", "p99")])
        body += chart(
            "pods", "Pods, and calls under way divided by 10",
            [
                .init(name: "pods", style: "p95", values: values { Double($0.pods) }),
                .init(name: "calls/10", style: "actual", values: values { Double($0.calls) / 10 }),
            ], format: whole)
        if report.refused + report.cut > 0 {
            body += chart(
                "lost", "Calls refused or cut by interval",
                [
                    .init(name: "refused", style: "bad", values: values { Double($0.refused) }),
                    .init(name: "cut", style: "p50", values: values { Double($0.cut) }),
                ], bars: true, format: whole)
        }
        if buckets.contains(where: { $0.p95 != nil }) {
            body += chart(
                "p95", "p95 of voice-to-voice by interval",
                [.init(name: "p95", style: "p95", values: values { $0.p95.map { $0 * 1e9 } })],
                limits: [.init(name: "800 ms", value: 8e8)], format: PlotScale.latency)
        }
        return HTMLText.section(
            "policy-\(index)", "\(report.policy.name): \(report.policy.source)", body)
    }

    private var assumed: String {
        HTMLText.section(
            "assumed", "What was assumed",
            "<ul>" + assumptions.map { "<li>\(HTMLText.escaped($0))</li>" }.joined() + "</ul>")
    }
}
