import Testing
import UproarCore
import UproarScenario

@Suite struct GateParserTests {
    private func parse(_ text: String) throws(TextProblem) -> GateRule {
        try GateParser.parse(
            text, names: .init(stages: ["ramp-1", "hold-1"], faults: ["stt-down"]))
    }

    private func ms(_ value: Double) -> GateRule.Quantity { .init(value * 1e6, .time) }

    @Test func theExamplesOfTheDocumentation() throws {
        var rule = try parse("voice_to_voice{load=hold-1}@steady: p95 < 900ms")
        #expect(rule.severity == .fail)
        #expect(rule.selector == [.init("load", .equals, "hold-1")])
        #expect(rule.window == .steady)
        #expect(rule.aggregate == .quantile(0.95))
        #expect(rule.comparison == .less)
        #expect(rule.bound == .value(ms(900)))
        rule = try parse("abort call_setup@last(20s): rate >= 80% for 10s")
        #expect(rule.severity == .abort && rule.window == .last(.seconds(20)))
        #expect(rule.bound == .value(.init(0.8, .share)) && rule.holdFor == .seconds(10))
        rule = try parse("voice_to_voice@fault(stt-down,0s..30s): p95 < 2.5s")
        #expect(rule.window == .fault("stt-down", from: .zero, to: .seconds(30)))
        rule = try parse("voice_to_voice: p95 <= baseline*1.10 + 30ms")
        #expect(rule.bound == .baseline(factor: 1.1, plus: ms(30)))
        rule = try parse("cost_per_minute: mean < $0.09")
        #expect(rule.bound == .value(.init(0.09, .money)))
        rule = try parse("voice_to_voice: share(<800ms) >= 95%")
        #expect(rule.aggregate == .share(.less, ms(800)))
        #expect(rule.bound == .value(.init(0.95, .share)))
        rule = try parse("calls_dropped: count <= 0")
        #expect(rule.bound == .value(.init(0, .count)) && rule.text == "calls_dropped: count <= 0")
    }

    @Test func everythingAtOnce() throws {
        let rule = try parse(
            "warn endpointing {channel = phone, provider!=whisper , load~ra} @ stage( hold-1 ) : "
                + "p99.9 in -20ms .. 300ms for 5s min_n=500 no_data=pass confidence=0.95 why='a b'")
        #expect(rule.severity == .warn)
        #expect(rule.selector.map(\.test) == [.equals, .differs, .contains])
        #expect(rule.selector.map(\.value) == ["phone", "whisper", "ra"])
        #expect(rule.window == .stage("hold-1"))
        #expect(rule.aggregate == .quantile(0.999))
        #expect(rule.bound == .range(ms(-20), ms(300)))
        #expect(rule.minimumCount == 500 && rule.noData == .pass)
        #expect(rule.confidence == 0.95 && rule.why == "a b")
    }

    /// Some runs keep these and some do not.
    @Test(arguments: [
        "voice_to_voice: min >= 0ms", "turns_lost: rate <= 0%", "turns_answered: rate >= 100%",
        "eot_misprediction: rate <= 120%", "endpointing: p50 < -20ms", "turns_lost: count <= 0",
        "claim_gap: max < 0ms", "voice_to_voice: share(<800ms) < 100%", "turns_lost: count == 0",
    ])
    func boundsAtTheEdgeAreRules(_ text: String) throws {
        #expect(try parse(text).text == text)
    }

