import Testing
import UproarCore
import UproarStatistics

@testable import UproarCapacity

@Suite struct SizingTests {
    private static func probe(_ load: Int, cores: Double, memory: Double) -> CapacityProbe {
        var probe = CapacityProbe(
            load: load, purpose: .growing, outcome: .held, reason: "every gate held", seed: 1,
            folder: "probe", ramp: 5, hold: 60, validity: .valid)
        probe.callsUnderWay = Double(load)
        probe.agentCores = cores
        probe.agentMemory = memory
        probe.agentMemoryIdle = 50e6
        probe.p50 = 0.4
        probe.p95 = 0.5 + 0.01 * Double(load)
        probe.coldStart = 2
        probe.turns = UInt64(load * 10)
        probe.connected = Double(load) * 60
        var usage = ProviderUsage()
        usage.requests = Int64(load * 20)
        usage.promptTokens = Int64(load * 4000)
        usage.completionTokens = Int64(load * 400)
        probe.uses = [.init(provider: .openai, usage: usage, dollars: Double(load) * 0.002)]
        return probe
    }

    private static func basis(uncounted: Int64 = 0) throws -> SizingBasis {
        var result = CapacityResult(
            scenario: "test", scenarioHash: "", target: "embedded", world: .live, seed: 1,
            commit: "", version: "", command: "")
        // 0.05 cores at rest and 0.1 a call; 100 MB and 10 MB.
        result.probes = [1, 2, 4, 8].map {
            probe($0, cores: 0.05 + 0.1 * Double($0), memory: 100e6 + 10e6 * Double($0))
        }
        if uncounted > 0 {
            for index in result.probes.indices {
                result.probes[index].uses[0].usage.uncounted = uncounted
                result.probes[index].uses[0].dollars = nil
            }
        }
        result.calls = 8
        result.limits.cores = 1
        // As `uproar size` reads it.
        let stored = try CapacityResult(json: JSONParser.parse(result.encoded()))
        return try SizingBasis(stored, source: "test")
    }

    private static let node = NodeBook.Node(
        name: "n2-standard-4", cores: 4, memory: 16 * 1_073_741_824, dollarsPerHour: 0.2,
        asOf: "2025-11", source: "test")
    private static let book = NodeBook(name: "test", nodes: [node], minutes: [])

    private func plan(_ calls: Int, _ change: (inout SizingPlan.Request) -> Void = { _ in }) throws
        -> SizingPlan
    {
        var request = SizingPlan.Request(calls: calls, callsNote: "test")
        change(&request)
        return try SizingPlan(
            try Self.basis(), request, node: Self.node, book: Self.book)
    }

    /// By CPU (1 · 0.7 − 0.05)/0.1 = 6.5: 6. By memory (1024 Mi · 0.8 − 100 MB)/10 MB = 75. By gates 8 · 0.8 = 6.4: 6.
    @Test func theLeastLimitBinds() throws {
        let plan = try plan(600)
        #expect(plan.limits.map(\.name) == ["cpu", "memory", "gates"])
        #expect(plan.limits.map(\.calls) == [6, 75, 6])
        #expect(plan.callsPerPod == 6)
        #expect(plan.binding == "cpu")
        #expect(try self.plan(600) { $0.maxJobs = 4 }.binding == "max_jobs")
        #expect(try self.plan(600) { $0.podMemory = 160 * 1_048_576 }.binding == "memory")
    }

