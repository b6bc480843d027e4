import Testing
import UproarCore
import UproarScenario

/// `include`, `${NAME}` and `callers`: what a scenario takes from elsewhere.
@Suite struct SharedKeysTests {
    private let small = ScenarioFixture.small

    private func read(_ text: String, _ files: [String: String]) throws(FileProblems) -> Scenario {
        try ScenarioFixture.read(text, files: ScenarioFixture.files.merging(files) { $1 })
    }

    private func problems(_ text: String, _ files: [String: String] = [:]) -> [FileProblem] {
        do {
            _ = try read(text, files)
            return []
        } catch { return error.problems }
    }

    // MARK: breakers

    @Test func whatAnAgentDeclaresOfItsBreakersIsReadByRole() throws {
        let scenario = try read(
            small
                + "breakers: {stt: {deadline: 10s, attempts: 2}, llm: {failures: 100, moves_on: off}}\n",
            [:])
        #expect(scenario.breakers.map(\.role) == [.speechToText, .languageModel])
        #expect(scenario.breakers[0].deadline == .seconds(10) && scenario.breakers[0].attempts == 2)
        #expect(scenario.breakers[1].failures == 100 && !scenario.breakers[1].movesOn)
        #expect(try read(small, [:]).breakers.isEmpty)
        let wrong = problems(small + "breakers: {sst: {failures: 1}, llm: {failures: 0}}\n")
        #expect(wrong.count == 2)
        #expect(wrong.contains { "\($0)".contains("stt") })
    }

    // MARK: include

    @Test func anIncludedFileStandsInForMissingKeysAndMapsAreJoined() throws {
        let base = """
            name: base
            summary: Not taken over.
            audio: fixtures/tasks
            patience: 3s
            agent: {endpointing: 300ms, barge_in: 200ms}
            load: [{hold: 5 callers for 10s}]
            """
        let scenario = try read(
            """
            name: own
            include: common/base.yaml
            agent: {endpointing: 400ms}
            load: [{hold: 9 callers for 10s}]
            """, ["s/common/base.yaml": base])
        #expect(scenario.name == "own" && scenario.summary == "")
        #expect(scenario.patience == .seconds(3))
        #expect(scenario.agent.endpointing == .milliseconds(400))
        #expect(scenario.agent.bargeIn == .milliseconds(200))
        #expect(scenario.load.map(\.name) == ["hold-1"] && scenario.load.count == 1)
    }

    @Test func aLaterFileGoesBeforeAnEarlierOne() throws {
        let scenario = try read(
            small + "include: [one.yaml, two.yaml]\n",
            ["s/one.yaml": "patience: 1s\ndrain: 1s\n", "s/two.yaml": "patience: 2s\n"])
        #expect(scenario.patience == .seconds(2) && scenario.drain == .seconds(1))
    }

    @Test func pathsCountFromTheFileInWhichTheyStand() throws {
        let scenario = try read(
            small + "include: deep/base.yaml\n",
            [
                "s/deep/base.yaml": "callers: who.csv\n", "s/deep/who.csv": "user_id\n1\n",
                "s/who.csv": "user_id\nwrong\n",
            ])
        #expect(scenario.callers?.rows == [["1"]])
    }

    @Test func aMistakeInAnIncludedFileHasItsPlaceThere() {
        let found = problems(
            small + "include: base.yaml\n", ["s/base.yaml": "drain: 3s\npatiense: 1s\n"])
        #expect(found.map(\.mark.text) == ["s/base.yaml:2:1"])
        #expect(found[0].reason.contains("patience"))
    }

    @Test func filesThatIncludeEachOtherAreRefused() {
        let found = problems(
            small + "include: a2.yaml\n",
            ["s/a2.yaml": "include: b2.yaml\n", "s/b2.yaml": "include: a2.yaml\n"])
        #expect(found.count == 1 && found[0].mark.text == "s/b2.yaml:1:10")
        #expect(found[0].reason.hasPrefix("the files include each other"))
    }

    @Test func aFileThatIsNotThereIsAProblem() {
        #expect(problems(small + "include: nowhere.yaml\n").map(\.mark.line) == [5])
    }

    // MARK: environment

