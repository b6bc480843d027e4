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
            "Compliance documented, GDPR", "Compliance documented, CCPA",
        ] { #expect(marks[name] == .untested, "\(name)") }
        #expect(marks.count == 11)
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

    @Test func aCallInWhichNobodySpokeSaysNothingOfItsChannel() {
        var result = HTMLReportTests.empty
        result.recorder.recordEvents(
            "calls_completed", ["channel": "phone"], at: .zero, events: 1)
        #expect(marks(result)["Phone channel"] == .untested)
        result.recorder.recordEvents(
            "turns_answered", ["channel": "phone"], at: .zero, events: 1)
        #expect(marks(result)["Phone channel"] == .pass)
    }

    @Test func aPageThatArrivedProvesTheAlerting() {
        var result = HTMLReportTests.empty
        #expect(marks(result)["Alerting active"] == .untested)
        result.recorder.recordEvents("pages_sent", .init(), at: .zero, events: 1)
        #expect(marks(result)["Alerting active"] == .pass)
    }

    @Test func recordingsCanFailComplianceAndNeverPassIt() throws {
        var result = HTMLReportTests.empty
        result.recorder.recordEvents("recordings_kept", .init(), at: .zero, events: 1)
        let gdpr = try #require(
            SpecChecklist(result).lines.first { $0.name == "Compliance documented, GDPR" })
        #expect(gdpr.mark == .untested)
        #expect(gdpr.evidence.hasSuffix("legal decision needed"))
        result.recorder.recordEvents("recordings_damaged", .init(), at: .zero, events: 1)
        for law in ["GDPR", "CCPA"] {
            #expect(marks(result)["Compliance documented, \(law)"] == .fail)
        }
    }

    @Test func anInvalidRunProvesNothing() {
        var result = HTMLReportTests.good
        result.validity.state = .invalid
        #expect(marks(result).values.allSatisfy { $0 == .untested })
    }
}
