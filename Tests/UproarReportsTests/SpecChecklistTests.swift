import Testing
import UproarCore
import UproarStatistics

@testable import UproarReports

@Suite struct SpecChecklistTests {
    private func marks(_ result: RunResult) -> [String: SpecChecklist.Mark] {
        var marks: [String: SpecChecklist.Mark] = [:]
        for line in SpecChecklist(result).lines { marks[line.name] = line.mark }
        return marks
    }

    @Test func aGoodRunPassesWhatItTriedAndNothingElse() {
        let marks = marks(HTMLReportTests.good)
        for name in [
            "P95 latency", "Cost per minute", "Phone channel", "Browser channel", "Screen share",
        ] { #expect(marks[name] == .pass, "\(name)") }
        for name in [
            "Session persistence", "Monitoring active", "Alerting active", "Failover tested",
            "Compliance documented",
        ] { #expect(marks[name] == .untested, "\(name)") }
        #expect(marks.count == 10)
    }

    @Test func anOutageThatLosesTurnsFailsTheFailoverLine() throws {
        let lines = SpecChecklist(HTMLReportTests.faulty).lines
        let line = try #require(lines.first { $0.name == "Failover tested" })
        #expect(line.mark == .fail)
        #expect(line.evidence.contains("whisper"))
    }

    @Test func threeSecondsOfOneCallProveNoPercentile() {
        #expect(marks(HTMLReportTests.tiny)["P95 latency"] == .untested)
        #expect(marks(HTMLReportTests.empty).values.allSatisfy { $0 == .untested })
    }

    @Test func anInvalidRunProvesNothing() {
        var result = HTMLReportTests.good
        result.validity.state = .invalid
        #expect(marks(result).values.allSatisfy { $0 == .untested })
    }
}
