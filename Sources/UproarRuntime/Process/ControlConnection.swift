import UproarCore

/// The control socket between the run and one child of ours: frames over a `ByteStream`. Both sides use it. Loop-owned.
package final class ControlConnection: ByteStreamHandler {
    package let stream: any ByteStream
    package weak var handler: (any ControlHandler)?
    /// Facts that were not sent because the peer did not take them in time. Not silence: it is reported as evidence.
    package private(set) var factsDropped = 0

    private var decoder = ControlDecoder()
    private var output: [UInt8] = []
    private var isOver = false

    /// Facts are dropped while more than this waits for the peer; well below the stream's own limit, so that a flood of
    /// facts never costs the connection.
    package static let factQueueLimit = 2 << 20

    package init(stream: any ByteStream, handler: any ControlHandler) {
        self.stream = stream
        self.handler = handler
        output.reserveCapacity(64 << 10)
        stream.handler = self
    }

    package func send(_ kind: ControlKind, _ value: JSONValue = .object([])) {
        guard !isOver else { return }
        write { ControlFrame(kind, value).encode(into: &$0) }
    }

    /// Sends `records` (whole encoded facts) as one frame, or drops and counts them. False when they were dropped.
    @discardableResult
    package func send(facts records: [UInt8]) -> Bool {
        precondition(
            records.count.isMultiple(of: Fact.encodedByteCount)
                && records.count <= ControlFrame.bodyLimit, "facts are whole records in one frame")
        guard !records.isEmpty else { return true }
        guard !isOver, stream.queuedByteCount + records.count <= Self.factQueueLimit else {
            factsDropped += records.count / Fact.encodedByteCount
            return false
        }
        write {
            ControlFrame.encodeHeader(.facts, bodyByteCount: records.count, into: &$0)
            $0.append(contentsOf: records)
        }
        return true
    }

    /// Fills the one output buffer and writes it; no allocation once warm.
    private func write(_ fill: (inout [UInt8]) -> Void) {
        var bytes: [UInt8] = []
        swap(&bytes, &output)
        bytes.removeAll(keepingCapacity: true)
        fill(&bytes)
        stream.write(bytes.span.bytes)
        swap(&bytes, &output)
    }

    /// Sends what is queued, then closes; `controlClosed` follows.
    package func close() { stream.close() }

    // MARK: ByteStreamHandler

    package func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        guard !isOver else { return }
        decoder.feed(bytes)
        do throws(ControlError) {
            while !isOver, let frame = try decoder.next() { try deliver(frame) }
        } catch { fail(error) }
    }

    package func ended(_ stream: any ByteStream) {
        if !isOver, !decoder.isBetweenFrames { return fail(.cut) }
        stream.close()
    }

    package func closed(_ stream: any ByteStream, reason: CloseReason) { end(nil) }

    private func deliver(_ frame: ControlFrame) throws(ControlError) {
        if frame.kind == .facts {
            handler?.controlReceived(facts: frame.body.span.bytes, on: self)
            return
        }
        do throws(JSONError) {
            let value = try frame.value()
            handler?.controlReceived(frame.kind, value, on: self)
        } catch { throw .notJSON(frame.kind, error) }
    }

    private func fail(_ error: ControlError) {
        end(error)
        stream.reset()
    }

    private func end(_ error: ControlError?) {
        guard !isOver else { return }
        isOver = true
        handler?.controlClosed(self, error: error)
    }
}

/// Takes what comes over a control connection. Calls come on the loop.
package protocol ControlHandler: AnyObject {
    /// Every kind but `facts`.
    func controlReceived(_ kind: ControlKind, _ value: JSONValue, on connection: ControlConnection)
    /// Whole 32-byte records; valid during the call only.
    func controlReceived(facts records: RawSpan, on connection: ControlConnection)
    /// The peer is gone (`error` nil) or broke the protocol. Called once, last. A child whose run is gone ends itself.
    func controlClosed(_ connection: ControlConnection, error: ControlError?)
}

extension ControlHandler {
    package func controlReceived(facts records: RawSpan, on connection: ControlConnection) {}
}
