import UproarAgent
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

/// The workers of the reference agent in a simulated run. Those that a fault aims at are processes; who starts them again stands in
/// `SimulatedParts`.
final class SimulatedWorkers {
    private let count: Int
    private let parts: SimulatedParts
    /// Makes the agent of a worker, counted from 1, for a port (0: any), where it lives.
    private let make: (Int, UInt16, SimulatedParts.Home) throws -> AgentServer
    private var ports: [UInt16] = []
    /// In the order of their start: whatever a dead one still holds reaches nobody.
    private var agents: [AgentServer] = []

    init(
        count: Int, parts: SimulatedParts,
        make: @escaping (Int, UInt16, SimulatedParts.Home) throws -> AgentServer
    ) {
        self.count = count
        self.parts = parts
        self.make = make
    }

    func start() throws {
        for index in 0..<count {
            ports.append(try start(index, port: 0))
            parts.onRestart(AgentWorkers.name(index)) { [weak self] in
                guard let self else { return }
                // Its port is free: it was the one before's.
                _ = try? start(index, port: ports[index])
            }
        }
    }

    /// The streams of a path, in the order of the workers.
    func urls(_ path: String) throws -> [WireURL] {
        try ports.map { try WireURL("ws://127.0.0.1:\($0)\(path)") }
    }

    /// Their metrics pages, in order; nil of one that is down.
    var pages: [[UInt8]?] {
        (0..<count).map { parts.agents[AgentWorkers.name($0)]?.metrics.text() }
    }

    private struct Lost: Error {}

    private func start(_ index: Int, port: UInt16) throws -> UInt16 {
        let name = AgentWorkers.name(index)
        let home = parts.place(name)
        let agent = try make(index + 1, port, home)
        agents.append(agent)
        parts.agents[name] = agent
        if index == 0 { parts.meter.calls = { [weak agent] in agent?.activeCalls ?? 0 } }
        // As the process does: what runs out of memory ends itself in order.
        agent.onExhaustion = { [weak agent, parts] in
            agent?.drain { parts.end(name, restart: nil) }
        }
        var started = Result<Endpoint, any Error>.failure(Lost())
        parts.act(in: name) { started = Result { try agent.start() } }
        return try started.get().port
    }
}
