import Testing
import UproarCore

@testable import UproarReports
@testable import UproarStatistics

@Suite struct RunHistoryTests {
    private func entry(
        _ run: Int, p95 milliseconds: Double, hash: String = "abc", noise: Duration? = nil
    ) -> RunHistory.Entry {
        RunHistory.Entry(
            scenario: "quickstart", scenarioHash: hash, world: .live, surroundings: "hold; corpus",
            commit: "c\(run)", seed: UInt64(run), calls: 200, noise: noise,
            figures: [
                .init(
                    metric: "voice_to_voice", figure: "p95", dimension: .time,
                    value: milliseconds * 1e6)
            ])
    }

    /// 600 ms, ± 3 ms in turn, and from run `step` on so much more.
    private func history(
        _ count: Int, step: Int, by shift: Double, noise: Duration? = nil
    ) -> RunHistory {
        var history = RunHistory()
        for run in 0..<count {
            let own = Double(run * 7 % 5 - 2) * 1.5
            history.add(
                entry(run, p95: 600 + own + (run < step ? 0 : shift), noise: noise))
        }
        return history
    }

    @Test func aChangeIsNamedWithItsCommitsAndItsAge() throws {
        let finding = try #require(history(24, step: 14, by: 20).findings().first)
        #expect(finding.oldCommit == "c13" && finding.newCommit == "c14")
        #expect(finding.runs == 10 && finding.isWorse && !finding.isSmall)
        #expect(abs(finding.change.difference / 1e6 - 20) < 2)
    }

    @Test(arguments: [
        (24, 14, 20.0, HistoryText.Verdict.regressed), (24, 14, -20.0, .improved),
        (24, 24, 0.0, .unchanged),
        // Below two per cent.
        (24, 14, 8.0, .unchanged),
        // Long past.
        (60, 14, 20.0, .unchanged), (7, 3, 100.0, .inconclusive),
    ])
    func theAnswerIsTheLastChangeThatCounts(
        _ count: Int, _ step: Int, _ shift: Double, _ verdict: HistoryText.Verdict
    ) {
        let text = HistoryText(history(count, step: step, by: shift))
        #expect(text.verdict == verdict)
        #expect(text.text.hasPrefix("HISTORY    \(verdict.rawValue.uppercased())   quickstart"))
    }

    @Test func whatTheMachineCouldMakeDoesNotCount() {
        let noisy = history(24, step: 14, by: 20, noise: .milliseconds(9))
        #expect(noisy.findings().map(\.isSmall) == [true])
        #expect(HistoryText(noisy).verdict == .unchanged)
        #expect(HistoryText(noisy).text.contains("too small to count"))
    }

    @Test func runsOfAnotherScenarioAreAnotherSeries() {
        var history = history(24, step: 24, by: 0)
        for run in 24..<40 { history.add(entry(run, p95: 900, hash: "other")) }
        #expect(history.series.count == 16 && history.findings().isEmpty)
        #expect(HistoryText(history).text.contains("provider: 24 runs"))
    }

    @Test func theFileIsReadAsItWasWrittenAndARunIsInItOnce() throws {
        var written = history(9, step: 4, by: 50, noise: .microseconds(250))
        let lines = written.entries.map { $0.json.encoded() } + [[]]
        let read = try RunHistory(lines: lines)
        #expect(read == written)
        let isNew = written.add(written.entries[3])
        #expect(!isNew)
        let error = #expect(throws: ResultError.self) {
            try RunHistory(lines: [lines[0], Array("{}".utf8)])
        }
        #expect(error?.path == "line 2")
    }
}
