import Glibc
import UproarCore
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarWire

/// Everything around the callers that a run starts: Redis, the providers' emulators, the agent. Belongs to the control loop.
///
/// ```
/// redis ─┐
///        ├─► agent ─► ready(media URL)
/// providers ┘
/// ```
package final class Services {
    /// Why there is nobody to call.
    package enum Problem: Error {
        /// Something of ours could not be started.
        case ours(String)
        /// The agent under test could not, or never took a call.
        case target(String)
    }

    private let loop: EventLoop
    private let network: any Network
    private let http: any HTTPClient
    private let host: any ProcessHost
    private let folder: RunFolder
    private let plan: RunPlan
    private let configurations: any ChildConfigurations
    private(set) var redis: RedisServer?
    private var isRedisReady = false
    /// Of the run's own Redis.
    package var redisPort: UInt16? { isRedisReady ? redis?.port : nil }
    package private(set) var providers: ChildProcess?
    /// The workers of the reference agent.
    private(set) var workers: AgentWorkers?
    /// What is called in the agent's place.
    private(set) var standIn: ChildProcess?
    private(set) var command: CommandAgent?
    /// What faults have ended, or are about to start again.
    var faulted = OrderedTable<String, FaultedService>()
    private var commandPlan: CommandPlan?
    private var attached: AttachedProviders?
    let links: ServiceLinks
    private let clock: RunClock
    /// What the emulators said at their end.
    package private(set) var evidence = JSONValue.null
    private var isOver = false
    private var ready: ((CalledAgent) -> Void)?
    private var failed: ((Problem) -> Void)?
    /// Facts of others, as they come, and what their times lack to be the run's.
    package var onFacts: ((RawSpan, Duration) -> Void)?
    /// A service ended while the run went on: its name and how.
    package var onLoss: ((String, String) -> Void)?
    /// Requests that ended at the emulators, as they come, and what their times lack to be the run's.
    package var onRequests: ((JSONValue, Duration) -> Void)?
    /// What a child decided about faults, as it comes.
    package var onDecisions: ((String, JSONValue) -> Void)?
    /// From the start of the agent's process until it took calls; nil for one that was there already.
    package private(set) var coldStart: Duration?
    private var agentBegan: Instant?
    /// A process is there: its pid and the group it is counted to.
    package var onProcess: ((Int32, String) -> Void)?

    private static let startLimit = Duration.seconds(30)

    package init(
        loop: EventLoop, network: any Network, http: any HTTPClient, host: any ProcessHost,
        folder: RunFolder, plan: RunPlan, clock: RunClock,
        configurations: any ChildConfigurations
    ) {
        self.clock = clock
        links = ServiceLinks(plan.scenario, clock: clock)
        self.loop = loop
        self.network = network
        self.http = http
        self.host = host
        self.folder = folder
        self.plan = plan
        self.configurations = configurations
    }

    /// Starts what the target needs; `ready` hears how the agent is called.
    package func start(ready: @escaping (CalledAgent) -> Void, failed: @escaping (Problem) -> Void)
    {
        self.ready = ready
        self.failed = failed
        if let standIn = configurations.standIn {
            self.standIn = start(standIn, configurations.agent(ports: [:], redis: 0))
            return
        }
        switch plan.scenario.target {
        case .url:
            switch plan.scenario.providers.place {
            case .own: loop.schedule(at: loop.now) { [weak self] in self?.serveURL() }
            case .listen: startProviders()
            case .attach(let url): attach(url)
            }
        case .embedded, .command:
            startRedis()
            startProviders()
        }
    }

    /// Asks the children to say their last and go.
    package func drain() {
        isOver = true
        providers?.drain()
        attached?.drain()
        workers?.drain()
        standIn?.drain()
        links.drain()
    }

    /// Ends an agent that is not ours: it may take longer to go than what the guardian grants.
    package func stop(then: @escaping () -> Void) {
        isOver = true
        guard let command else { return then() }
        command.stop(then: then)
    }

    private func startRedis() {
        let server = RedisServer(
            folder: folder.path + "/children", host: host, network: network, loop: loop,
            program: ShareFolder.redisServer(), handler: self)
        redis = server
        server.start()
    }

    private func startProviders() {
        providers = start("providers", configurations.providers())
    }

    private func attach(_ url: String) {
        let attached = AttachedProviders(
            url, seed: plan.seed, isTagging: plan.scenario.isTagging, clock: clock,
            network: network, loop: loop)
        self.attached = attached
        attached.onReady = { [weak self] in self?.serveURL() }
        attached.onFacts = { [weak self] in self?.onFacts?($0, $1) }
        attached.onEvidence = { [weak self] in self?.evidence = $0 }
        attached.onRequests = { [weak self] in self?.onRequests?($0, $1) }
        attached.onEnded = { [weak self] in
            guard let self, !isOver else { return }
            if ready != nil { fail(.target($0)) } else { onLoss?("providers", $0) }
        }
    }

    /// The agent of `target.url` is somebody else's: it is only called.
    private func serveURL() {
        guard case .url(let url) = plan.scenario.target else { return }
        serve(
            [url], browser: plan.scenario.browserURL.map { [$0] } ?? [],
            authToken: AgentAddresses.ownToken())
    }

    private func serve(_ urls: [String], browser: [String] = [], authToken: String?) {
        func parsed(_ urls: [String]) throws(WireURLError) -> [WireURL] {
            var parsed: [WireURL] = []
            for url in urls { parsed.append(try WireURL(url)) }
            return parsed
        }
        do {
            let agent = CalledAgent(
                urls: try parsed(urls), browserURLs: try parsed(browser),
                streamURL: try plan.scenario.streamURL.map { text throws(WireURLError) in
                    try WireURL(text)
                }, authToken: authToken)
            coldStart = agentBegan.map { loop.now - $0 }
            guard links.plan.isBeforeAgent, links.before == nil else { return call(agent) }
            links.startBefore(
                agent.urls + agent.browserURLs, { start($0) },
                then: { [weak self] linked in
                    var agent = agent
                    agent.urls = agent.urls.map(linked)
                    agent.browserURLs = agent.browserURLs.map(linked)
                    self?.call(agent)
                })
        } catch { fail(.target("the target \(urls[0]) cannot be called: \(error)")) }
    }

    private func call(_ agent: CalledAgent) {
        ready?(agent)
        ready = nil
    }

    /// Where the agent finds emulators and Redis: at a link, where there is one.
    private var seenByAgent: (ports: [String: UInt16], redis: UInt16)? {
        guard isRedisReady, let port = redis?.port, let providers, !providers.ports.isEmpty else {
            return nil
        }
        var ports = providers.ports
        ports[ProviderID.redis.name] = port
        if links.mustStartBehind { links.startBehind(ports) { start($0) } }
        guard !links.isWaiting else { return nil }
        ports = links.seenByAgent(ports)
        let redis = ports.removeValue(forKey: ProviderID.redis.name) ?? port
        return (ports, redis)
    }

    private func startAgent() {
        guard workers == nil, command == nil, let (ports, port) = seenByAgent else { return }
        agentBegan = loop.now
        if case .command(let target) = plan.scenario.target {
            return start(target, AgentAddresses(ports: ports, redis: port))
        }
        guard case .embedded(let count, let delay) = plan.scenario.target else { return }
        let workers = AgentWorkers(
            count: count, restartDelay: delay, folder: folder.path + "/children", host: host,
            loop: loop, environment: { [configurations] in configurations.environment(of: $0) },
            configuration: { [configurations] worker, own in
                configurations.agent(
                    worker: worker, port: own, ports: ports, redis: port)
            })
        self.workers = workers
        workers.onProcess = { [weak self] in self?.onProcess?($0, "agent") }
        workers.onFacts = { [weak self] in self?.onFacts?($0, .zero) }
        workers.onReady = { [weak self] in
            self?.serve(
                $0.map { "ws://127.0.0.1:\($0)/media" },
                browser: $0.map { "ws://127.0.0.1:\($0)/browser" }, authToken: nil)
        }
        workers.onEnded = { [weak self] in self?.ended($0, $1) }
        workers.onServed = { [weak self] in self?.served($0) }
        workers.isHeld = { [weak self] in self?.faulted[$0]?.isExpected ?? false }
        workers.start()
    }

    /// A program of somebody else's again, as it was.
    func startCommandAgain() { if let commandPlan { start(commandPlan) } }

    private func start(_ target: TargetCommand, _ addresses: AgentAddresses) {
        do {
            var addresses = addresses
            addresses.media = try network.freePort()
            addresses.trust =
                EmbeddedConfigurations.secure(
                    plan, folder: folder.path + "/children")?.trust
            start(
                try CommandPlan(
                    target, addresses: addresses, outputFile: folder.path + "/children/agent.log"))
        } catch { return fail(.target("\(error)")) }
    }

    private func start(_ plan: CommandPlan) {
        commandPlan = plan
        let agent = CommandAgent(
            plan.agent, host: host, network: network, http: http, loop: loop)
        command = agent
        agent.onStarted = { [weak self] in self?.onProcess?($0, "agent") }
        agent.onReady = { [weak self] in
            self?.serve([plan.url.description], authToken: plan.authToken)
            self?.served("agent")
        }
        agent.onEnded = { [weak self] how in
            guard let self, !isOver else { return }
            if ready != nil { fail(.target(how)) } else { ended("agent", how) }
        }
    }

    private func start(_ name: String, _ configuration: JSONValue) -> ChildProcess? {
        var plan = ChildPlan(name: name, config: configuration)
        plan.secrets = configurations.environment(of: name)
        return start(plan)
    }

    private func start(_ plan: ChildPlan) -> ChildProcess? {
        var plan = plan
        plan.limit = Self.startLimit
        do {
            return try ChildProcess(
                plan, folder: folder.path + "/children", host: host, loop: loop, handler: self)
        } catch {
            fail(.ours("\(plan.name): \(error)"))
            return nil
        }
    }

    private func ended(_ name: String, _ how: String) {
        guard !isOver, !tookEnd(of: name, how) else { return }
        if ready != nil { fail(.ours(how)) } else { onLoss?(name, how) }
    }

    private func fail(_ reason: Problem) {
        guard let failed else { return }
        self.failed = nil
        ready = nil
        isOver = true
        failed(reason)
    }
}