    @Test func valuesOfTheEnvironmentStandInTexts() throws {
        let scenario = try read(
            """
            name: env
            audio: fixtures/tasks
            load:
              - hold: ${CALLERS} callers for ${LENGTH:-30s}
            summary: ${EMPTY:-default} $${CALLERS}
            """, [:])
        guard case .hold(let hold) = scenario.load[0].shape else {
            Issue.record("no hold line")
            return
        }
        #expect(hold.callers == 7 && hold.duration == .seconds(30))
        #expect(scenario.summary == "default ${CALLERS}")
    }

    @Test(arguments: [
        ("patience: ${NOWHERE}\n", "the environment has no NOWHERE"),
        ("patience: ${media.port}\n", "is known to the target's command alone"),
        ("patience: ${CALLERS\n", "without its"), ("patience: ${7}\n", "unknown variable"),
    ])
    func whatIsNotThereIsAProblemWithItsPlace(_ line: String, _ reason: String) {
        let found = problems(small + line)
        #expect(found.contains { $0.mark.line == 5 && $0.reason.contains(reason) }, "\(found)")
    }

    @Test func aCommandKeepsItsVariablesSoThatResultsDoNotHoldTheirValues() throws {
        let scenario = try read(
            small + """
                target:
                  command: [python3, "${BOT}"]
                  url: ws://127.0.0.1:${media.port}/media
                  env: {TOKEN: "${BOT}"}
                """, [:])
        guard case .command(let command) = scenario.target else {
            Issue.record("no command")
            return
        }
        let value = try command.arguments[1].expanded { variable throws(TextProblem) in
            guard case .environment(let text) = variable else { return "?" }
            return text.value { ScenarioFixture.environment[$0] } ?? "missing"
        }
        #expect(value == "bot.py")
        let text = scenario.resolved(seed: 1).encoded()
        #expect(!String(decoding: text, as: UTF8.self).contains("bot.py"))
        let missing = problems(
            small + "target: {command: [x, \"${NOWHERE}\"], url: \"ws://127.0.0.1:1/\"}\n")
        #expect(missing.map(\.mark.text) == ["s/a.yaml:5:24"])
    }

    // MARK: callers

    @Test func everyCallerIsALineInTurn() throws {
        let scenario = try read(
            small + "callers: who.csv\n",
            ["s/who.csv": "user_id,city\n1,\"Utrecht, NL\"\n2,Ghent\n"])
        let callers = try #require(scenario.callers)
        #expect(callers.parameters(ofCaller: 0).map(\.value) == ["1", "Utrecht, NL"])
        #expect(callers.parameters(ofCaller: 3).map(\.name) == ["user_id", "city"])
        #expect(callers.parameters(ofCaller: 3).map(\.value) == ["2", "Ghent"])
        let text = String(decoding: scenario.resolved(seed: 1).encoded(), as: UTF8.self)
        #expect(text.contains("\"lines\":2") && !text.contains("Ghent"))
    }

    @Test func otherPeopleMakeAnotherScenarioWhereverTheFileLies() throws {
        let one = try read(small + "callers: who.csv\n", ["s/who.csv": "user_id\n1\n"])
        let same = try read(small + "callers: x/who.csv\n", ["s/x/who.csv": "user_id\n1\n"])
        let other = try read(small + "callers: who.csv\n", ["s/who.csv": "user_id\n2\n"])
        #expect(one.canonicalBytes == same.canonicalBytes)
        #expect(one.canonicalBytes != other.canonicalBytes)
    }

    @Test(arguments: [
        ("user id\n1\n", 1, "is no name of a parameter"), ("session_id\n1\n", 1, "the run's own"),
        ("a,a\n1,2\n", 1, "stands twice"), ("a,b\n", 1, "no caller"), ("a,b\n1\n", 2, "1 cells"),
        ("a\n\(String(repeating: "x", count: 500))\n", 2, "has 500 bytes"),
    ])
    func aMistakeInTheTableHasItsLine(_ csv: String, _ line: Int, _ reason: String) {
        let found = problems(small + "callers: who.csv\n", ["s/who.csv": csv])
        #expect(found.map(\.mark.file) == ["s/who.csv"] && found.map(\.mark.line) == [line])
        #expect(found.first?.reason.contains(reason) == true, "\(found)")
    }
}
