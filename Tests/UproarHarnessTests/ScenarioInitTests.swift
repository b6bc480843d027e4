import Testing
import UproarCore
import UproarScenario

@testable import UproarHarness

@Suite struct ScenarioInitTests {
    @Test func theScenarioItWritesCanBeRead() throws {
        var plan = ScenarioInit.Plan(
            command: "python3 bot.py --name \"x\"", url: "ws://127.0.0.1:${media.port}/media",
            version: "1")
        plan.callers = 7
        var noise = ScenarioInit.Noise()
        noise.p50 = [400e6, 410e6]
        noise.p95 = [600e6, 655e6]
        noise.turns = [120, 130]
        noise.costPerMinute = [0.015, 0.016]
        #expect(
            noise.gates == [
                "voice_to_voice: p50 < 490ms min_n=60", "voice_to_voice: p95 < 760ms min_n=60",
                "cost_per_minute: mean <= $0.0192", "turns_lost: count <= 0",
                "calls_dropped: count <= 0",
            ])
        let text = ScenarioInit.scenario(plan, gates: noise.gates)
        let scenario = try ScenarioLoading.read(
            text: text, name: "scenarios/uproar.yaml", overrides: [])
        #expect(scenario.gates.count == 5)
        guard case .command(let target) = scenario.target else {
            Issue.record("not a command")
            return
        }
        #expect(target.environment.map(\.name) == ["DEEPGRAM_URL", "CARTESIA_URL"])
        #expect(target.environment.map(\.value.source) == ["${deepgram.ws}", "${cartesia.ws}"])
        // Found from any folder: it is the share folder's.
        #expect(text.contains("conversation: scenarios/conversations/task-manager.yaml"))
        #expect(target.arguments.map(\.source) == ["python3", "bot.py", "--name", "\"x\""])
    }

    @Test func aRunThatLostTurnsSetsNoGateThatItWouldFail() {
        var noise = ScenarioInit.Noise()
        noise.lost = 2
        noise.turns = [100]
        #expect(noise.gates.contains("turns_lost: rate <= 5%"))
    }
}
