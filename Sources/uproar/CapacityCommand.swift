import UproarCapacity
import UproarCore
import UproarHarness

extension Command {
    static let capacity = Command(
        name: "capacity",
        summary: "the largest load at which every gate holds, and what gives way next",
        form: "SCENARIO.yaml [--budget 20m] [--simulate]",
        text: """
            Runs the scenario with one caller, two, four, … until a gate fails or the agent falls ever further behind, then halves the
            interval, and runs both edges again. Then predicts a load and measures it, finds the fastest ramp, and watches the agent come
            to rest. Its own load and timeline give way; its gates decide. capacity.json is whole after every run: Ctrl-C loses nothing.
            Exit 1 when nothing holds, 4 when the harness gave out first: that is never the agent's limit.
            """,
        flags: [
            CommonFlags.out, CommonFlags.seed, CommonFlags.set, CommonFlags.quiet,
            CommonFlags.insecure,
            Arguments.Flag("budget", "TIME", "no run begins that would end after so long (20m)"),
            Arguments.Flag("hold", "TIME", "each load is held for so long at least (30s)"),
            Arguments.Flag("ramp", "RATE", "callers come this fast (10/s)"),
            Arguments.Flag("start", "N", "the first load (1)"),
            Arguments.Flag("max", "N", "no load above this (10000)"),
            Arguments.Flag("tolerance", "SHARE", "the edges may be so far apart (5%)"),
            Arguments.Flag("replicates", "N", "runs that must speak for each edge (2)"),
            Arguments.Flag(
                "simulate", nil, "in virtual time; processor and memory are then unknown"),
            Arguments.Flag(
                "brief", nil, "the edge only: no check of the fit, no ramps, no cool-down"),
            Arguments.Flag("loops", "N", "caller threads (1)"), CommonFlags.mapExit,
        ]
    ) { arguments in
        let input = try RunInput(arguments)
        // What decides the answer is part of the command that finds it again.
        var words = "uproar capacity " + input.commandLine.dropFirst("uproar run ".count)
        for name in ["simulate", "brief"] where arguments.has(name) { words += " --\(name)" }
        for name in [
            "budget", "hold", "ramp", "start", "max", "tolerance", "replicates", "loops",
        ] {
            if let text = arguments.text(name) { words += " --\(name) \(text)" }
        }
        var options = RunOptions(commandLine: words)
        options.isQuiet = arguments.has("quiet")
        options.isInsecure = arguments.has("insecure")
        options.loops = try arguments.integer("loops", in: 1...64)
        var plan = CapacityPlan(
            loaded: input.scenario, options: options,
            out: arguments.text("out")
                ?? RunFolder.defaultPath(scenario: "capacity-" + input.scenario.name),
            version: Version.text)
        plan.isSimulated = arguments.has("simulate")
        plan.isBrief = arguments.has("brief")
        if let budget = try arguments.duration("budget") { plan.budget = budget }
        if let hold = try arguments.duration("hold") { plan.hold = hold }
        if let text = arguments.text("ramp") {
            do throws(TextProblem) {
                try plan.ramp(text)
            } catch {
                throw Arguments.Mistake(
                    text: "'--ramp \(text)': \(error.reason)\n  allowed: \(error.allowed)")
            }
        }
        plan.search.start = try arguments.integer("start", in: 1...100_000) ?? 1
        plan.search.limit = try arguments.integer("max", in: 1...100_000) ?? 10_000
        plan.search.replicates = try arguments.integer("replicates", in: 1...20) ?? 2
        if let share = try arguments.share("tolerance") { plan.search.tolerance = share }
        guard plan.search.start <= plan.search.limit else {
            throw Arguments.Mistake(
                text: "--start \(plan.search.start) is above --max \(plan.search.limit)")
        }
        let view = LiveView(isQuiet: options.isQuiet)
        // The load of the scenario gives way: it is not announced.
        for line in input.opening where !line.hasPrefix("load") { view.say(line) }
        let ending = try CapacityRun(plan, view: view).run()
        Terminal.conclude(ending.summary)
        return ending.exitCode
    }
}

extension Arguments {
    /// `20m`, `1h30m`: above zero.
    func duration(_ name: String) throws(Mistake) -> Duration? {
        guard let text = text(name) else { return nil }
        let value: Duration
        do { value = try DurationText.parse(text) } catch {
            throw Mistake(text: "'--\(name) \(text)': \(error.reason)\n  allowed: \(error.allowed)")
        }
        guard value > .zero else {
            throw Mistake(text: "'--\(name) \(text)': a time above zero is allowed, as 20m")
        }
        return value
    }

    /// `5%`: above nothing, unless none is a share as well, up to all.
    func share(_ name: String, allowingNone: Bool = false) throws(Mistake) -> Double? {
        guard let text = text(name) else { return nil }
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent <= 100,
            allowingNone ? percent >= 0 : percent > 0
        else {
            throw Mistake(
                text:
                    "'--\(name) \(text)': a share \(allowingNone ? "from 0%" : "above 0%") up to 100% is allowed, as 5%"
            )
        }
        return percent / 100
    }
}
