import Testing
import UproarCore

@testable import UproarReports
@testable import UproarStatistics

@Suite struct HTMLReportTests {
    static let good = SampleRun(callers: 200, turnsPerCall: 4).result()
    static let faulty = SampleRun(hasFault: true).result()
    static let tiny = SampleRun(callers: 1, seconds: 3, turnsPerCall: 1).result()
    static let empty = RunResult(
        scenario: .init(name: "x"), seed: 7, world: .live, commit: "", version: "", command: "",
        target: "", priceBook: "")

    static func named(_ name: String) -> RunResult {
        switch name {
        case "good": good
        case "faulty": faulty
        case "tiny": tiny
        default: empty
        }
    }

    @Test func theFirstScreenHasTheRemarks() {
        var result = Self.tiny
        #expect(!HTMLReport(result).text.contains("<dt>Remarks</dt>"))
        result.remarks = (1...6).map { .init(text: "dropped: <code \($0)>", calls: $0) }
        let text = HTMLReport(result).text
        #expect(text.contains("<dt>Remarks</dt><dd><ul><li>1 call: dropped: &lt;code 1&gt;</li>"))
        #expect(text.contains("<li>4 calls: dropped: &lt;code 4&gt;</li><li>and 2 more</li>"))
    }

    @Test(arguments: ["good", "faulty", "tiny", "empty"])
    func pagesAreWholeAndWellFormed(_ name: String) {
        let result = Self.named(name)
        let text = HTMLReport(result).text
        Golden.show(text, "report-\(name).html")
        Golden.show(String(decoding: result.encoded(), as: UTF8.self), "result-\(name).json")
        #expect(text.hasPrefix("<!doctype html>"))
        #expect(Self.unbalanced(text) == nil)
        // Nothing is fetched: no address, no import, no outside file.
        for forbidden in ["http://", "https://", "src=", "@import", "url(", "<link"] {
            #expect(!text.contains(forbidden), "\(name) holds \(forbidden)")
        }
        // No number went wrong.
        for wrong in ["nan", "inf\"", "Optional("] {
            #expect(!text.lowercased().contains("\"\(wrong)"), "\(name) holds \(wrong)")
        }
    }

    @Test func sectionsStandInTheirOrder() throws {
        let text = HTMLReport(Self.faulty).text
        var last = text.startIndex
        for id in [
            "validity", "gates", "latency", "percentiles", "stages", "calls", "ledger", "cost",
            "checklist", "setup",
        ] {
            let place = try #require(text.range(of: "<section class=\"card", in: last, id: id))
            #expect(place >= last)
            last = place
        }
    }

    @Test func theFirstScreenAnswers() throws {
        let text = HTMLReport(Self.faulty).text
        let hero = try #require(text.split(separator: "</header>").first)
        #expect(hero.contains("FAILED"))
        #expect(hero.contains("turns_lost count is <b>9</b>, wanted &lt;= 0"))
        #expect(hero.contains("fault <b>stt-down</b>:"))
        #expect(hero.contains("in effect from"))
        #expect(hero.contains("a minute"))
        #expect(hero.contains("href=\"#call-17\""))
        #expect(hero.contains("deepgram latency lognormal(p50=60ms, p95=110ms)"))
        #expect(hero.contains("not the vendors"))
    }

