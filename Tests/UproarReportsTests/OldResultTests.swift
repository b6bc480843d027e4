import Testing
import UproarCore
import UproarStatistics

@testable import UproarReports

/// Results as earlier builds wrote them, byte for byte: what was promised of `uproar.result/1` holds of them.
@Suite("Old results") struct OldResultTests {
    static let files = ["2026-11-21-simulated.json", "2026-11-21-live.json"]

    private func bytes(_ file: String) -> [UInt8] {
        Repository.bytes("Tests/Golden/results/" + file)
    }

    @Test("They are read, written and read again as the same", arguments: files)
    func readable(_ file: String) throws {
        let result = try RunResult(decoding: bytes(file))
        #expect(result.outcome.word == .passed)
        #expect(result.ledger.turns.answered > 100)
        #expect(try RunResult(decoding: result.encoded()) == result)
    }

    @Test("They fit today's schema: it only ever grew", arguments: files)
    func schema(_ file: String) throws {
        let errors = SchemaChecker(ResultSchemaTests.schema).errors(
            in: try JSONParser.parse(bytes(file)))
        #expect(errors.prefix(5) == [])
    }

    @Test(
        "Their gates, judged again from what is stored, come to the same verdicts", arguments: files
    )
    func verdicts(_ file: String) throws {
        let result = try RunResult(decoding: bytes(file))
        try #require(!result.gates.isEmpty)
        let again = GateEvaluator(result.source).evaluate(result.gates.map(\.rule))
        for (stored, judged) in zip(result.gates, again) {
            #expect(judged.outcome == stored.outcome, "\(stored.rule.text)")
            #expect(judged.count == stored.count, "\(stored.rule.text)")
            #expect(
                judged.observed?.text(judged.dimension) == stored.observed?.text(stored.dimension),
                "\(stored.rule.text)")
        }
    }

    @Test("Every report can be made from them", arguments: files)
    func reports(_ file: String) throws {
        let result = try RunResult(decoding: bytes(file))
        #expect(HTMLReportTests.unbalanced(HTMLReport(result).text) == nil)
        #expect(TerminalSummary(result).text.contains("PASSED (exit 0)"))
        #expect(JUnitReport(result).text.contains("<testsuite"))
        #expect(MarkdownReport(result).text.contains("PASSED"))
    }

    @Test("One with its calls can be compared and stands in a history")
    func comparison() throws {
        let old = try RunResult(decoding: bytes("2026-11-21-simulated.json"))
        #expect(RunLikeness.differences(old, old) == [])
        #expect(RunComparison(old.draw, old.draw).verdict == .unchanged)
        var history = RunHistory()
        let isNew = history.add(RunHistory.Entry(old))
        #expect(isNew)
        #expect(HistoryText(history, relative: 0.02, recent: 20).text.contains("1 run"))
    }

    @Test("One from before calls were kept says that it cannot, and why")
    func noCalls() throws {
        let old = try RunResult(decoding: bytes("2026-11-21-live.json"))
        #expect(
            RunLikeness.differences(old, old) == [
                "the first result holds no calls to compare",
                "the second result holds no calls to compare",
            ])
    }
}
