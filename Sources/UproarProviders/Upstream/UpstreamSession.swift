import UproarCore
import UproarRuntime
import UproarWire

/// A WebSocket of a client and the one to the vendor behind it: messages, pings, pongs and closes pass both ways as they are.
///
/// A message that came in fragments leaves in one frame: fragments mean nothing above the framing (RFC 6455 §5.4).
final class UpstreamSession: EmulatedSession, UpstreamPassage, ByteStreamHandler, TimerHandler {
    private let connection: EmulatorConnection
    private let service: UpstreamService
    private let request: HTTPRequestHead
    private let dialect: AnswerDialect
    private var stream: (any ByteStream)?
    private var wire: WebSocketClientConnection
    private var record: UpstreamRecord
    private var meter: UpstreamMeter
    private var number: UInt64 = 0
    private var ear: UpstreamEar?
    private var openedAt: Instant?
    private var isHandling = false
    private var isOver = false
    private var holdsVendor = false
    private var holdsClient = false
    private var timer = TimerID.none
    private var context: EmulatorContext { service.context }

    private static let waitingLimit = 1 << 20
    /// How long the vendor may take for its part of a close.
    private static let closeLimit = Duration.seconds(5)

    init(
        _ request: HTTPRequestHead, at instant: Instant, service: UpstreamService,
        connection: EmulatorConnection, random: RandomStream
    ) {
        self.request = request
        self.service = service
        self.connection = connection
        dialect = service.dialect(of: request)
        let (url, headers, subprotocols) = service.upstream.rewrittenUpgrade(request)
        wire = WebSocketClientConnection(
            url: url, headers: headers, subprotocols: subprotocols, random: random)
        wire.answersPings = false
        connection.passesPings = true
        record = UpstreamRecord(
            provider: service.provider(of: request), isWebSocket: true, path: request.path,
            begunAt: instant)
        meter = UpstreamMeter(request, body: nil, provider: record.provider)
        if context.isTagging, case .hears(let format?) = meter.kind {
            ear = UpstreamEar(format)
        }
        number = service.begins(self)
        stream = service.context.network.connect(
            to: service.endpoint, options: service.connectOptions, handler: self)
    }

    // MARK: From the client

    func received(text: RawSpan, at instant: Instant) {
        count(text)
        meter.sent(text: text)
        learn(meter.reference(in: context.references, isTagging: context.isTagging))
        act { $0.sendText(text) }
    }

    func received(binary: RawSpan, at instant: Instant) {
        count(binary)
        meter.sent(binary: binary.byteCount)
        if let wire = ear?.hear(binary) { learn(context.references.reference(ofWire: wire)) }
        if meter.isDue(at: instant) { stateUsage(at: instant) }
        act { $0.sendBinary(binary) }
    }

    func received(ping: [UInt8], at instant: Instant) { control(.ping, ping) }
    func received(pong: [UInt8], at instant: Instant) { control(.pong, pong) }

    private func control(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        act { $0.send(opcode, count: payload.count) { $0 += payload } }
    }

    /// Whose it is.
    private func learn(_ reference: TurnReference?) {
        guard let reference else { return }
        if record.reference == nil { record.reference = reference }
        connection.reference = reference.asUtterance
    }

    private func count(_ bytes: RawSpan) {
        record.sent += 1
        record.bytesSent += bytes.byteCount
    }

    func closed(_ code: WebSocketCloseCode, at instant: Instant) {
        guard !isOver else { return }
        end(nil, at: instant)
        guard code != .abnormal, wire.isOpen else {
            stream?.reset()
            return
        }
        act { $0.close(code, reason: self.connection.closeReason) }
        timer = context.loop.schedule(self, at: instant + Self.closeLimit)
    }

    private func act(_ body: (inout WebSocketClientConnection) -> Void) {
        body(&wire)
        if !isHandling { flush() }
    }

    private func flush() {
        guard let stream, !wire.output.isEmpty else { return }
        stream.write(wire.output.span.bytes)
        wire.output.removeAll(keepingCapacity: wire.output.capacity <= 64 << 10)
        if !holdsClient, stream.queuedByteCount > Self.waitingLimit {
            holdsClient = true
            connection.pauseReading()
        }
    }

    // MARK: From the vendor

