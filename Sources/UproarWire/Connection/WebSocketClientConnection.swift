import UproarCore

/// What the server did on a WebSocket that we dialled. The bytes of messages, pings, pongs and a close's reason are in the connection
/// (`withPayload`) until its next call.
package enum WebSocketClientEvent: Hashable, Sendable {
    /// The upgrade was accepted, with these headers.
    case open(HTTPResponseHead)
    /// The upgrade was answered with an ordinary response. Nothing follows.
    case refused(WebSocketRefusal)
    case text
    case binary
    /// Answered already.
    case ping
    case pong
    /// The server closed (answered already), or its stream ended without (`abnormal`). Nothing follows.
    case closed(WebSocketCloseCode)
    /// The server broke a protocol. Nothing follows.
    case failed(WireError)
}

/// How a server refused an upgrade.
package struct WebSocketRefusal: Hashable, Sendable {
    package var head: HTTPResponseHead
    /// At most `bodyLimit` bytes of it; less when the stream ended early.
    package var body: [UInt8]

    package static let bodyLimit = 64 << 10
}

/// Dials a WebSocket over one stream: the request is in `output` from the start. Bytes in, events out; verbs append to `output`;
/// messages sent before `open` are dropped.
///
/// Used like `ServerConnection`.
package struct WebSocketClientConnection: ~Copyable {
    private enum Phase {
        case handshake
        case refusal(HTTPResponseHead)
        case open
        case over
    }

    // What each message needs stands first.
    private var phase = Phase.handshake {
        didSet { if case .over = phase { shouldClose = true } }
    }
    private var webSocket: WebSocketPeer
    private var http = HTTPResponseDecoder(limits: .init(bodyBytes: 16 << 20))
    private let key: String
    private let subprotocols: [String]
    private var refusalBody: [UInt8] = []
    private var hasStreamEnded = false

    /// What is to be sent. The stream's owner takes it out.
    package var output: [UInt8] = []
    /// The subprotocol the server chose.
    package private(set) var subprotocol: String?
    /// Nothing more will come or go: close the stream once the output is sent.
    package private(set) var shouldClose = false
    package var isOpen: Bool { if case .open = phase { webSocket.isOpen } else { false } }

    /// `headers` are added to the request (authorization, say). `random` gives the handshake's key and the mask keys.
    package init(
        url: WireURL, headers: HTTPHeaders = [:], subprotocols: [String] = [],
        random: RandomStream, messageLimit: Int = WebSocketDecoder.defaultMessageLimit
    ) {
        var random = random
        key = WebSocketHandshake.key(&random)
        self.subprotocols = subprotocols
        webSocket = WebSocketPeer(role: .client, random: random, messageLimit: messageLimit)
        let request = WebSocketHandshake.request(
            to: url, key: key, subprotocols: subprotocols, headers: headers)
        request.write(into: &output)
        http.requestSent(method: request.method)
    }

    /// Whether pings are answered (they are at first).
    package var answersPings: Bool {
        get { webSocket.answersPings }
        set { webSocket.answersPings = newValue }
    }

    // MARK: Bytes in, events out

    package mutating func receive(_ bytes: RawSpan) {
        switch phase {
        case .handshake, .refusal: http.receive(bytes)
        case .open: webSocket.receive(bytes)
        case .over: break
        }
    }

    /// A whole text message at the front of `bytes`, without a copy: where its payload lies. Then go on behind it; on nil hand
    /// the rest to `receive`. Mutating as `ServerConnection.wholeMessage` is.
    package mutating func wholeText(_ bytes: RawSpan) -> Range<Int>? {
        if case .open = phase { webSocket.wholeText(bytes) } else { nil }
    }

    /// The server sends no more. Call `next()` until it gives nil.
    package mutating func streamEnded() {
        hasStreamEnded = true
        http.streamEnded()
    }

    /// The next event, or nil when more bytes are needed.
    package mutating func next() -> WebSocketClientEvent? {
        switch phase {
        case .open: nextMessage()
        case .handshake, .refusal: nextAnswer()
        case .over: nil
        }
    }

    package borrowing func withPayload<Result, Failure>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try webSocket.withPayload(body)
    }

    package var payloadText: String { webSocket.payloadText }
    package var payloadBytes: [UInt8] { webSocket.payloadBytes }

    private mutating func nextMessage() -> WebSocketClientEvent? {
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

    private mutating func nextAnswer() -> WebSocketClientEvent? {
        while let event = http.next() {
            switch event {
            case .informational: break
            case .head(let head) where head.status == 101: return open(head)
            case .head(let head): phase = .refusal(head)
            case .body:
                let room = WebSocketRefusal.bodyLimit - refusalBody.count
                http.withPayload { piece in
                    piece.withUnsafeBytes { refusalBody.append(contentsOf: $0.prefix(room)) }
                }
            case .end: return refused()
            case .failed(let error):
                // What came of a refusal tells more than how its body broke.
                if case .refusal = phase { return refused() }
                phase = .over
                return .failed(.http(error))
            }
        }
        return nil
    }

    private mutating func open(_ head: HTTPResponseHead) -> WebSocketClientEvent {
        do {
            subprotocol = try WebSocketHandshake.check(head, key: key, subprotocols: subprotocols)
        } catch {
            phase = .over
            return .failed(.handshake(error))
        }
        // The end of the bodiless 101, then whatever came right behind it.
        _ = http.next()
        let rest = http.takeRest()
        phase = .open
        if !rest.isEmpty { webSocket.receive(rest.span.bytes) }
        return .open(head)
    }

    private mutating func refused() -> WebSocketClientEvent? {
        guard case .refusal(let head) = phase else { return nil }
        phase = .over
        return .refused(WebSocketRefusal(head: head, body: refusalBody))
    }

    // MARK: Messages

    /// Sends a text message, which must be UTF-8. Dropped unless the WebSocket is open.
    package mutating func sendText(_ bytes: RawSpan) { send(.text, bytes) }
    package mutating func sendText(_ text: String) { send(.text, text.utf8Span.span.bytes) }
    package mutating func sendBinary(_ bytes: RawSpan) { send(.binary, bytes) }
    package mutating func ping(_ bytes: RawSpan) { send(.ping, bytes) }

    /// Sends a message of `count` bytes that `body` appends itself.
    package mutating func send(
        _ opcode: WebSocketOpcode, count: Int, _ body: (inout [UInt8]) -> Void
    ) {
        guard isOpen else { return }
        webSocket.send(opcode, count: count, into: &output, body)
    }

    private mutating func send(_ opcode: WebSocketOpcode, _ bytes: RawSpan) {
        guard isOpen else { return }
        webSocket.send(opcode, bytes, into: &output)
    }

    /// Starts the closing handshake; `closed` follows when the server answers. Before the handshake is done this gives up.
    package mutating func close(_ code: WebSocketCloseCode, reason: String = "") {
        switch phase {
        case .open: webSocket.close(code, reason: reason, into: &output)
        case .handshake, .refusal: phase = .over
        case .over: break
        }
    }
}
