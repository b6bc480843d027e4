import Testing
import UproarCore
import UproarStatistics

@testable import UproarReports

@Suite struct GitHubAnnotationsTests {
    @Test func aGoodRunHasNothingToSay() {
        #expect(GitHubAnnotations(HTMLReportTests.good).text == "")
    }

    @Test func eachGateThatFailedIsAnError() {
        let lines = GitHubAnnotations(HTMLReportTests.faulty).text.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("::error title=deepgram-outage%3A gate failed::") } == 3)
        #expect(lines.count { $0.hasPrefix("::warning ") } == 1)
        #expect(lines[0].contains("turns_lost count is 9, wanted <= 0"))
    }

    @Test func anInvalidRunAccusesNobody() {
        var result = HTMLReportTests.faulty
        result.validity.state = .invalid
        result.outcome = RunOutcome(.invalid, .inconclusive, reasons: ["late by 14ms\nand more"])
        let text = GitHubAnnotations(result).text
        #expect(!text.contains("::error"))
        #expect(text.contains("late by 14ms%0Aand more"))
    }

    @Test func textCannotEndTheCommand() {
        #expect(GitHubAnnotations.escaped("a:b,c%\n", isProperty: true) == "a%3Ab%2Cc%25%0A")
        #expect(GitHubAnnotations.escaped("a:b,c") == "a:b,c")
    }
}
