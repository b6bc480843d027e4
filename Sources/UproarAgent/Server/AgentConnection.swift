import UproarCore
import UproarRuntime
import UproarWire

/// One stream to the agent: requests for health, metrics and TwiML, or a media stream, which is a call.
final class AgentConnection: ByteStreamHandler, CallChannel {
    private static let messageLimit = 1 << 20

    /// Counts the agent's connections.
    let number: UInt64
    private let server: AgentServer
    private var stream: (any ByteStream)?
    private var connection: ServerConnection
    private var writer: TwilioStreamWriter?
    private var call: (any CallChannelHandler)?
    /// Holds a place among the calls, from the upgrade to the end.
    private var holdsPlace = false
    private var saidStop = false
    private var request: (head: HTTPRequestHead, at: Instant)?
    /// Events are being taken: what is said meanwhile goes out at the end.
    private var isReceiving = false
    private var isOver = false

    init(_ stream: any ByteStream, number: UInt64, server: AgentServer) {
        self.number = number
        self.stream = stream
        self.server = server
        connection = ServerConnection(
            limits: HTTPLimits(headBytes: 16 << 10, bodyBytes: 64 << 10),
            messageLimit: Self.messageLimit)
    }

    // MARK: ByteStreamHandler

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        takeEvents(at: now)
    }

    func ended(_ stream: any ByteStream) {
        connection.streamEnded()
        takeEvents(at: server.parts.loop.now)
        stream.close()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        finish(at: server.parts.loop.now)
        self.stream = nil
    }

    private func takeEvents(at now: Instant) {
        isReceiving = true
        while let event = connection.next() {
            switch event {
            case .request(let head): request = (head, now)
            case .upgrade(let head): upgrade(head)
            case .text: heardMessage(at: now)
            case .closed, .failed: finish(at: now)
            case .requestEnd: answerRequest()
            case .body, .binary, .ping, .pong: break
            }
        }
        isReceiving = false
        flush()
    }

    /// Answers the request in hand, at once or when its answer is known.
    private func answerRequest() {
        guard let (head, at) = request else { return }
        request = nil
        let body =
            head.method == "POST" ? connection.withPayload { $0.withUnsafeBytes { Array($0) } } : []
        server.answer(head, body: body) { [weak self] answer in
            guard let self else { return }
            server.metrics.answeredRequest(
                head.method, answer.endpoint, status: answer.status,
                after: server.parts.loop.now - at)
            connection.respond(
                status: answer.status, headers: answer.headers, body: answer.body)
            flush()
        }
    }

    private func finish(at now: Instant) {
        guard !isOver else { return }
        isOver = true
        if holdsPlace {
            holdsPlace = false
            server.callEnded(self)
        }
        let call = call
        self.call = nil
        call?.ended(isOrderly: saidStop, at: now)
    }

    /// Ends the call from our side.
    func close(_ code: WebSocketCloseCode, reason: String = "") {
        connection.close(code, reason: reason)
        flush()
    }

    func cut() { stream?.reset() }

    // MARK: A call

    private func upgrade(_ head: HTTPRequestHead) {
        if let refusal = server.refusal(of: head) {
            connection.respond(
                status: refusal.status, headers: ["Content-Type": "text/plain"],
                body: Array(refusal.reason.utf8))
            return
        }
        connection.acceptUpgrade()
        holdsPlace = true
        server.callBegan(self)
    }

    private func heardMessage(at now: Instant) {
        // The buffer is taken out while the call looks at it.
        var audio = server.audio
        server.audio = []
        audio.removeAll(keepingCapacity: true)
        defer { server.audio = audio }
        switch connection.withPayload({ TwilioStreamMessage.decode($0, audio: &audio) }) {
        case .media: call?.heard(audio.span.bytes, at: now)
        case .start(let stream, let introduction):
            guard call == nil, holdsPlace else { return server.metrics.messageUnknown() }
            writer = TwilioStreamWriter(stream: stream)
            call = server.begin(introduction, over: self)
        case .mark(let name): call?.heardMark(name, at: now)
        case .digit(let digit): call?.heardDigit(digit, at: now)
        case .stop:
            saidStop = true
            connection.close(.normal)
        case .connected: break
        case .unknown: server.metrics.messageUnknown()
        }
    }

    // MARK: CallChannel

    func play(_ audio: RawSpan) {
        guard let writer else { return }
        connection.send(.text, count: writer.mediaCount(audio)) { writer.media(audio, into: &$0) }
    }

    func mark(_ name: String) {
        guard let writer else { return }
        connection.sendText(writer.mark(name).span.bytes)
    }

    func clear() {
        guard let writer else { return }
        connection.sendText(writer.clear().span.bytes)
    }

    func hangUp() { connection.close(.normal) }

    /// A phone shows nothing.
    func show(_ text: String) -> Bool { false }

    func flush() {
        guard !isReceiving else { return }
        if !connection.output.isEmpty {
            stream?.write(connection.output.span.bytes)
            connection.output.removeAll(keepingCapacity: connection.output.capacity <= 16 << 10)
        }
        if connection.shouldClose { stream?.close() }
    }
}
