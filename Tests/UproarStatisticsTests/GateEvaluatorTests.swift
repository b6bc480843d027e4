import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct GateEvaluatorTests {
    private func seconds(_ value: Double) -> Instant { .init(nanoseconds: Int64(value * 1e9)) }
    private func ms(_ value: Double) -> GateRule.Bound { .value(.init(value * 1e6, .time)) }

    private func rule(
        _ metric: String = "voice_to_voice", _ window: GateRule.Window = .all,
        _ aggregate: GateRule.Aggregate = .quantile(0.95),
        _ comparison: GateRule.Comparison = .less,
        _ bound: GateRule.Bound, severity: GateRule.Severity = .fail, holdFor: Duration? = nil,
        minimum: Int? = nil, noData: GateRule.NoData = .fail, confidence: Double? = nil
    ) -> GateRule {
        GateRule(
            severity: severity, metric: metric, window: window, aggregate: aggregate,
            comparison: comparison, bound: bound, holdFor: holdFor, minimumCount: minimum,
            noData: noData, confidence: confidence, text: "")
    }

    private func rule(
        _ metric: String = "voice_to_voice", _ window: GateRule.Window = .all,
        bound: GateRule.Bound,
        minimum: Int? = nil, noData: GateRule.NoData = .fail
    ) -> GateRule {
        rule(
            metric, window, .quantile(0.95), .less, bound, minimum: minimum, noData: noData)
    }

    /// Ten turns a second: 500 ms, but 1.5 s in the given seconds. Call ids are the seconds.
    private func source(_ count: Int = 60, slow: Range<Int> = 0..<0, windows: [RunWindow] = [])
        -> MetricSource
    {
        var recorder = IntervalRecorder()
        for second in 0..<count {
            for _ in 0..<10 {
                recorder.record(
                    "voice_to_voice", ["channel": "phone"], at: seconds(Double(second) + 0.5),
                    value: slow.contains(second) ? 1_500_000_000 : 500_000_000,
                    call: UInt32(second))
            }
        }
        return MetricSource([recorder], windows: windows, end: seconds(Double(count)))
    }

    @Test func aRunWithinItsLimitPassesWithItsNumbers() throws {
        let result = GateEvaluator(source()).evaluate(rule(bound: ms(800)))
        #expect(result.outcome == .passed)
        #expect(result.count == 600)
        #expect(abs(try #require(result.observed).value - 500e6) < 1e6)
        #expect(abs(try #require(result.margin) + 300e6) < 1e6)
        #expect(result.interval?.low != nil && result.interval?.high != nil)
        #expect(result.worstCalls.isEmpty)
    }

    @Test func aFailureNamesTheWorstCalls() {
        let result = GateEvaluator(source(slow: 50..<54)).evaluate(rule(bound: ms(800)))
        #expect(result.outcome == .failed)
        #expect(result.worstCalls.prefix(4) == [50, 51, 52, 53])
    }

    @Test(arguments: [(199, GateOutcome.inconclusive), (200, .passed)])
    func p95NeedsTwoHundredSamples(_ count: Int, _ expected: GateOutcome) {
        var recorder = IntervalRecorder()
        for place in 0..<count {
            recorder.record(
                "voice_to_voice", .init(), at: seconds(Double(place) / 10), value: 500_000_000)
        }
        let source = MetricSource([recorder], windows: [], end: seconds(30))
        let result = GateEvaluator(source).evaluate(rule(bound: ms(800)))
        #expect(result.outcome == expected)
        #expect(
            GateEvaluator(source).evaluate(rule(bound: ms(800), minimum: 10)).outcome == .passed)
        #expect(
            GateEvaluator(source).evaluate(rule(bound: ms(800), minimum: 500)).outcome
                == .inconclusive)
    }

    @Test(arguments: [
        (GateRule.NoData.fail, GateOutcome.failed, true), (.warn, .inconclusive, false),
        (.pass, .passed, true),
    ])
    func noDataFailsUnlessTheRuleSaysOtherwise(
        _ noData: GateRule.NoData, _ outcome: GateOutcome, _ decides: Bool
    ) {
        let result = GateEvaluator(source()).evaluate(
            rule("barge_in_stop", bound: ms(400), noData: noData))
        #expect(result.outcome == outcome)
        #expect(result.decides == decides)
        #expect(result.observed == nil)
        let window = GateEvaluator(source()).evaluate(
            rule("voice_to_voice", .fault("x", from: nil, to: nil), bound: ms(1), noData: noData))
        #expect(window.outcome == outcome)
        #expect(window.reason == "the run has no window fault(x)")
    }

    /// The worked example of k6 issue 2379: a short step hides in the whole run and shows in a sliding window.
    @Test func aSlidingWindowSeesAStepThatTheWholeRunHides() {
        let stepped = source(600, slow: 300..<312)
        #expect(
            GateEvaluator(stepped).evaluate(
                rule("voice_to_voice", .all, .quantile(0.95), .less, ms(800))
            ).outcome == .passed)
        let sliding = GateEvaluator(stepped).evaluate(
            rule("voice_to_voice", .last(.seconds(20)), .quantile(0.95), .less, ms(800)))
        #expect(sliding.outcome == .failed)
        // 11 slow turns of 200 pass the nearest rank of p95: the second slow second.
        #expect(sliding.reason == "at 5m02s")
        let patient = rule(
            "voice_to_voice", .last(.seconds(20)), .quantile(0.95), .less, ms(800),
            holdFor: .seconds(60))
        #expect(GateEvaluator(stepped).evaluate(patient).outcome == .passed)
    }

    @Test func faultAndSteadyWindowsAreJudgedApart() {
        let windows = [
            RunWindow(id: "stt-down", kind: .fault, from: seconds(25), to: seconds(40)),
            RunWindow(id: "steady", kind: .steady, from: seconds(0), to: seconds(25)),
            RunWindow(id: "steady", kind: .steady, from: seconds(40), to: seconds(60)),
        ]
        let evaluator = GateEvaluator(source(slow: 25..<40, windows: windows))
        #expect(
            evaluator.evaluate(rule("voice_to_voice", .steady, bound: ms(800))).outcome == .passed)
        let fault = rule(
            "voice_to_voice", .fault("stt-down", from: .zero, to: .seconds(15)), bound: ms(800),
            minimum: 100)
        #expect(evaluator.evaluate(fault).outcome == .failed)
    }

    @Test func countsRatesAndSharesOfEvents() {
        var recorder = IntervalRecorder()
        for second in 0..<100 {
            recorder.recordEvents(
                "turns_answered", .init(), at: seconds(Double(second)), events: second == 7 ? 0 : 1,
                call: UInt32(second))
            recorder.recordEvents(
                "turns_lost", .init(), at: seconds(Double(second)), events: second == 7 ? 1 : 0,
                call: UInt32(second))
        }
        let evaluator = GateEvaluator(MetricSource([recorder], windows: [], end: seconds(100)))
        let none = GateRule.Bound.value(.init(0, .count))
        let lost = evaluator.evaluate(rule("turns_lost", .all, .count, .lessOrEqual, none))
        #expect(lost.outcome == .failed && lost.worstCalls == [7])
        #expect(lost.count == 100)
        let rate = evaluator.evaluate(
            rule("turns_answered", .all, .rate, .greaterOrEqual, .value(.init(0.995, .share))))
        #expect(rate.outcome == .failed && rate.worstCalls == [7])
        #expect(rate.observed == Figure(0.99))
        let speed = evaluator.evaluate(
            rule("turns_answered", .all, .perSecond, .greater, .value(.init(0.9, .count))))
        #expect(speed.outcome == .passed)
        let within = evaluator.evaluate(
            rule(
                "turns_answered", .all, .count, .within,
                .range(.init(90, .count), .init(99, .count))))
        #expect(within.outcome == .passed && within.limit == nil)
    }

    @Test func shareIsGoodput() {
        let good = rule(
            "voice_to_voice", .all, .share(.less, .init(800e6, .time)), .greaterOrEqual,
            .value(.init(0.95, .share)))
        #expect(GateEvaluator(source(slow: 0..<2)).evaluate(good).outcome == .passed)
        #expect(GateEvaluator(source(slow: 0..<4)).evaluate(good).outcome == .failed)
    }

    @Test func censoredFiguresAreComparedByWhatIsKnown() {
        var recorder = IntervalRecorder()
        for place in 0..<300 {
            if place < 250 {
                recorder.record("voice_to_voice", .init(), at: .zero, value: 500_000_000)
            } else {
                recorder.recordCensored(
                    "voice_to_voice", .init(), at: .zero, limit: 10_000_000_000, call: 1)
            }
        }
        let evaluator = GateEvaluator(MetricSource([recorder], windows: [], end: seconds(1)))
        #expect(evaluator.evaluate(rule(bound: ms(800))).outcome == .failed)
        let beyond = evaluator.evaluate(rule(bound: ms(15_000)))
        #expect(beyond.outcome == .inconclusive)
        #expect(beyond.reason == "known only to be at least 10s")
        let answered = rule(
            "voice_to_voice", .all, .rate, .greaterOrEqual, .value(.init(0.9, .share)))
        #expect(evaluator.evaluate(answered).outcome == .failed)
    }

    @Test func confidenceMustLieWholeOnOneSide() {
        var recorder = IntervalRecorder()
        for place in 0..<400 {
            recorder.record(
                "voice_to_voice", .init(), at: .zero, value: Int64(place) * 2_000_000 + 100_000_000)
        }
        let evaluator = GateEvaluator(MetricSource([recorder], windows: [], end: seconds(1)))
        // p50 is 500 ms with an interval of about ± 40 ms.
        func outcome(_ limit: Double) -> GateOutcome {
            evaluator.evaluate(
                rule("voice_to_voice", .all, .quantile(0.5), .less, ms(limit), confidence: 0.95)
            ).outcome
        }
        #expect(outcome(600) == .passed)
        #expect(outcome(510) == .inconclusive)
        #expect(outcome(400) == .failed)
    }

    @Test func baselinesAndOtherMetricsMakeLimits() throws {
        let baseline = source()
        let now = source(slow: 0..<60)
        let bound = GateRule.Bound.baseline(factor: 1.1, plus: .init(30e6, .time))
        let relative = rule(bound: bound)
        let result = GateEvaluator(now, baseline: baseline).evaluate(relative)
        #expect(result.outcome == .failed)
        #expect(abs(try #require(result.limit) - 580e6) < 1e6)
        #expect(GateEvaluator(baseline, baseline: baseline).evaluate(relative).outcome == .passed)
        let alone = GateEvaluator(now).evaluate(relative)
        #expect(alone.outcome == .inconclusive && alone.reason == "no baseline was given")
        let other = rule(
            bound: .metric(.init(metric: "voice_to_voice", window: .last(.seconds(1)))))
        #expect(GateEvaluator(now).evaluate(other).outcome == .failed)
    }

    @Test func theMeanCostIsTotalByTotal() throws {
        var recorder = IntervalRecorder()
        // One dollar in one minute, and nothing in nine: ten cents a minute, not fifty.
        for (dollars, minutes) in [(1.0, 1), (0.0, 9)] {
            recorder.record("cost_per_minute", .init(), at: .zero, value: Int64(dollars * 1e9))
            recorder.recordRatio(
                "cost_per_minute", .init(), at: .zero, numerator: Int64(dollars * 1e9),
                denominator: Int64(minutes) * 60_000_000_000)
        }
        let evaluator = GateEvaluator(MetricSource([recorder], windows: [], end: seconds(1)))
        let result = evaluator.evaluate(
            rule("cost_per_minute", .all, .mean, .lessOrEqual, .value(.init(0.1, .money))))
        #expect(abs(try #require(result.observed).value - 0.1) < 1e-12)
        #expect(result.outcome == .passed)
    }

    @Test func oneNumberOfTheRunIsAMetricToo() {
        var recorder = IntervalRecorder()
        recorder.setValue("agent_cpu_per_call", to: 0.05)
        let evaluator = GateEvaluator(MetricSource([recorder], windows: [], end: seconds(1)))
        let gate = rule(
            "agent_cpu_per_call", .steady, .maximum, .less, .value(.init(0.16, .cores)))
        // No windows are needed for what has none.
        #expect(evaluator.evaluate(gate).outcome == .passed)
    }

    @Test func theMonitorEndsTheRunOnlyAfterTheHoldTime() {
        let abort = rule(
            "voice_to_voice", .last(.seconds(5)), .quantile(0.5), .less, ms(800), severity: .abort,
            holdFor: .seconds(10))
        let whole = source(60, slow: 20..<60)
        var monitor = GateMonitor([abort, rule(bound: ms(1))])
        #expect(monitor.rules.count == 1)
        var firedAt: Int?
        for second in 1...60 where firedAt == nil {
            var soFar = whole
            soFar.end = seconds(Double(second))
            if monitor.check(GateEvaluator(soFar), now: soFar.end) != nil { firedAt = second }
        }
        // Three of the last five seconds are slow from 23 s on; ten seconds later the run ends.
        #expect(firedAt == 33)
        #expect(GateEvaluator(whole).evaluate(abort).outcome == .failed)
        #expect(GateEvaluator(whole).evaluate(abort).reason == "at 33.00s")
    }

    @Test func shardsThatPassAloneCanFailTogether() {
        // 95 quick turns and one slow one pass p95 alone; six slow ones of 101 fail.
        func shard(_ quick: Int, _ slow: Int) -> IntervalRecorder {
            var recorder = IntervalRecorder()
            for place in 0..<quick + slow {
                recorder.record(
                    "voice_to_voice", .init(), at: .zero,
                    value: place < quick ? 500_000_000 : 900_000_000)
            }
            return recorder
        }
        func outcome(_ recorder: IntervalRecorder) -> GateOutcome {
            GateEvaluator(MetricSource([recorder], windows: [], end: seconds(1)))
                .evaluate(rule(bound: ms(800), minimum: 1)).outcome
        }
        let first = shard(200, 10)
        var union = first
        union.add(shard(1, 1))
        #expect(outcome(first) == .passed)
        #expect(outcome(union) == .failed)
    }
}
