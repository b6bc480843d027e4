import UproarCore

/// What a peer did on a connection we serve. The bytes of `text`, `binary`, `ping`, `pong`, `body` and a close's reason are in the
/// connection (`withPayload`) until its next call.
package enum ServerEvent: Hashable, Sendable {
    /// The head of a request; its body follows. Answer it whenever you like, even before the body.
    case request(HTTPRequestHead)
    /// A valid request to speak WebSocket: `acceptUpgrade`, or refuse it with `respond`.
    case upgrade(HTTPRequestHead)
    /// Some of the body, only when the connection does not gather bodies.
    case body
    /// The request is whole; `body` holds it when the connection gathers bodies. An upgrade has no such event.
    case requestEnd(trailers: HTTPHeaders)
    case text
    case binary
    /// Answered already.
    case ping
    case pong
    /// The peer closed the WebSocket (answered already), or its stream ended without (`abnormal`). Nothing follows.
    case closed(WebSocketCloseCode)
    /// The peer broke a protocol; an answer is in the output where one is due. Nothing follows.
    case failed(WireError)
}

/// Serves one stream: HTTP/1.1 requests one after the other, until one of them becomes a WebSocket. Bytes in, events out;
/// verbs append to `output`.
///
///     connection.receive(bytes)
///     while let event = connection.next() { … }      // verbs may be called in here, or later
///     send(connection.output); connection.output.removeAll(keepingCapacity: true)
///     if connection.shouldClose { close the stream once that is sent }
///
/// Call `next()` again after an answer is whole: a pipelined request may be waiting. Verbs that come too late (the peer is gone) are
/// dropped; verbs out of order (two answers to one request) are errors of the program.
package struct ServerConnection: ~Copyable {
    private enum Phase {
        case http
        case webSocket
        case over
    }

    /// How far the answer to the current request is.
    private enum Reply {
        case none
        case streaming(HTTPBodyFraming)
        case done
    }

    private var phase = Phase.http { didSet { shouldClose = phase == .over } }
    private var http: HTTPRequestDecoder
    private var webSocket: WebSocketPeer
    private let gathersBodies: Bool
    private let waitingLimit: Int

    /// The request being received or answered.
    private var request: HTTPRequestHead?
    private var upgradeKey: String?
    private var isRequestWhole = false
    private var awaitsContinue = false
    private var reply = Reply.none
    private var closesAfterReply = false
    private var hasStreamEnded = false

    /// What is to be sent. The stream's owner takes it out; it may also put raw bytes in, to break the protocol on purpose.
    package var output: [UInt8] = []
    /// The gathered body of the current request.
    package private(set) var body: [UInt8] = []
    /// Nothing more will come or go: close the stream once the output is sent.
    package private(set) var shouldClose = false
    package var isWebSocket: Bool { phase == .webSocket }

    package init(
        limits: HTTPLimits = .init(), gathersBodies: Bool = true,
        messageLimit: Int = WebSocketDecoder.defaultMessageLimit
    ) {
        http = HTTPRequestDecoder(limits: limits)
        waitingLimit = limits.waitingBytes
        webSocket = WebSocketPeer(
            role: .server, random: RandomStream(state: 0), messageLimit: messageLimit)
        self.gathersBodies = gathersBodies
    }

    /// Whether pings are answered (they are at first).
    package var answersPings: Bool {
        get { webSocket.answersPings }
        set { webSocket.answersPings = newValue }
    }

    // MARK: Bytes in, events out

    package mutating func receive(_ bytes: RawSpan) {
        switch phase {
        case .http: http.receive(bytes)
        case .webSocket: webSocket.receive(bytes)
        case .over: break
        }
    }

    /// A whole message at the front of `bytes`, unmasked into the front of `buffer` in one copy: its payload, what it is, and what it took
    /// of `bytes`. Then go on behind it; on nil hand the rest to `receive`.
    ///
    /// Changes nothing. A function that says so is handed a copy of the connection where it stands in an object, for each message.
    package mutating func wholeMessage(_ bytes: RawSpan, into buffer: inout [UInt8])
        -> WebSocketDecoder.WholeMessage?
    {
        phase == .webSocket ? webSocket.wholeMessage(bytes, into: &buffer) : nil
    }

    /// The peer sends no more. Call `next()` until it gives nil.
    package mutating func streamEnded() { hasStreamEnded = true }

    /// The next event, or nil when more bytes, or the answer to the current request, are needed.
    package mutating func next() -> ServerEvent? {
        switch phase {
        case .webSocket: nextMessage()
        case .http: nextRequest()
        case .over: nil
        }
    }

    package borrowing func withPayload<Result, Failure>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        request == nil ? try webSocket.withPayload(body) : try http.withPayload(body)
    }

    package var payloadText: String { webSocket.payloadText }
    package var payloadBytes: [UInt8] {
        request == nil ? webSocket.payloadBytes : http.payloadBytes
    }

    private mutating func nextMessage() -> ServerEvent? {
        guard let event = webSocket.next(into: &output) else {
            guard hasStreamEnded else { return nil }
            phase = .over
            return .closed(.abnormal)
        }
        if webSocket.isOver { phase = .over }
        switch event {
        case .text: return .text
        case .binary: return .binary
        case .ping: return .ping
        case .pong: return .pong
        case .close(let code): return .closed(code)
        case .failed(let error): return .failed(.webSocket(error))
        }
    }

    private mutating func nextRequest() -> ServerEvent? {
        while phase == .http {
            if request != nil && (isRequestWhole || upgradeKey != nil) {
                guard http.waitingByteCount > waitingLimit else { return nil }
                return refuseWaiting()
            }
            if awaitsContinue {
                // Nobody refused the request on sight, so its body is welcome.
                HTTPResponseHead(status: 100).write(into: &output)
                awaitsContinue = false
            }
            guard let event = http.next() else { return hasStreamEnded ? endOfStream() : nil }
            switch event {
            case .head(let head): return begin(head)
            case .body:
                // A request that was answered already is read to its end and forgotten.
                if case .done = reply { continue }
                guard gathersBodies else { return .body }
                http.withPayload { piece in piece.withUnsafeBytes { body.append(contentsOf: $0) } }
            case .end(let trailers):
                isRequestWhole = true
                if case .done = reply {
                    finishExchange()
                } else {
                    return .requestEnd(trailers: trailers)
                }
            case .failed(let error):
                if case .none = reply {
                    write(
                        HTTPResponseHead(status: error.status, headers: ["Connection": "close"]),
                        length: 0)
                }
                phase = .over
                return .failed(.http(error))
            }
        }
        return nil
    }

    /// What follows a request that awaits its answer is kept for later, but not without end.
    private mutating func refuseWaiting() -> ServerEvent {
        let error = HTTPError.waitingTooLong(limit: waitingLimit)
        if case .none = reply {
            write(
                HTTPResponseHead(status: error.status, headers: ["Connection": "close"]), length: 0)
        }
        phase = .over
        return .failed(.http(error))
    }

    private mutating func begin(_ head: HTTPRequestHead) -> ServerEvent? {
        request = head
        body.removeAll(keepingCapacity: body.capacity <= 1 << 20)
        reply = .none
        isRequestWhole = false
        closesAfterReply = !head.keepsAlive
        guard WebSocketHandshake.isUpgrade(head) else {
            awaitsContinue = head.expectsContinue
            return .request(head)
        }
        do {
            upgradeKey = try WebSocketHandshake.check(head)
            return .upgrade(head)
        } catch {
            var response = error.response
            response.headers["Connection"] = "close"
            write(response, length: 0)
            phase = .over
            return .failed(.handshake(error))
        }
    }

    /// Between requests the end is welcome; a whole request may still be answered to a peer that only listens.
    private mutating func endOfStream() -> ServerEvent? {
        phase = .over
        if case .done = reply { return nil }
        return http.isInsideMessage ? .failed(.http(.truncated)) : nil
    }

    // MARK: Answers

    /// Answers with a whole body; Content-Length is written. Also refuses an upgrade.
    package mutating func respond(_ head: HTTPResponseHead, body: RawSpan) {
        guard startReply() else { return }
        let isBodiless = HTTPResponseHead.isBodiless(head.status)
        write(head, length: isBodiless ? nil : body.byteCount)
        if !isBodiless, request?.method != "HEAD" {
            body.withUnsafeBytes { output.append(contentsOf: $0) }
        }
        endReply()
    }

    package mutating func respond(
        status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []
    ) {
        respond(HTTPResponseHead(status: status, headers: headers), body: body.span.bytes)
    }

    /// Starts an answer whose body comes in pieces: `sendBody` any number of times, then `endBody`. With a Content-Length
    /// among the headers the pieces must add up to it; without, they go out as chunks (HTTP/1.0: until the stream ends).
    package mutating func startBody(_ head: HTTPResponseHead) {
        guard startReply() else { return }
        var head = head
        let framing: HTTPBodyFraming
        if HTTPResponseHead.isBodiless(head.status) || request?.method == "HEAD" {
            framing = .none
        } else if head.headers.contains("Content-Length") {
            framing = .length(0)
        } else if request?.minorVersion == 0 {
            framing = .untilEnd
            closesAfterReply = true
        } else {
            framing = .chunked
            head.headers["Transfer-Encoding"] = "chunked"
        }
        write(head, length: nil)
        reply = .streaming(framing)
    }

    package mutating func sendBody(_ bytes: RawSpan) {
        guard phase != .over else { return }
        guard case .streaming(let framing) = reply else {
            preconditionFailure("a piece of a body before startBody or after endBody")
        }
        switch framing {
        case .none: break
        case .chunked: HTTPChunk.write(bytes, into: &output)
        case .length, .untilEnd: bytes.withUnsafeBytes { output.append(contentsOf: $0) }
        }
    }

    package mutating func sendBody(_ text: String) { sendBody(text.utf8Span.span.bytes) }

    package mutating func endBody(trailers: HTTPHeaders = [:]) {
        guard phase != .over else { return }
        guard case .streaming(let framing) = reply else {
            preconditionFailure("endBody without startBody")
        }
        if framing == .chunked { HTTPChunk.writeEnd(trailers: trailers, into: &output) }
        endReply()
    }

    /// Answers 101. From here on the stream speaks WebSocket; call `next()` again, for messages may be waiting.
    package mutating func acceptUpgrade(
        subprotocol: String? = nil, headers: HTTPHeaders = [:]
    ) {
        guard phase != .over else { return }
        guard let key = upgradeKey else { preconditionFailure("no upgrade was asked for") }
        WebSocketHandshake.response(key: key, subprotocol: subprotocol, headers: headers)
            .write(into: &output)
        upgradeKey = nil
        request = nil
        phase = .webSocket
        let rest = http.takeRest()
        if !rest.isEmpty { webSocket.receive(rest.span.bytes) }
    }

    /// False when the peer is gone: the answer is dropped.
    private mutating func startReply() -> Bool {
        guard phase != .over else { return false }
        guard phase == .http, request != nil, case .none = reply else {
            preconditionFailure("an answer without a request, or a second one")
        }
        // The peer may or may not send the body now, so what follows on the stream is unknowable.
        if awaitsContinue { closesAfterReply = true }
        return true
    }

    private mutating func write(_ head: HTTPResponseHead, length: Int?) {
        var head = head
        if let length { head.headers["Content-Length"] = String(length) }
        if head.headers.lists("Connection", "close") { closesAfterReply = true }
        if closesAfterReply {
            head.headers["Connection"] = "close"
        } else if request?.minorVersion == 0 {
            // HTTP/1.0 peers close unless they are told (RFC 9112 §C.2.2).
            head.headers["Connection"] = "keep-alive"
        }
        head.write(into: &output)
    }

    private mutating func endReply() {
        reply = .done
        if upgradeKey != nil {
            // A refused upgrade: its request has no body, so it is whole.
            upgradeKey = nil
            _ = http.next()
            isRequestWhole = true
        }
        if isRequestWhole || closesAfterReply && awaitsContinue { finishExchange() }
    }

    private mutating func finishExchange() {
        if closesAfterReply {
            phase = .over
        } else {
            request = nil
            reply = .none
            isRequestWhole = false
        }
    }

    // MARK: Messages

    /// Sends a text message, which must be UTF-8. Dropped once the WebSocket is closing.
    package mutating func sendText(_ bytes: RawSpan) { send(.text, bytes) }
    package mutating func sendText(_ text: String) { send(.text, text.utf8Span.span.bytes) }
    package mutating func sendBinary(_ bytes: RawSpan) { send(.binary, bytes) }
    package mutating func ping(_ bytes: RawSpan) { send(.ping, bytes) }

    /// Sends a message of `count` bytes that `body` appends itself.
    package mutating func send(
        _ opcode: WebSocketOpcode, count: Int, _ body: (inout [UInt8]) -> Void
    ) {
        guard phase == .webSocket else { return }
        webSocket.send(opcode, count: count, into: &output, body)
    }

    private mutating func send(_ opcode: WebSocketOpcode, _ bytes: RawSpan) {
        guard phase == .webSocket else { return }
        webSocket.send(opcode, bytes, into: &output)
    }

    /// Starts the closing handshake; `closed` follows when the peer answers.
    package mutating func close(_ code: WebSocketCloseCode, reason: String = "") {
        guard phase == .webSocket else { return }
        webSocket.close(code, reason: reason, into: &output)
    }
}
