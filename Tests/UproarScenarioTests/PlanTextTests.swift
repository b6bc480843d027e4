import Testing
import UproarCore
import UproarScenario

@Suite struct PlanTextTests {
    @Test func thePlanIsWrittenAsItStands() throws {
        let scenario = try ScenarioFixture.read(
            """
            name: outage
            audio: fixtures/tasks
            load:
              - ramp: 0 -> 2 callers over 1s
              - hold: 20 callers for 2m
              - spike: 1 callers at once
            timeline:
              - {id: stt, at: 60s, inject: http_error, status: 503, for: 15s, on: deepgram, cohort: 50%, p: 1/2}
              - {after: stt + 5s, mark: over}

            """)
        let text = PlanText.text(
            scenario, seed: Seed(42),
            check: ScenarioCheck(scenario, seed: Seed(42), catalog: ScenarioFixture.catalog),
            hash: "abc123", catalog: ScenarioFixture.catalog)
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines[0] == "PLAN       outage   seed 42   scenario abc123")
        #expect(
            lines[1]
                == "LOAD       121.000s: 1 single calls, 20 callers that dial again 1s after each call"
        )
        #expect(lines[2] == "           0.000s  ramp-1: ramp 0 -> 2 callers over 1s")
        #expect(lines[5] == "WINDOWS    warmup 0.000s..1.000s   steady 1.000s..121.000s")
        let start = try #require(lines.firstIndex(of: "ARRIVALS"))
        #expect(lines[start + 1] == "  0.000s  #1  ramp-1  caller 1 until 121.000s")
        #expect(lines[start + 2] == "  0.500s  #2  ramp-1  caller 2 until 121.000s")
        #expect(lines[start + 21] == "  121.000s  #21  spike-1")
        #expect(
            lines.suffix(4) == [
                "FAULTS",
                "  60.000s  stt  inject http_error status=503  for 15s, over at 75.000s  on deepgram, cohort 50%, p 50%  affects about 25% of requests",
                "  80.000s  mark-1  mark over", "  121.000s  clear all",
            ])
    }

    @Test func theSameSeedGivesTheSameBytes() throws {
        func plan(_ seed: UInt64) throws -> String {
            let scenario = try ScenarioFixture.read()
            let check = ScenarioCheck(
                scenario, seed: Seed(seed), catalog: ScenarioFixture.catalog)
            return PlanText.text(
                scenario, seed: Seed(seed), check: check, hash: "x",
                catalog: ScenarioFixture.catalog)
        }
        #expect(try plan(1) == plan(1))
        #expect(try plan(1) != plan(2))
    }
}
