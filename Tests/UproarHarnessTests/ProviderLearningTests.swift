import Testing
import UproarCore
import UproarProviders
import UproarScenario

@testable import UproarHarness

/// Traces of others as latency files that emulators replay.
@Suite struct ProviderLearningTests {
    private typealias Key = LatencyLedger.Key

    private func ledger(
        _ read: (inout LatencyLedger) throws -> Void
    ) rethrows -> LatencyLedger {
        var ledger = LatencyLedger()
        try read(&ledger)
        return ledger
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func aTableOfTimingsBecomesAFileForEachOperation() throws {
        let table = """
            provider,operation,ms,status,what
            deepgram,live,61.5,101,
            api.openai.com,chat,250,200,first
            openai,,300,200,
            openai,chat,9000,503,
            openai,chat,42,200,connect
            acme,chat,1,200,
            """
        let ledger = try ledger {
            try TimingTable.readCSV(bytes(table), file: "t.csv", into: &$0)
        }
        #expect(ledger.entries[Key(provider: .deepgram, operation: "live")]?.count == 1)
        #expect(
            ledger.entries[Key(provider: .openai, operation: "chat")]?.values == [
                .milliseconds(250), .milliseconds(300),
            ])
        #expect(
            ledger.entries[Key(provider: .openai, operation: "chat", time: .connect)]?.values == [
                .milliseconds(42)
            ])
        #expect(ledger.leftOut.keys == ["refused (status 503)", "of unknown providers (acme)"])
    }

    @Test func whatIsWrongInATableIsSaidWithItsLine() {
        for (table, words) in [
            ("vendor,ms\nx,1\n", "t.csv:1: no column \"provider\""),
            ("provider,milis\nopenai,1\n", "no column \"ms\""),
            ("provider,ms\nopenai,fast\n", "t.csv:2: \"fast\" is no number"),
            ("provider,ms,what\nopenai,1,last\n", "\"last\" is no time of an operation"),
        ] {
            var ledger = LatencyLedger()
            let error = #expect(throws: ScenarioLoading.Problem.self) {
                try TimingTable.readCSV(self.bytes(table), file: "t.csv", into: &ledger)
            }
            #expect(error?.description.contains(words) == true)
        }
    }

    @Test func aRunsOwnRequestsAreLearnedFromTheirContentNotTheirSockets() throws {
        let lines = """
            {"number":1,"provider":"cartesia","operation":"live","kind":"exchange","at_ms":10,"first_ms":100,"end_ms":400,"outcome":"answered"}
            {"number":2,"provider":"cartesia","operation":"live","kind":"socket","at_ms":0,"first_ms":100,"end_ms":900,"outcome":"answered"}
            {"number":3,"provider":"cartesia","operation":"live","kind":"exchange","at_ms":10,"end_ms":400,"outcome":"refused","status":429}
            {"left_out":7}
            """
        let ledger = try ledger {
            try TimingTable.readLines(bytes(lines), file: "requests.jsonl", into: &$0)
        }
        #expect(
            ledger.entries[Key(provider: .cartesia, operation: "live")]?.values == [
                .milliseconds(90)
            ])
        #expect(ledger.leftOut.keys == ["not answered (refused)"])
    }

    @Test func spansTellByTheirTimeToTheFirstContent() throws {
        let trace = """
            {"resourceSpans":[{"scopeSpans":[{"spans":[
            {"name":"llm","startTimeUnixNano":"1000","endTimeUnixNano":"5000000000","attributes":[
              {"key":"gen_ai.system","value":{"stringValue":"openai"}},{"key":"metrics.ttfb","value":{"doubleValue":0.45}}]},
            {"name":"tts","attributes":[{"key":"gen_ai.provider.name","value":{"stringValue":"openai"}},
              {"key":"lk.response.ttfb","value":{"stringValue":"0.31"}}]},
            {"name":"llm","attributes":[{"key":"gen_ai.system","value":{"stringValue":"anthropic"}}]},
            {"name":"tts_first_byte","startTimeUnixNano":"1000000000","endTimeUnixNano":"1080000000","attributes":[
              {"key":"uproar.provider","value":{"stringValue":"cartesia"}}]},
            {"name":"llm","status":{"code":2},"attributes":[{"key":"gen_ai.system","value":{"stringValue":"openai"}},
              {"key":"metrics.ttfb","value":{"doubleValue":9}}]},
            {"name":"turn"}]}]}]}
            """
        let json = try JSONParser.parse(bytes(trace))
        let ledger = ledger { TraceFile.take(json, into: &$0) }
        #expect(
            ledger.entries[Key(provider: .openai, operation: "chat")]?.values == [
                .milliseconds(450)
            ])
        #expect(
            ledger.entries[Key(provider: .openai, operation: "speech")]?.values == [
                .milliseconds(310)
            ])
        #expect(
            ledger.entries[Key(provider: .cartesia, operation: "live")]?.values == [
                .milliseconds(80)
            ])
        #expect(ledger.leftOut.values == [1, 1])
    }

    private let page = """
        # TYPE voice_stt_duration_seconds histogram
        voice_stt_duration_seconds_bucket{provider="deepgram",instance="a",le="0.1"} 50
        voice_stt_duration_seconds_bucket{provider="deepgram",instance="a",le="0.2"} 90
        voice_stt_duration_seconds_bucket{provider="deepgram",instance="a",le="+Inf"} 100
        voice_stt_duration_seconds_bucket{provider="deepgram",instance="b",le="0.1"} 50
        voice_stt_duration_seconds_bucket{provider="deepgram",instance="b",le="0.2"} 90
        voice_stt_duration_seconds_bucket{provider="deepgram",instance="b",le="+Inf"} 100

        """

    @Test func bucketsBecomeQuantilesAndSayWhatTheyCannotTell() throws {
        let ledger = try ledger {
            try HistogramFile.read(bytes(page), file: "page", .init(), into: &$0)
        }
        let key = Key(provider: .deepgram, operation: "live")
        let entry = try #require(ledger.entries[key])
        let file = LatencyFile(
            key: key, entry: entry, date: "2026-11-30", source: "page (Prometheus histograms)")
        #expect(entry.count == 200)
        #expect(file.quantile(0.25) == .milliseconds(50))
        #expect(file.quantile(0.7) == .milliseconds(150))
        #expect(file.quantile(0.99) == .milliseconds(200))
        #expect(file.values.count == LatencyFile.pointCount)
        let words = try #require(file.resolution)
        #expect(words.contains("p50 between 0.000 and 100.000"))
        #expect(words.contains("p99 above 200.000"))
        #expect(words.contains("10.0 % lie above the last bucket"))
    }

    @Test func aHistogramThatIsNotThereIsSaidWithTheNearest() {
        var ledger = LatencyLedger()
        let error = #expect(throws: ScenarioLoading.Problem.self) {
            try HistogramFile.read(
                self.bytes(self.page), file: "page", .init(metric: "voice_stt_duration_second"),
                into: &ledger)
        }
        #expect(
            error?.description.contains("did you mean voice_stt_duration_seconds?") == true)
    }

    @Test func aFileIsReplayedWithTheQuantilesItWasLearnedFrom() throws {
        var random = Seed(3).stream("learned")
        let asked = Distribution.lognormal(p50: .milliseconds(80), p95: .milliseconds(300))
        var ledger = LatencyLedger()
        let key = Key(provider: .cartesia, operation: "live")
        for _ in 0..<20_000 { ledger.add(asked.draw(&random), key) }
        let file = try #require(
            ProviderLearning.files(of: ledger, date: "2026-11-30", source: "test").first)
        #expect(file.name == "cartesia-live.csv")
        #expect(file.text.hasPrefix("# cartesia live, milliseconds to the first content\n"))
        // As the scenario reads it.
        let lines = file.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        let values = lines.compactMap { Double($0) }
        #expect(values.count == lines.count && values == values.sorted())
        let replayed = Distribution.empirical(values.map { .nanoseconds(Int64($0 * 1e6)) })
        for q in [0.1, 0.5, 0.95, 0.99] {
            let learned = file.quantile(q).inMilliseconds
            #expect(abs(replayed.quantile(q).inMilliseconds / learned - 1) < 0.01)
        }
    }

    @Test func theScenarioThatReplaysThemReadsBack() throws {
        var ledger = LatencyLedger()
        ledger.add(.milliseconds(60), Key(provider: .deepgram, operation: "live"))
        ledger.add(.milliseconds(450), Key(provider: .openai, operation: "chat"))
        ledger.add(.milliseconds(500), Key(provider: .openai, operation: "speech"))
        ledger.add(.milliseconds(40), Key(provider: .openai, operation: "chat", time: .connect))
        let files = ProviderLearning.files(of: ledger, date: "2026-11-30", source: "test")
        let text = LatencyFile.scenario(files, source: "test", date: "2026-11-30")
        #expect(
            text.hasSuffix(
                """
                providers:
                  deepgram:
                    operations:
                      live: {latency: empirical(deepgram-live.csv)}
                  openai:
                    operations:
                      chat: {connect: empirical(openai-chat-connect.csv), first_token: empirical(openai-chat.csv)}
                      speech: {first_byte: empirical(openai-speech.csv)}

                """))
    }
}
