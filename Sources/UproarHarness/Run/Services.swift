import Glibc
import UproarCore
import UproarPosix
import UproarRuntime
import UproarScenario

/// Everything around the callers that a run starts: Redis, the providers' emulators, the agent. Belongs to the control loop.
///
/// ```
/// redis ─┐
///        ├─► agent ─► ready(media URL)
/// providers ┘
/// ```
package final class Services {
    package enum Problem: Error {
        /// What could not be started, and why.
        case failed(String)
    }

    private let loop: EventLoop
    private let network: any Network
    private let host: any ProcessHost
    private let folder: RunFolder
    private let plan: RunPlan
    private let configurations: any ChildConfigurations
    private var redis: RedisServer?
    private var isRedisReady = false
    package private(set) var providers: ChildProcess?
    package private(set) var agent: ChildProcess?
    /// What the emulators said at their end.
    package private(set) var evidence = JSONValue.null
    private var isOver = false
    private var ready: ((String) -> Void)?
    private var failed: ((String) -> Void)?
    /// Facts of the children, as they come.
    package var onFacts: ((RawSpan) -> Void)?
    /// A service ended while the run went on: its name and how.
    package var onLoss: ((String, String) -> Void)?
    /// A process is there: its pid and the group it is counted to.
    package var onProcess: ((Int32, String) -> Void)?

    private static let startLimit = Duration.seconds(30)

    package init(
        loop: EventLoop, network: any Network, host: any ProcessHost, folder: RunFolder,
        plan: RunPlan, configurations: any ChildConfigurations
    ) {
        self.loop = loop
        self.network = network
        self.host = host
        self.folder = folder
        self.plan = plan
        self.configurations = configurations
    }

    /// Starts what the target needs; `ready` hears the URL of the media stream.
    package func start(ready: @escaping (String) -> Void, failed: @escaping (String) -> Void) {
        self.ready = ready
        self.failed = failed
        if let standIn = configurations.standIn {
            agent = start(standIn, configurations.agent(ports: [:], redis: 0))
            return
        }
        switch plan.scenario.target {
        case .url(let url):
            loop.schedule(at: loop.now) { ready(url) }
        case .embedded, .command:
            startRedis()
            startProviders()
        }
    }

    /// Asks the children to say their last and go.
    package func drain() {
        isOver = true
        providers?.drain()
        agent?.drain()
    }

    private func startRedis() {
        let server = RedisServer(
            folder: folder.path + "/children", host: host, network: network, loop: loop,
            handler: self)
        redis = server
        server.start()
    }

    private func startProviders() {
        providers = start("providers", configurations.providers())
    }

    private func startAgent() {
        guard agent == nil, isRedisReady, let port = redis?.port, let providers,
            !providers.ports.isEmpty
        else {
            return
        }
        agent = start("agent", configurations.agent(ports: providers.ports, redis: port))
    }

    private func start(_ name: String, _ configuration: JSONValue) -> ChildProcess? {
        var plan = ChildPlan(name: name, config: configuration)
        plan.secrets = configurations.environment(of: name)
        plan.limit = Self.startLimit
        do {
            return try ChildProcess(
                plan, folder: folder.path + "/children", host: host, loop: loop, handler: self)
        } catch {
            fail("\(name): \(error)")
            return nil
        }
    }

    private func ended(_ name: String, _ how: String) {
        guard !isOver else { return }
        if ready != nil { fail(how) } else { onLoss?(name, how) }
    }

    private func fail(_ reason: String) {
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
        startAgent()
    }

    package func redisEnded(_ server: RedisServer, exit: ProcessExit, failure: String?) {
        ended("redis", failure ?? "redis-server ended with \(exit)")
    }
}

extension Services: ChildProcessHandler {
    package func childReady(_ child: ChildProcess) {
        if let pid = child.hosted?.pid { onProcess?(pid, child.name) }
        guard child === agent else { return startAgent() }
        guard let port = child.ports["media"] else { return fail("the agent named no media port") }
        ready?("ws://127.0.0.1:\(port)/media")
        ready = nil
    }

    package func child(_ child: ChildProcess, facts records: RawSpan) { onFacts?(records) }

    package func child(_ child: ChildProcess, evidence: JSONValue) {
        if child === providers { self.evidence = evidence }
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
    func environment(of child: String) -> [EnvironmentEntry]
    /// The name of a child that is called in place of the scenario's target; nil: none.
    var standIn: String? { get }
}

extension ChildConfigurations {
    package var standIn: String? { nil }
}
