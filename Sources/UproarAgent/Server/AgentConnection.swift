import UproarCore
import UproarRuntime
import UproarWire

/// One stream to the agent: requests for health, metrics and TwiML, or a media stream, which is a call: Twilio's, or a browser's.
final class AgentConnection: ByteStreamHandler, CallChannel {
    private static let messageLimit = 1 << 20

    /// Counts the agent's connections.
    let number: UInt64
    private let server: AgentServer
    private var stream: (any ByteStream)?
    private var connection: ServerConnection
    /// What the call's stream speaks; nil while this is no call.
    private var wire: MediaWire?
    private var writer: TwilioStreamWriter?
    /// A browser's call, until the person has agreed.
    private var asking: CallIntroduction?
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
        let taken = wire == .twilio ? hearWholeMessages(bytes, at: now) : 0
        if taken < bytes.byteCount {
            connection.receive(bytes.extracting(droppingFirst: taken))
            takeEvents(at: now)
        } else {
            flush()
        }
    }

    /// Hears the messages that lie whole at the front of what came, as nearly all do; returns how many bytes they are.
    private func hearWholeMessages(_ bytes: RawSpan, at now: Instant) -> Int {
        // The buffer is taken out while the call looks at what is in it.
        var buffer: [UInt8] = []
        swap(&buffer, &server.unmasked)
        defer { swap(&buffer, &server.unmasked) }
        var taken = 0
        isReceiving = true
        while let message = connection.wholeMessage(
            bytes.extracting(droppingFirst: taken), into: &buffer)
        {
            taken += message.taken
            guard message.isText else { continue }
            heardMessage(buffer.span.bytes.extracting(first: message.count), at: now)
        }
        isReceiving = false
        return taken
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
            case .text where wire == .browser: readBrowser(at: now)
            case .text:
                let message = connection.payloadBytes
                heardMessage(message.span.bytes, at: now)
            case .binary where wire == .browser: heardBrowser(at: now)
            case .closed(let code):
                // A browser says goodbye by closing in order.
                if wire == .browser, code == .normal || code == .goingAway { saidStop = true }
                finish(at: now)
            case .failed: finish(at: now)
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
        server.answer(head, body: connection.body) { [weak self] answer in
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
        let wire = server.wire(of: head.path)
        if let refusal = server.refusal(of: head, wire) {
            connection.respond(
                status: refusal.status, headers: ["Content-Type": "text/plain"],
                body: Array(refusal.reason.utf8))
            return
        }
        connection.acceptUpgrade()
        self.wire = wire
        holdsPlace = true
        server.callBegan(self)
    }

    private func heardMessage(_ message: RawSpan, at now: Instant) {
        // The buffer is taken out while the call looks at it.
        var audio: [UInt8] = []
        swap(&audio, &server.audio)
        audio.removeAll(keepingCapacity: true)
        defer { swap(&audio, &server.audio) }
        if TwilioStreamMessage.decodeMedia(message, &server.mediaShapes, into: &audio) {
            call?.heard(audio.span.bytes, at: now)
        } else {
            heard(TwilioStreamMessage.decode(message), at: now)
        }
    }

    private func heard(_ message: TwilioStreamMessage, at now: Instant) {
        switch message {
        case .start(let stream, let introduction, let carried):
            guard call == nil, holdsPlace else { return server.metrics.messageUnknown() }
            if let problem = server.mismatch(of: .twilio, carried) { return refuse(problem) }
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

    /// The caller sends what the agent does not hear: said once, and over.
    private func refuse(_ problem: String) {
        server.refused(problem)
        // A close frame has room for 123 bytes (RFC 6455 §5.5).
        connection.close(
            .unsupported, reason: String(decoding: problem.utf8.prefix(120), as: UTF8.self))
    }

    // MARK: A browser's call

    private func readBrowser(at now: Instant) {
        switch connection.withPayload({ BrowserStreamMessage.decode($0) }) {
        case .connected(var introduction, let contentType):
            guard call == nil, asking == nil, holdsPlace else {
                return server.metrics.messageUnknown()
            }
            if let problem = server.mismatch(of: .browser, contentType) { return refuse(problem) }
            if introduction.call.isEmpty { introduction.call = "browser-\(number)" }
            guard server.settings.asksConsent else {
                call = server.begin(introduction, over: self)
                return
            }
            asking = introduction
            put(server.consentRequest)
        case .consent(let isGranted, let mayRecord):
            guard var introduction = asking else { return }
            if mayRecord {
                introduction.parameters.append(.init("recording_consent", .string("yes")))
            }
            asking = nil
            guard isGranted else {
                saidStop = true
                return connection.close(.normal, reason: "not without consent")
            }
            call = server.begin(introduction, over: self)
        case .mark(let name): call?.heardMark(name, at: now)
        case .digit(let digit): call?.heardDigit(digit, at: now)
        case .text(let text): call?.read(text, at: now)
        case .picture(let picture):
            guard let call else { return server.tooSoon() }
            call.saw(picture, at: now)
        case .cleared: break
        case .unknown: server.metrics.messageUnknown()
        }
    }

    private func heardBrowser(at now: Instant) {
        // A microphone that is open before anybody has agreed is not listened to.
        guard let call else { return server.tooSoon() }
        var audio = server.audio
        server.audio = []
        audio.removeAll(keepingCapacity: true)
        defer { server.audio = audio }
        connection.withPayload { bytes in bytes.withUnsafeBytes { audio.append(contentsOf: $0) } }
        guard audio.count % 2 == 0 else {
            return refuse("half a sample at the end of a message")
        }
        call.heard(audio.span.bytes, at: now)
    }

    // MARK: CallChannel

    var format: AudioFormat { wire == .browser ? .browser : .telephone }

    func play(_ audio: RawSpan) {
        if wire == .browser { return connection.sendBinary(audio) }
        guard let writer else { return }
        connection.send(.text, count: writer.mediaCount(audio)) { writer.media(audio, into: &$0) }
    }

    func mark(_ name: String) {
        if wire == .browser {
            return put(BrowserStreamWriter.mark(name))
        }
        guard let writer else { return }
        connection.sendText(writer.mark(name).span.bytes)
    }

    func clear() {
        if wire == .browser { return put(BrowserStreamWriter.clear) }
        guard let writer else { return }
        connection.sendText(writer.clear().span.bytes)
    }

    private func put(_ message: [UInt8]) { connection.sendText(message.span.bytes) }

    func hangUp() { connection.close(.normal) }

    /// A phone shows nothing.
    func fallBackToText(_ text: String) -> Bool {
        guard wire == .browser else { return false }
        put(BrowserStreamWriter.fallbackToText(text))
        return true
    }

    func show(_ text: String) {
        guard wire == .browser else { return }
        put(BrowserStreamWriter.text(text))
    }

    func flush() {
        guard !isReceiving else { return }
        if !connection.output.isEmpty {
            stream?.write(connection.output.span.bytes)
            connection.output.removeAll(keepingCapacity: connection.output.capacity <= 16 << 10)
        }
        if connection.shouldClose { stream?.close() }
    }
}
