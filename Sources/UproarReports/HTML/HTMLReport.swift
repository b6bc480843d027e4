import UproarCore
import UproarStatistics

/// `report.html`: the whole run on one page that needs no network and no other file.
///
/// Order: verdict, validity, gates, latency over time, percentile curve, stages, worst calls, ledger, cost, the guides' checklist,
/// how to run it again.
/// Renders from the result alone; `environment` (the run's `environment.json`) adds what a result must not hold.
package struct HTMLReport {
    let digest: RunDigest
    let environment: JSONValue?

    /// The run goes on: the page follows it (`LiveWeb`).
    let isLive: Bool

    package init(_ result: RunResult, environment: JSONValue? = nil, isLive: Bool = false) {
        digest = RunDigest(result)
        self.environment = environment
        self.isLive = isLive
    }

    var result: RunResult { digest.result }

    package var text: String {
        let buckets = ChartBuckets(result.recorder)
        let sections: [(id: String, name: String, markup: String)] = [
            ("validity", "Validity", validity),
            ("gates", "Gates", gates),
            ("baseline", "Baseline", baseline),
            ("latency", "Latency", latency(buckets)),
            ("percentiles", "Percentiles", percentiles),
            ("stages", "Stages", stages),
            ("age", "Long calls", longCalls),
            ("calls", "Worst calls", worstCalls),
            ("ledger", "Ledger", ledger(buckets)),
            ("cost", "Cost", cost(buckets)),
            ("checklist", "Checklist", checklist),
            ("setup", "Setup", setup),
        ]
        let present = sections.filter { !$0.markup.isEmpty }
        let links = present.map { "<a href=\"#\($0.id)\">\($0.name)</a>" }.joined()
        let title = "\(result.scenario.name): \(isLive ? "running" : digest.verdict)"
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="generator" content="uproar \(HTMLText.escaped(result.version))">
            <title>\(HTMLText.escaped(title))</title>
            <style>
            \(HTMLStyle.sheet)
            </style></head><body>
            <a class="skip" href="#gates">Skip to the gates</a>
            <main>
            \(hero)
            <nav aria-label="Sections">\(links)</nav>
            \(present.map(\.markup).joined())<footer>\(footer)</footer>
            </main>
            <script>
            \(HTMLStyle.script)\(isLive ? HTMLStyle.liveScript : "")
            </script>
            </body></html>

            """
    }

    private var footer: String {
        var parts = ["uproar \(result.version)"]
        if !result.commit.isEmpty { parts.append("commit \(result.commit)") }
        parts.append("seed \(result.seed)")
        if !result.files.isEmpty { parts.append("files: \(result.files.joined(separator: ", "))") }
        return HTMLText.escaped(parts.joined(separator: " · "))
    }

    /// `good`, `bad` or `doubt`: the colour of a verdict.
    var tone: String {
        if isLive { return "doubt" }
        switch result.outcome.word {
        case .passed: return "good"
        case .failed, .aborted, .regressed, .dirty, .unreachable, .usage: return "bad"
        case .inconclusive, .invalid, .interrupted: return "doubt"
        }
    }
}
