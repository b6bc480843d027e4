import Testing
import UproarCore
import UproarScenario

@Suite struct TimelineReaderTests {
    private static let base = """
        name: t
        audio: fixtures/tasks
        load: [{hold: 20 callers for 120s}]
        timeline:

        """

    private func events(_ lines: String...) throws -> [TimelineEvent] {
        try ScenarioFixture.read(Self.base + lines.map { "  - \($0)\n" }.joined()).timeline
    }

    @Test func eachFormIsRead() throws {
        let events = try events(
            "{id: a, at: 25s, inject: http_error, status: 503, for: 15s}",
            "{after: a, inject: stall_at, count: 3, max: 5s}",
            "{after: a + 5s, inject: stall_at, until: a, max: 5s}",
            "{at: 1s, inject: stall_at, until: \"turns_lost: count > 3\", max: 5s, on: [redis, llm]}",
            "{every: 30s jitter 5s from 10s to 2m, inject: stall_at, pulse: 2s/1s, for: 9s, cohort: calls 3}",
            "{when: \"voice_to_voice: p95 > 1s\", within: 1m, clear: all}",
            "{at: 9s, expect: \"turns_lost: count <= 0\", within: 5s}", "{at: 9s, mark: now}",
            "{at: 9s, probe: redis}", "{at: 9s, clear: a}",
            "{at: 1s, inject: stall_at, for: 1s, cohort: channel=phone, p: 0.5%}")
        #expect(
            events.map(\.id) == [
                "a", "stall_at-1", "stall_at-2", "stall_at-3", "stall_at-4", "clear-1", "expect-1",
                "mark-1", "probe-1", "clear-2", "stall_at-5",
            ])
        #expect(events[0].action.text == "inject http_error status=503")
        #expect(
            events[1].when == .after("a", .zero) && events[1].life == .count(3, max: .seconds(5)))
        #expect(events[2].when == .after("a", .seconds(5)))
        #expect(events[2].life == .untilEvent("a", max: .seconds(5)))
        #expect(events[3].scope.on == ["redis", "llm"])
        #expect(
            events[4].life
                == .pulse(on: .seconds(2), off: .seconds(1), lasting: .seconds(9)))
        #expect(events[4].scope.cohort == .every(3))
        #expect(events[5].action == .clearAll)
        #expect(events[9].action == .clear("a"))
        #expect(events[10].scope.cohort == .tag("channel", "phone"))
        #expect(events[10].scope.chance == Chance(5, of: 1000))
    }

    /// Each rule of the grammar has an example that it rejects.
    @Test(arguments: [
        ("{at: 5s, inject: http_eror, for: 1s}", 22, "did you mean \"http_error\"?"),
        ("{at: 5s, inject: http_error, for: 1s}", 5, "has no \"status\""),
        ("{at: 5s, inject: http_error, status: 200, for: 1s}", 42, "no such number"),
        (
            "{at: 5s, inject: http_error, status: 503, statsu: 1, for: 1s}", 47,
            "did you mean \"status\"?"
        ),
        ("{at: 5s, inject: stall_at}", 5, "without an end"),
        ("{at: 5s, inject: stall_at, until: x}", 5, "has no \"max\""),
        ("{at: 5s, inject: stall_at, count: 3}", 5, "has no \"max\""),
        ("{at: 5s, inject: stall_at, pulse: 1s/1s}", 5, "has no \"for\""),
        ("{at: 5s, inject: stall_at, pulse: 1s, for: 5s}", 41, "\"/\" is due"),
        ("{at: 5s, inject: stall_at, for: 5s, until: a, max: 1s}", 5, "for and until"),
        ("{at: 5s, inject: stall_at, for: 5s, max: 1s}", 41, "stands alone"),
        ("{at: 5s, after: a, mark: x}", 5, "at and after"),
        ("{mark: x}", 5, "none of at, after, when, every"),
        ("{at: 5s}", 5, "none of inject"),
        ("{at: 5s, mark: x, clear: all}", 5, "clear and mark"),
        ("{when: \"turns_lost: count > 0\", mark: x}", 5, "has no \"within\""),
        ("{at: 5s, expect: \"turns_lost: count > 0\"}", 5, "has no \"within\""),
        ("{at: 5s, mark: x, within: 5s}", 23, "does not go with \"at\""),
        ("{at: 5s, mark: x, for: 5s}", 23, "does not go with \"mark\""),
        ("{at: 5s, mark: x, on: redis}", 23, "does not go with \"mark\""),
        (
            "{when: \"turns_lst: count > 0\", within: 5s, mark: x}", 13,
            "did you mean \"turns_lost\"?"
        ),
        ("{when: \"warn turns_lost: count > 0\", within: 5s, mark: x}", 13, "no severity"),
        ("{after: b, mark: x}", 5, "there is no event \"b\""),
        ("{at: 5s, clear: b}", 5, "there is no inject \"b\""),
        ("{id: b, after: b, mark: x}", 5, "waits for itself"),
        ("{id: b, at: 5s, inject: stall_at, until: b, max: 5s}", 5, "waits for itself"),
        ("{id: all, at: 5s, mark: x}", 10, "no id"),
        ("{every: 30s, mark: x}", 16, "\"from\" is due"),
        ("{every: 30s from 9s to 3s, mark: x}", 13, "never happens"),
        ("{every: 3s jitter 2s from 1s to 9s, mark: x}", 13, "overlaps itself"),
        ("{at: 5s, inject: http_error, status: 503, for: 5s, on: redis}", 60, "unknown target"),
        ("{at: 5s, inject: stall_at, for: 5s, where: {modl: x}}", 49, "did you mean \"model\"?"),
        ("{at: 5s, inject: stall_at, for: 5s, cohort: many}", 49, "no cohort"),
        ("{at: 5s, inject: stall_at, for: 5s, per: turn}", 46, "unknown unit"),
        ("{at: 5s, inject: stall_at, for: 5s, p: 2}", 44, "no chance"),
        ("{at: 5s, inject: stall_at, for: 5s, position: x}", 51, "no chance"),
    ])
    func eachRuleRejectsItsExample(_ line: String, _ column: Int, _ reason: String) throws {
        let problems = ScenarioFixture.problems(Self.base + "  - \(line)\n")
        let problem = try #require(
            problems.first { $0.reason.contains(reason) }, "\(problems.map(\.text))")
        #expect(problem.mark.line == 5 && problem.mark.column == column, "\(problem.text)")
        #expect(problem.page.hasPrefix("docs/scenario.md#"))
    }

    @Test func circlesAndDoubleIdsAreFound() {
        let circle = """
              - {id: a, after: b, mark: x}
              - {id: b, after: c, mark: x}
              - {id: c, after: a, mark: x}
              - {id: c, at: 1s, mark: x}

            """
        let problems = ScenarioFixture.problems(Self.base + circle)
        #expect(problems.map(\.mark.line) == [5, 6, 7, 8])
        #expect(problems.prefix(3).allSatisfy { $0.reason.contains("waits for itself") })
        #expect(problems.last?.reason.contains("second event") == true)
    }

    @Test func anEmptyCatalogNamesNoFault() {
        var catalog = ScenarioFixture.catalog
        catalog.faults = []
        let text = Self.base + "  - {at: 5s, inject: http_error, status: 503, for: 5s}\n"
        let problem = #expect(throws: FileProblems.self) {
            try ScenarioReader.read(
                Array(text.utf8), file: "s/a.yaml", files: ScenarioFixture.access(),
                catalog: catalog)
        }
        #expect(problem?.problems.count == 1)
        #expect(problem?.problems[0].allowed == "none is known here")
    }
}
