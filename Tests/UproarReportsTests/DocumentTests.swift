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

    @Test func everyMetricStandsInAPicture() {
        let blocks = Repository.text("docs/metrics.md").split(
            separator: "```", omittingEmptySubsequences: false
        ).enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        let words = Set(
            blocks.joined(separator: " ").split {
                !($0.isASCII && ($0.isLetter || $0.isNumber)) && $0 != "_"
            })
        for metric in MetricCatalog.all where !words.contains(Substring(metric.name)) {
            Issue.record(
                "docs/metrics.md has no picture with \(metric.name): draw where it begins and ends")
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
