import UproarAgent
import UproarAudio
import UproarCapacity
import UproarCore
import UproarFaults
import UproarLoad
import UproarProviders
import UproarRuntime
import UproarScenario
import UproarSimulation
import UproarStatistics
import UproarTransports
import UproarWire

/// One run in virtual time: the same callers, agent, emulators and codecs on one loop and a network in memory. The same
/// commit, seed and scenario give the same bytes.
package final class SimulatedRun {
    private let plan: RunPlan
    private let lines: [RunLine]
    private let sounds: [PCM]
    private let results: RunResults
    private let world: SimulatedWorld
    /// What callers, agent and emulators take for the network.
    private let network: any Network
    private let sampler: Sampler
    private let saturation: SaturationWatch?
    private var side: CallerSide?
    private var faults: FaultDriver?
    private var assembly: ProvidersAssembly?
    private var workers: SimulatedWorkers?
    /// Of each worker, for those that come after it.
    private var spools: [Int: MemorySpool] = [:]
    private var workersMade: UInt64 = 0
    private var redis: SimulatedRedis?
    private var lastSecond = Instant.zero
    private var isOver = false
    private var taskReader: TaskReader?
    private var hasHungUp = false

    /// The services start before the first due arrival.
    private static let lead = Duration.seconds(1)
    private static let settleTime = FactCollector.grace + .milliseconds(500)

    /// - seenThrough: puts something between the network and everybody on it, such as a meter.
    package init(
        plan: RunPlan, lines: [RunLine], sounds: [PCM], results: RunResults,
        saturation: SaturationDetector.Limits? = nil,
        seenThrough lens: (any Network) -> any Network = { $0 }
    ) {
        self.plan = plan
        self.lines = lines
        self.sounds = sounds
        self.results = results
        self.saturation = saturation.map { SaturationWatch($0, plan: plan) }
        world = SimulatedWorld(seed: plan.seed, startingAt: .zero - Self.lead)
        network = lens(world.network)
        sampler = Sampler(clock: nil, plan: plan, loopCount: 1)
    }

    /// Runs to the end. Throws when the services cannot listen, which a simulated network never refuses.
    package func run() throws {
        let redis = try SimulatedRedis(loop: world.loop, network: network)
        self.redis = redis
        let configuration = ProviderConfiguration(
            plan: plan, epoch: nil, epochSeconds: Self.epochSeconds)
        let corpus = AudioCorpus(
            name: "run",
            clips: zip(plan.clips, sounds).map { AudioCorpus.Clip(description: $0, sound: $1) })
        let assembly = try ProvidersAssembly(
            configuration.settings, corpus: corpus, loop: world.loop, network: network,
            worker: InlineWorker(loop: world.loop), facts: RecorderSink(results.recorder))
        self.assembly = assembly
        // As in a live run, the emulators are ready when the agent starts.
        var isPrepared = false
        assembly.prepare { isPrepared = true }
        while !isPrepared {
            guard world.loop.runOnce() else { break }
        }
        let workers = try startAgent(assembly, redisPort: redis.endpoint?.port ?? 0)
        call(try workers.urls("/media"), try workers.urls("/browser"), workers)
        while !isOver {
            guard world.loop.runOnce() else { break }
        }
        results.finish(
            sampler: sampler, now: world.now, evidence: assembly.evidence)
    }

    /// 2026-01-01: a simulated day is always the same one.
    private static let epochSeconds: Int64 = 1_767_225_600

    private func startAgent(_ assembly: ProvidersAssembly, redisPort: UInt16) throws
        -> SimulatedWorkers
    {
        guard case .embedded(let count, let delay) = plan.scenario.target else {
            preconditionFailure("only the embedded agent is simulated")
        }
        let plan = plan
        var keys = AgentAssembly.Keys()
        keys.storeSecret = ObjectStoreEmulator.usualSecret
        keys.recording = recordingKey
        let loop = world.loop
        let workers = SimulatedWorkers(
            count: count, restartDelay: delay, loop: loop, network: network
        ) { [unowned self] worker, port, network in
            var settings = EmbeddedConfigurations.settings(plan)
            EmbeddedConfigurations.direct(
                &settings, plan,
                to: { provider in
                    assembly.ports.first { $0.0 == provider.name }?.1 ?? 0
                }, redis: redisPort)
            settings.epoch = Self.epochSeconds
            settings.worker = "agent-\(worker)"
            settings.port = port
            return try AgentAssembly.make(
                settings, keys: keys, loop: loop, network: network,
                http: SimulatedHTTPClient(loop: loop, network: network),
                seed: EmbeddedConfigurations.seed(plan, worker: worker),
                recording: self.recordingWorld(worker))
        }
        self.workers = workers
        try workers.start()
        return workers
    }

    /// The same in each run of the seed: nothing here is worth keeping from anybody.
    private var recordingKey: String {
        var random = plan.seed.stream("recording-key")
        return (0..<4).map { _ in EmulatorContext.hex(random.next()) }.joined()
    }

    private func recordingWorld(_ worker: Int) -> AgentAssembly.RecordingWorld {
        workersMade += 1
        var random = plan.seed.stream("recording-data-keys", workersMade)
        let spool = spools[worker] ?? MemorySpool(loop: world.loop)
        spools[worker] = spool
        return .init(
            spool: spool,
            unguessable: { count in
                (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }, now: { [world] in Self.unixTime(world.now) })
    }

    private static func unixTime(_ now: Instant) -> Int64 {
        epochSeconds + now.nanoseconds / 1_000_000_000
    }

    private func call(_ phones: [WireURL], _ browsers: [WireURL], _ workers: SimulatedWorkers) {
        let side = CallerSide(
            loop: world.loop, plan: plan, lines: lines,
            transport: { [network, world, plan] name -> any CallTransport in
                if name == "browser" {
                    return BrowserTransport(
                        urls: browsers, network: network, loop: world.loop, seed: plan.seed)
                }
                return TwilioTransport(
                    urls: phones, network: network, loop: world.loop, seed: plan.seed)
            })
        self.side = side
        results.began(at: .zero, unixTime: 0)
        if let assembly {
            let carrier = FaultCarriers([
                ({ ProviderFaultCatalog.named($0) != nil }, EmulatorCarrier(assembly)),
                (
                    { name in ProcessFault.catalog.contains { $0.name == name } },
                    WorkerKillCarrier(workers, loop: world.loop) { [results] in
                        results.recorder.take($0)
                    }
                ),
            ])
            let faults = FaultDriver(plan: plan, loop: world.loop, carrier: carrier)
            if !faults.isEmpty {
                results.watch(faults)
                self.faults = faults
                faults.start(at: .zero)
            }
        }
        side.driver.start { [weak self] in self?.settle() }
        world.loop.schedule(at: .zero + .seconds(1)) { [weak self] in self?.second() }
    }

    private func second() {
        guard !isOver, let side else { return }
        let now = world.now
        take(side)
        let (sample, lateness) = sampler.second(at: lastSecond, length: now - lastSecond)
        lastSecond = now
        results.recorder.addSendLateness(lateness, at: sample.at)
        results.recorder.fold(now: now)
        checkSaturation(now, inCall: sample.inFlight)
        if !hasHungUp, now >= .zero + plan.arrivals.duration + plan.scenario.drain {
            hasHungUp = true
            side.driver.hangUpAll()
        }
        world.loop.schedule(at: now + .seconds(1)) { [weak self] in self?.second() }
    }

    private func checkSaturation(_ now: Instant, inCall: Int) {
        guard !hasHungUp, let saturation else { return }
        saturation.add(at: now, inCall: inCall)
        guard let evidence = saturation.evidence({ [results.recorder.tally.recorder] }) else {
            return
        }
        results.oversaturation = evidence.text
        hasHungUp = true
        side?.driver.hangUpAll()
    }

    private func take(_ side: CallerSide) {
        var report = CallerFleet.Report()
        report.counts = side.driver.counts
        report.pacing = side.engine.drainPacing()
        sampler.take(report, loop: 0)
        for fact in side.facts.drain() { results.recorder.take(fact) }
    }

    private func settle() {
        faults?.clearAll()
        world.loop.schedule(at: world.now + Self.settleTime) { [weak self] in
            guard let self, let side = self.side else { return }
            take(side)
            audit()
        }
    }

    private func audit() {
        guard plan.scenario.isRecording,
            let port = assembly?.ports.first(where: { $0.0 == ProviderID.objectStore.name })?.1
        else { return readTasks() }
        results.recorder.fold(now: world.now)
        RunAudit.run(
            plan, results, key: recordingKey, port: port,
            http: SimulatedHTTPClient(loop: world.loop, network: network), loop: world.loop,
            epoch: Self.epochSeconds, now: { [world] in Self.unixTime(world.now) },
            then: { [weak self] in self?.readTasks() })
    }

    /// What callers were told of must be in the store.
    private func readTasks() {
        let owners = results.recorder.taskOwners
        guard let port = redis?.endpoint?.port, !owners.isEmpty else {
            isOver = true
            return
        }
        taskReader = TaskReader(
            redis: port, owners: owners, network: world.network, loop: world.loop, seed: plan.seed,
            found: { [results] in results.recorder.found(task: $0.id) },
            done: { [weak self] isWhole in
                guard let self else { return }
                if isWhole {
                    results.recorder.auditTasks()
                } else {
                    results.note(
                        "the tasks in Redis could not be read: lost and doubled ones are unknown")
                }
                isOver = true
            })
        taskReader?.start()
    }
}

/// Facts of a process that lives on the recorder's own loop.
private final class RecorderSink: FactSink {
    private let recorder: RunRecorder
    init(_ recorder: RunRecorder) { self.recorder = recorder }
    func state(_ fact: Fact) { recorder.take(fact) }
}
