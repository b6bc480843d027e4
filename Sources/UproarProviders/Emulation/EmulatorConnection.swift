import UproarCore
import UproarRuntime
import UproarWire

/// One connection to an emulator: HTTP requests one after the other, or a WebSocket once a request became one.
///
/// What verbs put out inside an event goes out when the event has been handled; outside of one it goes out at once.
package final class EmulatorConnection: ByteStreamHandler {
    private let context: EmulatorContext
    private let service: any EmulatedService
    private let stream: any ByteStream
    private weak var listener: EmulatorListener?
    private var wire = ServerConnection(limits: EmulatorConnection.limits)
    private var head: HTTPRequestHead?
    private var reply: (any EmulatedReply)?
    private var session: (any EmulatedSession)?
    private var isHandling = false
    private var isMute = false
    private var isClosed = false
    /// The message in work, copied out so that its receiver may send.
    private var message: [UInt8] = []

    /// A conversation's history and tool declarations fit; an upload of audio too.
    private static let limits = HTTPLimits()

    init(
        _ stream: any ByteStream, service: any EmulatedService, context: EmulatorContext,
        listener: EmulatorListener
    ) {
        self.stream = stream
        self.service = service
        self.context = context
        self.listener = listener
    }

    /// Bytes that wait for a peer that reads slowly.
    package var queuedByteCount: Int { stream.queuedByteCount }

    // MARK: Answers

    package func respond(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        reply = nil
        act { $0.respond(status: status, headers: headers, body: body) }
    }

    package func respond(status: Int, headers: HTTPHeaders = [:], json: JSONValue) {
        var headers = headers
        headers["Content-Type"] = "application/json"
        respond(status: status, headers: headers, body: json.encoded())
    }

    package func startBody(status: Int, headers: HTTPHeaders) {
        act { $0.startBody(HTTPResponseHead(status: status, headers: headers)) }
    }

    package func sendBody(_ bytes: RawSpan) { act { $0.sendBody(bytes) } }

    package func endBody() {
        reply = nil
        act { $0.endBody() }
    }

    package func acceptUpgrade(subprotocol: String? = nil, headers: HTTPHeaders = [:]) {
        act { $0.acceptUpgrade(subprotocol: subprotocol, headers: headers) }
    }

    package func send(text: RawSpan) { act { $0.sendText(text) } }
    package func send(json: JSONValue) {
        let bytes = json.encoded()
        send(text: bytes.span.bytes)
    }

    /// Starts the WebSocket's closing handshake.
    package func close(_ code: WebSocketCloseCode, reason: String = "") {
        act { $0.close(code, reason: reason) }
    }

    /// Breaks the connection (RST).
    package func reset() { stream.reset() }

    /// Reads everything from now on and answers nothing.
    package func mute() { isMute = true }

    private func act(_ body: (inout ServerConnection) -> Void) {
        guard !isClosed else { return }
        body(&wire)
        if !isHandling { handleEvents(at: context.now) }
    }

    private func flush() {
        if !wire.output.isEmpty {
            context[service.provider].bytesSent += Int64(wire.output.count)
            stream.write(wire.output.span.bytes)
            wire.output.removeAll(keepingCapacity: wire.output.capacity <= 64 << 10)
        }
        if wire.shouldClose { stream.close() }
    }

    // MARK: ByteStreamHandler

    package func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        context[service.provider].bytesReceived += Int64(bytes.byteCount)
        guard !isMute else { return }
        wire.receive(bytes)
        handleEvents(at: instant)
    }

    package func ended(_ stream: any ByteStream) {
        // A client that says it will send no more has gone: those of our vendors close both ways at once.
        guard !isMute, !isClosed else { return stream.close() }
        wire.streamEnded()
        handleEvents(at: context.now)
        leave(.abnormal, at: context.now)
        stream.close()
    }

    package func closed(_ stream: any ByteStream, reason: CloseReason) {
        isClosed = true
        leave(.abnormal, at: context.now)
        context[service.provider].active -= 1
        listener?.closed(self)
        stream.handler = nil
    }

    private func leave(_ code: WebSocketCloseCode, at instant: Instant) {
        let (reply, session) = (reply, session)
        (self.reply, self.session) = (nil, nil)
        reply?.peerLeft(at: instant)
        session?.closed(code, at: instant)
    }

    // MARK: Events

    private func handleEvents(at instant: Instant) {
        isHandling = true
        while !isMute, let event = wire.next() { handle(event, at: instant) }
        isHandling = false
        flush()
    }

    private func handle(_ event: ServerEvent, at instant: Instant) {
        switch event {
        case .request(let head): self.head = head
        case .requestEnd:
            guard let head else { return }
            self.head = nil
            context[service.provider].requests += 1
            let body = wire.body
            reply = service.answer(head, body: body, at: instant, on: self)
        case .upgrade(let head):
            context[service.provider].requests += 1
            session = service.upgrade(head, at: instant, on: self)
        case .text, .binary:
            var bytes: [UInt8] = []
            swap(&bytes, &message)
            bytes.removeAll(keepingCapacity: bytes.capacity <= 256 << 10)
            wire.withPayload { payload in payload.withUnsafeBytes { bytes.append(contentsOf: $0) } }
            if event == .text {
                session?.received(text: bytes.span.bytes, at: instant)
            } else {
                session?.received(binary: bytes.span.bytes, at: instant)
            }
            swap(&bytes, &message)
        case .closed(let code): leave(code, at: instant)
        case .failed: leave(.abnormal, at: instant)
        case .body, .ping, .pong: break
        }
    }
}
