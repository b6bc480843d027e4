import Glibc
import UproarAudio
import UproarCore
import UproarPosix
import UproarScenario
import UproarStatistics

/// One `uproar run`, from the scenario to the files it leaves: everything around `LiveRun`.
package enum RunSession {
    /// What a finished run hands to the command line.
    package struct Ending {
        package var exitCode: ExitCode
        /// For stdout.
        package var summary: String
    }

    package static func run(
        _ loaded: LoadedScenario, options: RunOptions, version: String, view: LiveView
    ) throws -> Ending {
        let scenario = loaded.scenario
        let clock = RunClock.starting()
        let folderPath = options.out ?? RunFolder.defaultPath(scenario: scenario.name)
        let folder: RunFolder
        do { folder = try RunFolder(path: folderPath) } catch {
            throw ScenarioLoading.Problem(
                "the report folder \(folderPath) cannot be written: \(error)")
        }
        let (plan, frames, _) = try ScenarioLoading.plan(
            scenario, seed: loaded.seed, format: .telephone)
        let results = RunResults(
            plan: plan, world: .live, folder: folder, commit: BuildCommit.read(), version: version,
            command: options.commandLine)
        // From here on the run exists: whatever happens now, its result loads.
        results.writePartial()
        if let failure = folder.failure {
            throw ScenarioLoading.Problem(
                "the report folder \(folderPath) cannot be written: \(failure)")
        }
        try checkDescriptors(plan)
        let configurations = EmbeddedConfigurations(plan: plan, clock: clock)
        let run = try LiveRun(
            plan: plan, frames: frames, options: options, folder: folder, view: view,
            results: results, clock: clock, configurations: configurations)
        run.run()
        if results.result.isPartial { results.finishUnstarted() }
        RunFiles.write(results, to: folder, options: options)
        return Ending(
            exitCode: results.result.outcome.exitCode,
            summary: PlainSummary.text(results.result, folder: folderPath))
    }

    /// Before anything is dialled: are there descriptors enough?
    private static func checkDescriptors(_ plan: RunPlan) throws {
        let limit = DescriptorLimit.raise()
        let calls = plan.arrivals.peakCalls(callLength: .seconds(60))
        // The agent takes the most: the call, the recogniser's, the voice's and now and then the model's.
        let needed = calls + 64
        guard needed <= limit else {
            throw ScenarioLoading.Problem(
                """
                \(NumberText.grouped(calls)) callers at once need \(NumberText.grouped(needed)) file descriptors; \
                this machine allows \(NumberText.grouped(limit))
                  allowed: at most \(NumberText.grouped(limit - 64)) callers, or a higher limit (ulimit -Hn, as root)
                  see 'uproar doctor'
                """)
        }
    }
}
