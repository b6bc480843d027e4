import Glibc
import UproarCore
import UproarRuntime

/// One end of a connection in memory.
///
/// ```
///  write ─► outbox (what is over the window) ─► peer's inbox: on its way │ arrived ─► received
/// ```
/// Everything its handler hears is told in a visit, which the driver makes when something may have become due; verbs
/// only change state and ask for a visit.
package final class SimulatedStream: ByteStream {
    /// `asking`: the request is on its way. `answered`: the answer is.
    enum State { case asking, answered, open, closing, closed }

    package var handler: (any ByteStreamHandler)?
    package let remote: Endpoint
    /// Of who dialled, once it was accepted.
    package fileprivate(set) var localPort: UInt16 = 0
    /// One way, of what this end sends from now on.
    package var latency: Duration {
        get { .nanoseconds(delay) }
        set { delay = newValue.nanoseconds }
    }

    let network: SimulatedNetwork
    // Of the network, for what each message needs: a listener knows its network weakly, and to retain what is known so takes a detour.
    private let driver: any SimulatedInput
    private let fabric: SimulatedNetwork.Fabric
    private let spare: SimulatedNetwork.Spare
    /// Its place among the streams of its end of the network.
    let ordinal: UInt64
    private let queueLimit: Int
    private(set) var state: State
    private var peer: SimulatedStream?
    private var delay: Int64

    // Sending.
    private var outbox = ByteQueue()
    private var isWritingEnded = false
    private var finSent = false
    private var owesDrained = false
    private var drainedIsDue = false

    // Receiving. Totals count from the start of the stream.
    private var inbox = ByteQueue()
    private var sentTotal = 0
    private var arrivedTotal = 0
    private var consumedTotal = 0
    private var marks = ArrivalMarks()
    private var finAt = Int64.max
    private var resetAt = Int64.max
    private var finReceived = false
    private var isPaused = false
    /// The peer has more to send than the window let through: to look there each time would cost more than to read.
    private var peerWaits = false

    // Visits, set-up and end.
    private var visitAt = Int64.max
    private var connectOptions: ConnectOptions?
    private var answerAt = Int64.max
    private var refusal: CloseReason?
    private var timer = TimerID.none
    private var endReason: CloseReason?

    /// How long `close` may take to bring away what is queued.
    private static let lingerLimit = Duration.seconds(5)
    /// The most that one `received` gets, as in one read of a socket.
    private static let readLimit = 64 << 10

    /// An accepted stream.
    init(network: SimulatedNetwork, remote: Endpoint, queueLimit: Int, peer: SimulatedStream) {
        self.network = network
        driver = network.driver
        fabric = network.fabric
        spare = network.spare
        self.remote = remote
        self.queueLimit = queueLimit
        self.peer = peer
        peer.localPort = remote.port
        delay = peer.delay
        state = .open
        ordinal = network.nextOrdinal()
        network.adopt(self)
    }

    /// A stream that starts to connect.
    init(
        network: SimulatedNetwork, remote: Endpoint, options: ConnectOptions,
        handler: any ByteStreamHandler
    ) {
        self.network = network
        driver = network.driver
        fabric = network.fabric
        spare = network.spare
        self.remote = remote
        self.handler = handler
        queueLimit = options.queueLimit
        connectOptions = options
        delay = network.latency.nanoseconds
        state = .asking
        ordinal = network.nextOrdinal()
        network.adopt(self)
        timer = network.loop.schedule(self, at: driver.now + options.timeout)
        answerAt = now &+ delay
        visit(at: answerAt)
    }

    private var now: Int64 { driver.now.nanoseconds }
    /// The descriptor would be closed: nothing more goes in or out.
    private var isGone: Bool { state == .closed || endReason != nil }

    // MARK: Verbs

    package var queuedByteCount: Int { outbox.count }

    package func write(_ bytes: RawSpan) {
        guard !isGone, !isWritingEnded else { return }
        guard state == .open, let peer, outbox.isEmpty else { return enqueue(bytes) }
        if peer.isGone { return breaks(at: now &+ 2 &* delay) }
        let fitting = min(bytes.byteCount, peer.room)
        let present = now
        peer.arrive(bytes.extracting(first: fitting), at: present &+ delay, now: present)
        if fitting < bytes.byteCount { enqueue(bytes.extracting(droppingFirst: fitting)) }
    }

    package func pauseReading() { isPaused = true }

    package func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        visit(at: now)
    }

    package func closeWriting() {
        guard !isGone else { return }
        isWritingEnded = true
        finishWriting()
    }

    package func close() {
        guard !isGone, state != .closing else { return }
        guard state == .open else { return breakOff(.closed) }
        state = .closing
        inbox.removeAll()
        consumedTotal = sentTotal
        isWritingEnded = true
        finishWriting()
        if state == .closing, !isGone {
            timer = network.loop.schedule(self, at: driver.now + Self.lingerLimit)
        }
    }

    package func reset() {
        if !isGone { breakOff(.closed) }
    }

    /// The process it belongs to is gone: nobody here hears of anything any more, and the peer is reset.
    func abandon() {
        guard state != .closed else { return }
        handler = nil
        network.loop.cancel(timer)
        if endReason == nil { breakOff(.closed) }
        state = .closed
        peer = nil
    }

    // MARK: Sending

    private func enqueue(_ bytes: RawSpan) {
        outbox.append(bytes)
        peer?.peerWaits = true
        owesDrained = true
        if outbox.count > queueLimit { breakOff(.queueOverflow) }
    }

    /// Moves what the window lets through to the peer.
    private func flush() {
        guard !isGone, state == .open || state == .closing, let peer, !outbox.isEmpty else {
            return
        }
        if peer.isGone { return breaks(at: now &+ 2 &* delay) }
        let fitting = min(outbox.count, peer.room)
        let present = now
        peer.arrive(
            UnsafeRawBufferPointer(rebasing: outbox.unsafeBytes[..<fitting]).bytes,
            at: present &+ delay, now: present)
        outbox.removeFirst(fitting)
        peer.peerWaits = !outbox.isEmpty
        guard outbox.isEmpty else { return }
        if owesDrained, state == .open {
            owesDrained = false
            drainedIsDue = true
            visit(at: now)
        }
        finishWriting()
    }

    /// Sends FIN once nothing is queued before it, and ends the stream where that was all there was to do.
    private func finishWriting() {
        guard isWritingEnded, outbox.isEmpty, state == .open || state == .closing else { return }
        if !finSent, let peer {
            finSent = true
            peer.finAt = max(peer.marks.lastAt, now &+ delay)
            peer.visit(at: peer.finAt)
        }
        if state == .closing || finReceived {
            endReason = finReceived ? .ended : .closed
            visit(at: now)
        }
    }

    /// Drops everything, resets the peer and ends with `reason`.
    private func breakOff(_ reason: CloseReason) {
        outbox.removeAll()
        endReason = reason
        visit(at: now)
        if let peer, !peer.isGone { peer.breaks(at: now &+ delay) }
    }

    /// A reset reaches this end at `instant`, behind the bytes that were sent before.
    private func breaks(at instant: Int64) {
        resetAt = min(resetAt, max(marks.lastAt, instant))
        visit(at: resetAt)
    }

    // MARK: Receiving

    /// How much more may be on its way to this end.
    private var room: Int { max(0, fabric.window - (sentTotal - consumedTotal)) }

    private func arrive(_ bytes: RawSpan, at instant: Int64, now: Int64) {
        // What comes during `close` would be thrown away unread.
        guard state != .closing, bytes.byteCount > 0 else { return }
        inbox.append(bytes)
        sentTotal += bytes.byteCount
        if marks.isEmpty, instant <= now, state == .open {
            arrivedTotal = sentTotal
            if !isPaused { visit(at: now) }
        } else {
            visit(at: marks.append(end: sentTotal, at: instant))
        }
    }

    private func receive(_ now: Instant) {
        while let mark = marks.first, mark.at <= now.nanoseconds {
            arrivedTotal = mark.end
            marks.removeFirst()
        }
        guard state == .open, !isPaused, arrivedTotal > consumedTotal else { return }
        // The bytes are lent to the handler, which may make the peer write into this inbox meanwhile.
        swap(&inbox, &spare.bytes)
        let end = arrivedTotal - consumedTotal
        var start = 0
        while start < end, !isPaused, state == .open, !isGone {
            let count = min(end - start, Self.readLimit)
            let piece = spare.bytes.unsafeBytes[start..<start + count]
            start += count
            consumedTotal += count
            handler?.received(
                UnsafeRawBufferPointer(rebasing: piece).bytes, at: now, on: self)
        }
        spare.bytes.removeFirst(start)
        if !inbox.isEmpty {
            spare.bytes.append(unsafe: inbox.unsafeBytes)
            inbox.removeAll()
        }
        swap(&inbox, &spare.bytes)
        if peerWaits, let peer { peer.flush() }
    }

    private func hearEnd(_ now: Instant) {
        guard finAt <= now.nanoseconds, !finReceived, !isPaused, consumedTotal == sentTotal,
            state == .open || state == .closing
        else { return }
        finReceived = true
        if state == .open { handler?.ended(self) }
        if !isGone { finishWriting() }
    }

    // MARK: Set-up and end

    /// The request has reached the other host; the answer takes as long again.
    private func meetListener() {
        state = .answered
        answerAt = now &+ delay
        switch network.answer(to: remote, usesTLS: connectOptions?.tls != nil) {
        case .failure(let met): refusal = met.reason
        case .success(let listener): peer = network.accept(by: listener, from: self)
        }
    }

    private func open() {
        answerAt = .max
        if let refusal { return finish(refusal) }
        state = .open
        network.loop.cancel(timer)
        handler?.opened(self)
        flush()
        finishWriting()
    }

    private func finish(_ reason: CloseReason) {
        state = .closed
        network.disown(self)
        network.loop.cancel(timer)
        if let peer, !peer.isGone, !marks.isEmpty || !peer.outbox.isEmpty {
            // Bytes on their way meet a closed socket.
            peer.breaks(at: max(now, marks.lastAt) &+ delay)
        }
        outbox.removeAll()
        inbox.removeAll()
        peer = nil
        let last = handler
        handler = nil
        last?.closed(self, reason: reason)
    }

    // MARK: Visits

    private func visit(at instant: Int64) {
        guard instant < visitAt else { return }
        visitAt = instant
        driver.schedule(self, at: Instant(nanoseconds: instant))
    }

    /// The next time at which something may become due that no verb will ask for.
    private var nextVisit: Int64 {
        if endReason != nil { return now }
        var next = min(answerAt, resetAt)
        if let mark = marks.first { next = min(next, mark.at) }
        if !isPaused, !finReceived, state == .open || state == .closing {
            next = min(next, finAt)
        }
        return next
    }
}

extension SimulatedStream: SimulatedDelivery {
    package func deliver(now: Instant) {
        guard visitAt <= now.nanoseconds, state != .closed else { return }
        visitAt = .max
        if answerAt <= now.nanoseconds, endReason == nil {
            if state == .asking { meetListener() } else { open() }
        }
        if state == .open, !isGone, drainedIsDue {
            drainedIsDue = false
            handler?.drained(self)
        }
        if !isGone { receive(now) }
        if !isGone { hearEnd(now) }
        if !isGone, resetAt <= now.nanoseconds {
            // Linux: a reset after the peer's FIN reads as EPIPE.
            endReason = .failed(errno: finReceived ? EPIPE : ECONNRESET)
        }
        if state == .closed { return }
        if let endReason { return finish(endReason) }
        let next = nextVisit
        if next < .max { visit(at: next) }
    }
}

extension SimulatedStream: TimerHandler {
    /// The connection did not come about in time, or `close` could not bring its bytes away.
    package func timerFired(token: UInt64, now: Instant) {
        guard !isGone, state != .open else { return }
        breakOff(state == .closing ? .failed(errno: ETIMEDOUT) : .unreachable(errno: ETIMEDOUT))
    }
}
