import UproarAudio
import UproarCore
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarStatistics
import UproarTransports
import UproarWire

/// A few internal calls before the run's own, and again after them: callers as the run's, against a child that stamps when it heard
/// and when it answered. Their error is this machine's noise floor at this hour. Takes about 3 s; belongs to the control loop.
///
/// It never keeps a run from starting or ending: what fails here gives no figure.
final class NoiseFloorCheck {
    private static let callers = 8
    private static let delay = Duration.milliseconds(120)
    /// The longest it may take, the child's start included.
    private static let limit = Duration.seconds(8)
    /// Facts of the child are on their way for so long after the last call.
    private static let grace = Duration.milliseconds(250)

    private let loop: EventLoop
    private let clock: RunClock
    private var fleet: CallerFleet?
    private var child: ChildProcess?
    private let recorder: RunRecorder
    private let plan: RunPlan
    private let line: RunLine
    private var origin = Instant.zero
    private var done: ((NoiseFloor?) -> Void)?
    private var isSettling = false
    private var hasEnded = false

    /// - done: called once, on the loop.
    init(
        host: any ProcessHost, folder: RunFolder, loop: EventLoop, clock: RunClock,
        done: @escaping (NoiseFloor?) -> Void
    ) throws {
        self.loop = loop
        self.clock = clock
        (plan, line) = try Self.plan()
        recorder = RunRecorder(plan: plan)
        self.done = done
        child = try ChildProcess(
            ChildPlan(
                name: "calibration-target",
                config: [
                    "epoch_ns": .integer(clock.epoch),
                    "delay_ns": .integer(Self.delay.nanoseconds),
                ]),
            folder: folder.path + "/children", host: host, loop: loop, handler: self)
        loop.schedule(at: loop.now + Self.limit) { [weak self] in self?.finish() }
    }

    /// Gives up; `done` is not called.
    func cancel() {
        done = nil
        finish()
    }

    private func call(_ port: UInt16) {
        guard done != nil, fleet == nil, let url = try? WireURL("ws://127.0.0.1:\(port)/media")
        else { return finish() }
        origin = loop.now + .milliseconds(50)
        do throws(Errno) {
            let fleet = try CallerFleet(
                control: loop, clock: RunClock(epoch: clock.epoch + origin.nanoseconds), count: 1)
            self.fleet = fleet
            fleet.onReport = { [weak self] _, report in self?.take(report) }
            let seed = plan.seed
            fleet.start(
                plan: plan, lines: [line], dialLimit: nil
            ) { network, _ in
                TwilioTransport(url: url, network: network, loop: network.loop, seed: seed)
            }
        } catch { finish() }
    }

    private func take(_ report: CallerFleet.Report) {
        for fact in report.facts { recorder.take(fact) }
        guard report.isDone, !isSettling else { return }
        isSettling = true
        child?.drain()
        loop.schedule(at: loop.now + Self.grace) { [weak self] in self?.finish() }
    }

    private func finish() {
        fleet?.stop()
        fleet = nil
        if !hasEnded { child?.hosted?.send(.terminate, tree: true) }
        guard let done else { return }
        self.done = nil
        recorder.foldAll(now: .zero + (loop.now - origin))
        done(NoiseFloor(recorder.tally.recorder.merged("claim_gap").samples))
    }

    // MARK: What is played

    /// 300 ms of tone, then silence: its end is known to the sample.
    private static let sound: PCM = {
        let tone = AudioTag.toneFrame(5, rate: .telephone)
        let silence = [Int16](repeating: 0, count: tone.count)
        return PCM(
            rate: .telephone,
            samples: Array(repeating: tone, count: 15).flatMap { $0 }
                + Array(repeating: silence, count: 3).flatMap { $0 })
    }()

    private static func plan() throws -> (RunPlan, RunLine) {
        let text = """
            name: noise-floor
            summary: "Known answers around a run."
            seed: 1
            target: {url: "ws://127.0.0.1:1/media"}
            transport: twilio
            tagging: off
            patience: 2s
            conversation: conversations/noise-floor.yaml
            audio: fixtures/task-manager
            load:
              - spike: \(callers) callers at once
            """
        let scenario = try ScenarioLoading.read(
            text: text, name: "scenarios/noise-floor.yaml", overrides: [])
        let seed = Seed(1)
        let clip = ClipDescription(
            id: "tone", file: "", transcript: "", speech: .zero..<Duration.milliseconds(300),
            isAnnotatedByUs: false)
        let plan = RunPlan(
            scenario: scenario, seed: seed,
            arrivals: ArrivalPlan(scenario.load, seed: seed, redial: scenario.redial),
            clips: [clip], hash: Checking.hash(scenario))
        let conversation = try ConversationPlan(
            scenario.conversation, clips: [clip], seed: seed)
        let frames = FrameBytes.frames(sound, .telephone)
        return (plan, .phone(conversation, clips: [clip], frames: [frames]))
    }
}

extension NoiseFloorCheck: ChildProcessHandler {
    func childReady(_ child: ChildProcess) {
        guard let port = child.ports["media"] else { return finish() }
        call(port)
    }

    func child(_ child: ChildProcess, facts records: RawSpan) {
        let shift = origin.nanoseconds
        forEachFact(in: records) { fact in
            var fact = fact
            fact.at -= shift
            recorder.take(fact)
        }
    }

    func child(_ child: ChildProcess, evidence: JSONValue) {}

    func childEnded(_ child: ChildProcess, exit: ProcessExit, failure: String?) {
        hasEnded = true
        if !isSettling { finish() }
    }
}
