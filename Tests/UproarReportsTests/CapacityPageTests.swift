import Testing
import UproarCapacity
import UproarCore
import UproarStatistics

@testable import UproarReports

/// What a search leaves, from a whole one down to one without a run, as page, as summary and as `capacity.json`.
@Suite struct CapacityPageTests {
    static let schema = try! JSONParser.parse(Repository.bytes("docs/capacity-schema.json"))

    static func probe(
        _ load: Int, _ outcome: CapacityProbe.Outcome = .held,
        _ purpose: CapacityProbe.Purpose = .growing
    ) -> CapacityProbe {
        var probe = CapacityProbe(
            load: load, purpose: purpose, outcome: outcome,
            reason: outcome == .held
                ? "every gate held" : "voice_to_voice@steady: p95 < 800ms (1.2s)",
            seed: 5, folder: "probe-\(load)", ramp: 5, hold: 30, validity: .valid)
        let calls = Double(load)
        let p95 = 0.4 + 0.02 * calls / (45 - min(calls, 44))
        probe.turns = UInt64(load * 6)
        probe.connected = calls * 35
        probe.p50 = 0.35
        probe.p95 = p95
        probe.p99 = load > 30 ? p95 * 1.2 : nil
        probe.p95Interval = .init(low: p95 * 0.95, high: p95 * 1.08)
        probe.stages = [.init(name: "tools", owner: "agent", mean: 0.1, p95: 0.1 + calls * 0.01)]
        probe.callsUnderWay = calls * 0.97
        probe.agentCores = 0.02 + 0.011 * calls + (load % 3 == 0 ? 0.004 : -0.003)
        probe.agentCoresPeak = 0.03 + 0.012 * calls
        probe.agentThrottled = calls / 60
        probe.agentMemory = 3e7 + 8e4 * calls
        probe.agentMemoryIdle = 3e7
        probe.agentMemoryPeak = 3.1e7 + 8e4 * calls
        probe.bitsPerCall = 211_000
        probe.harnessCores = 0.01 * calls
        probe.coldStart = 0.21
        var usage = ProviderUsage()
        usage.requests = Int64(load * 12)
        probe.uses = [.init(provider: .openai, usage: usage, dollars: 0.01)]
        return probe
    }

    static func result(_ probes: [CapacityProbe], _ verdict: CapacityResult.Verdict)
        -> CapacityResult
    {
        var result = CapacityResult(
            scenario: "page", scenarioHash: "abc", target: "embedded, 1 worker", world: .live,
            seed: 5, commit: "0123456789", version: "1", command: "uproar capacity page.yaml")
        result.gates = ["voice_to_voice@steady: p95 < 800ms", "turns_lost: count <= 0"]
        result.providers = ["deepgram guide-budget", "openai guide-budget"]
        result.limits.cores = 0.5
        result.limits.coresText = "its quota of 0.5 cores"
        result.probes = probes
        result.verdict = verdict
        result.verdictText = "A sentence."
        result.isPartial = false
        result.calls = probes.filter { $0.outcome == .held }.map(\.load).max()
        result.brokeAt = probes.filter { $0.outcome == .broke }.map(\.load).min()
        result.bottleneck = Bottleneck.find(probes, result.limits, edge: result.brokeAt)
        result.spent = 300
        result.budget = 540
        return result
    }

    static var whole: CapacityResult {
        var result = result(
            [1, 2, 4, 8, 16, 32].map { probe($0) } + [
                probe(64, .broke), probe(48, .broke, .bisecting), probe(40, .held, .bisecting),
                probe(42, .broke, .bisecting), probe(40, .held, .replicating),
                probe(42, .broke, .replicating), probe(30, .held, .checking),
                probe(36, .held, .ramping), probe(36, .held, .cooling),
            ], .found)
        result.calls = 40
        result.interval = .init(low: 39.1, high: 42.3)
        result.checks = [
            .init(
                load: 30, figure: "p95_s", predicted: 0.44, interval: .init(low: 0.4, high: 0.48),
                measured: 0.45),
            .init(
                load: 30, figure: "agent_cores", predicted: 0.35,
                interval: .init(low: 0.33, high: 0.37), measured: 0.39),
        ]
        result.ramps = [
            .init(perSecond: 72, load: 36, held: false), .init(perSecond: 10, load: 36, held: true),
        ]
        result.probes[result.probes.count - 1].coolDown = 2
        return result
    }

    static func named(_ name: String) -> CapacityResult {
        switch name {
        case "whole": return whole
        case "one": return result([probe(1)], .budget)
        case "flat": return result([1, 2, 4, 8].map { probe($0).flattened }, .limit)
        case "harness":
            var result = result(
                [1, 2, 4].map { probe($0) } + [probe(8, .harness), probe(8, .harness)], .harness)
            result.verdictText =
                "The harness gave out before the agent: it sustains at least 4 calls. frames were sent late"
            result.bottleneck = Bottleneck(
                kind: .harness,
                text: "The harness, not the agent: take a larger machine, or several.",
                evidence: ["frames were sent late"])
            return result
        case "nothing": return result([probe(1, .broke), probe(1, .broke)], .nothingHolds)
        default: return result([], .interrupted)
        }
    }

