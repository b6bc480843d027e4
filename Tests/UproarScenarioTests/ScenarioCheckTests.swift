import Testing
import UproarCore
import UproarScenario

@Suite struct ScenarioCheckTests {
    private func check(
        _ text: String, limits: MachineLimits = MachineLimits(), endpointing: Duration? = nil
    ) throws -> ScenarioCheck {
        ScenarioCheck(
            try ScenarioFixture.read(text), seed: Seed(1), catalog: ScenarioFixture.catalog,
            limits: limits, endpointing: endpointing)
    }

    private func scenario(_ load: String, _ more: String = "") -> String {
        "name: t\naudio: fixtures/tasks\nload:\n  - \(load)\n\(more)"
    }

    @Test func aSmallRunNeedsLittle() throws {
        let check = try check(
            ScenarioFixture.small,
            limits: MachineLimits(descriptors: 1024, ports: 28_000, memory: 4_000_000_000))
        #expect(check.problems.isEmpty)
        #expect(check.peakCalls == 2 && check.ports == 2)
        #expect(check.processes.map(\.name) == ["callers", "agent", "providers"])
        #expect(check.call.turns == 3 && !check.call.isEndless)
        #expect((10...60).contains(check.call.length.inSeconds))
        #expect(check.calls >= 2 && check.turns >= 3)
    }

    /// The load of a spike ends as it begins: all its turns lie in the drain.
    @Test func theCallsOfASpikeAreFollowedIntoTheDrain() throws {
        let one = try check(scenario("spike: 1 caller at once", "drain: 600s\n"))
        #expect(one.turns == one.call.turns && one.turns > 0)
        let many = try check(scenario("spike: 20 callers at once", "drain: 600s\n"))
        #expect(many.turns == 20 * one.turns)
        let cut = try check(scenario("spike: 20 callers at once", "drain: 8s\n"))
        #expect(cut.turns > 0 && cut.turns < many.turns)
    }

    @Test func tooManyCallersForTheMachineAreAProblem() throws {
        let check = try check(
            scenario("hold: 30000 callers for 5s"),
            limits: MachineLimits(descriptors: 20_000, ports: 28_232, memory: 8_000_000_000))
        let texts = check.problems.map(\.text)
        #expect(texts.count == 4, "\(texts)")
        #expect(
            texts[0].contains("30000 calls at once need 30064 descriptors in the callers process"))
        #expect(texts[0].contains("about 19936 calls at once"))
        #expect(texts[1].contains("agent process") && texts[2].contains("providers process"))
        #expect(texts[3].contains("30000 local ports; this machine has 28232"))
        #expect(check.problems.allSatisfy { $0.mark.text == "s/a.yaml:3:1" })
        // Against a target that is elsewhere only the callers count.
        let url = scenario("hold: 30000 callers for 5s", "target: {url: 'ws://10.0.0.1/x'}\n")
        #expect(try self.check(url, limits: MachineLimits(descriptors: 40_000)).problems.isEmpty)
    }

    @Test func tooFewTurnsForAPercentileAreAWarning() throws {
        let text = scenario(
            "hold: 2 callers for 30s",
            "gates: ['voice_to_voice: p95 < 1s', 'voice_to_voice: p50 < 1s min_n=3']\n")
        let check = try check(text)
        #expect(check.problems.isEmpty)
        #expect(check.warnings.count == 1)
        #expect(check.warnings[0].reason.contains("p95 needs 200 samples"))
        #expect(check.warnings[0].mark.text == "s/a.yaml:5:9")
    }

    @Test func emptyWindowsAreAProblem() throws {
        let text = scenario(
            "ramp: 0 -> 20 callers over 30s",
            "gates: ['voice_to_voice@steady: p50 < 1s']\n")
        #expect(try check(text).problems.map(\.reason).first?.contains("no steady part") == true)
        let hold = scenario(
            "hold: 20 callers for 30s", "gates: ['voice_to_voice@warmup: p50 < 1s']\n")
        #expect(try check(hold).problems.map(\.reason).first?.contains("no warm-up") == true)
    }

    @Test(arguments: [
        ("{at: 1s, inject: stall_at, for: 5s}", "no baseline"),
        ("{at: 60s, inject: stall_at, for: 55s}", "do not fit before the load ends"),
        ("{at: 121s, mark: x}", "after the load"),
    ])
    func faultsLeaveRoomBeforeAndAfter(_ event: String, _ reason: String) throws {
        let load = "hold: 20 callers for 120s"
        let check = try check(scenario(load, "timeline:\n  - \(event)\n"))
        #expect(check.problems.count == 1)
        #expect(check.problems.first?.reason.contains(reason) == true)
        #expect(check.problems.first?.mark.line == 6)
        let good = "timeline: [{at: 60s, inject: stall_at, for: 50s}]\n"
        #expect(try self.check(scenario(load, good)).problems.isEmpty)
    }

    @Test func endpointingShorterThanAPauseIsAProblem() throws {
        // The fixture's longest inner pause has 140 ms.
        #expect(try check(ScenarioFixture.small, endpointing: .milliseconds(141)).problems.isEmpty)
        let found = try check(ScenarioFixture.small, endpointing: .milliseconds(140)).problems
        #expect(found.first?.reason.contains("add-milk-slt pauses for 140ms") == true)
        let set = ScenarioFixture.small + "agent: {endpointing: 100ms}\n"
        #expect(
            try check(set, endpointing: .seconds(1)).problems.first?.mark.text == "s/a.yaml:5:1")
    }

    @Test func costFollowsTheTurns() throws {
        var files = ScenarioFixture.files
        files["share/prices/guides-2025.yaml"] = """
            name: full
            prices:
              - {provider: deepgram, model: a, unit: audio_minute, dollars: $0.0077, as_of: 2025-11, source: g}
              - {provider: openai, model: a, unit: thousand_prompt_tokens, dollars: $0.00015, as_of: 2025-11, source: g}
              - {provider: openai, model: a, unit: thousand_completion_tokens, dollars: $0.0006, as_of: 2025-11, source: g}
              - {provider: cartesia, model: a, unit: audio_minute, dollars: $0.024, as_of: 2025-11, source: g}

            """
        let scenario = try ScenarioFixture.read(ScenarioFixture.small, files: files)
        let check = ScenarioCheck(scenario, seed: Seed(1), catalog: ScenarioFixture.catalog)
        let cost = try #require(check.cost)
        let minutes = Double(check.turns) / 3 * check.call.length.inSeconds / 60
        // A healthy call costs $0.013 to $0.027 a minute at these prices.
        #expect((0.008...0.03).contains(cost / minutes))
        #expect(try self.check(ScenarioFixture.small).cost == nil)
    }

    @Test func thousandsOfCallsAreCheckedAtOnce() throws {
        let check = try check(scenario("arrive: 100/s poisson for 100s"))
        #expect(check.plan.arrivals.count == 10_000)
        #expect(check.peakCalls > 500)
    }
}
