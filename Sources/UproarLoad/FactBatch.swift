import UproarCore

/// Collects the facts of one loop until the recorder takes them: a bounded buffer, one copy per batch.
///
/// When nobody takes them in time the newest are dropped and counted; a run that dropped facts is not valid.
package final class FactBatch: FactSink {
    private var facts: [Fact] = []
    private let limit: Int
    package private(set) var droppedCount = 0

    package init(limit: Int = 1 << 18) {
        self.limit = limit
        facts.reserveCapacity(4096)
    }

    package func state(_ fact: Fact) {
        guard facts.count < limit else {
            droppedCount += 1
            return
        }
        facts.append(fact)
    }

    package var isEmpty: Bool { facts.isEmpty }

    /// The facts since the last call, in the order they were stated.
    package func drain() -> [Fact] {
        let drained = facts
        facts = []
        facts.reserveCapacity(min(4096, max(256, drained.count)))
        return drained
    }
}
