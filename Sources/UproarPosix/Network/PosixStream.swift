import CUproarShims
import Glibc
import UproarCore
import UproarRuntime

/// One TCP or Unix connection.
///
/// Verbs may close the descriptor at once, but what the handler hears is told from an event or a timer, never from a verb.
final class PosixStream: ByteStream {
    enum State { case dialling, open, closing, closed }
    private enum Token: UInt64 { case ended, linger, broken }

    // What each frame needs stands first, on two cache lines: of a thousand streams none stays in the cache.
    var handler: (any ByteStreamHandler)?
    private let network: PosixNetwork
    private var number: Int32 = -1
    private var state: State
    private var isWritingEnded = false
    private var finSent = false
    private var finReceived = false
    private var isPaused = false
    /// The kernel says when it received what is read.
    private var isStamped = false
    /// Closed, or about to tell so.
    private var isGone = false
    private var queue = ByteQueue()

    let remote: Endpoint
    private let queueLimit: Int
    private var descriptor: Descriptor?
    private var watch: WatchID?
    private var watched: DescriptorEvents = []
    private var timer = TimerID.none
    private var dialler: Dialler?
    private var endReason: CloseReason?
    private let stampsReceives: Bool
    /// Of the write that failed; 0 for none.
    private var brokenCode: Int32 = 0

    /// How long `close` may take to bring away what is queued.
    private static let lingerLimit = Duration.seconds(5)
    /// So often one stream is read before others on the loop have their turn.
    private static let readsPerTurn = 4

    /// An open connection; call `startReading` once the handler is set.
    init(
        network: PosixNetwork, connected descriptor: consuming Descriptor, remote: Endpoint,
        queueLimit: Int
    ) {
        self.network = network
        self.remote = remote
        self.queueLimit = queueLimit
        stampsReceives = false
        state = .open
        if case .tcp = remote { Self.setNoDelay(descriptor.number) }
        number = descriptor.number
        self.descriptor = consume descriptor
    }

    /// A connection to be made.
    init(
        network: PosixNetwork, to endpoint: Endpoint, options: ConnectOptions,
        handler: any ByteStreamHandler
    ) {
        self.network = network
        self.handler = handler
        remote = endpoint
        queueLimit = options.queueLimit
        stampsReceives = options.stampsReceives
        state = .dialling
        dialler = Dialler(
            network: network, endpoint: endpoint, timeout: options.timeout, stream: self)
    }

    // MARK: Verbs

    var queuedByteCount: Int { queue.count }

    /// The C function is `getsockname`.
    var localPort: UInt16 {
        guard number >= 0, !isGone, case .tcp = remote else { return 0 }
        var hasFailed = false
        let address = SocketAddress { address, length in
            hasFailed = getsockname(number, address, &length) != 0
        }
        return hasFailed ? 0 : address.endpoint.port
    }

    func handlerNeeds(_ parts: [MemoryPart]) {
        guard let watch else { return }
        network.driver.setNeeds([MemoryPart(of: self, first: 192)] + parts, of: watch)
    }

    func write(_ bytes: RawSpan) {
        guard !isGone, !isWritingEnded, bytes.byteCount > 0 else { return }
        guard state == .open, queue.isEmpty else { return enqueue(bytes) }
        switch send(bytes) {
        case .moved(bytes.byteCount): return
        case .moved(let count): enqueue(bytes.extracting(droppingFirst: count))
        case .wouldBlock: enqueue(bytes)
        case .failed(let code): breaks(code)
        }
    }

    func pauseReading() {
        isPaused = true
        updateWatch()
    }

    func resumeReading() {
        isPaused = false
        updateWatch()
    }

    func closeWriting() {
        guard !isGone else { return }
        isWritingEnded = true
        finishWriting()
    }

    func close() {
        guard !isGone, state != .closing else { return }
        guard state == .open else { return end(.closed) }
        state = .closing
        isWritingEnded = true
        finishWriting()
        if !isGone {
            updateWatch()
            schedule(.linger, at: network.driver.now + Self.lingerLimit)
        }
    }

