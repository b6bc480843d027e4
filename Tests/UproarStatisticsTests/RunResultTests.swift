import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct RunResultTests {
    private func seconds(_ value: Double) -> Instant { .init(nanoseconds: Int64(value * 1e9)) }

    /// A run of 60 calls with two turns each: some lost, one refused, one dropped.
    static func sample(_ seed: UInt64 = 1) -> RunResult {
        var random = Seed(seed).stream("sample")
        var settings = FactScript.settings
        settings.targets = [TurnTarget(metric: "voice_to_voice", below: .ms(800))]
        var tally = RunTally(settings)
        var collector = FactCollector(settings)
        for id in 0..<60 as Range<UInt32> {
            var script = FactScript(call: id)
            let start = Double(id) * 700
            script.dial(due: start, dialed: start + 0.8, answered: start + 15 + Double(id % 7))
            if id == 9 {
                script.facts.removeAll { $0.kind == FactKind.callAnswered.rawValue }
                script.state(.callRefused, start + 3, detail: 503)
            } else {
                for utterance: UInt32 in 1...2 {
                    let end = start + 4000 * Double(utterance)
                    script.speak(utterance, from: end - 1500, to: end, lateness: 0.2)
                    if random.below(25) == 0 {
                        script.state(.turnTimedOut, end + 10_000, utterance: utterance)
                        continue
                    }
                    script.providers(utterance, end: end)
                    let onset = end + 440 + Double(random.below(200))
                    script.answer(utterance, from: onset, to: onset + 1200)
                }
                script.state(
                    .speechToTextUsage, start + 9000, utterance: 1, value: 9_500_000_000,
                    detail: 9_000, from: .provider(.deepgram))
                script.state(.taskChecked, start + 9500, detail: id % 11 == 0 ? 0 : 1)
                script.end(start + 10_000, id == 30 ? .dropped : .completed)
            }
            collector.open(script.description())
            for fact in script.facts { collector.state(fact) }
        }
        for call in collector.foldAll() { tally.add(call) }
        var lateness = HDRHistogram()
        for value in 0..<500 as Range<Int64> { lateness.record(value * 2_000) }
        tally.addSendLateness(lateness, at: .zero)
        tally.setValue("agent_cpu_per_call", to: 0.031)

        var result = RunResult(
            scenario: .init(
                name: "quickstart", summary: "Sixty calls.", fileHash: "abc",
                resolved: ["name": "quickstart"]), seed: .max, world: .simulated,
            commit: "abc123", version: "0.1.0", command: "uproar simulate quickstart.yaml",
            target: "embedded", priceBook: "guide 2025-06")
        result.take(tally)
        result.isPartial = false
        result.load.duration = .seconds(55)
        result.load.peak = 12
        result.load.lines = [.init(name: "hold-1", text: "hold: 12 callers for 42s")]
        result.windows = [
            RunWindow(id: "steady", kind: .steady, from: .zero, to: .zero + .seconds(50)),
            RunWindow(
                id: "stt-down", kind: .fault, from: .zero + .seconds(20), to: .zero + .seconds(30)),
        ]
        result.providers = [
            .init(.deepgram, preset: "latency lognormal(p50=60ms, p95=110ms)")
        ]
        result.audio.corpus = "fixtures/task-manager"
        result.faults = [
            .init(
                id: "stt-down", kind: "http_error", target: "deepgram", summary: "503 for 10 s",
                effects: 4)
        ]
        result.processes = [
            .init(
                name: "agent", group: .agent, meanCores: 0.3, peakCores: 0.5,
                meanMemory: 40_000_000, peakMemory: 50_000_000)
        ]
        result.files = ["result.json", "report.html"]
        var sample = GeneratorSample(at: .zero)
        sample[.callers] = 0.12
        sample.sendLatenessP99 = .ms(0.9)
        sample.offered = 2
        sample.achieved = 2
        var log = GeneratorLog()
        log.append(sample)
        result.validity = ValidityJudge().judge(
            log,
            .init(sendLateness: result.recorder.merged("send_lateness").samples))
        let rules = [
            GateRule(
                metric: "voice_to_voice", window: .steady, aggregate: .quantile(0.95),
                comparison: .less, bound: .value(.init(800e6, .time)), minimumCount: 50,
                text: "voice_to_voice@steady: p95 < 800ms min_n=50"),
            GateRule(
                metric: "calls_dropped", aggregate: .count, comparison: .lessOrEqual,
                bound: .value(.init(0, .count)), text: "calls_dropped: count <= 0"),
            GateRule(
                severity: .warn, metric: "voice_to_voice",
                selector: [.init("channel", .equals, "phone")],
                window: .fault("stt-down", from: .seconds(2), to: .seconds(9)),
                aggregate: .share(.less, .init(900e6, .time)), comparison: .within,
                bound: .range(.init(0.9, .share), .init(1, .share)), why: "goodput", text: "x"),
            GateRule(
                severity: .abort, metric: "call_setup", window: .last(.seconds(20)),
                aggregate: .rate, comparison: .greaterOrEqual,
                bound: .baseline(factor: 1.1, plus: .init(0.1, .share)), holdFor: .seconds(10),
                noData: .warn, confidence: 0.9, text: "y"),
        ]
        result.gates = GateEvaluator(result.source).evaluate(rules)
        result.outcome = .decide(
            .init(
                validity: result.validity, gates: result.gates,
                answeredTurns: result.ledger.turns.answered))
        return result
    }

    @Test func whatIsWrittenReadsBackEqual() throws {
        let result = Self.sample()
        let read = try RunResult(decoding: result.encoded())
        #expect(read.recorder == result.recorder)
        #expect(read.gates == result.gates)
        #expect(read.worstCalls == result.worstCalls)
        #expect(read.ledger == result.ledger)
        #expect(read.validity == result.validity)
        #expect(read == result)
        #expect(read.encoded() == result.encoded())
    }

    @Test func theSameRunGivesTheSameBytes() {
        #expect(Self.sample(3).encoded() == Self.sample(3).encoded())
        #expect(Self.sample(3).encoded() != Self.sample(4).encoded())
    }

    @Test(arguments: 1...10)
    func aStoredResultIsJudgedAlike(_ seed: UInt64) throws {
        let result = Self.sample(seed)
        let read = try RunResult(decoding: result.encoded())
        #expect(read.judgedAgain() == result.gates)
    }

    @Test func whatALaterVersionAddsIsLeftAlone() throws {
        let result = Self.sample()
        guard case .object(var members) = result.json else { return }
        members.append(.init("of_tomorrow", ["x": 1]))
        #expect(try RunResult(json: .object(members)) == result)
    }

    @Test func anEmptyPartialResultLoads() throws {
        let result = RunResult(
            scenario: .init(name: "x"), seed: 7, world: .live, commit: "", version: "",
            command: "uproar run x", target: "", priceBook: "")
        let read = try RunResult(decoding: result.encoded())
        #expect(read == result)
        #expect(read.isPartial && read.outcome.exitCode == .inconclusive)
    }

    @Test func anotherSchemaAndDamagedTextAreRefused() throws {
        #expect(throws: ResultError.self) { try RunResult(decoding: Array("{}".utf8)) }
        #expect(throws: ResultError.self) {
            try RunResult(json: ["schema": "uproar.result/2"])
        }
        let bytes = Self.sample().encoded()
        for cut in stride(from: 0, to: bytes.count, by: bytes.count / 23) {
            #expect(throws: ResultError.self) {
                try RunResult(decoding: Array(bytes.prefix(cut)))
            }
        }
    }

    @Test func timesKeepEveryNanosecond() throws {
        let duration = Duration.nanoseconds(12_345_678_901)
        let text = JSONValue.milliseconds(duration)
        let fields = try ResultFields(["x": text], path: "")
        #expect(fields.duration("x") == duration)
    }
}
