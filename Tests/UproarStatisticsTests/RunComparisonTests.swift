import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct RunComparisonTests {
    /// Calls of `turns` turns each: a level of its own per call, and turns around it.
    static func draw(
        _ calls: Int, turns: Int = 4, scale: Double = 1, badShare: Int = 0, seed: UInt64
    ) -> CallDraw {
        var draw = CallDraw()
        var random = Seed(seed).stream("comparison")
        for id in 0..<calls {
            var call = CallRecord(
                CallDescription(id: UInt32(id), tags: .init(), patience: .seconds(10)),
                outcome: .completed)
            call.due = .zero
            call.answered = .zero + .milliseconds(2)
            call.connected = .seconds(30)
            call.cost = 0.01
            let level = 500 * (1 + 0.07 * normalQuantile(0.001 + 0.998 * random.unit()))
            for turn in 0..<turns {
                var record = TurnRecord(
                    utterance: UInt32(turn + 1), clip: 0, began: .zero, ended: .zero)
                let noise = 1 + 0.1 * normalQuantile(0.001 + 0.998 * random.unit())
                record.outcome = random.below(100) < badShare ? .lost : .answered
                record.voiceToVoice = .exact(.microseconds(Int(level * noise * scale * 1000)))
                call.turns.append(record)
            }
            draw.add(call)
        }
        return draw
    }

    private func row(_ comparison: RunComparison, _ metric: String, _ figure: String)
        -> RunComparison.Row?
    { comparison.rows.first { $0.metric == metric && $0.figure == figure } }

    @Test func theSameAgentTwiceIsUnchanged() throws {
        let comparison = RunComparison(Self.draw(200, seed: 1), Self.draw(200, seed: 2))
        #expect(comparison.verdict == .unchanged)
        let p95 = try #require(row(comparison, "voice_to_voice", "p95"))
        #expect(try #require(p95.interval.low) < 0 && 0 < #require(p95.interval.high))
        #expect(p95.callsNeeded == nil)
    }

    @Test func aFifthSlowerIsARegressionAndFasterAnImprovement() throws {
        let slow = RunComparison(Self.draw(200, seed: 1), Self.draw(200, scale: 1.2, seed: 2))
        #expect(slow.verdict == .regressed)
        #expect(try #require(row(slow, "voice_to_voice", "p50")).verdict == .regressed)
        let fast = RunComparison(Self.draw(200, seed: 1), Self.draw(200, scale: 0.8, seed: 2))
        #expect(fast.verdict == .improved)
    }

    @Test func whatTheMachineCannotTellApartIsWithinNoise() throws {
        let (before, after) = (Self.draw(200, seed: 1), Self.draw(200, scale: 1.2, seed: 2))
        let floor = NoiseFloor(
            turns: 16, errorP50: .milliseconds(50), errorMaximum: .milliseconds(60))
        let limits = ComparisonLimits().heeding(nil, floor)
        let p50 = try #require(row(RunComparison(before, after, limits), "voice_to_voice", "p50"))
        // About 100 ms of 500, and the noise floor thrice is 150.
        #expect(p50.isWithinNoise)
        #expect(p50.limit == 150e6)
        #expect(p50.verdict == .unchanged)
        let again = try #require(
            row(try RunComparison(before, after, limits).again(), "voice_to_voice", "p50"))
        #expect(again.isWithinNoise)
        let quiet = ComparisonLimits().heeding(
            NoiseFloor(turns: 16, errorP50: .microseconds(200), errorMaximum: .milliseconds(1)))
        let loud = try #require(row(RunComparison(before, after, quiet), "voice_to_voice", "p50"))
        #expect(!loud.isWithinNoise)
        #expect(loud.verdict == .regressed)
    }

    @Test func fewCallsAreNotKnownAndSaysHowManyMore() throws {
        func draw(_ values: [Int]) -> CallDraw {
            var draw = CallDraw()
            for (id, value) in values.enumerated() {
                var call = CallRecord(
                    CallDescription(id: UInt32(id), tags: .init(), patience: .seconds(10)),
                    outcome: .completed)
                call.due = .zero
                var turn = TurnRecord(utterance: 1, clip: 0, began: .zero, ended: .zero)
                turn.outcome = .answered
                turn.voiceToVoice = .exact(.milliseconds(value))
                call.turns = [turn]
                draw.add(call)
            }
            return draw
        }
        let comparison = RunComparison(draw([500, 520, 480, 510]), draw([500, 620, 480, 560]))
        #expect(comparison.verdict == .inconclusive)
        let open = try #require(comparison.rows.first { $0.verdict == .inconclusive })
        #expect(try #require(open.callsNeeded) > 0)
    }

    // MARK: A baseline that is what it is, and a run that goes on

    @Test func moreCallsOfTheRunAloneAreFewerThanItSeems() throws {
        let both = RunComparison(Self.draw(40, seed: 1), Self.draw(8, scale: 1.08, seed: 2))
        let after = RunComparison(
            Self.draw(40, seed: 1), Self.draw(8, scale: 1.08, seed: 2), growing: .after)
        #expect(both.verdict == .inconclusive)
        #expect(after.rows.map(\.interval) == both.rows.map(\.interval))
        // The run's eight calls make nearly all of the uncertainty: they alone can mend it.
        for row in after.rows where row.verdict == .inconclusive {
            #expect((row.callsNeeded == nil) != (row.baselineCallsNeeded == nil))
        }
    }

    /// Two calls against two: drawn again they look as sure as a thousand. Whatever they are, nothing is decided.
    @Test(arguments: 1...40) func aHandfulOfCallsDecidesNothing(_ seed: UInt64) {
        let few = RunComparison(
            Self.draw(2, seed: seed), Self.draw(4, scale: 2, seed: seed + 100))
        #expect(few.verdict == .inconclusive)
        #expect(few.rows.allSatisfy { $0.interval.low == nil && $0.callsNeeded == 38 })
        // Twice as slow is seen with eight, the same agent is not taken for another.
        let slow = RunComparison(Self.draw(8, seed: seed), Self.draw(8, scale: 2, seed: seed + 100))
        #expect(slow.verdict == .regressed)
        #expect(
            RunComparison(Self.draw(8, seed: seed), Self.draw(8, seed: seed + 100)).verdict
                != .regressed)
    }

    /// Many calls against five: however many more there are, the five decide nothing.
    @Test func aBaselineThatIsTooShortIsSaidToBe() throws {
        let comparison = RunComparison(
            Self.draw(6, seed: 4), Self.draw(400, scale: 1.09, seed: 5), growing: .after)
        let open = comparison.rows.filter { $0.verdict == .inconclusive }
        #expect(!open.isEmpty)
        let row = try #require(open.first { $0.baselineCallsNeeded != nil })
        #expect(row.callsNeeded == nil)
        #expect(try #require(row.baselineCallsNeeded) > 6)
        let again = try comparison.again()
        #expect(again.rows == comparison.rows)
    }

    @Test func smallRelativeOrSmallAbsoluteDifferencesAreNoRegression() {
        // +4 %, +20 ms: sure, and below both limits.
        let both = RunComparison(Self.draw(400, seed: 1), Self.draw(400, scale: 1.04, seed: 2))
        #expect(both.verdict == .unchanged)
        // +15 % of 50 ms is 7.5 ms: below the absolute one.
        let small = RunComparison(
            Self.draw(400, scale: 0.1, seed: 1), Self.draw(400, scale: 0.115, seed: 2))
        #expect(small.verdict == .unchanged)
    }

    @Test func lostTurnsAreARegressionWhateverTheLatency() throws {
        let comparison = RunComparison(
            Self.draw(300, seed: 1), Self.draw(300, badShare: 6, seed: 2))
        #expect(try #require(row(comparison, "turns_bad", "share")).verdict == .regressed)
    }

    @Test func theSameRunsGiveTheSameBytes() {
        let a = RunComparison(Self.draw(50, seed: 1), Self.draw(50, seed: 2))
        let b = RunComparison(Self.draw(50, seed: 1), Self.draw(50, seed: 2))
        #expect(a == b)
    }

    @Test func nothingToCompareIsNotKnown() {
        #expect(RunComparison(CallDraw(), CallDraw()).verdict == .inconclusive)
    }

    // MARK: Likeness

    private func run(_ change: (inout RunResult) -> Void = { _ in }) -> RunResult {
        var run = RunResult(
            scenario: .init(name: "x", fileHash: "abc"), seed: 1, world: .live, commit: "1",
            version: "1", command: "", target: "embedded", priceBook: "p")
        run.isPartial = false
        run.draw = Self.draw(3, seed: 1)
        run.load.lines = [.init(name: "hold-1", text: "hold: 3 callers for 10s")]
        run.providers = [.init(.deepgram, preset: "guide")]
        change(&run)
        return run
    }

    @Test func seedsAndCommitsMayDiffer() {
        let other = run {
            $0.seed = 2
            $0.commit = "2"
        }
        #expect(RunLikeness.differences(run(), other) == [])
    }

    @Test(arguments: [
        "world", "scenario", "load", "audio", "providers", "prices", "partial", "invalid", "faults",
    ])
    func runsThatAskAnotherQuestionAreRefused(_ what: String) {
        let other = run { run in
            switch what {
            case "world": run.world = .simulated
            case "scenario": run.scenario.fileHash = "def"
            case "load": run.load.lines[0].text = "hold: 4 callers for 10s"
            case "audio": run.audio.corpus = "other"
            case "providers": run.providers[0].isEmulated = false
            case "prices": run.priceBook = "q"
            case "partial": run.isPartial = true
            case "invalid": run.validity.state = .invalid
            default:
                run.faults = [.init(id: "f", kind: "k", target: "t", summary: "", effects: 1)]
            }
        }
        let found = RunLikeness.differences(run(), other)
        #expect(found.count == 1 && found[0].contains(what), "\(found)")
    }

    @Test func aResultKeepsItsBaseline() throws {
        var result = run()
        result.baseline = BaselineRecord(
            run(), RunComparison(Self.draw(5, seed: 1), Self.draw(5, scale: 1.3, seed: 2)))
        let read = try RunResult(decoding: result.encoded())
        #expect(read.baseline == result.baseline)
        #expect(read.baseline?.label == "commit 1, seed 1")
    }
}

extension RunComparison {
    /// As it is after it was stored and read.
    fileprivate func again() throws -> RunComparison {
        try RunComparison(ResultFields(.object(members), path: "$"))
    }
}
