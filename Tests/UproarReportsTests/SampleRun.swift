import UproarCore

@testable import UproarStatistics

/// Runs made of facts, as callers and providers would state them: seeded, so that goldens hold.
struct SampleRun {
    var callers = 40
    var seconds = 70
    var seed: UInt64 = 42
    /// The recogniser is down from 25 s to 40 s.
    var hasFault = false
    var turnsPerCall = 3

    static let prices = PriceBook(
        name: "guide 2025-06",
        prices: [
            .init(
                .deepgram, model: "nova-3", unit: .audioMinute, dollars: 0.0077, asOf: "",
                source: ""),
            .init(
                .openai, model: "gpt-4o-mini", unit: .thousandPromptTokens, dollars: 0.00015,
                asOf: "", source: ""),
            .init(
                .openai, model: "gpt-4o-mini", unit: .thousandCompletionTokens, dollars: 0.0006,
                asOf: "", source: ""),
            .init(
                .cartesia, model: "sonic-3", unit: .audioMinute, dollars: 0.024, asOf: "",
                source: ""),
        ])

    func result() -> RunResult {
        var settings = FoldSettings(prices: Self.prices)
        settings.targets = [.init(metric: "voice_to_voice", below: .milliseconds(800))]
        var tally = RunTally(settings)
        var random = Seed(seed).stream("sample-run")
        var inFlight = [Int](repeating: 0, count: seconds + 20)
        var started = inFlight
        var id: UInt32 = 0
        for caller in 0..<callers {
            var at = Double(caller) / Double(max(1, callers)) * 10_000
            if seconds < 10 { at = 0 }
            while at < Double(seconds) * 1000 - 6000 || id == 0 {
                let end = call(id, at, &random, &tally)
                started[min(Int(at / 1000), seconds)] += 1
                for second in Int(at / 1000)...max(Int(at / 1000), Int(end / 1000))
                where second < inFlight.count { inFlight[second] += 1 }
                id += 1
                at = end + 1000
            }
        }
        return finish(tally, inFlight, started, &random)
    }

    private func at(_ milliseconds: Double) -> Instant {
        Instant(nanoseconds: Int64(milliseconds * 1e6))
    }

    /// States one call and returns its end.
    private func call(
        _ id: UInt32, _ start: Double, _ random: inout RandomStream, _ tally: inout RunTally
    ) -> Double {
        let channel = ["phone", "phone", "browser", "screen_share"][Int(id % 4)]
        let description = CallDescription(
            id: id, tags: ["channel": channel, "transport": "twilio", "load": "hold-1"],
            patience: .seconds(10))
        var facts: [Fact] = []
        func state(
            _ kind: FactKind, _ ms: Double, _ utterance: UInt32? = nil, reply: UInt32 = 0,
            value: Int64 = 0, detail: UInt32 = 0, _ origin: FactOrigin = .caller
        ) {
            facts.append(
                Fact(
                    kind, at: at(ms), call: id,
                    reference: utterance.map {
                        TurnReference(call: id, utterance: $0, reply: reply)
                    }, value: value, detail: detail, origin: origin))
        }
        state(.callDue, start)
        state(.callDialed, start + 0.4)
        state(.callAnswered, start + 6 + random.unit() * 9)
        state(.agentAudible, start + 280, value: Int64((start + 279) * 1e6))
        state(.agentSilent, start + 900)
        var now = start + 1100
        let tts = FactOrigin.provider(.cartesia)
        let llm = FactOrigin.provider(.openai)
        for utterance in 1...UInt32(turnsPerCall) {
            let speech = 700 + random.unit() * 1300
            state(.utteranceBegan, now, utterance, value: Int64(speech * 1e6), detail: utterance)
            let end = now + speech
            let isDown = hasFault && end > 25_000 && end < 40_000
            let stt = FactOrigin.provider(isDown ? .whisper : .deepgram)
            state(.utteranceEnded, end, utterance, value: Int64(random.unit() * 900_000))
            let isLost = isDown && random.below(14) == 0
            if isLost {
                state(.turnTimedOut, end + 10_000, utterance, value: 10_000_000_000)
                now = end + 10_500
                continue
            }
            var t = end + 3 + random.unit() * 3
            state(.speechEnded, t, utterance, stt)
            t +=
                Distribution.lognormal(
                    p50: .milliseconds(isDown ? 420 : 60), p95: .milliseconds(isDown ? 900 : 110)
                ).draw(&random).inMilliseconds
            state(.finalSent, t, utterance, stt)
            t += random.below(3) == 0 ? -30 : 2 + random.unit() * 6
            state(.modelRequested, t, utterance, reply: 1, llm)
            t +=
                Distribution.lognormal(p50: .milliseconds(250), p95: .milliseconds(350))
                .draw(&random).inMilliseconds
            state(.modelFirstContent, t, utterance, reply: 1, llm)
            t += 4 + random.unit() * 30
            state(.voiceTextReceived, t, utterance, reply: 1, tts)
            t +=
                Distribution.lognormal(p50: .milliseconds(80), p95: .milliseconds(120))
                .draw(&random).inMilliseconds
            state(.voiceFirstAudio, t, utterance, reply: 1, tts)
            t += 5 + random.unit() * 25
            let spoken = 900 + random.unit() * 1500
            state(.agentAudible, t, value: Int64((t - 1) * 1e6))
            state(.answerAudible, t, utterance, reply: 1, value: Int64((t - 1) * 1e6))
            state(.modelFinished, t + 200, utterance, reply: 1, value: 150 << 32 | 40, llm)
            state(
                .voiceFinished, t + 300, utterance, reply: 1, value: Int64(spoken * 1e6),
                detail: 90,
                tts)
            let isCut = isDown && random.below(9) == 0
            if isCut {
                t += spoken * 0.4
            } else {
                t += spoken
                state(.answerFinished, t, utterance, reply: 1)
            }
            state(.agentSilent, t)
            now = t + 400 + random.unit() * 400
        }
        let outcome: CallOutcome = hasFault && id == 17 ? .dropped : .completed
        state(
            .speechToTextUsage, now, 1, value: Int64((now - start) * 1e6),
            detail: UInt32(now - start), .provider(.deepgram))
        state(.taskChecked, now, detail: id % 40 == 39 ? 0 : 1)
        state(.callJitter, now, value: 800_000)
        state(.callSent, now, value: Int64((now - start) * 8), detail: UInt32((now - start) / 20))
        state(.callReceived, now, value: Int64((now - start) * 8))
        state(.callConnectedTime, now, value: Int64((now - start - 10) * 1e6))
        state(.callEnded, now, detail: outcome.rawValue)
        tally.add(CallFold.fold(facts, of: description, tally.settings))
        return now
    }

