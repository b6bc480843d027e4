import UproarAudio
import UproarCore
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarStatistics

/// `uproar calibrate`: how far the callers' measurement is from what is known to have happened.
package struct Calibration {
    package var text: String
    package var exitCode: ExitCode

    /// |measured − injected| at p99 must not be above this.
    package static let bound = Duration.milliseconds(2)

    package static func run(
        callers: Int, length: Duration, delay: Duration, options: RunOptions, version: String,
        view: LiveView
    ) throws -> Calibration {
        let clock = RunClock.starting()
        let loaded = LoadedScenario(try scenario(callers: callers, length: length))
        _ = try Checking.approve(loaded)
        let folder = try RunFolder.make(out: options.out, scenario: "calibration")
        defer { folder.release() }
        let (plan, line) = try plan(loaded)
        let results = RunResults(
            plan: plan, world: .live, folder: folder, commit: BuildCommit.read(), version: version,
            command: options.commandLine)
        results.writePartial()
        let run = try LiveRun(
            plan: plan, lines: [line], options: options, folder: folder, view: view,
            results: results, clock: clock,
            configurations: CalibrationConfigurations(clock: clock, delay: delay))
        run.run()
        withExtendedLifetime(run) {}
        if results.result.isPartial { results.finishUnstarted() }
        let result = RunFiles.write(results, to: folder)
        return Calibration(result, asked: delay, callers: callers, folder: folder.path)
    }

    /// One second of tone, 20 ms frames, then silence: its end is known to the sample.
    private static let clipSound: PCM = {
        let tone = AudioTag.toneFrame(5, rate: .telephone)
        let silence = [Int16](repeating: 0, count: tone.count)
        return PCM(
            rate: .telephone,
            samples: Array(repeating: tone, count: 50).flatMap { $0 }
                + Array(repeating: silence, count: 5).flatMap { $0 })
    }()

    private static func scenario(callers: Int, length: Duration) throws -> Scenario {
        let text = """
            name: calibration
            summary: "Callers against a target whose delay is stamped."
            seed: 1
            target: {url: "ws://127.0.0.1:1/media"}
            transport: twilio
            tagging: off
            patience: 5s
            conversation: conversations/calibration.yaml
            audio: fixtures/task-manager
            load:
              - ramp: 0 -> \(callers) callers over 5s
              - hold: \(callers) callers for \(NumberText.fixed(length.inSeconds, 1))s
            """
        return try ScenarioLoading.read(
            text: text, name: "scenarios/calibration.yaml", overrides: [])
    }

    private static func plan(_ loaded: LoadedScenario) throws -> (RunPlan, RunLine) {
        let seed = Seed(loaded.seed)
        let clip = ClipDescription(
            id: "tone", file: "", transcript: "", speech: .zero..<Duration.seconds(1),
            isAnnotatedByUs: false)
        let plan = RunPlan(
            scenario: loaded.scenario, seed: seed,
            arrivals: ArrivalPlan(
                loaded.scenario.load, seed: seed, redial: loaded.scenario.redial),
            clips: [clip], hash: Checking.hash(loaded.scenario))
        let conversation = try ConversationPlan(
            loaded.scenario.conversation, clips: [clip], seed: seed)
        let frames = FrameBytes.frames(clipSound, .telephone)
        return (plan, .phone(conversation, clips: [clip], frames: [frames]))
    }

    private init(_ result: RunResult, asked: Duration, callers: Int, folder: String) {
        let gap = result.recorder.merged("claim_gap").samples
        let heard = result.recorder.merged("voice_to_voice").samples
        func text(_ samples: SignedHistogram, _ q: Double) -> String {
            samples.quantile(q).map { NumberText.fixed($0.value / 1e6, 3) + "ms" } ?? "-"
        }
        var error = HDRHistogram()
        error.add(gap.positive)
        error.add(gap.negative)
        let p99 = error.quantile(0.99).map { Duration.nanoseconds($0) }
        let isGood = p99.map { $0 <= Self.bound } ?? false
        let isFit = result.validity.state != .invalid
        exitCode = isGood && isFit ? .passed : isFit ? .gateFailed : .inconclusive
        let word = isGood && isFit ? "PASSED" : isFit ? "FAILED" : "INVALID"
        self.text = """
            CALIBRATE  \(word) (exit \(exitCode.rawValue))   \(callers) callers   \(NumberText.grouped(Int(gap.count))) turns   run \(result.validity.state.rawValue)
            MEASURED   voice-to-voice p50 \(text(heard, 0.5))  p99 \(text(heard, 0.99))   asked for \(NumberText.duration(asked)), which the target may miss
            ERROR      measured − injected: p1 \(text(gap, 0.01))  p50 \(text(gap, 0.5))  p99 \(text(gap, 0.99))
                       |measured − injected| p99 \(p99.map { NumberText.fixed($0.inMilliseconds, 3) + "ms" } ?? "-")   bound \(NumberText.duration(Self.bound))
            GENERATOR  send lateness p99 \(result.validity.sendLatenessP99.map(NumberText.duration) ?? "-")\(result.validity.reasons.map { "\n           " + $0 }.joined())
            FILES      \(folder)/result.json

            """
    }
}

/// The one child of a calibration.
private final class CalibrationConfigurations: ChildConfigurations {
    private let clock: RunClock
    private let delay: Duration

    init(clock: RunClock, delay: Duration) {
        self.clock = clock
        self.delay = delay
    }

    var standIn: String? { "calibration-target" }
    func providers() -> JSONValue { .null }
    func agent(ports: [String: UInt16], redis: UInt16) -> JSONValue {
        ["epoch_ns": .integer(clock.epoch), "delay_ns": .integer(delay.nanoseconds)]
    }
    func environment(of child: String) -> [EnvironmentEntry] { [] }
}
