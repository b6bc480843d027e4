import UproarCore
import UproarHarness

extension Command {
    static let ab = Command(
        name: "ab", summary: "two agents in alternating blocks on this machine: which is slower",
        form: "A.yaml B.yaml | --a COMMAND --b COMMAND SCENARIO.yaml",
        text: """
            Blocks of A and B alternate, their order drawn by the seed, so that whatever the machine does falls on both; each pair has a
            seed of its own. Goes on until the difference is decided, after at least --pairs, or --budget is spent.
            Exit 3 when B is worse than A, 4 when it could not be decided.
            """,
        flags: [
            CommonFlags.out, CommonFlags.seed, CommonFlags.set, CommonFlags.quiet,
            CommonFlags.mapExit,
            Arguments.Flag(
                "a", "COMMAND", "start the first agent like this, in place of the scenario's"),
            Arguments.Flag("b", "COMMAND", "start the second agent like this"),
            Arguments.Flag("pairs", "N", "pairs of blocks at the least (5)"),
            Arguments.Flag(
                "budget", "SECONDS", "no pair begins after so long (180; simulated 3600, virtual)"),
            Arguments.Flag("simulate", nil, "in virtual time"),
        ] + CommonFlags.comparison
    ) { arguments in
        let overrides = arguments.all("set")
        var sides: [LoadedScenario] = []
        var names: [String] = []
        if let a = arguments.text("a"), let b = arguments.text("b") {
            guard arguments.rest.count == 1 else {
                throw Arguments.Mistake(text: "with --a and --b, one scenario is due")
            }
            for command in [a, b] {
                sides.append(
                    try LoadedScenario.file(arguments.rest[0], overrides: overrides).started(
                        by: command))
                names.append(command)
            }
        } else {
            guard arguments.rest.count == 2, !arguments.has("a"), !arguments.has("b") else {
                throw Arguments.Mistake(
                    text: "two scenarios are due, or --a COMMAND, --b COMMAND and one scenario")
            }
            for file in arguments.rest {
                sides.append(try LoadedScenario.file(file, overrides: overrides))
                names.append(file)
            }
        }
        let seed = try arguments.seed() ?? sides[0].seed
        var words = ["uproar", "ab"]
        for flag in ["a", "b"] {
            if let command = arguments.text(flag) { words += ["--\(flag)", "'\(command)'"] }
        }
        words += arguments.rest
        var plan = ABRun.Plan(
            a: sides[0], b: sides[1], names: (names[0], names[1]),
            out: arguments.text("out")
                ?? RunFolder.defaultPath(scenario: "ab-" + sides[0].name),
            seed: seed, version: Version.text,
            commandLine: words.joined(separator: " "))
        plan.pairs = try arguments.integer("pairs", in: 2...1000) ?? 5
        plan.budget = try arguments.integer("budget", in: 1...86_400).map { .seconds($0) }
        plan.isSimulated = arguments.has("simulate")
        plan.settings = try arguments.comparisonSettings()
        let ending = try ABRun.run(plan, view: LiveView(isQuiet: arguments.has("quiet")))
        Terminal.conclude(ending.summary)
        return ending.exitCode
    }
}