    private func finish(
        _ tally: RunTally, _ inFlight: [Int], _ started: [Int], _ random: inout RandomStream
    ) -> RunResult {
        var tally = tally
        var log = GeneratorLog()
        for second in 0..<seconds {
            var sample = GeneratorSample(at: at(Double(second) * 1000))
            sample.offered = started[second]
            sample.achieved = started[second]
            sample.planned = min(callers, seconds < 10 ? 1 : callers * (second + 1) / 10)
            sample.inFlight = inFlight[second]
            sample.framesSent = inFlight[second] * 50
            sample.loopLag = .milliseconds(1 + random.below(4))
            sample.sendLatenessP99 = .microseconds(500 + random.below(500))
            let load = Double(inFlight[second]) / 1000
            sample[.callers] = load * 1.1 + random.unit() * 0.02
            sample[.emulators] = load * 0.9 + random.unit() * 0.02
            sample[.agent] = load * 3 + random.unit() * 0.05
            sample[.redis] = 0.01
            sample[.other] = 0.03
            sample.agentMemory = 30_000_000 + inFlight[second] * 900_000
            sample.memory = 60_000_000
            log.append(sample)
            var lateness = HDRHistogram()
            for _ in 0..<50 { lateness.record(Int64(random.below(900_000))) }
            tally.addSendLateness(lateness, at: sample.at)
        }
        let ramp: Instant = seconds < 10 ? .zero : at(10_000)
        let end = at(Double(seconds) * 1000)
        let disturbed = hasFault ? [at(25_000)..<at(50_000)] : []
        let steady = RunWindow.steady(from: ramp, to: end, minus: disturbed)
        tally.take(
            AgentFootprint(
                log, steady: steady.map { $0.from..<$0.to }, idleBytes: 30_000_000, tally.ledger))
        var result = RunResult(
            scenario: .init(
                name: hasFault ? "deepgram-outage" : "quickstart",
                summary: "Callers speak with the reference agent over Twilio media streams.",
                fileHash: "9f2c41d07b3a", resolved: ["name": "sample", "seed": 42]), seed: seed,
            world: .live, commit: "3fa1c0de12", version: "0.1.0",
            command: "uproar run scenarios/quickstart.yaml --seed 42", target: "embedded",
            priceBook: tally.settings.prices.name)
        result.isPartial = false
        result.take(tally)
        result.load.duration = .seconds(seconds)
        result.load.peak = inFlight.max() ?? 0
        result.load.lines = [
            .init(name: "ramp-1", text: "ramp: 0 -> \(callers) callers over 10s"),
            .init(name: "hold-1", text: "hold: \(callers) callers for \(seconds - 10)s"),
        ]
        result.audio.corpus = "fixtures/task-manager"
        result.audio.clips = 36
        result.audio.speakers = ["awb", "rms", "slt"]
        result.audio.variants = ["clean"]
        result.providers = [
            .init(.deepgram, preset: "latency lognormal(p50=60ms, p95=110ms)"),
            .init(.openai, preset: "first_token lognormal(p50=250ms, p95=350ms), 80 tokens/s"),
            .init(.cartesia, preset: "first_byte lognormal(p50=80ms, p95=120ms)"),
        ]
        result.windows =
            steady + [
                .init(id: "warmup", kind: .warmup, from: .zero, to: ramp),
                .init(id: "hold-1", kind: .stage, from: ramp, to: end),
            ]
        if hasFault {
            result.windows += [
                .init(id: "stt-down", kind: .fault, from: at(25_000), to: at(40_000)),
                .init(id: "stt-down", kind: .recovery, from: at(40_000), to: at(50_000)),
            ]
            var fault = RunResult.FaultRecord(
                id: "stt-down", kind: "http_error", target: "deepgram",
                summary: "503 on every request and stream", effects: 214)
            fault.armed = at(25_000)
            fault.firstEffect = at(25_040)
            fault.cleared = at(40_000)
            fault.recovered = at(41_300)
            result.faults = [fault]
        }
        result.processes = [
            .init(
                name: "uproar run", group: .callers, meanCores: 0.05, peakCores: 0.09,
                meanMemory: 60_000_000, peakMemory: 64_000_000),
            .init(
                name: "uproar providers", group: .emulators, meanCores: 0.04, peakCores: 0.07,
                meanMemory: 90_000_000, peakMemory: 96_000_000),
            .init(
                name: "uproar agent", group: .agent, meanCores: 0.12, peakCores: 0.19,
                meanMemory: 62_000_000, peakMemory: 70_000_000),
            .init(
                name: "redis-server", group: .redis, meanCores: 0.01, peakCores: 0.01,
                meanMemory: 8_000_000, peakMemory: 8_000_000),
        ]
        result.files = [
            "report.html", "result.json", "junit.xml", "summary.md", "calls.jsonl", "metrics.prom",
        ]
        result.validity = ValidityJudge().judge(
            log,
            .init(
                sendLateness: result.recorder.merged("send_lateness").samples,
                steady: steady.map { $0.from..<$0.to }, turns: result.ledger.turns.owed))
        result.gates = GateEvaluator(result.source).evaluate(rules)
        result.outcome = .decide(
            .init(
                validity: result.validity, gates: result.gates,
                answeredTurns: result.ledger.turns.answered))
        return result
    }

