import UproarCore
import UproarStatistics

/// What a history of runs says, as lines for a terminal.
package struct HistoryText {
    package enum Verdict: String, Sendable {
        case regressed, improved, unchanged, inconclusive
    }

    private let history: RunHistory
    private let findings: [RunHistory.Finding]
    private let recent: Int
    private let search: ChangeSearch

    /// - recent: a change counts while the level it led to has had no more runs than this.
    package init(
        _ history: RunHistory, relative: Double = 0.02, recent: Int = 20,
        search: ChangeSearch = .init()
    ) {
        self.history = history
        self.recent = recent
        self.search = search
        findings = history.findings(search, relative: relative)
    }

    /// The last change of each figure that is large enough and not long past.
    private var counted: [RunHistory.Finding] {
        var last = OrderedTable<String, RunHistory.Finding>()
        for finding in findings {
            last["\(finding.figure.metric) \(finding.figure.figure)"] = finding
        }
        return last.values.filter { !$0.isSmall && $0.runs <= recent }
    }

    package var verdict: Verdict {
        if history.series.count < search.neededRuns { return .inconclusive }
        if counted.contains(where: \.isWorse) { return .regressed }
        return counted.isEmpty ? .unchanged : .improved
    }

    package var text: String {
        let series = history.series
        let name = series.last?.scenario ?? "no run"
        var lines = [
            "HISTORY    \(verdict.rawValue.uppercased())   \(name)   \(RunDigest.many(series.count, "run"))"
        ]
        if series.count < search.neededRuns {
            lines.append(
                "           a change shows from \(search.neededRuns) runs on, \(search.leastRuns) on either side of it"
            )
        }
        if series.count < history.entries.count {
            lines.append(
                "           left out, of another scenario, world, corpus or provider: \(RunDigest.many(history.entries.count - series.count, "run"))"
            )
        }
        for finding in findings {
            let figure = finding.figure
            let sign = finding.change.difference < 0 ? "−" : "+"
            func quantity(_ value: Double) -> String {
                figure.dimension == .share
                    ? NumberText.fixed(value * 100, 2) + "%"
                    : GateRule.Quantity(value, figure.dimension).text
            }
            let share =
                finding.change.relative.map {
                    " (\(sign)\(NumberText.fixed(abs($0) * 100, 1))%)"
                } ?? ""
            let isCounted = counted.contains(finding)
            let mark = !isCounted ? "·" : finding.isWorse ? "✗" : "✓"
            let why =
                isCounted
                ? "" : finding.isSmall ? ", too small to count" : ", counted no more"
            lines.append(
                "           \(mark) \(figure.metric) \(figure.figure)  \(quantity(finding.change.before)) → "
                    + "\(quantity(finding.change.after))  \(sign)\(quantity(abs(finding.change.difference)))\(share)  "
                    + "between \(finding.oldCommit) and \(finding.newCommit), \(RunDigest.many(finding.runs, "run")) ago"
                    + "  chance \(NumberText.fixed(finding.change.chance * 100, 1))%\(why)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