    @Test func idsAreUniqueAndLinksArrive() {
        let text = HTMLReport(Self.faulty).text
        let ids = text.matches(of: /\bid="([^"]+)"/).map { String($0.output.1) }
        #expect(Set(ids).count == ids.count)
        for link in text.matches(of: /href="#([^"]+)"/) {
            #expect(ids.contains(String(link.output.1)), "\(link.output.1) is nowhere")
        }
        for label in text.matches(of: /aria-labelledby="([^"]+)"/) {
            for id in label.output.1.split(separator: " ") { #expect(ids.contains(String(id))) }
        }
    }

    @Test func chartsShowGapsAsGaps() throws {
        var result = Self.tiny
        var recorder = IntervalRecorder()
        for second in [0, 1, 2, 7, 8] {
            recorder.record(
                "voice_to_voice", .init(), at: .zero + .seconds(second), value: 500_000_000)
        }
        result.recorder = recorder
        result.load.duration = .seconds(9)
        let text = HTMLReport(result).text
        // Two stretches: the line is lifted between them.
        let chart = try #require(text.range(of: "latency-chart-w-t"))
        let path = try #require(
            text[chart...].firstMatch(of: /<path class="line p95" d="([^"]+)"/)
        ).output.1
        #expect(path.filter { $0 == "M" }.count == 2)
        #expect(path.filter { $0 == "L" }.count == 3)
    }

    @Test func faultWindowsAreShadedAndBucketsNamed() {
        let text = HTMLReport(Self.faulty).text
        #expect(text.contains("class=\"fault\""))
        #expect(text.contains("class=\"recovery\""))
        #expect(text.contains("buckets of"))
        #expect(!HTMLReport(Self.good).text.contains("class=\"fault\""))
    }

    @Test func anInvalidRunSaysSoBeforeAnythingElse() throws {
        var result = Self.good
        result.validity.state = .invalid
        result.validity.reasons = ["frames were sent late: p99 14ms, limit 5ms"]
        result.outcome = RunOutcome(.invalid, .inconclusive, reasons: result.validity.reasons)
        let hero = try #require(HTMLReport(result).text.split(separator: "</header>").first)
        #expect(hero.contains("neither a pass nor a fail"))
        #expect(hero.contains("p99 14ms"))
    }

    @Test(arguments: [2, 10, 100, 613, 10_000])
    func thePercentileCurveStaysInsideItsChart(_ count: Int) throws {
        var result = Self.tiny
        var recorder = IntervalRecorder()
        for turn in 0..<count {
            recorder.record(
                "voice_to_voice", .init(), at: .zero, value: Int64(300_000_000 + turn * 1000))
        }
        result.recorder = recorder
        let text = HTMLReport(result).text
        let chart = try #require(text.ranges(of: "percentile-chart-w-t").first?.lowerBound)
        let path = try #require(
            text[chart...].firstMatch(of: /<path class="line p95" d="([^"]+)"/)
        ).output.1
        let last = try #require(path.split(separator: "L").last?.split(separator: " ").first)
        #expect(try #require(Double(last)) <= 944)
    }

    @Test func whatNobodyCouldCountMakesTheCostUnknownAndIsNamed() {
        var result = Self.good
        var usage = ProviderUsage()
        usage.uncounted = 3
        result.cost = CostTally(
            lines: [.init(provider: .deepgram, usage: usage, nanoDollars: nil)],
            connected: .seconds(60), callCount: 1, unattributed: 0)
        let text = HTMLReport(result).text
        #expect(text.contains("unknown: what deepgram is paid for could not be counted"))
        #expect(!text.contains("$0.00 a call"))
        #expect(HTMLReport(Self.good).text.contains("Turn references are left out"))
    }

    @Test func recordingsArePlayedFromBesideTheReport() {
        var result = Self.faulty
        let call = result.worstCalls[0].id
        result.tapes = [call]
        let text = HTMLReport(result).text
        #expect(text.contains("<audio controls preload=\"none\" src=\"tapes/call-\(call).wav\""))
        #expect(text.contains("Listen to"))
        #expect(!HTMLReport(Self.faulty).text.contains("<audio"))
    }

    @Test func lanesShowWhoServedWhileARecogniserWasDown() {
        let text = HTMLReport(Self.faulty).text
        #expect(text.contains("speech-to-text: whisper"))
        #expect(text.contains("stt-down in effect"))
        #expect(!HTMLReport(Self.good).text.contains("lane-chart"))
    }

    @Test func theErrorBudgetBurnsInTheFault() {
        let text = HTMLReport(Self.faulty).text
        #expect(text.contains("Error budget"))
        #expect(text.contains("fault stt-down"))
    }

    /// The bound of the page: charts have as many buckets, and the page as many calls, however many there were.
    @Test func tenThousandCallsStayUnderThreeMegabytes() {
        var result = Self.faulty
        var recorder = IntervalRecorder()
        for second in 0..<900 {
            for turn in 0..<60 {
                let at = Instant.zero + .seconds(second)
                let value = Int64(300_000_000 + (turn * 7919 + second * 104_729) % 900_000_000)
                recorder.record("voice_to_voice", .init(), at: at, value: value)
            }
        }
        result.recorder = recorder
        result.load.duration = .seconds(900)
        #expect(HTMLReport(result).text.utf8.count < 3_000_000)
    }

    @Test func namesFromOutsideStayText() {
        var result = Self.tiny
        result.scenario.name = "<script>alert(1)</script>"
        result.scenario.summary = "a & b"
        let text = HTMLReport(result, environment: ["host": "<b>x</b>"]).text
        #expect(!text.contains("<script>alert"))
        #expect(text.contains("a &amp; b"))
        #expect(text.contains("&lt;b&gt;x&lt;/b&gt;"))
    }

    @Test func bucketsWidenUntilThereAreFew() {
        var recorder = IntervalRecorder()
        for second in 0..<880 {
            recorder.record(
                "voice_to_voice", .init(), at: .zero + .seconds(second), value: 500_000_000)
        }
        let buckets = ChartBuckets(recorder)
        #expect(buckets.count <= 240)
        #expect(buckets.timeline("voice_to_voice").reduce(0) { $0 + $1.samples.count } == 880)
        #expect(ChartBuckets(IntervalRecorder()).seconds == 1)
    }

    /// The first element that is closed without being open, or left open; nil when all is well.
    static func unbalanced(_ text: String) -> String? {
        var open: [Substring] = []
        for tag in text.matches(of: /<(\/?)([a-z][a-z0-9]*)\b[^>]*?(\/?)>/) {
            let name = tag.output.2
            if name == "i" || name == "meta" || !tag.output.3.isEmpty { continue }
            if tag.output.1.isEmpty {
                open.append(name)
            } else if open.popLast() != name {
                return "</\(name)> after \(open.suffix(3))"
            }
        }
        return open.isEmpty ? nil : "open: \(open)"
    }
}

extension String {
    fileprivate func range(of part: String) -> String.Index? { ranges(of: part).first?.lowerBound }

    /// The start of the section with this id, at or after `from`.
    fileprivate func range(of start: String, in from: String.Index, id: String) -> String.Index? {
        self[from...].ranges(of: start).map(\.lowerBound).first {
            self[$0...].prefix(80).contains("id=\"\(id)\"")
        }
    }
}
