import UproarCore
import UproarScenario
import UproarStatistics

@testable import UproarHarness

/// A scenario file as `uproar simulate` runs it, without the files that it would leave.
enum SimulatedScenario {
    static func run(_ path: String, set overrides: [String] = []) throws -> RunResult {
        let loaded = try LoadedScenario.file(path, overrides: overrides)
        let (plan, lines, sounds) = try ScenarioLoading.plan(loaded.scenario, seed: loaded.seed)
        let results = RunResults(
            plan: plan, world: .simulated, folder: nil, commit: "", version: "", command: "")
        let run = SimulatedRun(
            plan: plan, lines: lines, sounds: sounds, results: results, shelf: VoiceCache.usual())
        try run.run()
        withExtendedLifetime(run) {}
        return results.result
    }

    /// The metrics of the gates that failed on what was seen.
    static func broken(_ result: RunResult) -> Set<String> {
        Set(result.gates.filter { $0.outcome == .failed && $0.observed != nil }.map(\.rule.metric))
    }
}
