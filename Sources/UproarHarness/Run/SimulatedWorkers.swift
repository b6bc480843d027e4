import UproarAgent
import UproarCore
import UproarFaults
import UproarRuntime
import UproarSimulation
import UproarWire

/// The workers of the reference agent in a simulated run: instances with their sockets, and their supervisor.
final class SimulatedWorkers {
    private struct Worker {
        var process: FencedNetwork
        var agent: AgentServer
        var port: UInt16
    }

    private let loop: EventLoop
    private let network: any Network
    private let count: Int
    private let restartDelay: Duration?
    /// Makes the agent of a worker, counted from 1, for a port (0: any) on its own network.
    private let make: (Int, UInt16, any Network) throws -> AgentServer
    private var workers: [Worker] = []
    /// Whatever the killed still do reaches nobody; they are kept for what they have scheduled.
    private var dead: [AgentServer] = []
    /// A worker could not be started again.
    private(set) var problem: String?

    init(
        count: Int, restartDelay: Duration?, loop: EventLoop, network: any Network,
        make: @escaping (Int, UInt16, any Network) throws -> AgentServer
    ) {
        self.count = count
        self.restartDelay = restartDelay
        self.loop = loop
        self.network = network
        self.make = make
    }

    func start() throws { for index in 0..<count { workers.append(try start(index, port: 0)) } }

    /// The streams of a path, in the order of the workers.
    func urls(_ path: String) throws -> [WireURL] {
        try workers.map { try WireURL("ws://127.0.0.1:\($0.port)\(path)") }
    }

    func index(_ name: String) -> Int? {
        (0..<count).first { AgentWorkers.name($0) == name }
    }

    /// As SIGKILL does it: nothing is said, nothing saved.
    func kill(_ index: Int) {
        guard !workers[index].process.isDead else { return }
        workers[index].process.kill()
        dead.append(workers[index].agent)
        guard let restartDelay else { return }
        let port = workers[index].port
        loop.schedule(at: loop.now + max(restartDelay, .milliseconds(100))) { [weak self] in
            guard let self else { return }
            do { workers[index] = try start(index, port: port) } catch { problem = "\(error)" }
        }
    }

    private func start(_ index: Int, port: UInt16) throws -> Worker {
        let process = FencedNetwork(on: network)
        let agent = try make(index + 1, port, process)
        let endpoint = try agent.start()
        return Worker(process: process, agent: agent, port: endpoint.port)
    }
}

/// Faults on processes, where the processes are instances: only those that can be told from outside.
final class WorkerKillCarrier: FaultCarrier {
    private let workers: SimulatedWorkers
    private let loop: EventLoop
    private let state: (Fact) -> Void

    init(_ workers: SimulatedWorkers, loop: EventLoop, state: @escaping (Fact) -> Void) {
        self.workers = workers
        self.loop = loop
        self.state = state
    }

    func arm(_ plan: FaultPlan) -> String? {
        guard let fault = ProcessFault(plan), fault.kind == .kill else {
            return
                "\(plan.fault) needs processes: only kill can be simulated, live runs have the others"
        }
        guard let name = ProcessFault.target(of: plan), let index = workers.index(name) else {
            return "on: names one worker of the agent: agent, agent-2, …"
        }
        workers.kill(index)
        state(Fact(.faultEffective, at: loop.now, detail: plan.number, origin: .nemesis))
        return nil
    }

    func clear(_ plan: FaultPlan) {}
}
