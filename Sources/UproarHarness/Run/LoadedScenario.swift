import UproarCore
import UproarScenario

/// A scenario with its seed, ready to be planned.
package struct LoadedScenario: Sendable {
    package var scenario: Scenario
    package var seed: UInt64
    /// The seed was drawn, not given.
    package var isSeedDrawn: Bool

    package init(_ scenario: Scenario) {
        self.scenario = scenario
        isSeedDrawn = scenario.seed == nil
        var generator = SystemRandomNumberGenerator()
        seed = scenario.seed ?? UInt64.random(in: 1...999_999, using: &generator)
    }

    /// Another draw of the calls. Emulators that run already keep theirs: references mean nothing under another seed.
    package mutating func redraw(_ seed: UInt64) {
        if case .attach = scenario.providers.place { return }
        self.seed = seed
    }

    package static func file(_ path: String, overrides: [String]) throws -> LoadedScenario {
        LoadedScenario(try ScenarioLoading.read(path, overrides: overrides))
    }

    /// `calls` calls to a URL, each speaking one audio file once.
    package static func calling(_ url: String, audio: String?, calls: Int, overrides: [String])
        throws
        -> LoadedScenario
    {
        guard let audio else {
            throw ScenarioLoading.Problem(
                "what shall the callers say? with a URL, --audio FILE is due")
        }
        guard ShareFolder.exists(audio) else {
            throw ScenarioLoading.Problem("--audio: there is no file \(audio)")
        }
        let text = """
            name: call
            summary: \(YAMLText.literal("\(calls) calls to \(url), each speaking \(audio) once."))
            target: {url: \(YAMLText.literal(url))}
            transport: twilio
            conversation: conversations/say-once.yaml
            audio: \(YAMLText.literal(absolute(audio)))
            load:
              - arrive: 2/s constant for \(NumberText.fixed(Double(calls) / 2, 1))s
            """
        return LoadedScenario(
            try ScenarioLoading.read(text: text, name: "scenarios/call.yaml", overrides: overrides))
    }

    /// The same scenario against an agent that this command starts; the words are split at spaces.
    package func started(by command: String) throws -> LoadedScenario {
        let words = command.split(separator: " ").map(String.init)
        guard !words.isEmpty else { throw ScenarioLoading.Problem("the agent's command is empty") }
        var copy = self
        let templates: (url: TargetTemplate, arguments: [TargetTemplate])
        do {
            templates = (
                try TargetTemplate("ws://127.0.0.1:${media.port}/media"),
                try words.map { try TargetTemplate($0) }
            )
        } catch { throw ScenarioLoading.Problem("the agent's command \(command): \(error)") }
        // Whatever the scenario says of the agent's surroundings stays.
        if case .command(var target) = scenario.target {
            target.arguments = templates.arguments
            copy.scenario.target = .command(target)
        } else {
            copy.scenario.target = .command(
                TargetCommand(arguments: templates.arguments, url: templates.url))
        }
        return copy
    }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        return WorkingFolder.path() + "/" + path
    }

    package var name: String { scenario.name }

    private var isFile: Bool {
        if case .file = scenario.audio { true } else { false }
    }

    /// The first lines of a run: everything it chose.
    package var opening: [String] {
        [
            "uproar  \(scenario.name)  seed \(seed)\(isSeedDrawn ? " (drawn)" : "")"
                + "  commit \(BuildCommit.read())",
            "load    " + scenario.load.map(\.text).joined(separator: " · "),
            "audio   \(scenario.audio.label)\(isFile ? ", the end of its speech is found by our annotation" : "")",
            "target  \(TargetText.of(scenario.target))   transport \(scenario.transport)"
                + "   providers \(scenario.providers.label)   tagging \(scenario.isTagging ? "on" : "off")",
        ] + (hasDefaultGates ? ["gates   " + gateTexts.joined(separator: " · ")] : [])
    }

    private var hasDefaultGates: Bool { scenario.places.gates.isEmpty }

    /// Without what is printed only once a gate has failed.
    private var gateTexts: [String] {
        scenario.gates.map { rule in
            rule.text.firstRange(of: " why=").map { String(rule.text[..<$0.lowerBound]) }
                ?? rule.text
        }
    }
}