    func opened(_ stream: any ByteStream) {
        record.connect = context.now - record.begunAt
        flush()
    }

    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        wire.receive(bytes)
        read(at: instant)
        guard !holdsVendor, connection.queuedByteCount > Self.waitingLimit else { return }
        holdsVendor = true
        stream.pauseReading()
        connection.onDrained = { [weak self] in
            guard let self, holdsVendor else { return }
            holdsVendor = false
            self.stream?.resumeReading()
        }
    }

    func drained(_ stream: any ByteStream) {
        guard holdsClient else { return }
        holdsClient = false
        connection.resumeReading()
    }

    func ended(_ stream: any ByteStream) {
        wire.streamEnded()
        read(at: context.now)
        stream.close()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        context.loop.cancel(timer)
        self.stream = nil
        stream.handler = nil
        guard !isOver else { return }
        let now = context.now
        let words = UpstreamConnection.words(reason)
        end(words, at: now)
        if openedAt == nil {
            service.refuse(request, status: 502, retryAfter: nil, at: now, on: connection)
        } else {
            connection.end()
        }
    }

    func timerFired(token: UInt64, now: Instant) { stream?.reset() }

    private func read(at instant: Instant) {
        isHandling = true
        connection.together {
            while let event = self.wire.next() { self.handle(event, at: instant) }
        }
        isHandling = false
        flush()
        if wire.shouldClose { stream?.close() }
    }

    private func handle(_ event: WebSocketClientEvent, at now: Instant) {
        guard !isOver else { return }
        switch event {
        case .open(let head):
            openedAt = now
            meter.opened(at: now)
            record.firstByte = now - record.begunAt
            record.status = 101
            var headers = Upstream.endToEnd(head.headers)
            for field in headers.fields where field.name.lowercased().hasPrefix("sec-websocket-") {
                headers.remove(field.name)
            }
            connection.acceptUpgrade(subprotocol: chosen, headers: headers)
        case .refused(let refusal):
            record.firstByte = now - record.begunAt
            record.status = refusal.head.status
            end(nil, at: now)
            var headers = Upstream.endToEnd(refusal.head.headers)
            headers.remove("Content-Length")
            connection.respond(
                status: refusal.head.status, headers: headers, body: refusal.body)
        case .text, .binary: deliver(event, at: now)
        case .ping: connection.control(.ping, wire.payloadBytes)
        case .pong: connection.control(.pong, wire.payloadBytes)
        case .closed(let code) where code == .abnormal:
            end("the vendor ended the stream without a close", at: now)
            connection.end()
        case .closed(let code):
            end(nil, at: now)
            connection.close(code, reason: wire.payloadText)
        case .failed(let error):
            end("the vendor broke the protocol: \(error)", at: now)
            if openedAt == nil {
                service.refuse(request, status: 502, retryAfter: nil, at: now, on: connection)
            } else {
                connection.end()
            }
        }
    }

    /// Copied out, so that what the client makes of it may come back at once.
    private func deliver(_ event: WebSocketClientEvent, at now: Instant) {
        let bytes = wire.payloadBytes
        record.took(bytes.count, at: now)
        meter.received(bytes)
        if meter.isDue(at: now) { stateUsage(at: now) }
        if record.firstContent == nil, let openedAt, dialect.contentCount(in: bytes) > 0 {
            record.firstContent = now - openedAt
        }
        if event == .text {
            connection.send(text: bytes.span.bytes)
        } else {
            connection.send(binary: bytes.span.bytes)
        }
    }

    /// The subprotocol that the vendor chose; where it is the key itself, the one that the client knows.
    private var chosen: String? {
        guard let name = wire.subprotocol else { return nil }
        let offered = WebSocketHandshake.subprotocols(of: request)
        let sent = service.upstream.key.subprotocols(offered)
        guard let place = sent.firstIndex(of: name), place < offered.count else { return name }
        return offered[place]
    }

    private func end(_ failure: String?, at now: Instant) {
        guard !isOver else { return }
        isOver = true
        connection.onDrained = nil
        stateUsage(at: now, isEnd: true)
        record.end = now - record.begunAt
        record.failure = failure
        service.ended(number, record)
    }

    func standing(at now: Instant) -> UpstreamRecord {
        stateUsage(at: now, isEnd: true)
        return record
    }

    /// What was used since the last time.
    private func stateUsage(at now: Instant, isEnd: Bool = false) {
        guard openedAt != nil else { return }
        service.state(
            meter.take(at: now, isEnd: isEnd), of: meter, reference: nil, on: connection, at: now)
    }
}
