import Glibc
import UproarCore
import UproarHarness
import UproarScenario
import UproarStatistics

/// How fast a whole run goes by in virtual time on one core, all codecs in the path, and where its time goes.
///
///     SimulationBenchmark [SCENARIO]
///
/// Runs it three times: with no voice kept from earlier runs, so that Flite speaks every reply before the first call; with all of
/// them kept; and metered, for the share of each stage. The meter reads the clock twice for each delivery, which the shares
/// contain.
@main
struct SimulationBenchmark {
    static func main() throws {
        let name = CommandLine.arguments.dropFirst().first ?? "quickstart"
        let folder = "/tmp/uproar-simulation-benchmark-\(getpid())"
        defer { removeVoices(folder) }
        try round(name, "replies spoken anew", folder, isMetered: false)
        try round(name, "replies kept", folder, isMetered: false)
        try round(name, "", folder, isMetered: true)
    }

    private static func removeVoices(_ folder: String) {
        guard let listing = opendir(folder) else { return }
        while let entry = readdir(listing) {
            _ = unlinkat(dirfd(listing), &entry.pointee.d_name.0, 0)
        }
        closedir(listing)
        rmdir(folder)
    }

    private static func round(_ name: String, _ what: String, _ folder: String, isMetered: Bool)
        throws
    {
        let start = processorTime()
        let scenario = try ScenarioLoading.read(name, overrides: [])
        let (plan, lines, sounds) = try ScenarioLoading.plan(scenario, seed: scenario.seed ?? 1)
        let results = RunResults(
            plan: plan, world: .simulated, folder: nil, commit: "", version: "", command: "")
        var meter: MeteredNetwork?
        let run = SimulatedRun(
            plan: plan, lines: lines, sounds: sounds, results: results,
            shelf: VoiceCache(folder: folder)
        ) {
            guard isMetered else { return $0 }
            let made = MeteredNetwork(over: $0)
            meter = made
            return made
        }
        let loaded = processorTime()
        try run.run()
        let ran = processorTime()
        let bytes = results.result.encoded().count
        let end = processorTime()
        let callerSeconds = results.result.cost.connected.inSeconds
        let turns = results.recorder.turnsSoFar
        guard let meter else {
            print(
                "\(name): \(fixed(callerSeconds, 0)) caller-seconds, \(turns) turns, result of \(bytes) bytes"
            )
            print(
                "\(what): \(fixed(callerSeconds / seconds(end - start), 0)) caller-seconds per second of processor time; "
                    + "\(fixed(seconds(end - start), 2)) s in all: audio read \(fixed(seconds(loaded - start), 2)), "
                    + "replies spoken and run \(fixed(seconds(ran - loaded), 2)), result \(fixed(seconds(end - ran), 2))"
            )
            return
        }
        let total = ran - loaded
        var rest = total
        print("stage                              share    µs/turn      pieces    ns/piece")
        func line(_ name: String, _ nanoseconds: Int64, _ pieces: Int?) {
            let share = fixed(Double(nanoseconds) / Double(total) * 100, 1) + " %"
            let perTurn = fixed(Double(nanoseconds) / 1000 / Double(max(1, turns)), 1)
            let count = pieces.map(String.init) ?? ""
            let each = pieces.map { fixed(Double(nanoseconds) / Double(max(1, $0)), 0) } ?? ""
            print(
                name + String(repeating: " ", count: max(1, 32 - name.count)),
                pad(share, 7), pad(perTurn, 10), pad(count, 11), pad(each, 11))
        }
        for stage in meter.costs.stages.sorted(by: { $0.nanoseconds > $1.nanoseconds }) {
            line("\(stage.name) hears", stage.nanoseconds, stage.pieces)
            rest -= stage.nanoseconds
        }
        line("timers, network, loop, voices", rest, nil)
    }

    static func clock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func processorTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }
    private static func fixed(_ value: Double, _ digits: Int) -> String {
        NumberText.fixed(value, digits)
    }
    private static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
