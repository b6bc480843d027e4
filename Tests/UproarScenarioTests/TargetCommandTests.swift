import Testing
import UproarCore
import UproarScenario

@Suite struct TargetCommandTests {
    private static let whole = """
        target:
          command: [.venv/bin/python, bot.py, --port, "${media.port}"]
          url: ws://127.0.0.1:${media.port}/ws
          env: {DEEPGRAM_URL: "${deepgram.ws}", OPENAI: "${openai.http}/v1", DOLLAR: "$${x} $y", NONE: }
          pass_env: [OPENAI_API_KEY]
          directory: conversations
          ready: http://127.0.0.1:${media.port}/health
          start_within: 20s
          stop_within: 0s

        """

    private func read(_ target: String) throws -> TargetCommand {
        var files = ScenarioFixture.files
        files["s/conversations"] = ""
        let scenario = try ScenarioFixture.read(ScenarioFixture.small + target, files: files)
        guard case .command(let command) = scenario.target else { throw NoCommand() }
        return command
    }

    private struct NoCommand: Error {}

    @Test func everythingArrives() throws {
        let command = try read(Self.whole)
        #expect(command.text == ".venv/bin/python bot.py --port ${media.port}")
        #expect(command.arguments[3].pieces == [.variable(.mediaPort)])
        #expect(command.environment.map(\.name) == ["DEEPGRAM_URL", "OPENAI", "DOLLAR", "NONE"])
        #expect(command.environment[0].value.variables == [.provider(.deepgram, .ws)])
        #expect(command.environment[3].value.pieces.isEmpty)
        #expect(command.passed == ["OPENAI_API_KEY"] && command.directory == "s/conversations")
        #expect(command.startLimit == .seconds(20) && command.stopLimit == .zero)
        guard case .http(let url) = command.readiness else {
            Issue.record("not asked by HTTP")
            return
        }
        #expect(url.variables == [.mediaPort])
    }

    @Test func defaultsFit() throws {
        let command = try read("target: {command: ./agent, url: \"wss://localhost:8443/\"}\n")
        #expect(command.arguments.map(\.source) == ["./agent"] && command.readiness == .port)
        #expect(command.startLimit == .seconds(60) && command.stopLimit == .seconds(5))
        #expect(command.directory == nil && command.environment.isEmpty)
    }

    @Test func variablesTakeTheirValues() throws {
        let values: [TargetVariable: String] = [
            .mediaPort: "9000", .provider(.deepgram, .ws): "ws://h:1",
            .provider(.openai, .http): "http://h:2",
        ]
        let command = try read(Self.whole)
        let texts = (command.arguments + command.environment.map(\.value)).map {
            $0.expanded { values[$0] ?? "?" }
        }
        #expect(
            texts == [
                ".venv/bin/python", "bot.py", "--port", "9000", "ws://h:1", "http://h:2/v1",
                "${x} $y", "",
            ])
    }

    @Test func everyVariableHasANameOfItsOwn() {
        let names = TargetVariable.all.map(\.name)
        #expect(Set(names).count == names.count && names.count == 4 + 10 * 5)
        for variable in TargetVariable.all {
            #expect(TargetVariable(name: variable.name) == variable)
        }
    }

    @Test(arguments: [
        ("${media.port}\"]", "${media.prot}\"]", "did you mean \"media.port\"?"),
        ("${openai.http}", "${openai.htps}", "did you mean \"openai.http"),
        ("${openai.http}/v1", "${openai.http/v1", "without its \"}\""),
        ("directory: conversations", "directory: nowhere", "there is no \"nowhere\""),
        ("ready: http:", "ready: ftp:", "nothing about being ready"),
        ("env: {", "env: {A=B: c, ", "no name of a variable"),
        ("start_within: 20s", "start_within: 20", "no unit"),
        ("[.venv/bin/python, bot.py, --port, \"${media.port}\"]", "[]", "the command is empty"),
        ("url: ws://", "url: ftp://", "no address this transport can dial"),
    ])
    func mistakesAreNamed(_ from: String, _ to: String, _ reason: String) {
        let text =
            ScenarioFixture.small + Self.whole.replacing(from, with: to, maxReplacements: 1)
        var files = ScenarioFixture.files
        files["s/conversations"] = ""
        let problems = ScenarioFixture.problems(text, files: files)
        #expect(problems.contains { $0.reason.contains(reason) }, "\(problems.map(\.reason))")
        #expect(problems.allSatisfy { $0.page == "docs/scenario.md#target" })
    }

    @Test func thePortIsNoPartOfWhatAScenarioIs() throws {
        func hash(_ url: String) throws -> [UInt8] {
            try ScenarioFixture.read(
                ScenarioFixture.small + "target: {command: a, url: \"\(url)\"}\n"
            ).canonicalBytes
        }
        let free = try hash("ws://127.0.0.1:${media.port}/ws")
        let fixed = try hash("ws://127.0.0.1:8080/ws")
        let other = try hash("ws://127.0.0.1:8080/other")
        #expect(free == fixed && fixed != other)
    }
}
