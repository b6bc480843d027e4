import Testing
import UproarCore
import UproarStatistics

@testable import UproarReports

@Suite struct TerminalSummaryTests {
    static let runs = [
        SampleRun(), SampleRun(hasFault: true), SampleRun(callers: 1, seconds: 3, turnsPerCall: 1),
    ]

    @Test(arguments: [("good", 0), ("faulty", 1), ("tiny", 2)])
    func summariesAreAsAgreed(_ name: String, _ place: Int) {
        Golden.check(TerminalSummary(Self.runs[place].result()).text, "summary-\(name).txt")
    }

    @Test(arguments: 0..<3)
    func theyFitTheScreen(_ place: Int) {
        let lines = TerminalSummary(Self.runs[place].result()).lines
        #expect(lines.count <= 40)
        #expect(lines.allSatisfy { $0.count <= 100 && !$0.contains("\u{1b}") })
        #expect(lines.last?.hasPrefix("FILES") == true)
    }

    @Test func theFirstLineAloneAnswers() throws {
        let good = try #require(TerminalSummary(Self.runs[0].result()).lines.first)
        #expect(good.contains("PASSED (exit 0)") && good.contains("run valid"))
        let bad = try #require(TerminalSummary(Self.runs[1].result()).lines.first)
        #expect(bad.contains("FAILED (exit 1)"))
    }

    @Test func manyGatesLeaveRoomForTheRest() {
        var result = Self.runs[1].result()
        result.gates = (0..<60).map { result.gates[$0 % result.gates.count] }
        result.isPartial = true
        result.outcome = RunOutcome(.invalid, .inconclusive, reasons: ["a", "b", "c", "d"])
        result.faults = Array(repeating: result.faults[0], count: 9)
        let lines = TerminalSummary(result).lines
        #expect(lines.count <= 40)
        #expect(lines.contains { $0.hasPrefix("GENERATOR") })
        #expect(lines.contains { $0.contains("more in report.html") })
        // Failed gates are those that are shown.
        #expect(lines.contains { $0.contains("✗ turns_lost") })
    }

    @Test func longReasonsGoOnAndPathsAreWhole() {
        var result = Self.runs[0].result()
        let reason = Array(repeating: "certificate", count: 14).joined(separator: " ")
        result.outcome = RunOutcome(.unreachable, .unreachable, reasons: [reason])
        result.files[0] = "/" + String(repeating: "x", count: 150) + "/report.html"
        let lines = TerminalSummary(result).lines
        #expect(lines[1].hasPrefix("UNREACHABLE certificate") && !lines[1].hasSuffix("…"))
        #expect(lines[2].hasPrefix("           certificate"))
        #expect(lines.last?.contains(result.files[0]) == true)
    }

    @Test func aRunWithoutAnythingSaysSo() {
        let empty = RunResult(
            scenario: .init(name: "x"), seed: 7, world: .live, commit: "", version: "",
            command: "", target: "", priceBook: "")
        let lines = TerminalSummary(empty).lines
        #expect(lines[0].contains("INTERRUPTED (exit 4)"))
        #expect(lines.contains { $0.contains("no turn was measured") })
        #expect(lines.contains { $0.contains("PARTIAL") })
    }

    @Test func coloursAreOnlyForThoseWhoAsk() {
        let styled = TerminalSummary(Self.runs[1].result(), isStyled: true).lines
        #expect(styled[0].hasPrefix("\u{1b}[1m\u{1b}[31m"))
        #expect(styled.contains { $0.contains("\u{1b}[31m✗\u{1b}[0m") })
    }

    @Test func theNoiseBeforeAndAfterARunFitsOnItsLine() {
        var result = HTMLReportTests.good
        let floor = NoiseFloor(
            turns: 16, errorP50: .microseconds(1_246), errorMaximum: .microseconds(11_014))
        result.validity.noiseFloor = floor
        result.validity.noiseFloorAfter = floor
        let lines = TerminalSummary(result).text.split(separator: "\n")
        let words =
            "noise floor p50 1.2ms, max 11.0ms, 16 turns; after p50 1.2ms, max 11.0ms, 16 turns"
        #expect(lines.contains { $0.hasSuffix(words) })
        #expect(lines.count <= 40)
    }
}
