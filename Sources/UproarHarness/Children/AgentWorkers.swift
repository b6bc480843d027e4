import UproarCore
import UproarPosix
import UproarRuntime

/// The workers of the reference agent in a live run, each a process with a port of its own, and their supervisor. Belongs to the
/// control loop.
///
/// ```
/// starting ── ready ──► serving ── dies ──► down ── restart delay ──► starting (same port) …
/// ```
/// While a worker is down its port refuses.
final class AgentWorkers: ChildProcessHandler {
    private struct Worker {
        var child: ChildProcess?
        /// As it told us first; the next one gets the same.
        var port: UInt16?
    }

    private let restartDelay: Duration?
    private let folder: String
    private let host: any ProcessHost
    private let loop: EventLoop
    private let environment: (String) -> [EnvironmentEntry]
    private let configuration: (Int, UInt16) -> JSONValue
    private var workers: [Worker]
    private var isReady = false
    private var isOver = false

    /// All serve for the first time: their ports, in order.
    var onReady: (([UInt16]) -> Void)?
    var onProcess: ((Int32) -> Void)?
    var onFacts: ((RawSpan) -> Void)?
    /// A worker is gone: its name and how.
    var onEnded: ((String, String) -> Void)?

    /// A worker serves, for the first time or again.
    var onServed: ((String) -> Void)?
    /// Whether a fault has ended a worker and starts it again itself.
    var isHeld: (String) -> Bool = { _ in false }

    private static let startLimit = Duration.seconds(30)

    /// - configuration: of a worker, counted from 1, for its port; 0: any.
    init(
        count: Int, restartDelay: Duration?, folder: String, host: any ProcessHost,
        loop: EventLoop, environment: @escaping (String) -> [EnvironmentEntry],
        configuration: @escaping (Int, UInt16) -> JSONValue
    ) {
        precondition(count > 0, "an agent of no workers")
        self.restartDelay = restartDelay
        self.folder = folder
        self.host = host
        self.loop = loop
        self.environment = environment
        self.configuration = configuration
        workers = Array(repeating: Worker(), count: count)
    }

    /// `agent`, `agent-2`, `agent-3`, …: as faults and files name them.
    static func name(_ index: Int) -> String { index == 0 ? "agent" : "agent-\(index + 1)" }

    func start() { for index in workers.indices { start(index) } }

    func process(_ name: String) -> (any HostedProcess)? {
        workers.indices.first { Self.name($0) == name }.flatMap { workers[$0].child?.hosted }
    }

    /// Those that live, in order.
    var all: [any HostedProcess] { workers.compactMap { $0.child?.hosted } }

    /// What a fault has ended, where it was.
    func startAgain(_ name: String) {
        guard let index = workers.indices.first(where: { Self.name($0) == name }) else { return }
        start(index)
    }

    /// Nobody is started again from here on.
    func drain() {
        isOver = true
        for worker in workers { worker.child?.drain() }
    }

    private func start(_ index: Int) {
        guard !isOver else { return }
        let name = Self.name(index)
        var plan = ChildPlan(name: name, config: configuration(index + 1, workers[index].port ?? 0))
        plan.arguments = ["agent"]
        plan.secrets = environment(name)
        plan.limit = Self.startLimit
        do {
            workers[index].child = try ChildProcess(
                plan, folder: folder, host: host, loop: loop, handler: self)
        } catch {
            onEnded?(name, "\(name): \(error)")
        }
    }

    // MARK: ChildProcessHandler

    func childReady(_ child: ChildProcess) {
        guard let index = workers.firstIndex(where: { $0.child === child }) else { return }
        if let pid = child.hosted?.pid { onProcess?(pid) }
        guard let port = child.ports["media"] else {
            onEnded?(child.name, "\(child.name) named no media port")
            return
        }
        workers[index].port = port
        defer { onServed?(child.name) }
        let ports = workers.compactMap(\.port)
        guard !isReady, ports.count == workers.count else { return }
        isReady = true
        onReady?(ports)
    }

    func child(_ child: ChildProcess, facts records: RawSpan) { onFacts?(records) }

    func childEnded(_ child: ChildProcess, exit: ProcessExit, failure: String?) {
        guard let index = workers.firstIndex(where: { $0.child === child }) else { return }
        workers[index].child = nil
        guard !isOver else { return }
        let how = failure ?? "\(child.name) ended with \(exit)"
        // One that never served is no worker that died; one that a fault has ended is its affair.
        guard isReady, !isHeld(child.name), let restartDelay else {
            onEnded?(child.name, how)
            return
        }
        onEnded?(child.name, "\(child.name) ended with \(exit), and is started again")
        loop.schedule(at: loop.now + max(restartDelay, .milliseconds(100))) { [weak self] in
            self?.start(index)
        }
    }
}
