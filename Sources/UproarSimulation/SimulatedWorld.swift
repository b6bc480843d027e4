import UproarCore
import UproarRuntime

/// A world in virtual time: one clock, one loop, one perfect network. The same seed gives the same history.
package final class SimulatedWorld {
    package let driver: SimulationDriver
    package let loop: EventLoop
    package let network: SimulatedNetwork

    /// With a seed, what is ready at the same instant runs in an order drawn from it; without one, in the order of arrival.
    package init(seed: Seed? = nil, startingAt start: Instant = .zero) {
        driver = SimulationDriver(
            startingAt: start, order: seed.map { .seeded($0.stream("deliveries")) } ?? .arrival)
        loop = EventLoop(
            driver: driver, order: seed.map { .seeded($0.stream("ready jobs")) } ?? .arrival)
        network = SimulatedNetwork(loop: loop, driver: driver)
    }

    package var now: Instant { driver.now }

    /// Lets so much virtual time pass.
    package func run(for duration: Duration) { loop.run(until: now + duration) }

    /// Runs until nothing can happen any more.
    package func run() { loop.run() }
}