    func reset() {
        if !isGone { breakOff(.closed) }
    }

    // MARK: Sending

    private func send(_ bytes: RawSpan) -> Transfer {
        let number = number
        return bytes.withUnsafeBytes { bytes in
            Transfer { Glibc.send(number, bytes.baseAddress, bytes.count, Self.sendFlags) }
        }
    }

    private static let sendFlags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)

    private func enqueue(_ bytes: RawSpan) {
        queue.append(bytes)
        if queue.count > queueLimit { return breakOff(.queueOverflow) }
        if state == .open { updateWatch() }
    }

    private func flush() {
        guard !queue.isEmpty else { return finishWriting() }
        while !queue.isEmpty {
            switch send(queue.unsafeBytes.bytes) {
            case .moved(let count): queue.removeFirst(count)
            case .wouldBlock: return updateWatch()
            case .failed(let code): return breaks(code)
            }
        }
        finishWriting()
        guard state == .open, !isGone else { return }
        updateWatch()
        handler?.drained(self)
    }

    /// Sends FIN once nothing is queued before it, and ends the stream where that was all there was to do.
    private func finishWriting() {
        guard isWritingEnded, queue.isEmpty, state == .open || state == .closing else { return }
        if !finSent {
            finSent = true
            // ENOTCONN: the peer has reset it, which will be read.
            _ = shutdown(number, Int32(SHUT_WR))
        }
        if state == .closing || finReceived {
            discardUnread()
            end(finReceived ? .ended : .closed)
        }
    }

    /// Takes what has come but was not read: closing over unread bytes would reset the connection, and the reset could
    /// overtake what was just written.
    private func discardUnread() {
        guard case .tcp = remote, !finReceived else { return }
        let number = number
        // MSG_TRUNC on TCP: the bytes are dropped in the kernel (tcp(7)).
        let flags = Int32(MSG_TRUNC | MSG_DONTWAIT)
        var rounds = 0
        while case .moved(let count) = Transfer({ recv(number, nil, 1 << 20, flags) }),
            count > 0, rounds < 8
        {
            rounds += 1
        }
    }

    /// A write failed. What the peer sent before it went away may still be unread, so the end waits for a turn.
    private func breaks(_ code: Int32) {
        queue.removeAll()
        isWritingEnded = true
        finSent = true
        brokenCode = code
        schedule(.broken, at: network.driver.now)
    }

    // MARK: Receiving

    /// Begins to read an accepted or adopted connection.
    func startReading() {
        guard !isGone else { return }
        updateWatch()
    }

    /// `isExhausted`: the end has been announced, so a short read is not the last.
    private func read(isExhausted: Bool, rounds: Int = readsPerTurn) {
        let buffer = network.readBuffer
        for _ in 0..<rounds {
            guard state == .open, !isGone, !isPaused, !finReceived else { return }
            let number = number
            var stamp: Int64 = 0
            let transfer =
                isStamped
                ? Transfer {
                    uproar_receive_stamped(number, buffer.baseAddress, buffer.count, &stamp)
                } : Transfer { recv(number, buffer.baseAddress, buffer.count, 0) }
            switch transfer {
            case .moved(0):
                return brokenCode == 0 ? hearEnd() : finish(.failed(errno: brokenCode))
            case .moved(let count):
                // Without the kernel's stamp the clock is read once, behind the read.
                let driver = network.driver
                let at = isStamped ? driver.instant(ofStamp: stamp) : driver.now
                handler?.received(
                    UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes, at: at, on: self)
                if count < buffer.count, !isExhausted { return }
            case .wouldBlock: return
            case .failed(let code): return finish(.failed(errno: code))
            }
        }
        // There may be more, of which no change will tell.
        if let watch, !isGone { network.driver.change(watch, to: watched) }
    }

    private func hearEnd() {
        finReceived = true
        handler?.ended(self)
        guard !isGone else { return }
        finishWriting()
        updateWatch()
    }

    // MARK: The descriptor

    /// Watches for just what can be used now.
    private func updateWatch() {
        guard !isGone, state == .open || state == .closing else { return }
        var wanted: DescriptorEvents = []
        if state == .open, !isPaused, !finReceived {
            wanted = [.readable, .peerEnded, .onChange]
        }
        if !queue.isEmpty { wanted.formUnion([.writable, .onChange]) }
        watchFor(wanted)
    }

    private func watchFor(_ wanted: DescriptorEvents) {
        if let watch {
            if wanted != watched { network.driver.change(watch, to: wanted) }
        } else {
            do {
                watch = try network.driver.watch(number, for: wanted, handler: self)
            } catch {
                return breakOff(.failed(errno: error.code))
            }
        }
        watched = wanted
    }

    private func unwatch() {
        if let watch { network.driver.unwatch(watch) }
        watch = nil
    }

    private func closeDescriptor() {
        unwatch()
        descriptor = nil
        number = -1
    }

    /// The error pending on the socket; 0 for none.
    private func takeSocketError() -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(4)
        return getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }

    static func setNoDelay(_ number: Int32) {
        var one: Int32 = 1
        setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    // MARK: The end

    private func schedule(_ token: Token, at instant: Instant) {
        network.loop.cancel(timer)
        timer = network.loop.schedule(self, token: token.rawValue, at: instant)
    }

    /// Closes the descriptor now and tells the handler in the next turn.
    private func end(_ reason: CloseReason) {
        endReason = reason
        isGone = true
        dialler?.cancel()
        dialler = nil
        closeDescriptor()
        schedule(.ended, at: network.driver.now)
    }

    /// Drops everything and resets the connection.
    private func breakOff(_ reason: CloseReason) {
        queue.removeAll()
        if state != .dialling, descriptor != nil {
            var now = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                number, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        }
        end(reason)
    }

    /// Ends from within an event.
    private func finish(_ reason: CloseReason) {
        network.loop.cancel(timer)
        closeDescriptor()
        queue.removeAll()
        state = .closed
        isGone = true
        let last = handler
        handler = nil
        last?.closed(self, reason: reason)
    }
}

