import UproarCore
import UproarRuntime

/// One process of a simulated world: a loop of its own with timers, tasks and sockets, turned by the world's loop when something
/// is due.
///
/// ```
///            stop                          resume
///  running ───────► stopped: sockets open ───────► running: what came meanwhile is due now
///     └──────────────┴── kill ──► dead: nothing listens, every peer is reset, what it knew is gone
/// ```
package final class SimulatedProcess {
    package enum State: Hashable, Sendable { case running, stopped, dead }

    package let name: String
    package private(set) var loop: EventLoop
    package private(set) var state = State.running
    /// How often it had something to do while it stood still: the proof that standing still bit.
    package private(set) var heldTurns = 0
    /// What runs inside it connects and listens here.
    package var network: SimulatedNetwork { end }

    private var end: SimulatedNetwork!
    private let driver: ProcessDriver
    /// What the kernel took for it while it stood still.
    private var waiting: [() -> Void] = []

    /// - seed: as the world's: what is ready at the same instant runs in an order drawn from it.
    package init(name: String, in world: SimulatedWorld, seed: Seed?) {
        self.name = name
        driver = ProcessDriver(world.driver, order: seed?.stream(text: "inputs of " + name))
        loop = EventLoop(
            driver: driver,
            order: seed.map { .seeded($0.stream(text: "ready jobs of " + name)) } ?? .arrival)
        driver.process = self
        end = SimulatedNetwork(world.network, in: self, driver: driver)
    }

    /// Does something inside the process that comes from outside its loop: at once, or when it goes on.
    package func act(_ body: @escaping () -> Void) {
        switch state {
        case .running:
            body()
            driver.arrange(at: loop.nextTurn)
        case .stopped: waiting.append(body)
        case .dead: break
        }
    }

    package func stop() { if state == .running { state = .stopped } }

    package func resume() {
        guard state == .stopped else { return }
        state = .running
        let bodies = waiting
        waiting = []
        for body in bodies { body() }
        driver.takesAll = true
        driver.arrange(at: max(loop.now, loop.nextTurn))
    }

    package func kill() {
        guard state != .dead else { return }
        state = .dead
        waiting = []
        end.die()
    }

    fileprivate func turn() {
        switch state {
        case .stopped: heldTurns += 1
        case .dead: break
        case .running:
            loop.runOnce(until: loop.now)
            if state == .running { driver.arrange(at: loop.nextTurn) }
        }
    }
}

/// A process's inputs in the world's time. Its loop is turned by a delivery of the world.
private final class ProcessDriver: LoopDriver, SimulatedInput, SimulatedDelivery,
    @unchecked Sendable
{
    weak var process: SimulatedProcess?
    private let world: SimulationDriver
    private var due: [any SimulatedDelivery] = []
    private var later = Heap<Later>()
    private var lastSequence: UInt64 = 0
    private var random: RandomStream?
    private var visit = Instant.distantFuture
    /// It goes on after it stood still: a kernel hands over what has come meanwhile before any timer that is overdue is looked at.
    var takesAll = false

    private struct Later: Comparable {
        var at: Instant
        var sequence: UInt64
        var delivery: any SimulatedDelivery

        static func == (a: Later, b: Later) -> Bool { a.sequence == b.sequence }
        static func < (a: Later, b: Later) -> Bool {
            a.at != b.at ? a.at < b.at : a.sequence < b.sequence
        }
    }

    init(_ world: SimulationDriver, order: RandomStream?) {
        self.world = world
        random = order
    }

    var now: Instant { world.now }
    var nextInput: Instant? { due.isEmpty ? later.first?.at : now }

    func schedule(_ delivery: any SimulatedDelivery, at instant: Instant) {
        lastSequence += 1
        later.insert(Later(at: instant, sequence: lastSequence, delivery: delivery))
        arrange(at: instant)
    }

    /// Has the loop turned at `instant`, if not before.
    func arrange(at instant: Instant) {
        guard instant < visit, instant < .distantFuture, process?.state != .dead else { return }
        visit = instant
        world.schedule(self, at: instant)
    }

    func deliver(now: Instant) {
        guard visit <= now else { return }
        visit = .distantFuture
        process?.turn()
    }

    func wait(until deadline: Instant) -> Bool {
        defer { takesAll = false }
        while let first = later.first, first.at <= now, let moved = later.popFirst() {
            due.append(moved.delivery)
        }
        guard !due.isEmpty else { return true }
        if random != nil {
            repeat {
                due.remove(at: random!.below(due.count)).deliver(now: now)
            } while takesAll && !due.isEmpty
        } else {
            let batch = due
            due = []
            for delivery in batch { delivery.deliver(now: now) }
        }
        return true
    }

    func wake() { arrange(at: now) }
}
