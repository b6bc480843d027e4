import Testing
import UproarCore
import UproarStatistics

@testable import UproarReports

@Suite struct TextReportTests {
    private let good = SampleRun().result()
    private let faulty = SampleRun(hasFault: true).result()

    // MARK: JUnit

    @Test func junitIsAsAgreed() {
        Golden.check(JUnitReport(faulty).text, "junit-faulty.xml")
        Golden.show(JUnitReport(faulty).text, "junit.xml")
    }

    @Test func everyGateIsACaseAndTheRunIsOneMore() {
        let text = JUnitReport(faulty).text
        #expect(text.ranges(of: "<testcase ").count == faulty.gates.count + 1)
        #expect(text.ranges(of: "<failure ").count == 3)
        #expect(text.ranges(of: "<skipped ").count == 1)
        #expect(text.contains("failures=\"3\" errors=\"0\" time=\"70.000\" skipped=\"1\""))
    }

    @Test func anInvalidRunNeitherPassesNorFailsAGate() {
        var invalid = faulty
        invalid.outcome = RunOutcome(.invalid, .inconclusive, reasons: ["frames were sent late"])
        let text = JUnitReport(invalid).text
        #expect(!text.contains("<failure "))
        #expect(text.ranges(of: "<skipped ").count == faulty.gates.count)
        #expect(text.contains("<error message=\"frames were sent late\" type=\"invalid\"/>"))
    }

    /// An alert that did not fire: every gate passed, and every report says why the run failed all the same.
    @Test func whatFailedBesideTheGatesIsSaidEverywhere() {
        var quiet = good
        let reason = "alert DeadAir within 20s: NOT OBSERVED"
        quiet.outcome = RunOutcome(.failed, .gateFailed, reasons: [reason, "by hand: paused"])
        let junit = JUnitReport(quiet).text
        #expect(junit.ranges(of: "<failure ").count == 1 && junit.contains(reason))
        #expect(TerminalSummary(quiet).text.contains(reason))
        #expect(
            GitHubAnnotations(quiet).text.contains(
                "::error title=\(good.scenario.name)%3A failed::\(reason)"))
        let page = HTMLReport(quiet).text
        #expect(page.contains("<dt>Why</dt><dd><ul><li>\(reason)</li>"))
        #expect(!page.contains("none failed"))
        // Beside a gate that failed, only what is no gate's.
        var both = faulty
        both.outcome.reasons.append(reason)
        #expect(JUnitReport(both).text.ranges(of: "<failure ").count == 4)
        #expect(RunDigest(both).otherFailures == [reason])
    }

    @Test func aRunWithoutGatesStillHasACase() {
        var bare = good
        bare.gates = []
        #expect(JUnitReport(bare).text.contains("tests=\"1\" failures=\"0\""))
    }

    @Test func namesFromOutsideStayText() {
        var hostile = good
        hostile.scenario.name = "<a href=\"x\">&'\u{1}</a>"
        let junit = JUnitReport(hostile).text
        #expect(junit.contains("&lt;a href=&quot;x&quot;&gt;&amp;&#39;\u{fffd}&lt;/a&gt;"))
        let markdown = MarkdownReport(hostile).text
        #expect(markdown.contains("\\<a href"))
        let metrics = OpenMetricsReport(hostile).text
        #expect(metrics.contains("scenario=\"<a href=\\\"x\\\">"))
    }

    // MARK: Markdown

    @Test func aRunWithoutAnAnswerKeepsItsTablesWhole() {
        var result = HTMLReportTests.empty
        result.providers = faulty.providers
        result.recorder.record("greeting", .init(), at: .zero, value: 60_000_000)
        let lines = MarkdownReport(result).text.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("Providers: ") })
        #expect(lines.filter { $0.hasPrefix("|") }.allSatisfy { $0.hasSuffix("|") })
    }

    @Test func markdownIsAsAgreed() {
        Golden.check(MarkdownReport(faulty).text, "summary-faulty.md")
    }

    // MARK: calls.jsonl

    @Test func aLineHoldsItsCall() throws {
        let call = try #require(faulty.worstCalls.first)
        let line = CallsLines.line(call)
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(!line.dropLast().contains(UInt8(ascii: "\n")))
        let read = try CallRecord(json: try JSONParser.parse(Array(line.dropLast())))
        #expect(read == call)
    }

    // MARK: OpenMetrics

    @Test func metricsAreFamiliesInOrderAndEndInEOF() {
        let text = OpenMetricsReport(faulty).text
        Golden.show(text, "metrics.prom")
        #expect(text.hasSuffix("# EOF\n"))
        var seen: Set<Substring> = []
        var family: Substring = ""
        for line in text.split(separator: "\n") where line != "# EOF" {
            if line.hasPrefix("# TYPE ") {
                family = line.split(separator: " ")[2]
                #expect(seen.insert(family).inserted, "\(family) comes twice")
            } else if !line.hasPrefix("#") {
                #expect(line.hasPrefix(family), "\(line) stands under \(family)")
            }
        }
        #expect(text.contains("uproar_voice_to_voice_seconds{"))
        #expect(text.contains("uproar_turns_total{outcome=\"lost\"} \(faulty.ledger.turns.lost)"))
    }

    @Test func aQuantileAmongCensoredSamplesIsInfinite() {
        #expect(
            OpenMetricsReport(faulty).text.contains(
                "uproar_voice_to_voice_seconds{channel=\"phone\",load=\"hold-1\",transport=\"twilio\",quantile=\"0.99\"} +Inf"
            ))
    }

    @Test func anEmptyRunIsStillWellFormed() {
        let empty = RunResult(
            scenario: .init(name: "x"), seed: 7, world: .live, commit: "", version: "",
            command: "", target: "", priceBook: "")
        #expect(OpenMetricsReport(empty).text.hasSuffix("# EOF\n"))
        #expect(MarkdownReport(empty).text.contains("INTERRUPTED"))
        #expect(JUnitReport(empty).text.contains("<error "))
    }
}
