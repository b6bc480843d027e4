import UproarCore
import UproarHarness

extension Command {
    static let drill = Command(
        name: "drill",
        summary: "a scenario of scenarios/drills, with a steady state before the fault",
        form: "NAME [--seed N]",
        text: """
            Runs scenarios/drills/NAME.yaml. Nothing is injected before enough turns were answered and none was lost: without a steady
            state the drill is invalid. The post-mortem's path is said at the end. Without NAME: what there is.
            """,
        flags: [
            CommonFlags.out, CommonFlags.seed, CommonFlags.set, CommonFlags.quiet,
            CommonFlags.mapExit,
            Arguments.Flag("simulate", nil, "in virtual time"),
        ]
    ) { arguments in
        guard let name = arguments.rest.first, arguments.rest.count == 1 else {
            let names = Drills.names()
            if arguments.rest.isEmpty {
                Terminal.standardOutput(names.map { $0 + "\n" }.joined())
                return .passed
            }
            throw Arguments.Mistake(text: "one drill at a time: \(names.joined(separator: " "))")
        }
        var overrides = arguments.all("set")
        if let seed = try arguments.seed() { overrides.append("seed=\(seed)") }
        let scenario = try LoadedScenario.file(try Drills.path(of: name), overrides: overrides)
        var words = ["uproar", "drill", name, "--seed", String(scenario.seed)]
        for text in arguments.all("set") { words += ["--set", "'\(text)'"] }
        let isSimulated = arguments.has("simulate")
        if isSimulated { words.append("--simulate") }
        var options = RunOptions(commandLine: words.joined(separator: " "))
        options.out = arguments.text("out")
        options.isQuiet = arguments.has("quiet")
        options.isDrill = true
        let view = LiveView(isQuiet: options.isQuiet)
        for line in scenario.opening { view.say(line) }
        let ending =
            isSimulated
            ? try RunSession.simulate(scenario, options: options, version: Version.text, view: view)
            : try RunSession.run(scenario, options: options, version: Version.text, view: view)
        let postmortem = ending.postmortem.map { "post-mortem: \($0)\n" } ?? ""
        Terminal.conclude(ending.summary + postmortem, annotations: ending.annotations)
        return ending.exitCode
    }
}