    private var rules: [GateRule] {
        func time(_ ms: Double) -> GateRule.Bound { .value(.init(ms * 1e6, .time)) }
        var rules = [
            GateRule(
                metric: "voice_to_voice", window: .steady, aggregate: .quantile(0.95),
                comparison: .less, bound: time(800),
                minimumCount: seconds < 10 ? 1 : nil, text: "voice_to_voice@steady: p95 < 800ms"),
            GateRule(
                metric: "turns_lost", aggregate: .count, comparison: .lessOrEqual,
                bound: .value(.init(0, .count)), text: "turns_lost: count <= 0"),
            GateRule(
                metric: "calls_dropped", aggregate: .count, comparison: .lessOrEqual,
                bound: .value(.init(0, .count)), text: "calls_dropped: count <= 0"),
            GateRule(
                metric: "cost_per_minute", aggregate: .mean, comparison: .lessOrEqual,
                bound: .value(.init(0.07, .money)), text: "cost_per_minute: mean <= $0.07"),
            GateRule(
                severity: .warn, metric: "voice_to_voice",
                selector: [.init("channel", .equals, "phone")], aggregate: .quantile(0.99),
                comparison: .less, bound: time(900),
                text: "warn voice_to_voice{channel=phone}: p99 < 900ms"),
        ]
        if hasFault {
            rules.append(
                GateRule(
                    metric: "voice_to_voice",
                    window: .fault("stt-down", from: .seconds(2), to: .seconds(15)),
                    aggregate: .quantile(0.95), comparison: .less, bound: time(1500),
                    minimumCount: 30, text: "voice_to_voice@fault(stt-down, 2s..15s): p95 < 1500ms")
            )
        }
        return rules
    }
}
