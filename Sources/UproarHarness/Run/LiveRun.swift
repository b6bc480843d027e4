import Glibc
import UproarAudio
import UproarCapacity
import UproarCore
import UproarFaults
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarStatistics

/// One run in real time: starts what the scenario names, lets the callers call, watches, ends everything, and says how it
/// went. The control loop runs on the calling thread; callers have threads of their own.
///
/// ```
/// services ─► calling ─► settling ─► closing ─► over
///     │           │ SIGINT: no new calls, turns end │ facts on their way
///     └───────────┴── unreachable, lost service, second SIGINT: hang up ──► settling
/// ```
package final class LiveRun {
    private enum Phase { case services, calling, settling, closing, over }

    private let plan: RunPlan
    private let lines: [RunLine]
    private let options: RunOptions
    private let folder: RunFolder
    private let view: LiveView
    private let results: RunResults
    private let loop: EventLoop
    private let driver: PosixDriver
    private let network: PosixNetwork
    private let configurations: any ChildConfigurations
    private var loopCount: Int { options.loops ?? 1 }

    private var phase = Phase.services
    private var host: PosixProcessHost?
    private var services: Services?
    private let noise: RunNoise
    private var fleet: CallerFleet?
    private var sampler: Sampler?
    private var safety: LiveSafety?
    private var door: GameDayDoor?
    private var saturation: SaturationWatch?
    /// When the run's own part was over, before the machine was measured again.
    private var endedAt: Instant?
    private let undo = RunUndo()
    private var signals: SignalSource?
    /// The control clock's reading at the first due arrival.
    private var origin = Instant.zero
    private var lastSecond = Instant.zero
    private var lastCheckpoint = Instant.zero
    private var doneLoops: Set<Int> = []
    private var drainDeadline: Instant?
    private var interrupts = 0
    /// Somebody ended the load before its time.
    private var isEnded = false
    private var monitor: GateMonitor
    private var web: LiveWeb?
    private var traces: OTLPExporter?
    private var taskReader: TaskReader?
    private var keys: LiveKeys?

    private static let lead = Duration.milliseconds(300)
    /// Facts of other processes are on their way for so long after the last call.
    private static let settleTime = FactCollector.grace + .milliseconds(500)
    private static let checkpointEvery = Duration.seconds(5)

    package init(
        plan: RunPlan, lines: [RunLine], options: RunOptions, folder: RunFolder, view: LiveView,
        results: RunResults, clock: RunClock, configurations: any ChildConfigurations
    ) throws(Errno) {
        self.plan = plan
        self.lines = lines
        self.options = options
        self.folder = folder
        self.view = view
        self.results = results
        self.configurations = configurations
        driver = try PosixDriver(clock: clock)
        loop = EventLoop(driver: driver)
        network = PosixNetwork(loop: loop, driver: driver)
        noise = RunNoise(results, folder, view, loop, clock)
        monitor = GateMonitor(
            plan.scenario.gates.filter { $0.severity == .abort } + DroppedCallBudget.gates(plan))
    }

    /// Runs to the end; blocks. `results` then holds everything.
    package func run() {
        loop.submit { [box = Opened(self)] in box.run.begin() }
        loop.run()
        view.clear()
    }

    /// Opened on the control loop only.
    private struct Opened: @unchecked Sendable {
        let run: LiveRun
        init(_ run: LiveRun) { self.run = run }
    }

    // MARK: Services

    private func begin() {
        web = LiveWeb.open(options.web, network, view) { [results] in results.judgedSoFar() }
        do throws(Errno) {
            let host = try PosixProcessHost(network: network)
            host.onGuardianLost = { [weak self] in self?.stop(because: "the guardian died") }
            self.host = host
            signals = try SignalSource(driver: driver, signals: SignalSource.endings) {
                [weak self] signal in self?.signalled(signal)
            }
        } catch {
            results.failToStart("cannot start the guardian: \(error)")
            return loop.stop()
        }
        guard let host else { return }
        let sampler = Sampler(clock: driver.clock, plan: plan, loopCount: loopCount)
        self.sampler = sampler
        sampler.add(pid: getpid(), to: "callers")
        host.onUsed = { sampler.ended(pid: $0, $1) }
        if let pid = host.guardianPID { sampler.add(pid: pid, to: "guardian") }
        let services = Services(
            loop: loop, network: network, http: CurlHTTPClient(loop: loop, driver: driver),
            host: host, folder: folder, plan: plan, clock: driver.clock,
            configurations: configurations)
        self.services = services
        do {
            if let cores = plan.scenario.agentCores {
                undo.open(host, view)
                try undo.limitAgent(to: cores.value)
                if let quota = undo.quota { sampler.watch(quota) }
            }
        } catch {
            results.failToStart("\(error)")
            return close()
        }
        services.onProcess = { [weak self] pid, group in
            sampler.add(pid: pid, to: group)
            if group == "agent" { self?.confine(pid) }
        }
        services.onFacts = { [weak self] in self?.take(records: $0, shiftedBy: $1) }
        services.onRequests = { [results] in
            results.requests?.take(messages: $0, shiftedBy: $1)
        }
        services.onLoss = { [weak self] name, how in
            self?.view.say("\(name) ended: \(how)")
            self?.results.note("\(name) ended during the run: \(how)")
        }
        view.say("starting: \(plan.scenario.startText)")
        services.start(
            ready: { [weak self] in self?.measureNoise(before: $0) },
            failed: { [weak self] problem in
                switch problem {
                case .ours(let reason): self?.results.failToStart(reason)
                case .target(let reason): self?.results.unreachable = reason
                }
                self?.close()
            })
    }

    private func confine(_ pid: Int32) {
        do throws(Errno) { try undo.confine(pid) } catch {
            stop(because: "the agent could not be limited to its cores: \(error)")
        }
    }

    /// Known answers first: what this machine adds of its own.
    private func measureNoise(before agent: CalledAgent) {
        results.coldStart = services?.coldStart
        guard phase == .services, options.measuresNoise, configurations.standIn == nil, let host
        else { return call(agent) }
        noise.measureBefore(host) { [weak self] in self?.call(agent) }
    }

    // MARK: Calls

    private func call(_ agent: CalledAgent) {
        guard phase == .services else { return }
        let start = loop.now + Self.lead
        origin = start
        lastSecond = start
        lastCheckpoint = start
        let clock = RunClock(epoch: driver.clock.epoch + start.nanoseconds)
        do throws(Errno) {
            let fleet = try CallerFleet(control: loop, clock: clock, count: loopCount)
            fleet.onReport = { [weak self] in self?.take($1, loop: $0) }
            self.fleet = fleet
            if options.tapes > 0 {
                results.tapes = try TapeShelf(
                    folder, count: options.tapes, seats: plan.seats.count,
                    worker: BackgroundThread(name: "tapes", loop: loop))
            }
        } catch {
            results.failToStart("cannot start the callers' loops: \(error)")
            return close()
        }
        phase = .calling
        saturation = options.saturation.map { SaturationWatch($0, plan: plan) }
        results.began(at: start, unixTime: time(nil))
        traces = OTLPExporter(options.otlp, origin: start, plan: plan, results, loop, driver)
        openSafety(at: start, watching: agent)
        if !options.isQuiet, let fleet, let sampler {
            keys = LiveKeys(
                plan, results, fleet, sampler, safety, folder, view, driver, loop, origin
            ) { [weak self] in self?.endLoad() ?? "" }
        }
        sampler?.start()
        fleet?.start(
            plan: plan, lines: lines, dialLimit: options.dialLimit, tapes: results.tapes,
            transport: agent.transport(seed: plan.seed, verifies: !options.isInsecure))
        loop.schedule(at: start + .seconds(1)) { [weak self] in self?.second() }
    }

    /// Faults, what keeps them in hand, and the door for those who steer by hand.
    private func openSafety(at start: Instant, watching agent: CalledAgent) {
        guard let host, let services else { return }
        let safety = LiveSafety(
            plan: plan, loop: loop, host: host, services: services, folder: folder, view: view,
            results: results, origin: start, isDrill: options.isDrill, undo: undo
        ) { [weak self] in self?.fleet?.spoil($0, arms: $1) }
        self.safety = safety
        if !safety.faults.isEmpty {
            results.watch = AgentWatch(
                http: CurlHTTPClient(loop: loop, driver: driver), urls: agent.metricsURLs
            ) { [faults = safety.faults] in faults.take($0) }
        }
        safety.onLook = { [weak self] in
            guard let self else { return }
            checkAbort(loop.now)
        }
        safety.onStop = { [weak self] in self?.stop(because: $0.reason) }
        safety.faults.onRefused = { [weak self] in self?.fleet?.hangUpAll() }
        door = GameDayDoor.open(
            network: network, plan: plan, folder: folder, safety: safety, results: results,
            view: view
        ) { [weak self] in
            guard let self else { return .null }
            return ["phase": .string(phaseText), "in_call": JSONValue(sampler?.counts.inCall ?? 0)]
        }
        safety.begin()
    }

    private func take(_ report: CallerFleet.Report, loop index: Int) {
        sampler?.take(report, loop: index)
        for loss in report.losses { results.recorder.take(loss) }
        for fact in report.facts { results.recorder.take(fact) }
        results.callerFactsDropped = max(results.callerFactsDropped, report.factsDropped)
        guard phase == .calling else { return }
        if report.isDone { doneLoops.insert(index) }
        if doneLoops.count == loopCount { return settle() }
        failEarly()
    }

    /// Facts of children count from the control clock's zero; the run's from the first due arrival.
    private func take(records: RawSpan, shiftedBy other: Duration) {
        safety?.heard()
        let shift = origin.nanoseconds - other.nanoseconds
        forEachFact(in: records) { fact in
            var fact = fact
            fact.at -= shift
            results.recorder.take(fact)
        }
    }

    /// Nobody has ever answered and several were refused: there is nothing to measure.
    private func failEarly() {
        guard let counts = sampler?.counts, results.unreachable == nil else { return }
        guard counts.inCall == 0 || counts.refused >= 5, !counts.hasAnswered,
            counts.refused >= min(5, plan.seats.count), counts.refused == counts.ended
        else { return }
        results.unreachable = counts.lastRefusal.map(RefusalText.of) ?? "no call was answered"
        fleet?.hangUpAll()
        settle()
    }

    // MARK: Every second

    private func second() {
        guard phase == .calling || phase == .settling else { return }
        let now = loop.now
        guard let sampler else { return }
        let (sample, lateness) = sampler.second(
            at: .zero + (lastSecond - origin), length: now - lastSecond)
        lastSecond = now
        results.recorder.addSendLateness(lateness, at: sample.at)
        results.recorder.fold(now: .zero + (now - origin))
        safety?.take(sample, inCall: sampler.counts.inCall)
        results.watch?.look(at: .zero + (now - origin))
        show(sample)
        checkSaturation(now, inCall: sample.inFlight)
        if now - lastCheckpoint >= Self.checkpointEvery {
            lastCheckpoint = now
            results.checkpoint(sampler: sampler, now: .zero + (now - origin))
            web?.checkpointed()
            traces?.take(results.result, now: .zero + (now - origin))
        }
        watchEnd(now)
        loop.schedule(at: now + .seconds(1)) { [weak self] in self?.second() }
    }

    private func checkSaturation(_ now: Instant, inCall: Int) {
        guard phase == .calling, results.oversaturation == nil, let saturation else { return }
        saturation.add(at: .zero + (now - origin), inCall: inCall)
        guard let evidence = saturation.evidence({ results.recorder.recorders() }) else { return }
        results.oversaturation = evidence.text
        view.say(evidence.text)
        fleet?.hangUpAll()
    }

    private func checkAbort(_ now: Instant) {
        guard phase == .calling, !monitor.rules.isEmpty, results.abortedBy == nil else { return }
        let evaluator = results.evaluator(now: .zero + (now - origin))
        guard let broken = monitor.check(evaluator, now: .zero + (now - origin)) else { return }
        results.abortedBy = broken
        view.say("abort: \(broken.rule.text)")
        safety?.clear(because: "abort: \(broken.rule.text)")
        fleet?.hangUpAll()
    }

    /// The load is over; calls that go on beyond the drain limit are cut.
    private func watchEnd(_ now: Instant) {
        guard phase == .calling else { return }
        // Arrivals that pause are waited for.
        if drainDeadline == nil, let length = keys.map(\.loadEnd) ?? plan.arrivals.duration,
            now >= origin + length
        {
            drainDeadline = origin + length + plan.scenario.drain
        }
        if let drainDeadline, now >= drainDeadline { fleet?.hangUpAll() }
    }

    private func show(_ sample: GeneratorSample) {
        guard let sampler, !options.isQuiet || web != nil else { return }
        var snapshot = results.snapshot(
            sampler: sampler, sample: sample, phase: phaseText, now: .zero + (loop.now - origin),
            planned: plan.arrivals.duration)
        keys?.fill(&snapshot)
        view.show(snapshot)
        web?.show(snapshot)
    }

    private var phaseText: String {
        switch phase {
        case .services: "starting"
        case .calling: drainDeadline != nil || isEnded ? "draining" : "calling"
        case .settling: "settling"
        case .closing, .over: "closing"
        }
    }

    // MARK: Signals

    private func signalled(_ signal: Int32) {
        interrupts += 1
        // Faults go first: whatever is left to do, nothing is broken any more.
        let ending = RunOutcome.Signal(number: signal)
        safety?.clear(because: ending.name)
        results.signal = ending
        switch phase {
        case .calling: view.say("interrupted: \(endLoad())")
        case .services: close()
        case .closing where noise.skip(): break
        default:
            // The third time somebody means it: what is known is written, nothing is waited for.
            if interrupts > 2 { finish() }
        }
    }

    /// The first time in peace, then at once; answers which. Faults are cleared either way.
    private func endLoad() -> String {
        safety?.clear(because: "the load is ended by hand")
        defer { isEnded = true }
        guard !isEnded else {
            fleet?.hangUpAll()
            return "hanging up"
        }
        drainDeadline = loop.now + plan.scenario.drain
        fleet?.drain()
        return "no new calls, turns in progress end; again: hang up"
    }

    private func stop(because reason: String) {
        results.note(reason)
        results.broken = reason
        safety?.clear(because: reason)
        fleet?.hangUpAll()
        settle()
    }

    // MARK: The end

    private func settle() {
        guard phase == .calling else { return }
        if let counts = sampler?.counts, !counts.hasAnswered, counts.refused > 0,
            counts.refused == counts.ended, results.unreachable == nil
        {
            results.unreachable = counts.lastRefusal.map(RefusalText.of) ?? "no call was answered"
        }
        phase = .settling
        safety?.clear(because: "the end of the load")
        guard !isEnded, results.unreachable == nil else { return drain() }
        RunAudit.run(
            plan, results, configurations, services, driver: driver, loop: loop, origin: origin,
            after: Self.settleTime, then: { [weak self] in self?.drain() })
    }

    private func drain() {
        guard phase == .settling else { return }
        services?.drain()
        loop.schedule(at: loop.now + Self.settleTime) { [weak self] in self?.readTasks() }
    }

    /// What callers were told of must be in the store.
    private func readTasks() {
        let owners = results.recorder.taskOwners
        guard phase == .settling, let port = services?.redisPort, !owners.isEmpty else {
            return close()
        }
        taskReader = TaskReader(
            redis: port, owners: owners, network: network, loop: loop, seed: plan.seed,
            found: { [results] in results.recorder.found(task: $0.id) },
            done: { [weak self] isWhole in
                guard let self else { return }
                taskReader = nil
                if isWhole {
                    results.recorder.auditTasks()
                } else {
                    results.note(
                        "the tasks in Redis could not be read: lost and doubled ones are unknown")
                }
                close()
            })
        taskReader?.start()
    }

    private func close() {
        guard phase != .closing, phase != .over else { return }
        phase = .closing
        noise.cancel()
        // Faults first, whatever is left to do.
        guard let safety else { return collect() }
        safety.whenClear { [weak self] in self?.collect() }
    }

    private func collect() {
        guard let fleet, results.tapes != nil else { return endProcesses() }
        fleet.flushTapes { [weak self] in self?.endProcesses() }
    }

    private func endProcesses() {
        fleet?.stop()
        results.watch?.stop()
        guard let services else { return shutDown() }
        services.stop { [weak self] in self?.measureNoiseAfter() }
    }

    /// Once more where the run had it before: whether the machine still is what it was. Who has interrupted waits for nothing.
    private func measureNoiseAfter() {
        endedAt = loop.now
        guard interrupts == 0, results.broken == nil, results.unreachable == nil, let host
        else { return shutDown() }
        noise.measureAfter(host) { [weak self] in self?.shutDown() }
    }

    private func shutDown() {
        guard let host else { return finish() }
        host.onGuardianLost = nil
        host.shutDown { [weak self] isClean in
            if !isClean { self?.results.note("a process or a fault was left behind") }
            self?.safety?.finish(guardianWasClean: isClean)
            self?.finish()
        }
    }

    private func finish() {
        guard phase != .over else { return }
        phase = .over
        keys?.close()
        web?.close()
        door?.close()
        for note in UpstreamRelays.notes(services?.evidence ?? .null) { results.note(note) }
        if let sampler {
            results.finish(
                sampler: sampler, now: .zero + ((endedAt ?? loop.now) - origin),
                evidence: services?.evidence ?? .null)
        }
        // The third interrupt means it: nothing is waited for.
        guard let traces, interrupts < 3 else { return loop.stop() }
        traces.take(results.result, now: .zero + ((endedAt ?? loop.now) - origin))
        traces.flush { [loop, view, traces] in
            if let problem = traces.problem { view.say(problem) }
            loop.stop()
        }
    }
}
