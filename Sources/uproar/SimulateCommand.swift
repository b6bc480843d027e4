import UproarCore
import UproarHarness

extension Command {
    static let simulate = Command(
        name: "simulate", summary: "the same run in virtual time: deterministic, faster than life",
        form: "SCENARIO.yaml [--seed N]",
        text: "The same commit, scenario and seed give a byte-identical result.json.",
        flags: [
            CommonFlags.out, CommonFlags.seed, CommonFlags.set, CommonFlags.quiet,
            CommonFlags.baseline, CommonFlags.mapExit,
        ] + CommonFlags.comparison
    ) { arguments in
        let input = try RunInput(arguments)
        var options = RunOptions(
            commandLine: input.commandLine.replacingRunVerb(with: "simulate"))
        options.out = arguments.text("out")
        options.baseline = try arguments.baseline()
        let view = LiveView(isQuiet: arguments.has("quiet"))
        for line in input.opening { view.say(line) }
        let ending = try RunSession.simulate(
            input.scenario, options: options, version: Version.text, view: view)
        Terminal.standardOutput(ending.summary)
        Terminal.standardError(ending.annotations)
        return ending.exitCode
    }
}

extension String {
    /// `uproar run x` as `uproar simulate x`.
    fileprivate func replacingRunVerb(with verb: String) -> String {
        hasPrefix("uproar run ") ? "uproar \(verb) " + dropFirst("uproar run ".count) : self
    }
}
