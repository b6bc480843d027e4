import UproarCore
import UproarReports
import UproarStatistics

/// `uproar ab`: two agents in alternating blocks, so that what the machine does in the meantime falls on both.
package enum ABRun {
    package struct Plan: Sendable {
        package var a: LoadedScenario
        package var b: LoadedScenario
        package var names: (a: String, b: String)
        /// Pairs that must have run before anything is decided.
        package var pairs = 5
        /// No pair begins after so long; nil: three minutes, in simulation an hour of virtual time.
        package var budget: Duration?
        package var isSimulated = false
        package var out: String
        package var settings = Comparing.Settings()
        package var seed: UInt64
        package var version: String
        package var commandLine: String

        package init(
            a: LoadedScenario, b: LoadedScenario, names: (a: String, b: String), out: String,
            seed: UInt64, version: String, commandLine: String
        ) {
            self.a = a
            self.b = b
            self.names = names
            self.out = out
            self.seed = seed
            self.version = version
            self.commandLine = commandLine
        }
    }

    /// Runs pairs until the difference is decided, at least `pairs` of them, or the budget is spent.
    package static func run(_ plan: Plan, view: LiveView) throws -> RunSession.Ending {
        var budget = RoundBudget(
            plan.budget ?? RoundBudget.usual(.seconds(180), isSimulated: plan.isSimulated),
            isSimulated: plan.isSimulated)
        var paired = PairedComparison()
        var last: (a: RunResult, b: RunResult)?
        var order = Seed(plan.seed).stream(text: "ab-order")
        while true {
            let pair = paired.pairCount
            if pair >= max(2, plan.pairs), verdict(paired, plan) != .inconclusive { break }
            if pair > 0, budget.isSpent { break }
            // Who goes first is drawn: a machine that warms up must not favour one side.
            let isAFirst = order.below(2) == 0
            let seed = plan.seed &+ UInt64(pair)
            var results: [RunResult?] = [nil, nil]
            for side in isAFirst ? [0, 1] : [1, 0] {
                var loaded = side == 0 ? plan.a : plan.b
                loaded.redraw(seed)
                let out = "\(plan.out)/\(side == 0 ? "a" : "b")-\(pair + 1)"
                view.say("pair \(pair + 1), \(side == 0 ? plan.names.a : plan.names.b)")
                let result = try block(loaded, out, plan, view, isFirst: pair == 0)
                guard result.outcome.word != .interrupted else {
                    return .init(
                        exitCode: result.outcome.exitCode,
                        summary: "COMPARE    INTERRUPTED   after \(pair) pairs\n")
                }
                if result.validity.state == .invalid || result.outcome.word == .unreachable {
                    return .init(
                        exitCode: result.outcome.word == .unreachable
                            ? .unreachable : .inconclusive,
                        summary:
                            "COMPARE    \(result.outcome.word.rawValue.uppercased())   \(out): \(result.outcome.reasons.first ?? "")\n"
                    )
                }
                budget.took(result)
                results[side] = result
            }
            guard let a = results[0], let b = results[1] else { break }
            let unlike = RunLikeness.differences(a, b, isSameScenario: false)
            guard unlike.isEmpty else {
                throw ScenarioLoading.Problem(
                    "\(plan.names.a) and \(plan.names.b) cannot be compared:\n  "
                        + unlike.joined(separator: "\n  "))
            }
            paired.add(a.draw, b.draw)
            last = (merged(last?.a, a), merged(last?.b, b))
        }
        return try report(paired, last, plan)
    }

    private static func verdict(_ paired: PairedComparison, _ plan: Plan) -> RunComparison.Verdict {
        paired.comparison(plan.settings.limits).verdict
    }

    private static func block(
        _ loaded: LoadedScenario, _ out: String, _ plan: Plan, _ view: LiveView, isFirst: Bool
    ) throws -> RunResult {
        var options = RunOptions(commandLine: plan.commandLine)
        // The machine is the same for all blocks, and the budget is there for calls.
        options.measuresNoise = isFirst
        options.out = out
        options.isQuiet = true
        options.isRound = true
        _ =
            plan.isSimulated
            ? try RunSession.simulate(loaded, options: options, version: plan.version, view: view)
            : try RunSession.run(loaded, options: options, version: plan.version, view: view)
        return try Comparing.load(out)
    }

    /// The sum of the blocks of one side, for the charts: histograms add exactly.
    private static func merged(_ sum: RunResult?, _ next: RunResult) -> RunResult {
        guard var sum else { return next }
        sum.recorder.add(next.recorder)
        sum.load.duration = max(sum.load.duration, next.load.duration)
        return sum
    }

    private static func report(
        _ paired: PairedComparison, _ last: (a: RunResult, b: RunResult)?, _ plan: Plan
    ) throws -> RunSession.Ending {
        guard let last else {
            return .init(
                exitCode: .inconclusive, summary: "COMPARE    INCONCLUSIVE   no pair ran\n")
        }
        let ending = try Comparing.report(
            paired.comparison(plan.settings.limits), last.a, last.b,
            names: (plan.names.a, plan.names.b), unlike: [],
            out: plan.out)
        return .init(
            exitCode: ending.exitCode,
            summary: ending.summary
                + "BLOCKS     \(paired.pairCount) pairs, order drawn by seed \(plan.seed)\n")
    }
}
