import Glibc
import UproarAudio
import UproarCore
import UproarPosix
import UproarReports
import UproarScenario
import UproarStatistics

/// One `uproar run`, from the scenario to the files it leaves: everything around `LiveRun`.
package enum RunSession {
    /// What a finished run hands to the command line.
    package struct Ending {
        package var exitCode: ExitCode
        /// For stdout.
        package var summary: String
        /// For stderr: what a CI makes marks of.
        package var annotations = ""
        /// Where the post-mortem is, when the run had faults.
        package var postmortem: String?
        /// What the run left, as `result.json` has it.
        package var result: RunResult?
        /// Nothing speaks against the run, and it proves nothing for lack of calls to hold against its baseline.
        package var isUndecided = false
    }

    package static func run(
        _ loaded: LoadedScenario, options: RunOptions, version: String, view: LiveView
    ) throws -> Ending {
        try Recovery.prepare()
        let scenario = loaded.scenario
        if case .command(let target) = scenario.target { try CommandPlan.approve(target) }
        let clock = RunClock.starting()
        for warning in try Checking.approve(loaded, machine: .here()) { view.say(warning) }
        // A run killed while its audio is read leaves a result that loads, too.
        let first = early(loaded, options, version).encoded()
        let folder = try RunFolder.make(out: options.out, scenario: scenario.name, result: first)
        defer { folder.release() }
        folder.write(
            MachineFacts.gather(started: time(nil)).text(pretty: true) + "\n",
            to: "environment.json")
        let (plan, lines, _) = try ScenarioLoading.plan(scenario, seed: loaded.seed)
        let results = RunResults(
            plan: plan, world: .live, folder: folder, commit: BuildCommit.read(), version: version,
            command: options.commandLine)
        try takeBaseline(options, results)
        // From here on the run exists: whatever happens now, its result loads.
        results.writePartial()
        if let failure = folder.failure {
            throw ScenarioLoading.Problem(
                "the report folder \(folder.path) cannot be written: \(failure)")
        }
        let configurations = EmbeddedConfigurations(
            plan: plan, clock: clock, folder: folder.path + "/children")
        let run = try LiveRun(
            plan: plan, lines: lines, options: options, folder: folder, view: view,
            results: results, clock: clock, configurations: configurations)
        run.run()
        withExtendedLifetime(run) {}
        if results.result.isPartial { results.finishUnstarted() }
        return ending(results, folder, options)
    }

    private static func ending(
        _ results: RunResults, _ folder: RunFolder, _ options: RunOptions
    ) -> Ending {
        let printed = RunFiles.write(results, to: folder)
        return Ending(
            exitCode: printed.outcome.exitCode, summary: TerminalSummary(printed).text,
            annotations: options.isRound ? "" : CISummary.emit(printed),
            postmortem: printed.files.contains("postmortem.md")
                ? folder.path + "/postmortem.md" : nil,
            result: results.result, isUndecided: results.isUndecided)
    }

    private static func takeBaseline(_ options: RunOptions, _ results: RunResults) throws {
        guard let wanted = options.baseline else { return }
        let baseline = try Comparing.load(wanted.path)
        try Comparing.approve(baseline, for: results.result, path: wanted.path)
        results.baseline = (baseline, wanted.settings.limits)
    }

    /// What is known before the plan: enough for a partial result.
    private static func early(_ loaded: LoadedScenario, _ options: RunOptions, _ version: String)
        -> RunResult
    {
        RunResult(
            scenario: .init(name: loaded.scenario.name, summary: loaded.scenario.summary),
            seed: loaded.seed, world: .live, commit: BuildCommit.read(), version: version,
            command: options.commandLine, target: TargetText.of(loaded.scenario.target),
            priceBook: loaded.scenario.prices.name)
    }

    /// The same in virtual time.
    package static func simulate(
        _ loaded: LoadedScenario, options: RunOptions, version: String, view: LiveView
    ) throws -> Ending {
        guard case .embedded = loaded.scenario.target else {
            throw ScenarioLoading.Problem(
                """
                target: only the embedded agent can be simulated; this scenario's is \
                \(TargetText.of(loaded.scenario.target))
                  allowed: target: embedded
                  see docs/scenario.md#target
                """)
        }
        try UpstreamRelays.refuseSimulation(loaded.scenario)
        for warning in try Checking.approve(loaded) { view.say(warning) }
        let folder = try RunFolder.make(out: options.out, scenario: loaded.scenario.name)
        defer { folder.release() }
        let (plan, lines, sounds) = try ScenarioLoading.plan(loaded.scenario, seed: loaded.seed)
        let results = RunResults(
            plan: plan, world: .simulated, folder: folder, commit: BuildCommit.read(),
            version: version, command: options.commandLine)
        try takeBaseline(options, results)
        results.writePartial()
        let run = SimulatedRun(
            plan: plan, lines: lines, sounds: sounds, results: results,
            journal: folder.journal, isDrill: options.isDrill,
            saturation: options.saturation, shelf: VoiceCache.usual())
        try run.run()
        withExtendedLifetime(run) {}
        return ending(results, folder, options)
    }
}
