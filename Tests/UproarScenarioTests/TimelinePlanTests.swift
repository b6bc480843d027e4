import Testing
import UproarCore
import UproarScenario

@Suite struct TimelinePlanTests {
    private func plan(_ lines: String..., seed: UInt64 = 1) throws -> TimelinePlan {
        let text = """
            name: t
            audio: fixtures/tasks
            load: [{hold: 20 callers for 120s}]
            timeline:

            """
        let events = try ScenarioFixture.read(text + lines.map { "  - \($0)\n" }.joined()).timeline
        return TimelinePlan(events, seed: Seed(seed), loadDuration: .seconds(120))
    }

    private func row(_ occurrence: TimelinePlan.Occurrence) -> String {
        func text(_ span: TimelinePlan.Span) -> String {
            span.isExact
                ? "\(span.earliest.inSeconds)"
                : "\(span.earliest.inSeconds)-\(span.latest.inSeconds)"
        }
        return "\(occurrence.id) \(text(occurrence.start)) \(text(occurrence.end))"
    }

    @Test func timesFollowFromEachOther() throws {
        let plan = try plan(
            "{id: late, after: stt + 5s, mark: x}",
            "{id: stt, at: 25s, inject: stall_at, for: 15s}",
            "{id: open, at: 30s, inject: stall_at, count: 3, max: 10s}",
            "{id: next, after: open, inject: stall_at, for: 2s}",
            "{id: seen, when: \"turns_lost: count > 0\", within: 60s, mark: x}",
            "{id: cut, at: 50s, inject: stall_at, until: stop, max: 20s}",
            "{id: stop, at: 55s, clear: gone}",
            "{id: gone, at: 51s, inject: stall_at, for: 30s}")
        #expect(
            plan.occurrences.map(row) == [
                "seen 0.0-60.0 0.0-60.0", "stt 25.0 40.0", "open 30.0 30.0-40.0",
                "next 30.0-40.0 32.0-42.0", "late 45.0 45.0", "cut 50.0 55.0", "gone 51.0 55.0",
                "stop 55.0 55.0",
            ])
        #expect(plan.clearAll == .seconds(120))
    }

    @Test func tiesRunInWrittenOrder() throws {
        let plan = try plan("{at: 5s, mark: b}", "{id: a, at: 5s, mark: a}", "{at: 5s, mark: c}")
        #expect(plan.occurrences.map(\.id) == ["mark-1", "a", "mark-3"])
    }

    @Test func everyIsJitteredBySeed() throws {
        let line = "{id: flap, every: 10s jitter 2s from 10s to 100s, inject: stall_at, for: 1s}"
        let (one, same, other) = (
            try plan(line), try plan(line), try plan(line, seed: 2)
        )
        #expect(one == same && one != other)
        #expect(one.occurrences.count == 10)
        #expect(one.occurrences[1].id == "flap#2")
        for (index, occurrence) in one.occurrences.enumerated() {
            let due = Double(10 + 10 * index)
            #expect(abs(occurrence.start.earliest.inSeconds - due) <= 2)
        }
    }

    @Test func clearAllEndsEverything() throws {
        let plan = try plan(
            "{at: 5s, inject: stall_at, for: 50s}", "{at: 20s, clear: all}",
            "{at: 30s, inject: stall_at, for: 5s}")
        #expect(
            plan.occurrences.map(row)
                == ["stall_at-1 5.0 20.0", "clear-1 20.0 20.0", "stall_at-2 30.0 35.0"])
    }
}
