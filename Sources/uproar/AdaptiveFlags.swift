import UproarCore
import UproarHarness

extension CommonFlags {
    static let adaptive = [
        Arguments.Flag(
            "adaptive", nil,
            "with --baseline: run again with other seeds until that is decided"),
        Arguments.Flag(
            "budget", "SECONDS",
            "with --adaptive: no round begins after so long (600; simulated 3600, virtual)"),
    ]
}

extension Arguments {
    /// Whether to go on until the run can be told from its baseline.
    private func isAdaptive() throws(Mistake) -> Bool {
        guard has("adaptive") else {
            if has("budget") {
                throw Mistake(
                    text: "'--budget' bounds the rounds of '--adaptive', which is not given")
            }
            return false
        }
        guard has("baseline") else {
            throw Mistake(
                text: """
                    '--adaptive' goes on until the run can be told from its baseline, and there is none
                      say: --baseline baselines/NAME.json --adaptive
                      see docs/compare.md#until-it-is-decided
                    """)
        }
        return true
    }

    /// Runs the scenario once, or with `--adaptive` as often as it takes.
    ///
    /// - options: without the baseline, which is read here.
    func run(
        _ scenario: LoadedScenario, options: RunOptions, isSimulated: Bool, view: LiveView,
        opening: [String]
    ) throws -> RunSession.Ending {
        var options = options
        options.baseline = try baseline()
        let isAdaptive = try isAdaptive()
        let budget = try integer("budget", in: 1...86_400)
        for line in opening { view.say(line) }
        guard isAdaptive else {
            return isSimulated
                ? try RunSession.simulate(
                    scenario, options: options, version: Version.text, view: view)
                : try RunSession.run(scenario, options: options, version: Version.text, view: view)
        }
        var plan = AdaptiveRun.Plan(
            scenario: scenario, options: options, isSimulated: isSimulated, version: Version.text)
        plan.budget = budget.map { .seconds($0) }
        return try AdaptiveRun.run(plan, view: view)
    }
}
