import Testing
import UproarCore
import UproarScenario

@Suite struct ConversationReaderTests {
    private func problems(_ from: String, _ to: String) -> [FileProblem] {
        var files = ScenarioFixture.files
        files["s/conversations/tasks.yaml"] = ScenarioFixture.conversation.replacing(
            from, with: to, maxReplacements: 1)
        return ScenarioFixture.problems(files: files)
    }

    @Test func everyFormOfATurnArrives() throws {
        let script = try ScenarioFixture.read().conversation
        guard case .say(let first) = script.steps[0],
            case .pool(let count, let pool) = script.steps[1],
            case .say(let third) = script.steps[2]
        else {
            Issue.record("the steps are \(script.steps)")
            return
        }
        #expect(first.clips == .named(["add-milk"]) && first.expect == .intent("add_task"))
        #expect(first.pause == .constant(.milliseconds(500)) && first.patience == .seconds(5))
        #expect(first.bargeIn?.kind == .interruption && first.bargeIn?.then == .named(["list"]))
        #expect(first.bargeIn?.chance == Chance(50, of: 100) && first.onSilence == .goOn)
        #expect(count == 2 && pool.map(\.expect) == [nil, .silence])
        #expect(third.clips == .any(.utterance) && third.expect == .text(["done"]))
        #expect(script.steps[3...] == [.wait(.constant(.seconds(2))), .digits("12#"), .hangUp])
        #expect(script.repetition == .times(2) && script.onSilence == .sayAgain)
        #expect(script.check == .init(tools: ["create_task"]))
        let model = script.languageModel
        #expect(model.intents.map(\.name) == ["add_task", "list"])
        #expect(
            model.answer(to: "Add buy milk to my list.", tools: ["create_task"])
                == .tool(name: "create_task", arguments: ["title": "buy milk"], intent: 0))
    }

    @Test(arguments: [
        (
            "say: add-milk\n", "say: add-mlik\n", 0,
            "no clip \"add-mlik\"; did you mean \"add-milk\"?"
        ),
        ("say: stop,", "say: {any: backchannel},", 0, "no clip \"any backchannel\""),
        ("{intent: add_task}", "{intent: add_tsk}", 0, "did you mean \"add_task\"?"),
        ("greeting: {within: 5s}", "greeting: maybe", 0, "unknown greeting"),
        ("repeat: 2", "repeat: 256", 0, "no such number"),
        ("on_silence: say_again", "on_silence: say_agian", 0, "did you mean \"say_again\"?"),
        ("dtmf: \"12#\"", "dtmf: \"12x\"", 0, "no DTMF digits"),
        ("hang_up: on", "hang_up: maybe", 0, "neither on nor off"),
        ("  - wait: 2s", "  - {wait: 2s, say: list}", 0, "say and wait"),
        ("  - wait: 2s", "  - {wait: 2s, expect: silence}", 0, "does not go with \"wait\""),
        ("  - wait: 2s", "  - {pause: 2s}", 0, "does nothing"),
        ("pool: [add-milk,", "pool: [{wait: 1s},", 0, "says nothing"),
        ("kind: interruption", "kind: noise", 0, "only an interruption"),
        ("p: 50%", "p: 50", 0, "no chance"),
        ("expect: {text: [done]}", "expect: {}", 0, "expects nothing"),
        ("remind me to {title}", "remind me", 1, "not every pattern captures"),
        (
            "\"Done, I added {title}.\"", "\"I have now just added it to the list.\"", 0,
            "first clause has 9 words"
        ),
        ("reply: Sure, you have two tasks.", "reply: \"{x}, yes\"", 0, "{x}"),
        ("match: list", "match: \"{x}\"", 0, "no word to look for"),
        ("    - name: list\n", "    - name: add_task\n", 0, "second intent"),
        ("      reply: Sure", "      relpy: Sure", 0, "did you mean \"reply\"?"),
        ("  fallback: Sorry, I did not get that.\n", "", -9, "has no \"fallback\""),
        ("turns:\n", "turns: 3\npool: []\nx:\n", 1, "pool is empty"),
    ])
    func mistakesHaveTheirLine(_ from: String, _ to: String, _ after: Int, _ reason: String) throws
    {
        let problems = problems(from, to)
        let problem = try #require(
            problems.first { $0.reason.contains(reason) }, "\(problems.map(\.text))")
        #expect(problem.mark.file == "s/conversations/tasks.yaml")
        let start = try #require(Self.line(of: from))
        #expect(problem.mark.line == start + after, "\(problem.text)")
    }

    /// The line of the fixture on which `text` begins.
    private static func line(of text: String) -> Int? {
        let fixture = ScenarioFixture.conversation
        let before = fixture.firstRange(of: text).map { fixture[..<$0.lowerBound] }
        return before.map { $0.count { $0 == "\n" } + 1 }
    }

    @Test func aNumberOfTurnsComesFromThePool() throws {
        var files = ScenarioFixture.files
        files["s/conversations/tasks.yaml"] = """
            name: p
            turns: 5
            pool: [add-milk, list]
            repeat: forever
            greeting: none
            language_model: {greeting: Hi., fallback: Okay then.}

            """
        let script = try ScenarioFixture.read(files: files).conversation
        #expect(
            script.steps == [
                .pool(
                    count: 5,
                    of: [.init(clips: .named(["add-milk"])), .init(clips: .named(["list"]))])
            ])
        #expect(script.repetition == .forever && script.greeting == .none)
    }
}
