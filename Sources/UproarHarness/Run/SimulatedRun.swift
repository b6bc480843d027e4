import UproarAgent
import UproarAudio
import UproarCore
import UproarFaults
import UproarLoad
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
    private let frames: [[UInt8]]
    private let sounds: [PCM]
    private let results: RunResults
    private let world: SimulatedWorld
    /// What callers, agent and emulators take for the network.
    private let network: any Network
    private let sampler: Sampler
    private var side: CallerSide?
    private var faults: FaultDriver?
    private var assembly: ProvidersAssembly?
    private var agent: AgentServer?
    private var redis: SimulatedRedis?
    private var lastSecond = Instant.zero
    private var isOver = false
    private var hasHungUp = false

    /// The services start before the first due arrival.
    private static let lead = Duration.seconds(1)
    private static let settleTime = FactCollector.grace + .milliseconds(500)

    /// - seenThrough: puts something between the network and everybody on it, such as a meter.
    package init(
        plan: RunPlan, frames: [[UInt8]], sounds: [PCM], results: RunResults,
        seenThrough lens: (any Network) -> any Network = { $0 }
    ) {
        self.plan = plan
        self.frames = frames
        self.sounds = sounds
        self.results = results
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
        let mediaURL = try startAgent(assembly, redisPort: redis.endpoint?.port ?? 0)
        assembly.prepare { [weak self] in self?.call(mediaURL) }
        while !isOver {
            guard world.loop.runOnce() else { break }
        }
        results.finish(
            sampler: sampler, now: world.now, evidence: assembly.evidence)
    }

    /// 2026-01-01: a simulated day is always the same one.
    private static let epochSeconds: Int64 = 1_767_225_600

    private func startAgent(_ assembly: ProvidersAssembly, redisPort: UInt16) throws -> WireURL {
        var settings = EmbeddedConfigurations.settings(plan)
        EmbeddedConfigurations.direct(
            &settings, plan,
            to: { provider in
                assembly.ports.first { $0.0 == provider.name }?.1 ?? 0
            }, redis: redisPort)
        settings.epoch = Self.epochSeconds
        let agent = try AgentAssembly.make(
            settings, keys: AgentAssembly.Keys(), loop: world.loop, network: network,
            http: SimulatedHTTPClient(loop: world.loop, network: network), seed: plan.seed)
        self.agent = agent
        let endpoint = try agent.start()
        return try WireURL("ws://127.0.0.1:\(endpoint.port)\(settings.mediaPath)")
    }

    private func call(_ url: WireURL) {
        let side = CallerSide(
            loop: world.loop,
            transport: TwilioTransport(
                url: url, network: network, loop: world.loop, seed: plan.seed), plan: plan,
            frames: frames)
        self.side = side
        results.began(at: .zero, unixTime: 0)
        if let assembly {
            let carrier = FaultCarriers([
                ({ ProviderFaultCatalog.named($0) != nil }, EmulatorCarrier(assembly))
            ])
            let faults = FaultDriver(plan: plan, loop: world.loop, carrier: carrier)
            if !faults.isEmpty {
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
        if let agent { results.watch?.take(agent.metrics.text(), at: now) }
        if !hasHungUp, now >= .zero + plan.arrivals.duration + plan.scenario.drain {
            hasHungUp = true
            side.driver.hangUpAll()
        }
        world.loop.schedule(at: now + .seconds(1)) { [weak self] in self?.second() }
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
            isOver = true
        }
    }
}

/// Facts of a process that lives on the recorder's own loop.
private final class RecorderSink: FactSink {
    private let recorder: RunRecorder
    init(_ recorder: RunRecorder) { self.recorder = recorder }
    func state(_ fact: Fact) { recorder.take(fact) }
}