extension Services: RedisServerHandler {
    package func redisReady(_ server: RedisServer) {
        isRedisReady = true
        if let pid = server.hosted?.pid { onProcess?(pid, "redis") }
        served("redis")
        startAgent()
    }

    package func redisEnded(_ server: RedisServer, exit: ProcessExit, failure: String?) {
        ended("redis", failure ?? "redis-server ended with \(exit)")
    }
}

extension Services: ChildProcessHandler {
    package func childReady(_ child: ChildProcess) {
        if let pid = child.hosted?.pid { onProcess?(pid, child.name) }
        if links.isReady(child) { return }
        if child === providers, case .url = plan.scenario.target { return serveURL() }
        guard child === standIn else { return startAgent() }
        guard let port = child.ports["media"] else {
            return fail(.ours("\(child.name) named no media port"))
        }
        serve(["ws://127.0.0.1:\(port)/media"], authToken: nil)
    }

    package func child(_ child: ChildProcess, facts records: RawSpan) { onFacts?(records, .zero) }

    package func child(_ child: ChildProcess, evidence: JSONValue) {
        let requests = evidence["requests"]
        if let requests { onRequests?(requests, .zero) }
        if let decisions = evidence["decisions"] {
            onDecisions?(child.name, decisions)
        } else if requests == nil, child === providers {
            self.evidence = evidence
        }
    }

    package func childEnded(_ child: ChildProcess, exit: ProcessExit, failure: String?) {
        ended(child.name, failure ?? "\(child.name) ended with \(exit)")
    }
}

/// What our children are told, as JSON; and what travels by environment because it is secret.
package protocol ChildConfigurations: AnyObject {
    func providers() -> JSONValue
    /// - ports: of the emulators, by provider name.
    func agent(ports: [String: UInt16], redis: UInt16) -> JSONValue
    /// - worker: counts from 1.
    /// - port: where it serves; 0: anywhere.
    func agent(worker: Int, port: UInt16, ports: [String: UInt16], redis: UInt16) -> JSONValue
    func environment(of child: String) -> [EnvironmentEntry]
    /// What the agent's recordings are wrapped with; nil: it makes none.
    var recordingKey: String? { get }
    /// The name of a child that is called in place of the scenario's target; nil: none.
    var standIn: String? { get }
}

extension ChildConfigurations {
    package var standIn: String? { nil }
    package var recordingKey: String? { nil }

    package func agent(worker: Int, port: UInt16, ports: [String: UInt16], redis: UInt16)
        -> JSONValue
    { agent(ports: ports, redis: redis) }
}