    /// 600 calls at 6 are 100 pods; (4 − 0.25)/1 = 3 pods by node are 34 nodes. A node of 35 takes 3 of 103 with it. Two zones of three
    /// carry 100: 50 each, 17 nodes each.
    @Test func theLossOfAPodANodeAndAZoneIsSurvived() throws {
        let plan = try plan(600)
        #expect(plan.podsPerNode == 3)
        #expect(
            plan.survivals == [
                .init(name: "nothing", pods: 100, nodes: 34),
                .init(name: "a pod", pods: 101, nodes: 34),
                .init(name: "a node", pods: 103, nodes: 35),
                .init(name: "a zone", pods: 150, nodes: 51),
            ])
    }

    @Test func whateverIsLostWhatIsLeftCarriesThePeak() throws {
        for calls in [1, 5, 17, 99, 600, 5000] {
            for zones in [2, 3, 4] {
                let plan = try plan(calls) { $0.zones = zones }
                for survival in plan.survivals {
                    #expect(survival.pods <= survival.nodes * plan.podsPerNode)
                    let left =
                        switch survival.name {
                        case "a pod": survival.pods - 1
                        case "a node":
                            survival.pods - (survival.pods + survival.nodes - 1) / survival.nodes
                        case "a zone": survival.pods - survival.pods / zones
                        default: survival.pods
                        }
                    #expect(left * plan.callsPerPod >= calls, "\(survival.name), \(calls) calls")
                }
            }
        }
    }

    /// 2 requests by turn and 10 turns by call and minute: 600 calls · 20 requests · 1.3 = 15,600; tokens (4000 + 400) · 600 · 1.3.
    @Test func quotasFollowFromMeasuredRequests() throws {
        let quotas = try plan(600).quotas
        #expect(quotas.map(\.what) == ["requests/min", "tokens/min"])
        #expect(quotas.map(\.amount) == [15_600, 3_432_000])
        #expect(quotas[1].text == "440 by turn, measured")
    }

    /// What an answer behind `upstream:` used is not always told: a quota is then a lower bound, and says so.
    @Test func aQuotaSaysWhatCouldNotBeCounted() throws {
        let plan = try SizingPlan(
            try Self.basis(uncounted: 3), .init(calls: 600, callsNote: "test"), node: Self.node,
            book: Self.book)
        #expect(
            plan.quotas[1].text
                == "440 by turn, at least: 3 of 160 answers could not be counted")
        #expect(plan.costs[1].dollars == nil)
    }

    /// $0.002 a minute · 600 · 30 % · 730 h · 60 min = $15,768; 51 nodes · $0.2 · 730 h = $7,446. Levers come off their own line.
    @Test func aMonthIsPricedByLine() throws {
        let plan = try plan(600)
        let lines = plan.costs
        #expect(lines.map(\.name) == ["STT", "LLM", "TTS", "media edge", "telephony", "compute"])
        #expect(lines[0].dollars == nil)
        #expect(abs((lines[1].dollars ?? 0) - 15_768) < 0.01)
        #expect(abs((lines[5].dollars ?? 0) - 7446) < 0.01)
        let prompt = try #require(plan.levers.first { $0.name == "prompt optimisation" })
        #expect(abs(prompt.low - 0.15 * 15_768) < 0.01)
        #expect(plan.levers.count == 5)
    }

    /// Three calls in a minute want two pods of headroom on top of one by zone, more than the plan deploys: the limits must not cross.
    @Test func theAutoscalersLimitsNeverCross() throws {
        for (calls, burst) in [(1, 1), (3, 3), (3, 60), (600, 5000)] {
            let scaling = try plan(calls) { $0.burst = burst }.scaling
            #expect(scaling.minimum < scaling.maximum, "\(calls) calls, \(burst) in a minute")
        }
    }

    /// An agent that refuses its ninth call carries eight on a pod of any size.
    @Test func anAgentsOwnLimitDoesNotGrowWithItsCores() throws {
        var basis = try Self.basis()
        basis.maximumCalls = 8
        let plan = try SizingPlan(
            basis,
            {
                var request = SizingPlan.Request(calls: 100, callsNote: "test")
                request.podCores = 3
                return request
            }(), node: Self.node, book: Self.book)
        #expect(plan.callsPerPod == 8)
        #expect(plan.binding == "refusals")
    }

    @Test func whatWasNotMeasuredIsListedAsAssumed() throws {
        var bare = Self.probe(4, cores: 0, memory: 0)
        bare.agentCores = nil
        bare.agentMemory = nil
        let basis = SizingBasis(bare, source: "url", scenario: "test", priceBook: "")
        #expect(basis.coresPerCall.origin == .assumed)
        let plan = try SizingPlan(
            basis, .init(calls: 10, callsNote: "test"), node: Self.node, book: Self.book)
        #expect(plan.assumptions.contains { $0.hasPrefix("cores by call: the guide's") })
    }

    @Test func aPodTooSmallForOneCallIsRefusedWithTheReason() {
        #expect(throws: CapacityFileError.self) { try plan(10) { $0.podCores = 0.1 } }
        #expect(throws: CapacityFileError.self) { try plan(10) { $0.podCores = 16 } }
    }

    /// 000: 1 · 0.7/0.16 = 4.4. 002: 2 · 0.7/0.16 = 8.75. Memory: (0.8 · 1024 − 512)/50 = 6.1.
    @Test func theGuidesContradictThemselves() {
        #expect(GuideTable.callsByCPU(cores: 1, perCall: 0.16, target: 0.7) == 4)
        #expect(GuideTable.callsByCPU(cores: 2, perCall: 0.16, target: 0.7) == 8)
        #expect(
            GuideTable.callsByMemory(mebibytes: 1024, base: 512, perCall: 50, share: 0.8) == 6)
    }

    /// Tables of Erlang's loss formula: 10 erlangs on 10 places lose 21.46 %; 100 on 117 lose 1 %.
    @Test func erlangsFormulaIsThatOfTheTables() {
        #expect(abs(ErlangB.refused(load: 10, places: 10) - 0.2146) < 1e-4)
        #expect(ErlangB.places(load: 100, refusing: 0.01) == 117)
        #expect(ErlangB.places(load: 1, refusing: 0.01) == 5)
    }

    @Test func aCapacityComesBackFromItsFileAsItWas() throws {
        var result = CapacityResult(
            scenario: "test", scenarioHash: "abc", target: "embedded", world: .live, seed: 7,
            commit: "c", version: "v", command: "uproar capacity x")
        result.probes = [1, 2, 4, 8].map { Self.probe($0, cores: 0.25, memory: 1e8) }
        result.probes[3].outcome = .broke
        result.probes[3].agentThrottled = 0.5
        result.probes[3].providerRefusals = ["deepgram 429 × 2"]
        result.limits.isShared = true
        result.probes[3].stages = [.init(name: "stt", owner: "provider", mean: 0.1, p95: 0.25)]
        result.calls = 4
        result.brokeAt = 8
        result.verdict = .found
        result.interval = .init(low: 3.5, high: 7.5)
        result.gates = ["voice_to_voice: p95 < 800ms"]
        result.checks = [
            .init(
                load: 3, figure: "p95_s", predicted: 0.5, interval: .init(low: 0.25, high: 0.75),
                measured: 0.5)
        ]
        result.ramps = [.init(perSecond: 8, load: 4, held: true)]
        result.bottleneck = .init(kind: .cpu, text: "Processor", evidence: ["a", "b"])
        result.isPartial = false
        let again = try CapacityResult(json: JSONParser.parse(result.encoded()))
        #expect(again == result)
        #expect(again.model == result.model)
    }

    @Test(arguments: [
        "{}", "{\"schema\":\"uproar.capacity/2\"}", "[]", "{\"schema\":\"uproar.capacity/1\"}",
        "{\"schema\":\"uproar.capacity/1\",\"scenario\":{\"name\":\"x\"},\"world\":\"live\",\"verdict\":\"found\",\"probes\":[{}]}",
    ])
    func whatIsNoCapacityIsAnErrorAndNoCrash(text: String) throws {
        let value = try JSONParser.parse(Array(text.utf8))
        #expect(throws: CapacityFileError.self) { try CapacityResult(json: value) }
    }
}
