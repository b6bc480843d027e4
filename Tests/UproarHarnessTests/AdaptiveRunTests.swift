import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarStatistics

@testable import UproarHarness

@Suite struct AdaptiveRunTests {
    /// A finished run of `calls` calls of four turns, each call with a level of its own around 500 ms.
    private static func run(_ calls: Int, scale: Double = 1, seed: UInt64) -> RunResult {
        var run = RunResult(
            scenario: .init(name: "x", fileHash: "abc"), seed: seed, world: .live, commit: "1",
            version: "1", command: "", target: "embedded", priceBook: "p")
        run.isPartial = false
        run.outcome = RunOutcome(.inconclusive, .inconclusive, reasons: ["note"])
        run.ledger.turns.answered = UInt64(calls * 4)
        var random = Seed(seed).stream("adaptive")
        for id in 0..<calls {
            var call = CallRecord(
                CallDescription(id: UInt32(id), tags: .init(), patience: .seconds(10)),
                outcome: .completed)
            call.due = .zero
            let level = 500 * (1 + 0.07 * normalQuantile(0.001 + 0.998 * random.unit()))
            for turn in 1...4 {
                var record = TurnRecord(
                    utterance: UInt32(turn), clip: 0, began: .zero, ended: .zero)
                let noise = 1 + 0.15 * normalQuantile(0.001 + 0.998 * random.unit())
                record.outcome = .answered
                record.voiceToVoice = .exact(.microseconds(Int(level * noise * scale * 1000)))
                call.turns.append(record)
            }
            run.draw.add(call)
        }
        return run
    }

    /// Rounds of `calls` calls until it is decided.
    private func decide(scale: Double, calls: Int, baseline: Int, seed: UInt64) -> (
        result: RunResult, rounds: AdaptiveRun.Rounds
    ) {
        var rounds = AdaptiveRun.Rounds(
            Self.run(calls, scale: scale, seed: seed), baseline: Self.run(baseline, seed: 900),
            limits: .init())
        while rounds.end == nil, rounds.comparison.verdict == .inconclusive {
            rounds.add(
                Self.run(calls, scale: scale, seed: seed &+ UInt64(rounds.count)), isClean: true)
        }
        return (rounds.decided(), rounds)
    }

    /// Six calls cannot tell a tenth; as many rounds of six as it takes can.
    @Test(arguments: [(1.0, OutcomeWord.passed), (1.13, .regressed)])
    func roundsGoOnUntilThereArePowerEnough(_ scale: Double, _ word: OutcomeWord) throws {
        let seed: UInt64 = 40
        let once = AdaptiveRun.Rounds(
            Self.run(6, scale: scale, seed: seed), baseline: Self.run(200, seed: 900),
            limits: .init())
        #expect(once.comparison.verdict == .inconclusive)
        #expect(once.openText.hasPrefix("after 6 calls: not decided, needs ≈ "))
        #expect(once.end == nil)
        let (result, rounds) = decide(scale: scale, calls: 6, baseline: 200, seed: seed)
        #expect(result.outcome.word == word)
        #expect(rounds.count > 1)
        let record = try #require(result.baseline)
        #expect(record.rounds.map(\.seed) == (0..<rounds.count).map { seed + UInt64($0) })
        #expect(record.comparison.callCounts.after == 6 * rounds.count)
        // What stood in the first run's outcome beside the comparison stays.
        #expect(result.outcome.reasons.contains("note"))
        // Stored, it gives the same answer: its draw is that of all rounds.
        let again = try RunResult(decoding: result.encoded())
        #expect(again.baseline == record)
        let stored = RunComparison(
            Self.run(200, seed: 900).draw, again.draw, growing: .after)
        #expect(stored == record.comparison)
    }

    @Test func aBaselineThatIsTooShortEndsIt() {
        let (result, rounds) = decide(scale: 1.09, calls: 40, baseline: 6, seed: 7)
        #expect(result.outcome.word == .inconclusive)
        #expect(rounds.end?.contains("the baseline's 6 calls are too few") == true)
        #expect(rounds.count < 60)
    }

    /// A later round whose gates fail is the answer, whatever the comparison says, and its calls are not counted.
    @Test func aRoundThatFailsIsTheOutcomeOfAll() {
        var rounds = AdaptiveRun.Rounds(
            Self.run(6, seed: 40), baseline: Self.run(200, seed: 900), limits: .init())
        var bad = Self.run(6, seed: 41)
        bad.outcome = RunOutcome(.invalid, .inconclusive, reasons: ["too late", "too slow"])
        rounds.add(bad, isClean: false)
        #expect(rounds.end == "round 2, seed 41 is invalid")
        let result = rounds.decided()
        #expect(result.outcome.word == .invalid)
        #expect(result.outcome.reasons.prefix(2) == ["round 2, seed 41: too late", "too slow"])
        #expect(result.baseline?.comparison.callCounts.after == 6)
    }

    /// The whole way in virtual time: files, rounds below the folder, a budget of virtual time, and the same bytes again.
    @Test func aSimulatedRunGoesOnUnderOtherSeeds() throws {
        let folder = "/tmp/uproar-adaptive-\(getpid())"
        defer { Self.remove(folder) }
        let view = LiveView(isQuiet: true)
        func loaded(_ seed: Int) throws -> LoadedScenario {
            let text = """
                name: adaptive
                summary: Two callers who are too few.
                seed: \(seed)
                target: embedded
                conversation: conversations/first-call.yaml
                audio: fixtures/task-manager
                load: [{spike: 3 callers at once}]
                recording: off
                """
            return LoadedScenario(
                try ScenarioLoading.read(
                    text: text, name: "scenarios/adaptive.yaml", overrides: []))
        }
        func run(_ name: String, budget: Duration?) throws -> (RunResult, [UInt8]) {
            var options = RunOptions(commandLine: "uproar simulate")
            options.out = "\(folder)/\(name)"
            options.baseline = ("\(folder)/base/result.json", .init())
            var plan = AdaptiveRun.Plan(
                scenario: try loaded(5), options: options, isSimulated: true, version: "test")
            plan.budget = budget
            let ending = try AdaptiveRun.run(plan, view: view)
            let bytes = try TextFile.read("\(folder)/\(name)/result.json")
            let stored = try RunResult(decoding: bytes)
            #expect(ending.exitCode == stored.outcome.exitCode)
            return (stored, bytes)
        }
        var options = RunOptions(commandLine: "uproar simulate")
        options.out = "\(folder)/base"
        _ = try RunSession.simulate(
            try loaded(1), options: options, version: "test", view: view)

        let (short, _) = try run("short", budget: .seconds(1))
        #expect(short.outcome.word == .inconclusive)
        #expect(short.outcome.reasons.first == "the budget of 1.00s is spent")
        #expect(short.baseline?.rounds == [])
        #expect(!ShareFolder.exists("\(folder)/short/rounds"))

        let (long, bytes) = try run("long", budget: .seconds(20))
        let rounds = try #require(long.baseline?.rounds)
        #expect(rounds.count > 1)
        #expect(rounds.map(\.seed) == (0..<rounds.count).map { 5 + UInt64($0) })
        #expect(ShareFolder.exists("\(folder)/long/rounds/\(rounds.count)/report.html"))
        #expect(try run("again", budget: .seconds(20)).1 == bytes)
    }

    private static func remove(_ path: String) {
        for name in ProcFile.names(in: path) {
            let entry = "\(path)/\(name)"
            if unlink(entry) != 0 { remove(entry) }
        }
        rmdir(path)
    }
}
