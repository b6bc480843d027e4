import Testing
import UproarCore
import UproarStatistics

/// What the documents list is what the code has.
@Suite struct DocumentTests {
    @Test func everyMetricStandsInItsDocumentAsTheCatalogHasIt() {
        let rows = Self.rows("docs/metrics.md", after: "## The list")
        let due = MetricCatalog.all.map { metric in
            "| `\(metric.name)` | \(metric.dimension.unit) | \(metric.kind.rawValue) | \(metric.summary) |"
        }
        for row in due where !rows.contains(row) {
            Issue.record("docs/metrics.md lacks this row, or says something else: \(row)")
        }
        for row in rows where !due.contains(row) {
            Issue.record("docs/metrics.md has a row of no metric: \(row)")
        }
    }

    @Test func everyExitCodeStandsInItsDocument() {
        let rows = Self.rows("docs/exit-codes.md", after: "# Exit codes")
        #expect(
            rows == ExitCode.allCases.map { "| \($0.rawValue) | `\($0)` | \($0.summary) |" })
    }

    /// The rows of the first table after a heading, without its head.
    private static func rows(_ path: String, after heading: String) -> [String] {
        let lines = Repository.text(path).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)
        guard let start = lines.firstIndex(of: heading) else { return [] }
        let table = lines[start...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
        return Array(table.dropFirst(2))
    }
}