    @Test func otherMetricsAndWindowsAsBounds() throws {
        let rule = try parse("voice_to_voice@fault(stt-down): p95 <= voice_to_voice@steady")
        #expect(rule.bound == .metric(.init(metric: "voice_to_voice", window: .steady)))
        #expect(try parse("stt: max < baseline").bound == .baseline(factor: 1, plus: nil))
        #expect(
            try parse("agent_cpu_per_call: max <= 0.16cores").bound == .value(.init(0.16, .cores)))
        #expect(try parse("agent_memory_per_call: max <= 50MB").bound == .value(.init(5e7, .bytes)))
        #expect(try parse("task_completed: rate >= 99%").aggregate == .rate)
        #expect(try parse("turns_lost: per_s < 0.5").aggregate == .perSecond)
    }

    @Test(arguments: [
        ("turns_lost: count < 0", 20, "this can never hold: a count is never below 0"),
        ("turns_lost: count >= 0", 21, "this always holds: a count is never below 0"),
        ("turns_answered: rate >= 150%", 24, "never hold: a rate lies between 0% and 100%"),
        ("turns_lost: rate <= 100%", 20, "always holds: a rate lies between 0% and 100%"),
        ("voice_to_voice: p95 < 0ms", 22, "never hold: voice_to_voice is not meant to be below 0"),
        ("voice_to_voice: share(<1s) > 100%", 29, "never hold: a share lies between"),
        ("turns_lost: count == -1", 21, "never hold"),
        ("turns_lost: count != -1", 21, "always holds"),
        ("turns_lost: rate in 0%..100%", 20, "always holds"),
        ("greeting: min >= 0ms", 17, "always holds: greeting is not meant"),
        ("voice_to_voise: p95 < 1s", 0, "did you mean \"voice_to_voice\"?"),
        ("abrt voice_to_voice: p95 < 1s", 0, "did you mean \"abort\"?"),
        ("voice_to_voice@stedy: p95 < 1s", 15, "did you mean \"steady\"?"),
        ("voice_to_voice@stage(hold-2): p95 < 1s", 21, "did you mean \"hold-1\"?"),
        ("voice_to_voice@fault(stt-dwn, 0s..1s): p95 < 1s", 21, "did you mean \"stt-down\"?"),
        ("voice_to_voice@fault(stt-down, 3s..1s): p95 < 1s", 21, "empty"),
        ("voice_to_voice@fault(stt-down, 3..5s): p95 < 1s", 31, "no unit"),
        ("voice_to_voice@last(20): p95 < 1s", 20, "no unit"),
        ("voice_to_voice@last: p95 < 1s", 19, "needs brackets"),
        ("voice_to_voice: p95 < 900", 22, "no unit"),
        ("voice_to_voice: p95 < $1", 22, "no duration"),
        ("voice_to_voice: p95 < 90%", 22, "no unit"),
        ("voice_to_voice: q95 < 1s", 16, "unknown aggregate"),
        ("voice_to_voice: men < 1s", 16, "did you mean \"mean\"?"),
        ("voice_to_voice: p100 < 1s", 16, "between 0 and 100"),
        ("voice_to_voice: p95 = 1s", 20, "a comparison is due"),
        ("voice_to_voice p95 < 1s", 0, "unknown severity"),
        ("voice_to_voice{chanel=phone}: p95 < 1s", 15, "did you mean \"channel\"?"),
        ("voice_to_voice{phase=x}: p95 < 1s", 15, "unknown key"),
        ("voice_to_voice{channel=phones}: p95 < 1s", 23, "did you mean \"phone\"?"),
        ("voice_to_voice{provider!=deepgrm}: p95 < 1s", 25, "did you mean \"deepgram\"?"),
        ("voice_to_voice{load=hold-2}: p95 < 1s", 20, "did you mean \"hold-1\"?"),
        ("failover_time{channel=phone, fault=stt-dwn}: max < 1s", 35, "did you mean \"stt-down\"?"),
        ("voice_to_voice{channel}: p95 < 1s", 22, "=, != or ~"),
        ("voice_to_voice{channel=}: p95 < 1s", 23, "no value"),
        ("voice_to_voice{load~x: p95 < 1s", 31, "not closed"),
        ("voice_to_voice: p95 in 5ms", 26, "\"..\" is due"),
        ("voice_to_voice: p95 in 5ms..1ms", 23, "upside down"),
        ("voice_to_voice: p95 < 1s min_m=5", 25, "did you mean \"min_n\"?"),
        ("voice_to_voice: p95 < 1s min_n=0", 31, "no such number"),
        ("voice_to_voice: p95 < 1s no_data=fial", 33, "did you mean \"fail\"?"),
        ("voice_to_voice: p95 < 1s confidence=1", 36, "no confidence"),
        ("voice_to_voice: p95 < 1s for 5s for 6s", 32, "stands twice"),
        ("voice_to_voice: share(800ms) > 5%", 22, "a comparison is due"),
        ("voice_to_voice: share(<800) > 5%", 23, "no unit"),
        ("voice_to_voice: p95 < cost_per_call", 22, "does not compare"),
        ("voice_to_voice: p95 < baseline*x", 31, "a factor is due"),
        ("turns_lost: p95 < 1", 12, "turns_lost has no p95"),
        ("turns_lost: count <= 0ms", 21, "wrong unit"),
        ("agent_cpu_per_call: p95 < 1cores", 20, "has no p95"),
        ("cost_per_minute: mean < 0.07", 24, "no money"),
        ("task_completed: rate >= 0.99", 24, "no unit"), ("", 0, "a metric is due"),
    ])
    func wrongRulesHaveTheirColumnAndTheNearestWord(
        _ text: String, _ offset: Int, _ reason: String
    ) {
        let problem = #expect(throws: TextProblem.self) { try parse(text) }
        #expect(problem?.offset == offset, "\(problem.map { "\($0)" } ?? "")")
        #expect(problem?.reason.contains(reason) == true, "\(problem?.reason ?? "")")
        #expect(problem?.allowed.isEmpty == false)
    }

    @Test func conditionsHaveNoSeverity() throws {
        _ = try GateParser.parseCondition("voice_to_voice: p95 > 2s", names: .init())
        #expect(throws: TextProblem.self) {
            try GateParser.parseCondition("warn voice_to_voice: p95 > 2s", names: .init())
        }
    }

    /// Rules cut, doubled and scrambled never crash the parser.
    @Test func scrambledRulesNeverCrash() {
        let rule = Array(
            "abort voice_to_voice{a=b}@fault(stt-down,0s..3s): share(<5ms) in 1%..5% for 3s why='x'"
                .utf8)
        var random = Seed(5).stream("gate-fuzz")
        for _ in 0..<1_000 {
            var bytes = rule
            for _ in 0...random.below(4) {
                let place = random.below(bytes.count)
                if random.below(2) == 0 {
                    bytes.remove(at: place)
                } else {
                    bytes.insert(rule[random.below(rule.count)], at: place)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                _ = try GateParser.parse(text)
            } catch {
                #expect(error.offset <= bytes.count)
            }
        }
    }
}
