import UproarCore
import UproarPosix
import UproarReports
import UproarStatistics

/// `--baseline FILE --adaptive`: more runs of the scenario with other seeds, until their calls together tell the agent from its
/// baseline or the budget is spent.
///
/// The folder is that of the first run. Its result and reports are written again when there was more than one: the comparison and
/// the verdict are of all, everything else stays that of the first. The others stand below it, in `rounds/2` and on.
package enum AdaptiveRun {
    package struct Plan: Sendable {
        package var scenario: LoadedScenario
        /// With a baseline.
        package var options: RunOptions
        /// No round begins after so long; nil: ten minutes, in simulation an hour of virtual time.
        package var budget: Duration?
        package var isSimulated: Bool
        package var version: String

        package init(
            scenario: LoadedScenario, options: RunOptions, isSimulated: Bool, version: String
        ) {
            self.scenario = scenario
            self.options = options
            self.isSimulated = isSimulated
            self.version = version
        }
    }

    package static func run(_ plan: Plan, view: LiveView) throws -> RunSession.Ending {
        guard let wanted = plan.options.baseline else {
            preconditionFailure("adaptive without a baseline")
        }
        var budget = RoundBudget(
            plan.budget ?? RoundBudget.usual(.seconds(600), isSimulated: plan.isSimulated),
            isSimulated: plan.isSimulated)
        let folder =
            plan.options.out ?? RunFolder.defaultPath(scenario: plan.scenario.name)
        var ending = try round(1, plan, folder, view)
        guard let first = ending.result else { return ending }
        var rounds = Rounds(
            first, baseline: try Comparing.load(wanted.path), limits: wanted.settings.limits)
        budget.took(first)
        if ending.isUndecided {
            while rounds.end == nil, rounds.comparison.verdict == .inconclusive {
                guard !budget.isSpent else {
                    rounds.end = "the budget of \(NumberText.duration(budget.limit)) is spent"
                    break
                }
                view.say(rounds.openText)
                let next = try round(rounds.count + 1, plan, folder, view)
                guard let result = next.result else { return next }
                budget.took(result)
                rounds.add(
                    result,
                    isClean: next.exitCode == .passed || next.exitCode == .regressed
                        || next.isUndecided)
            }
            let result = rounds.decided()
            do { try RunFiles.rewrite(result, in: folder) } catch {
                throw ScenarioLoading.Problem("\(folder) cannot be written: \(error)")
            }
            ending = RunSession.Ending(
                exitCode: result.outcome.exitCode, summary: "", postmortem: ending.postmortem,
                result: result)
        }
        guard var printed = ending.result else { return ending }
        if let name = printed.files.first { printed.files[0] = folder + "/" + name }
        ending.summary = TerminalSummary(printed).text
        ending.annotations = CISummary.emit(printed)
        return ending
    }

    private static func round(_ number: Int, _ plan: Plan, _ folder: String, _ view: LiveView)
        throws -> RunSession.Ending
    {
        var scenario = plan.scenario
        var options = plan.options
        options.isRound = true
        options.out = number == 1 ? folder : "\(folder)/rounds/\(number)"
        if number > 1 {
            scenario.redraw(scenario.seed &+ UInt64(number - 1))
            // The machine is the same, and the budget is there for calls.
            options.measuresNoise = false
            view.say("round \(number), seed \(scenario.seed)")
        }
        return plan.isSimulated
            ? try RunSession.simulate(
                scenario, options: options, version: plan.version, view: view)
            : try RunSession.run(scenario, options: options, version: plan.version, view: view)
    }
}

extension AdaptiveRun {
    /// The runs so far, and what they come to together.
    struct Rounds {
        private let first: RunResult
        private let baseline: RunResult
        private let limits: ComparisonLimits
        private var draw: CallDraw
        private var list: [BaselineRecord.Round]
        /// The outcome of a round that was not as it should be: that of the whole.
        private var upset: RunOutcome?
        private var isInteractive: Bool
        private(set) var comparison: RunComparison
        /// Why there is no further round; nil while there may be.
        var end: String?

        /// - limits: without the noise of the machine, which the results bring.
        init(_ first: RunResult, baseline: RunResult, limits: ComparisonLimits) {
            self.first = first
            self.baseline = baseline
            self.limits = limits.heeding(
                baseline.validity.worstNoiseFloor, first.validity.worstNoiseFloor)
            draw = first.draw
            list = [.init(seed: first.seed, calls: Int(clamping: first.draw.population))]
            isInteractive = first.isInteractive
            comparison = RunComparison(baseline.draw, draw, self.limits, growing: .after)
            end = reasonToStop
        }

        var count: Int { list.count }

        /// - isClean: it passed all that does not hang on the baseline.
        mutating func add(_ result: RunResult, isClean: Bool) {
            isInteractive = isInteractive || result.isInteractive
            guard isClean else {
                let name = "round \(count + 1), seed \(result.seed)"
                var outcome = result.outcome
                let reasons =
                    outcome.word == .failed
                    ? result.gates.filter { $0.decides && $0.outcome == .failed }.map(\.rule.text)
                    : outcome.reasons
                outcome.reasons =
                    ["\(name): \(reasons.first ?? outcome.word.rawValue)"] + reasons.dropFirst()
                upset = outcome
                end = "\(name) is \(outcome.word.rawValue)"
                return
            }
            draw.add(result.draw, round: count)
            list.append(
                .init(seed: result.seed, calls: Int(clamping: result.draw.population)))
            comparison = RunComparison(baseline.draw, draw, limits, growing: .after)
            end = reasonToStop
        }

        /// More calls would not help.
        private var reasonToStop: String? {
            guard comparison.verdict == .inconclusive else { return nil }
            if draw.isFull { return "no more than \(CallDraw.limit) calls are compared" }
            // What is said of few calls can change with the next ones.
            let counts = comparison.callCounts
            let open = comparison.rows.filter { $0.verdict == .inconclusive }
            guard !open.isEmpty, counts.after >= 2 * counts.before,
                open.allSatisfy({ $0.baselineCallsNeeded != nil })
            else { return nil }
            return
                "the baseline's \(counts.before) calls are too few, however many more there are here"
        }

        /// `after 30 calls: not decided, needs ≈ 40 more`.
        var openText: String {
            let needed = comparison.rows.compactMap(\.callsNeeded).max()
            return "after \(comparison.callCounts.after) calls: not decided"
                + (needed.map { ", needs ≈ \(NumberText.grouped($0)) more" } ?? "")
        }

        /// The first run's result with the comparison of all.
        func decided() -> RunResult {
            var result = first
            var record = BaselineRecord(baseline, comparison)
            if count > 1 { record.rounds = list }
            let old = text(first.baseline ?? record).sentences(.inconclusive)
            let notes = first.outcome.reasons.filter { !old.contains($0) }
            result.baseline = record
            result.draw = draw
            result.isInteractive = isInteractive
            result.outcome = upset ?? outcome(record)
            if let end, upset == nil { result.outcome.reasons.insert(end, at: 0) }
            result.outcome.reasons += notes
            return result
        }

        private func text(_ record: BaselineRecord) -> ComparisonText {
            ComparisonText(record.comparison, before: record.label, after: "this run")
        }

        private func outcome(_ record: BaselineRecord) -> RunOutcome {
            var evidence = RunOutcome.Evidence(
                validity: first.validity, gates: first.gates,
                answeredTurns: first.ledger.turns.answered)
            evidence.take(record.comparison, text(record))
            return RunOutcome.decide(evidence)
        }
    }
}
