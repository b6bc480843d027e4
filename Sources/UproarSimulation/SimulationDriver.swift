import UproarCore
import UproarRuntime

/// What a simulated driver hands over when its time has come.
package protocol SimulatedDelivery: AnyObject {
    func deliver(now: Instant)
}

/// Where deliveries go: the world itself, or one process of it.
protocol SimulatedInput: AnyObject {
    var now: Instant { get }
    func schedule(_ delivery: any SimulatedDelivery, at instant: Instant)
}

/// Virtual time: jumps to the next delivery or timer, never waits. One thread; `wake` has nothing to do.
package final class SimulationDriver: LoopDriver, SimulatedInput, @unchecked Sendable {
    package private(set) var now: Instant
    /// Due now, in the order of sending.
    private var due: [any SimulatedDelivery] = []
    private var batch: [any SimulatedDelivery] = []
    private var later = Heap<Later>()
    /// When the first of them comes.
    private var laterAt = Instant.distantFuture
    private var lastSequence: UInt64 = 0
    private var random: RandomStream?

    private struct Later: Comparable {
        var at: Instant
        var sequence: UInt64
        var delivery: any SimulatedDelivery

        static func == (a: Later, b: Later) -> Bool { a.sequence == b.sequence }
        static func < (a: Later, b: Later) -> Bool {
            a.at != b.at ? a.at < b.at : a.sequence < b.sequence
        }
    }

    package init(startingAt start: Instant = .zero, order: ReadyOrder = .arrival) {
        now = start
        if case .seeded(let random) = order { self.random = random }
    }

    /// Calls `delivery` at `instant`; at once in the next wait when that is not in the future.
    package func schedule(_ delivery: any SimulatedDelivery, at instant: Instant) {
        if instant <= now {
            due.append(delivery)
        } else {
            lastSequence += 1
            later.insert(Later(at: instant, sequence: lastSequence, delivery: delivery))
            laterAt = min(laterAt, instant)
        }
    }

    package var nextInput: Instant? {
        guard due.isEmpty else { return now }
        return later.isEmpty ? nil : laterAt
    }

    /// In seeded order one delivery is made per wait, so that timers and jobs can come between two of the same instant.
    package func wait(until deadline: Instant) -> Bool {
        if due.isEmpty {
            let next = min(laterAt, deadline)
            guard next < .distantFuture else { return false }
            if next > now { now = next }
            if laterAt <= now { takeDue() }
        }
        if random != nil {
            guard !due.isEmpty else { return true }
            // Moved out, not copied.
            due.swapAt(random!.below(due.count), due.count - 1)
            due.removeLast().deliver(now: now)
        } else {
            swap(&due, &batch)
            for delivery in batch { delivery.deliver(now: now) }
            batch.removeAll(keepingCapacity: true)
        }
        return true
    }

    private func takeDue() {
        while laterAt <= now, let moved = later.popFirst() {
            due.append(moved.delivery)
            laterAt = later.first?.at ?? .distantFuture
        }
    }

    package func wake() {}
}
