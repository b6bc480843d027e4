import Glibc
import UproarCore
import UproarRuntime

/// TLS over another stream. What its handler sees and what its verbs take is plaintext.
final class TLSStream: ByteStream {
    private enum State { case handshaking, open, failed, closed }

    var handler: (any ByteStreamHandler)?
    let remote: Endpoint
    var localPort: UInt16 { inner?.localPort ?? 0 }

    private let layer: TLSLayer
    private let isClient: Bool
    private let queueLimit: Int
    private var inner: (any ByteStream)?
    private var session: TLSSession
    private var state = State.handshaking
    private var timer = TimerID.none

    /// Plaintext written before the handshake was done.
    private var early = ByteQueue()
    private var isWritingEnded = false
    /// The end of writing was asked for before the handshake was done.
    private var owesEnd = false
    private var isClosing = false
    private var hasEnded = false
    private var isPaused = false
    /// When the ciphertext came that may still hold unread plaintext.
    private var lastReceivedAt = Instant.zero
    /// Why the stream is over, where the stream underneath knows less.
    private var endReason: CloseReason?

    init(
        layer: TLSLayer, session: consuming TLSSession, isClient: Bool, remote: Endpoint,
        queueLimit: Int, timeout: Duration
    ) {
        self.layer = layer
        self.session = session
        self.isClient = isClient
        self.remote = remote
        self.queueLimit = queueLimit
        timer = layer.loop.schedule(
            self, token: Token.timeout.rawValue, at: layer.loop.now + timeout)
    }

    /// Says what it runs over. Call once, right after the init.
    func run(over inner: any ByteStream) { self.inner = inner }

    // MARK: Verbs

    var queuedByteCount: Int { early.count + (inner?.queuedByteCount ?? 0) }

    func write(_ bytes: RawSpan) {
        guard !isWritingEnded, !isClosing, bytes.byteCount > 0 else { return }
        switch state {
        case .handshaking:
            early.append(bytes)
            if early.count > queueLimit { breakOff(.queueOverflow) }
        case .open: encrypt(bytes)
        case .failed, .closed: return
        }
    }

    func pauseReading() {
        isPaused = true
        inner?.pauseReading()
    }

    func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        inner?.resumeReading()
        // Plaintext may be left inside the session, and handlers are not called from a verb.
        layer.loop.schedule(self, token: Token.resume.rawValue, at: layer.loop.now)
    }

    func closeWriting() {
        guard !isWritingEnded, !isClosing else { return }
        isWritingEnded = true
        if state == .open { sendEnd() } else { owesEnd = true }
    }

    func close() {
        guard !isClosing else { return }
        isClosing = true
        switch state {
        case .open: closeInOrder()
        case .handshaking:
            // What was written early is sent once the handshake is done; without any there is nothing to wait for.
            if early.isEmpty { inner?.close() }
        case .failed, .closed: return
        }
    }

    func reset() {
        isClosing = true
        inner?.reset()
    }

    // MARK: Sending

    private func encrypt(_ bytes: RawSpan) {
        let progress = session.write(bytes)
        sendOutput()
        if case .failed(let error) = progress { fail(error) }
    }

    private func sendOutput() {
        let buffer = layer.cipherBuffer
        while true {
            let count = session.takeOutput(into: buffer)
            guard count > 0 else { return }
            inner?.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
        }
    }

    private func closeInOrder() {
        session.closeWriting()
        sendOutput()
        inner?.close()
    }

    private func sendEnd() {
        owesEnd = false
        session.closeWriting()
        sendOutput()
        inner?.closeWriting()
    }

    // MARK: Receiving

    private func handshake() {
        let progress = session.handshake()
        sendOutput()
        switch progress {
        case .needsMore: return
        case .ended: fail(TLSError("the peer ended the handshake"))
        case .failed(let error): fail(error)
        case .done:
            state = .open
            layer.loop.cancel(timer)
            opened()
        }
    }

    /// What was written before goes first, whatever the handler does when it hears of the opening.
    private func opened() {
        let hadEarly = !early.isEmpty
        if hadEarly {
            encrypt(early.unsafeBytes.bytes)
            early.removeAll()
        }
        if isClosing {
            closeInOrder()
            return
        }
        if isClient { handler?.opened(self) }
        if hadEarly, state == .open, !isClosing, inner?.queuedByteCount == 0 {
            handler?.drained(self)
        }
        if owesEnd, state == .open, !isClosing { sendEnd() }
    }

    private func decrypt() {
        let buffer = layer.plainBuffer
        while state == .open, !isPaused, !isClosing, !hasEnded {
            let (count, progress) = session.read(into: buffer)
            if count > 0 {
                handler?.received(
                    UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes, at: lastReceivedAt,
                    on: self)
            }
            switch progress {
            case .done: continue
            case .needsMore:
                // A key update asks for an answer.
                return sendOutput()
            case .ended:
                if state == .open { hearEnd() }
            case .failed(let error):
                if state == .open { fail(error) }
            }
        }
    }

    private func hearEnd() {
        guard !hasEnded, !isClosing else { return }
        hasEnded = true
        handler?.ended(self)
    }

    // MARK: The end

    /// Sends the alert that is in the output, then closes.
    private func fail(_ error: TLSError) {
        guard state != .failed, state != .closed else { return }
        state = .failed
        endReason = error.reason
        sendOutput()
        inner?.close()
    }

    private func breakOff(_ reason: CloseReason) {
        endReason = reason
        state = .failed
        early.removeAll()
        inner?.reset()
    }

    private func finish(_ reason: CloseReason) {
        let wasHandshaking = state == .handshaking
        state = .closed
        layer.loop.cancel(timer)
        inner = nil
        let last = handler
        handler = nil
        last?.closed(self, reason: endReason ?? translated(reason, wasHandshaking))
    }

    /// The end of the stream underneath in the words of this one.
    private func translated(_ reason: CloseReason, _ wasHandshaking: Bool) -> CloseReason {
        guard reason == .ended || reason == .closed else { return reason }
        // The peer's close_notify ended its side, though its FIN may not have been waited for.
        if hasEnded { return .ended }
        if wasHandshaking, !isClosing {
            return .tls("the peer closed the connection during the handshake")
        }
        return reason
    }
}

extension TLSStream: ByteStreamHandler {
    /// The stream underneath stands: the client speaks first.
    func opened(_ stream: any ByteStream) { handshake() }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        guard state == .handshaking || state == .open else { return }
        lastReceivedAt = at
        session.receive(bytes)
        if state == .handshaking { handshake() }
        decrypt()
    }

    func drained(_ stream: any ByteStream) {
        if state == .open, !isClosing { handler?.drained(self) }
    }

    /// FIN without close_notify, which many servers leave out.
    func ended(_ stream: any ByteStream) {
        switch state {
        case .handshaking:
            fail(TLSError("the peer closed the connection during the handshake"))
        case .open:
            decrypt()
            if state == .open { hearEnd() }
        case .failed, .closed: return
        }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { finish(reason) }
}

extension TLSStream: TimerHandler {
    private enum Token: UInt64 { case timeout, resume }

    func timerFired(token: UInt64, now: Instant) {
        switch Token(rawValue: token) {
        case .resume: if state == .open { decrypt() }
        case .timeout:
            guard state == .handshaking else { return }
            breakOff(
                isClient
                    ? .unreachable(errno: ETIMEDOUT) : .tls("no handshake within the time allowed"))
        case nil: preconditionFailure("no timer \(token)")
        }
    }
}