    static let names = ["whole", "one", "flat", "harness", "nothing", "none"]

    @Test(arguments: names)
    func pagesAreWholeAndWellFormed(_ name: String) {
        let result = Self.named(name)
        let text = CapacityPage(result).text
        Golden.show(text, "capacity-\(name).html")
        #expect(HTMLReportTests.unbalanced(text) == nil)
        for wrong in ["nan", "inf\"", "Optional(", "≥ unknown"] {
            #expect(!text.lowercased().contains(wrong.lowercased()), "\(name) holds \(wrong)")
            #expect(!CapacityText(result).text.lowercased().contains(wrong.lowercased()))
        }
        for forbidden in ["http://", "https://", "src=", "@import", "url(", "<link"] {
            #expect(!text.contains(forbidden), "\(name) holds \(forbidden)")
        }
    }

    /// The checker of results is stricter than the standard: a member that the schema does not describe is an error.
    @Test(arguments: names)
    func capacitiesFitTheSchemaAndHoldNothingItDoesNotDescribe(_ name: String) throws {
        let stored = try JSONParser.parse(Self.named(name).encoded())
        #expect(SchemaChecker(Self.schema).errors(in: stored).prefix(5) == [])
    }

    @Test func whatTheSchemaForbidsIsFound() throws {
        var text = String(decoding: Self.whole.encoded(), as: UTF8.self)
        text.replace("\"verdict\": \"found\"", with: "\"verdict\": \"sure\"")
        text.replace("\"agent_throttled\"", with: "\"agent_trottled\"")
        let errors = SchemaChecker(Self.schema).errors(in: try JSONParser.parse(Array(text.utf8)))
        #expect(errors.contains { $0.contains("$.verdict: \"sure\" is not one of the words") })
        #expect(errors.contains { $0.contains("'agent_trottled' is not described") })
    }

    @Test func aHarnessThatGaveOutIsSaidFirstAndTheAgentIsNotBlamed() {
        let result = Self.named("harness")
        let page = CapacityPage(result).text
        #expect(page.contains("≥ 4 calls"))
        #expect(page.contains("The harness, not the agent"))
        #expect(CapacityText(result).text.hasPrefix("CAPACITY   at least 4 calls   HARNESS\n"))
    }

    @Test func oneRunIsNoCurveAndNoLoadThatHoldsIsZero() {
        let one = CapacityPage(Self.named("one")).text
        #expect(!one.contains("The knee, at"))
        #expect(!one.contains("id=\"model\""))
        #expect(one.contains("≥ 1 calls"))
        #expect(CapacityText(Self.named("nothing")).text.hasPrefix("CAPACITY   0 calls"))
    }

    @Test func theFitStandsWithItsIntervalsItsResidualsAndWhatItPredicted() {
        let page = CapacityPage(Self.whole).text
        #expect(page.contains("Parameters of the fits"))
        #expect(page.contains("Residuals of the fitted p95"))
        #expect(page.contains("Residuals of the fitted cores"))
        #expect(
            page.contains(
                "cores at 30 calls: predicted 0.350 cores (0.330 to 0.370), measured 0.390"))
        #expect(page.contains(">outside<") && page.contains(">inside<"))
    }

    @Test func whereLatencyIsLevelItIsSaidInWordsWithWhatBoundsTheLoad() throws {
        var result = Self.result(
            [1, 4, 16, 64].map { load in
                var probe = Self.probe(load)
                probe.p95 = load == 16 ? 0.65 : 0.64
                return probe
            } + [Self.probe(96, .broke)], .found)
        result.bottleneck = Bottleneck(
            kind: .cpu, text: "Processor time: the quota was spent.", evidence: [])
        let words =
            "not visible in latency: p95 is level, 642 ms (634 to 650), from 1 to 64 calls. What bounds it: Processor time: the quota was spent."
        #expect(CapacityText(result).text.contains("KNEE       \(words)"))
        let page = CapacityPage(result).text
        #expect(page.contains("The knee is \(words)"))
        #expect(!page.contains("The knee, at"))
        #expect(HTMLReportTests.unbalanced(page) == nil)
        let stored = try JSONParser.parse(result.encoded())
        #expect(SchemaChecker(Self.schema).errors(in: stored).isEmpty)
        #expect(stored["summary"]?["latency"]?["shape"]?.text == "level")
    }

    @Test func whatTheKernelHeldBackIsAmongTheEvidence() {
        #expect(
            CapacityText(Self.whole).text.contains(
                "the kernel held it back in 70 % of its quota's periods at 42 calls"))
    }
}

extension CapacityProbe {
    fileprivate var flattened: CapacityProbe {
        var copy = self
        copy.p95 = 0.4
        return copy
    }
}
