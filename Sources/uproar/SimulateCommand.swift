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
        ] + CommonFlags.comparison + CommonFlags.adaptive
    ) { arguments in
        let input = try RunInput(arguments)
        var options = RunOptions(
            commandLine: input.commandLine.replacingRunVerb(with: "simulate"))
        options.out = arguments.text("out")
        let ending = try arguments.run(
            input.scenario, options: options, isSimulated: true,
            view: LiveView(isQuiet: arguments.has("quiet")), opening: input.opening)
        Terminal.conclude(ending.summary, annotations: ending.annotations)
        return ending.exitCode
    }
}

extension String {
    /// `uproar run x` as `uproar simulate x`.
    fileprivate func replacingRunVerb(with verb: String) -> String {
        hasPrefix("uproar run ") ? "uproar \(verb) " + dropFirst("uproar run ".count) : self
    }
}