// MARK: - Dialling

extension PosixStream {
    /// The connection stands.
    func dialled(_ connected: consuming Descriptor) {
        dialler = nil
        number = connected.number
        descriptor = consume connected
        if stampsReceives, uproar_stamp_receives(number) == 0 {
            isStamped = true
            network.driver.readsStamps = true
        }
        state = .open
        updateWatch()
        handler?.opened(self)
        if !isGone { flush() }
    }

    /// No address answered; told from an event or a timer.
    func notDialled(_ reason: CloseReason) { finish(reason) }
}

// MARK: - Events

extension PosixStream: DescriptorHandler {
    func ready(_ events: DescriptorEvents) {
        switch state {
        case .dialling, .closed: return
        case .open where isPaused || finReceived:
            if events.contains(.failed) {
                return finish(.failed(errno: failure()))
            }
            // Reported as long as it is watched, and there is nothing to do about it until reading goes on.
            if events.contains(.hungUp) { unwatch() }
        case .open:
            if !events.isDisjoint(with: [.readable, .peerEnded, .hungUp, .failed]) {
                read(isExhausted: !events.isDisjoint(with: [.peerEnded, .hungUp, .failed]))
            }
        case .closing:
            if !events.isDisjoint(with: [.failed, .hungUp]) {
                return finish(.failed(errno: failure()))
            }
        }
        if events.contains(.writable), !isGone, state == .open || state == .closing { flush() }
    }

    private func failure() -> Int32 {
        let code = takeSocketError()
        return code == 0 ? ECONNRESET : code
    }
}

extension PosixStream: TimerHandler {
    func timerFired(token: UInt64, now: Instant) {
        switch Token(rawValue: token) {
        case .ended: finish(endReason ?? .closed)
        case .linger: breakOff(.failed(errno: ETIMEDOUT))
        case .broken:
            guard !isGone else { return }
            if state == .open { read(isExhausted: true, rounds: 64) }
            if !isGone { finish(.failed(errno: brokenCode)) }
        case nil: preconditionFailure("no timer \(token)")
        }
    }
}
