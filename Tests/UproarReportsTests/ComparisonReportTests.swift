import Testing
import UproarCore

@testable import UproarReports
@testable import UproarStatistics

/// Runs laid over each other.
@Suite struct ComparisonReportTests {
    private static let runs = (1...4).map { seed in
        SampleRun(callers: 60, seed: UInt64(seed)).result()
    }

    private func page(_ count: Int, slow: Bool = false) -> ComparisonReport {
        let first = Self.runs[0]
        func against(_ run: RunResult) -> RunComparison { RunComparison(first.draw, run.draw) }
        var worse = RunComparison(rows: [], callCounts: (1, 1))
        if slow {
            let row = RunComparison.judged(
                "voice_to_voice", "p95", .time, 600e6, 900e6,
                .init(low: 200e6, high: 400e6), (50, 50), .init())
            worse = RunComparison(rows: [row], callCounts: (60, 60))
        }
        return ComparisonReport(
            against(Self.runs[1]), first, Self.runs[1], names: ("a", "b"),
            further: (2..<count).map {
                .init(
                    name: "run \($0)", run: Self.runs[$0],
                    comparison: slow ? worse : against(Self.runs[$0]))
            })
    }

    @Test(arguments: [2, 3, 4])
    func everyRunHasItsTableItsLinesAndItsSetUp(_ count: Int) {
        let text = page(count).text
        #expect(HTMLReportTests.unbalanced(text) == nil)
        for place in 2..<count {
            #expect(text.contains("What changed: run \(place)"))
            #expect(text.contains("after: run \(place)"))
            #expect(text.contains("run \(place) p95"))
        }
        #expect(text.contains("run 2") == (count > 2))
        for forbidden in ["http://", "https://", "src=", "@import", "<link"] {
            #expect(!text.contains(forbidden))
        }
    }

    @Test func theWorstOfThemIsTheAnswer() {
        #expect(page(3, slow: true).text.contains("✗ REGRESSED"))
        let regressed = RunComparison.judged(
            "voice_to_voice", "p95", .time, 600e6, 900e6, .init(low: 200e6, high: 400e6), (50, 50),
            .init())
        let worse = RunComparison(rows: [regressed], callCounts: (60, 60))
        let none = RunComparison(rows: [], callCounts: (0, 0))
        #expect(RunComparison.worst([none, worse]) == .regressed)
        #expect(RunComparison.worst([none]) == .inconclusive)
    }
}
