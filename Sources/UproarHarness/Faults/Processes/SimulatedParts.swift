import UproarAgent
import UproarCore
import UproarRuntime
import UproarScenario
import UproarSimulation

/// The services of a simulated run. Those that its timeline aims at are processes with a loop and sockets of their own; the others live
/// on the world's loop, so that a run without such faults is as it always was.
final class SimulatedParts {
    private let world: SimulatedWorld
    private let network: any Network
    private let seed: Seed
    private let isolated: [String]
    private var living = OrderedTable<String, SimulatedProcess>()
    private var starts = OrderedTable<String, () -> Void>()
    /// Dead processes: tasks that wait in them for ever still belong to their loops.
    private var dead: [SimulatedProcess] = []
    private var generation = 0

    typealias Home = (loop: EventLoop, network: any Network)

    /// The workers that take calls now.
    var agents = OrderedTable<String, AgentServer>()
    /// After it the supervisor starts a worker that died; nil: there is none.
    var restartDelay: Duration?
    /// Of the first worker.
    let meter = SimulatedMeter()
    /// Nothing is started any more.
    var isEnding = false

    init(_ world: SimulatedWorld, network: any Network, plan: RunPlan) {
        self.world = world
        self.network = network
        seed = plan.seed
        let aimed = plan.scenario.timeline.flatMap { event -> [String] in
            guard case .inject(let fault, _) = event.action,
                FaultCatalog.place(of: fault, on: event.scope.on) == .process
            else { return [] }
            return event.scope.on
        }
        var workers = 1
        if case .embedded(let count, _) = plan.scenario.target { workers = count }
        let names = (0..<workers).map(AgentWorkers.name)
        isolated = (names + ["redis", "providers"]).filter {
            aimed.contains($0) || (names.contains($0) && aimed.contains("machine"))
                || (names.contains($0) && Self.choosesWorkers(plan.scenario))
        }
    }

    /// Whether some fault picks workers by itself.
    private static func choosesWorkers(_ scenario: Scenario) -> Bool {
        scenario.timeline.contains { event in
            guard case .inject("kill", let attributes) = event.action else { return false }
            return attributes.contains { $0.name == "processes" || $0.name == "share" }
        }
    }

    /// Where a service lives: a new process each time, or the world itself.
    func place(_ name: String) -> Home {
        guard isolated.contains(name) else { return (world.loop, network) }
        generation += 1
        let process = SimulatedProcess(
            name: "\(name)-\(generation)", in: world, seed: seed)
        living[name] = process
        return (process.loop, process.network)
    }

    func isProcess(_ name: String) -> Bool { isolated.contains(name) }
    func process(_ name: String) -> SimulatedProcess? { living[name] }

    /// Does something inside a service from outside its loop.
    func act(in name: String, _ body: @escaping () -> Void) {
        if isolated.contains(name) { living[name]?.act(body) } else { body() }
    }

    /// How a service is started again where it was.
    func onRestart(_ name: String, _ start: @escaping () -> Void) { starts[name] = start }

    func kill(_ name: String) {
        guard let process = living[name] else { return }
        process.kill()
        dead.append(process)
        living[name] = nil
        agents[name] = nil
    }

    /// Kills, and starts again after `restart`, or a worker after its supervisor's delay. Answers what brings it back at once.
    @discardableResult
    func end(_ name: String, restart: Duration?, served: @escaping () -> Void = {}) -> () -> Void {
        kill(name)
        let supervised =
            name.hasPrefix("agent") ? restartDelay.map { max($0, .milliseconds(100)) } : nil
        guard let delay = restart ?? supervised else { return {} }
        var isBack = false
        let back = { [self] in
            guard !isBack, !isEnding else { return }
            isBack = true
            self.restart(name)
            served()
        }
        world.loop.schedule(at: world.loop.now + delay, back)
        // What the supervisor starts is its own affair.
        return restart == nil ? {} : back
    }

    /// All workers, in order.
    var workers: [String] { isolated.filter { $0.hasPrefix("agent") } }

    func restart(_ name: String) {
        guard living[name] == nil, !isEnding else { return }
        starts[name]?()
    }
}
