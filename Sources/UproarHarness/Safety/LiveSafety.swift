import Glibc
import UproarCore
import UproarFaults
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarStatistics

/// What keeps a live run's faults in hand: arms them, writes down what becomes of them, watches the stop conditions, clears everything
/// when it must and measures how long that takes.
///
/// ```
///   armed ── end of the load, signal, halt lever, stop condition, gate ──► clearing ── heal checks ──► clear (so long after)
/// ```
package final class LiveSafety {
    package let evidence: RunEvidence
    /// Every fault of the run, planned or by hand.
    package let faults: FaultDriver
    package let processes: ProcessCarrier
    /// A condition holds: the run must end.
    package var onStop: ((StopConditions.Stop) -> Void)?
    /// At each look, four times a second.
    package var onLook: (() -> Void)?

    private let loop: EventLoop
    private let host: PosixProcessHost
    private let results: RunResults
    private let view: LiveView
    private let undoPath: () -> String?
    private var conditions: StopConditions
    private let origin: Instant
    /// The loop's reading at the first due arrival.
    var start: Instant { origin }
    private var lastWord: Instant
    private var lastSample: GeneratorSample?
    private var inCall = 0
    private var isWatching = false
    private var isOver = false
    private var clearing: (since: Instant, because: String)?
    private var waiting: [() -> Void] = []
    /// How long the last clearing took, from its reason to the last heal check.
    package private(set) var clearTime: Duration?
    private var notClear: String?

    /// A clearing that takes longer has failed.
    private static let clearLimit = Duration.seconds(5)

    /// - spoil: arms or clears a fault in the callers' own media.
    init(
        plan: RunPlan, loop: EventLoop, host: PosixProcessHost, services: Services,
        folder: RunFolder, view: LiveView, results: RunResults, origin: Instant, isDrill: Bool,
        undo shared: RunUndo,
        spoil: @escaping (FaultPlan, Bool) -> Void
    ) {
        self.loop = loop
        self.host = host
        self.results = results
        self.view = view
        self.origin = origin
        lastWord = loop.now
        conditions = StopConditions(memoryFloor: plan.scenario.safety.memoryFloor)
        let now = { Instant.zero + (loop.now - origin) }
        let evidence = RunEvidence(folder.journal, plan: plan, results: results, now: now)
        self.evidence = evidence
        let undo = UndoPath()
        undoPath = { undo.path }
        processes = ProcessCarrier(
            loop: loop, processes: services, host: host, folder: folder.path + "/children",
            openUndo: { () -> UndoLog? in
                // The agent's share of the processor may have opened it already.
                if let log = shared.take() {
                    host.renewLease()
                    undo.path = log.path
                    return log
                }
                do throws(Errno) {
                    let path = try StateFolder.undoFile()
                    let log = try UndoLog(creating: path)
                    host.settleAtEnd(undoFile: path)
                    host.renewLease()
                    undo.path = path
                    return log
                } catch {
                    view.say("no undo records can be written (\(error)): no process is touched")
                    return nil
                }
            }, state: { results.recorder.take($0) }, now: now)
        let carrier = FaultCarriers([
            ({ FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .process }, processes),
            (
                { FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .link },
                LinkControlCarrier(
                    connection: { [weak services] in services?.links.control(of: $0) },
                    shift: { origin - .zero })
            ),
            (
                { FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .media },
                MediaCarrier(spoil)
            ),
            (
                { FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .provider },
                ControlCarrier(
                    connection: { [weak services] in services?.providers?.control },
                    shift: { origin - .zero })
            ),
        ])
        faults = FaultDriver(plan: plan, loop: loop, carrier: carrier)
        let crash = CrashPoint(guardian: { host.guardianPID })
        processes.onChange = {
            evidence.undo($0, $1, $2)
            crash?.pass($2.rawValue)
        }
        faults.onChange = {
            evidence.changed($0, $1)
            crash?.pass("fault-" + $0)
        }
        faults.say = { view.say($0) }
        if isDrill { faults.mayBegin = { results.steadyStateProblem } }
        services.onDecisions = { _, values in
            evidence.decided(values.items ?? [], shift: origin - .zero)
        }
        results.watch(faults)
    }

    private final class UndoPath { var path: String? }

    package func begin() {
        faults.start(at: origin)
        isWatching = true
        host.onUndone = { [weak self] in self?.undone($0, isHalted: $1, $2) }
        look()
    }

    /// The emulators have told something.
    package func heard() { lastWord = loop.now }

    package func take(_ sample: GeneratorSample, inCall: Int) {
        lastSample = sample
        self.inCall = inCall
    }

    // MARK: Stop conditions

    private func look() {
        guard isWatching else { return }
        if undoPath() != nil { host.renewLease() }
        onLook?()
        // What was told meanwhile may have ended the run.
        guard isWatching else { return }
        if let stop = conditions.look(sight) {
            isWatching = false
            view.say("stopped by \(stop.rule): \(stop.reason)")
            evidence.changed(
                "stop", ["rule": .string(stop.rule), "reason": .string(stop.reason)])
            onStop?(stop)
            return
        }
        loop.schedule(at: loop.now + Nemesis.cadence) { [weak self] in self?.look() }
    }

    private var sight: StopConditions.Sight {
        var sight = StopConditions.Sight(at: loop.now)
        sight.halted = StateFolder.haltReason
        // The lever ends any run; the other conditions are there for faults.
        guard faults.hasBegun else { return sight }
        sight.dirty = processes.dirty
        sight.memoryAvailable = KernelText.kilobytes(
            "MemAvailable", in: ProcFile.text("/proc/meminfo") ?? "")
        // While faults act the emulators may have their reasons.
        if inCall > 0, faults.armed.isEmpty { sight.silence = loop.now - lastWord }
        sight.lateness = lastSample?.sendLatenessP99
        sight.loopLag = lastSample?.loopLag
        return sight
    }

    private func undone(_ count: Int, isHalted: Bool, _ failures: [String]) {
        evidence.changed(
            "undone_by_guardian",
            [
                "count": JSONValue(count), "halted": .bool(isHalted),
                "failures": .array(failures.map { .string($0) }),
            ])
        if let failure = failures.first { notClear = notClear ?? failure }
        // A halt is told by the lever itself.
        guard !isHalted else { return }
        results.broken =
            "the run stood still for longer than its lease of \(NumberText.duration(UndoLog.lease)): the guardian undid \(count) changes"
    }

    // MARK: Clearing

    /// Ends every fault now, whatever waits never comes; measures how long it takes until all is as before.
    package func clear(because reason: String) {
        guard !isOver else { return }
        isOver = true
        isWatching = false
        let wasArmed = !faults.armed.isEmpty
        clearing = (loop.now, reason)
        processes.runEnds()
        faults.clearAll()
        awaitClear(wasArmed)
    }

    private func awaitClear(_ wasArmed: Bool) {
        guard let (since, reason) = clearing else { return }
        let time = loop.now - since
        let isClear = faults.isClear
        guard isClear || time >= Self.clearLimit else {
            loop.schedule(at: loop.now + .milliseconds(5)) { [weak self] in
                self?.awaitClear(wasArmed)
            }
            return
        }
        clearing = nil
        clearTime = time
        if !isClear {
            notClear = "faults are not clear \(NumberText.duration(time)) after \(reason)"
        }
        if wasArmed {
            evidence.changed(
                "all_clear",
                [
                    "because": .string(reason), "took_ms": .integer(time.nanoseconds / 1_000_000),
                    "clear": .bool(isClear),
                ])
            results.note("faults cleared \(NumberText.duration(time)) after \(reason)")
        }
        let then = waiting
        waiting = []
        for body in then { body() }
    }

    /// Calls `body` once nothing is armed any more, or it has been given up.
    package func whenClear(_ body: @escaping () -> Void) {
        if clearing == nil { body() } else { waiting.append(body) }
    }

    /// After the guardian has gone: what is still outstanding is undone here, and what cannot be makes the run dirty.
    package func finish(guardianWasClean: Bool) {
        isWatching = false
        var problem = processes.dirty ?? notClear
        if let path = undoPath(), access(path, F_OK) == 0 {
            problem = problem ?? UndoLog.settle(path).first
        } else if !guardianWasClean, undoPath() != nil {
            problem = problem ?? "something was left behind: uproar recover"
        }
        guard let problem else { return }
        results.dirty = problem
        evidence.changed("dirty", ["reason": .string(problem)])
    }
}
