import UproarCore

/// Takes the facts of a child and sends them to the run in batches; drops and counts what the run does not take in time.
///
/// `flush` is the owner's to call, every 50 ms or so and before the end: no timer per fact.
package final class ControlFactSink: FactSink {
    private let connection: ControlConnection
    private var batch: [UInt8] = []

    /// One frame of 1,024 facts. A fuller batch is sent at once.
    package static let batchByteLimit = 1024 * Fact.encodedByteCount

    package init(connection: ControlConnection) {
        self.connection = connection
        batch.reserveCapacity(Self.batchByteLimit)
    }

    package func state(_ fact: Fact) {
        fact.encode(into: &batch)
        if batch.count >= Self.batchByteLimit { flush() }
    }

    package func flush() {
        guard !batch.isEmpty else { return }
        connection.send(facts: batch)
        batch.removeAll(keepingCapacity: true)
    }
}

/// Reads the records of one facts frame, in order.
package func forEachFact(in records: RawSpan, _ body: (Fact) -> Void) {
    var offset = 0
    while let fact = Fact(decoding: records, at: offset) {
        body(fact)
        offset += Fact.encodedByteCount
    }
}
