import UproarAgent
import UproarAudio
import UproarCapacity
import UproarCore
import UproarFaults
import UproarLinks
import UproarLoad
import UproarPosix
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
    private let shelf: (any VoiceShelf)?
    private var side: CallerSide?
    private var faults: FaultDriver?
    private var assembly: ProvidersAssembly?
    private var workers: SimulatedWorkers?
    /// Of each worker, for those that come after it.
    private var spools: [Int: MemorySpool] = [:]
    private var workersMade: UInt64 = 0
    private var redis: SimulatedRedis?
    private var links: LinkSet?
    private let parts: SimulatedParts
    private let isDrill: Bool
    private var evidence: RunEvidence?
    private var lastSecond = Instant.zero
    private var isOver = false
    private var taskReader: TaskReader?
    private var hasHungUp = false

    /// The services start before the first due arrival.
    private static let lead = Duration.seconds(1)
    private static let settleTime = FactCollector.grace + .milliseconds(500)

    /// - shelf: what voices have spoken before; nil speaks everything anew.
    /// - seenThrough: puts something between the network and everybody on it, such as a meter.
    package init(
        plan: RunPlan, lines: [RunLine], sounds: [PCM], results: RunResults,
        journal: EvidenceJournal? = nil, isDrill: Bool = false,
        saturation: SaturationDetector.Limits? = nil, shelf: (any VoiceShelf)? = nil,
        seenThrough lens: (any Network) -> any Network = { $0 }
    ) {
        self.plan = plan
        self.lines = lines
        self.sounds = sounds
        self.results = results
        self.shelf = shelf
        self.saturation = saturation.map { SaturationWatch($0, plan: plan) }
        world = SimulatedWorld(seed: plan.seed, startingAt: .zero - Self.lead)
        network = lens(world.network)
        parts = SimulatedParts(world, network: network, plan: plan)
        self.isDrill = isDrill
        let clock = world
        evidence = RunEvidence(journal, plan: plan, results: results) { clock.now }
        sampler = Sampler(clock: nil, plan: plan, loopCount: 1)
    }

    /// Runs to the end. Throws when the services cannot listen, which a simulated network never refuses.
    package func run() throws {
        let home = parts.place("redis")
        let redis = try SimulatedRedis(loop: home.loop, network: home.network)
        self.redis = redis
        let redisPort = redis.endpoint?.port ?? 0
        parts.onRestart("redis") { [weak self] in self?.startRedis(at: redisPort) }
        let configuration = ProviderConfiguration(
            plan: plan, epoch: nil, epochSeconds: Self.epochSeconds)
        let corpus = AudioCorpus(
            name: "run",
            clips: zip(plan.clips, sounds).map { AudioCorpus.Clip(description: $0, sound: $1) })
        let office = parts.place("providers")
        let assembly = try ProvidersAssembly(
            configuration.settings, corpus: corpus, loop: office.loop, network: office.network,
            worker: InlineWorker(loop: office.loop), facts: RecorderSink(results.recorder),
            shelf: shelf)
        self.assembly = assembly
        assembly.context.requests.onRequest = { [results] in results.requests?.take($0) }
        let links = LinkSet(
            loop: world.loop, network: network, facts: RecorderSink(results.recorder))
        self.links = links
        // As in a live run, the emulators are ready when the agent starts.
        var isPrepared = false
        parts.act(in: "providers") { assembly.prepare { isPrepared = true } }
        while !isPrepared {
            guard world.loop.runOnce() else { break }
        }
        let workers = try startAgent(assembly, links: links, redisPort: redisPort)
        call(
            try linked(try workers.urls("/media"), links),
            try linked(try workers.urls("/browser"), links))
        while !isOver {
            guard world.loop.runOnce() else { break }
        }
        assembly.finish(at: office.loop.now)
        results.finish(
            sampler: sampler, now: world.now, evidence: assembly.evidence)
    }

    /// 2026-01-01: a simulated day is always the same one.
    private static let epochSeconds: Int64 = 1_767_225_600

    /// An empty one, where the one before was.
    private func startRedis(at port: UInt16) {
        let home = parts.place("redis")
        redis = try? SimulatedRedis(
            loop: home.loop, network: home.network, endpoint: .loopback(port))
    }

    private func startAgent(_ assembly: ProvidersAssembly, links: LinkSet, redisPort: UInt16) throws
        -> SimulatedWorkers
    {
        guard case .embedded(let count, let delay) = plan.scenario.target else {
            preconditionFailure("only the embedded agent is simulated")
        }
        let plan = plan
        var keys = AgentAssembly.Keys()
        keys.storeSecret = ObjectStoreEmulator.usualSecret
        keys.recording = recordingKey
        var found = Dictionary(assembly.ports, uniquingKeysWith: { first, _ in first })
        found[ProviderID.redis.name] = redisPort
        for arrow in LinkPlan(plan.scenario).behindAgent {
            guard let port = found[arrow.to] else { continue }
            found[arrow.to] = try links.add(arrow, upstream: .loopback(port), mayFlush: true)
        }
        let ports = found
        let parts = parts
        parts.restartDelay = delay
        let workers = SimulatedWorkers(count: count, parts: parts) {
            [unowned self] worker, port, home in
            var settings = EmbeddedConfigurations.settings(plan)
            EmbeddedConfigurations.direct(
                &settings, plan, to: { ports[$0.name] ?? 0 },
                redis: ports[ProviderID.redis.name] ?? redisPort)
            settings.epoch = Self.epochSeconds
            settings.worker = "agent-\(worker)"
            settings.port = port
            return try AgentAssembly.make(
                settings, keys: keys, loop: home.loop, network: home.network,
                http: SimulatedHTTPClient(loop: home.loop, network: home.network),
                seed: EmbeddedConfigurations.seed(plan, worker: worker),
                recording: self.recordingWorld(worker)
            ) {
                if worker == 1, parts.isProcess("agent") { $0.meter = parts.meter }
            }
        }
        self.workers = workers
        try workers.start()
        return workers
    }

    /// The agent's addresses as callers know them: a link's, where the timeline names the arrow to it.
    private func linked(_ urls: [WireURL], _ links: LinkSet) throws -> [WireURL] {
        guard LinkPlan(plan.scenario).isBeforeAgent else { return urls }
        return try urls.map { url in
            let known = links.relays.first { $0.settings.upstream.port == url.port }
            var linked = url
            linked.port =
                try known?.endpoint?.port
                ?? links.add(.callersToAgent, upstream: .loopback(url.port), mayFlush: false)
            return linked
        }
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

    private func call(_ phones: [WireURL], _ browsers: [WireURL]) {
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
        if let assembly, let links {
            let carrier = FaultCarriers([
                (
                    { FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .process },
                    SimulatedProcessCarrier(parts, loop: world.loop) { [results] in
                        results.recorder.take($0)
                    }
                ),
                (
                    { FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .link },
                    LinkSetCarrier(links)
                ),
                (
                    { FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .media },
                    MediaCarrier { [weak side] in side?.spoil($0, arms: $1) }
                ),
                (
                    { FaultCatalog.place(of: $0.fault, on: $0.scope.on) == .provider },
                    EmulatorCarrier(assembly) { [parts] in parts.act(in: "providers", $0) }
                ),
            ])
            let faults = FaultDriver(plan: plan, loop: world.loop, carrier: carrier)
            if !faults.isEmpty {
                faults.onChange = { [evidence] in evidence?.changed($0, $1) }
                if isDrill { faults.mayBegin = { [results] in results.steadyStateProblem } }
                faults.onRefused = { [weak self] in self?.side?.driver.hangUpAll() }
                results.watch(faults)
                results.watch = AgentWatch { [weak faults] in faults?.take($0) }
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
        if let assembly { evidence?.decided(assembly.faults.takeDecisions()) }
        checkSaturation(now, inCall: sample.inFlight)
        if let watch = results.watch, let workers { watch.take(workers.pages, at: now) }
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
        for loss in side.driver.drainLosses() { results.recorder.take(loss) }
        for fact in side.facts.drain() { results.recorder.take(fact) }
    }

    private func settle() {
        parts.isEnding = true
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
