import UproarCore
import UproarRuntime
import UproarWire

/// What a call over one WebSocket is made of, whatever is said on it: how far it has come, its stream and timers, what is played,
/// what was counted.
///
///     dial ─► connecting ─► upgrading ─► asking ─► streaming ─► stopping ─► over
///                 └─────────────┴───────────┴──────────┴───────────────────►
///
/// A value within its call, so that what a frame needs lies in the call's own memory. It never calls the call's handler: what that
/// is to hear, it returns.
struct CallLine: ~Copyable {
    enum Phase {
        case connecting
        /// The request is out; an answer is due.
        case upgrading
        /// The agent's question whether the microphone may open is due. Not every transport waits for one.
        case asking
        case streaming
        /// The close frame is out; the agent's is awaited for a while.
        case stopping(CallMediaEnd)
        case over
    }

    enum Timer: UInt64 {
        case setup, mark, stop
    }

    /// What the stream brings to a call.
    enum Event {
        /// The agent has accepted the upgrade.
        case opened
        /// A message that `connection.withPayload` shows until the next event is taken.
        case text, binary
        case ended(CallMediaEnd)
    }

    /// What a timer asks for.
    enum Due {
        case marks
        case end(CallMediaEnd)
    }

    /// How long the agent may take to answer our close.
    private static let closeLimit = Duration.seconds(2)
    private static let messageLimit = 1 << 20

    // What each frame needs stands first: of a thousand calls none stays in the cache.
    private(set) var stream: (any ByteStream)?
    var sentByteCount = 0
    var receivedByteCount = 0
    var phase = Phase.connecting
    private(set) var handler: (any CallMediaHandler)?
    var playout = Playout()
    var connection: WebSocketClientConnection

    private let setup: CallSetup
    private let url: WireURL
    private let loop: EventLoop
    private var deadline = TimerID.none
    private var markTimer = TimerID.none
    /// The port that the stream was dialled from; 0 before it is open.
    private(set) var localPort: UInt16 = 0

    /// - random: of the handshake's key and of the masks that are not a frame's.
    init(
        _ setup: CallSetup, to url: WireURL, headers: HTTPHeaders, random: RandomStream,
        loop: EventLoop, handler: any CallMediaHandler
    ) {
        self.setup = setup
        self.url = url
        self.loop = loop
        self.handler = handler
        connection = WebSocketClientConnection(
            url: url, headers: headers, random: random, messageLimit: Self.messageLimit)
    }

    var number: UInt32 { setup.call }
    var parameters: [HTTPField] { setup.parameters }

    // MARK: To the agent

    /// - queueLimit: an agent that stops reading breaks the call when so many bytes wait for it.
    mutating func dial(
        over network: any Network, queueLimit: Int, as call: any ByteStreamHandler & TimerHandler,
        trust: (inout TLSClientOptions) -> Void
    ) {
        var options = ConnectOptions()
        options.timeout = setup.limit
        options.queueLimit = queueLimit
        options.stampsReceives = true
        if url.scheme == .wss {
            var tls = TLSClientOptions(serverName: url.host)
            trust(&tls)
            options.tls = tls
        }
        wait(.setup, within: setup.limit, as: call)
        stream = network.connect(
            to: .tcp(host: url.host, port: url.port), options: options, handler: call)
    }

    /// The answer that was due is here.
    mutating func wasAnswered() {
        loop.cancel(deadline)
        phase = .streaming
    }

    /// - call: what the call needs of its own memory when the agent says something.
    func handlerNeeds(_ call: MemoryPart) {
        stream?.handlerNeeds([call, handler?.hearingMemory ?? .none])
    }

    /// Puts a text message into the connection; `flush` sends it.
    mutating func put(_ message: [UInt8]) { connection.sendText(message.span.bytes) }

    mutating func flush() {
        guard !connection.output.isEmpty else { return }
        sentByteCount += connection.output.count
        stream?.write(connection.output.span.bytes)
        connection.output.removeAll(keepingCapacity: true)
    }

    /// Sends the close frame; the stream ends when the agent has answered it, or soon.
    mutating func stop(
        _ code: WebSocketCloseCode, end: CallMediaEnd, as call: any TimerHandler
    ) {
        connection.close(code)
        flush()
        phase = .stopping(end)
        loop.cancel(markTimer)
        wait(.stop, within: Self.closeLimit, as: call)
    }

    /// Hangs up before there is a call; nothing once there is one.
    mutating func giveUp() {
        switch phase {
        case .connecting, .upgrading:
            phase = .stopping(.hungUp)
            stream?.reset()
        case .asking, .streaming, .stopping, .over: break
        }
    }

    /// The call is over: who is to hear that, the first time.
    mutating func end() -> (any CallMediaHandler)? {
        if case .over = phase { return nil }
        phase = .over
        loop.cancel(deadline)
        loop.cancel(markTimer)
        defer { handler = nil }
        return handler
    }

    func reset() { stream?.reset() }

    private mutating func wait(
        _ timer: Timer, within limit: Duration, as call: any TimerHandler
    ) {
        loop.cancel(deadline)
        deadline = loop.schedule(call, token: timer.rawValue, at: loop.now + limit)
    }

    // MARK: From the agent

    mutating func opened() {
        guard case .connecting = phase else { return }
        localPort = stream?.localPort ?? 0
        phase = .upgrading
        flush()
    }

    /// The next event that concerns the call as far as it has come. Take them until there is none, then `settle`.
    mutating func next() -> Event? {
        while let event = connection.next() {
            switch (event, phase) {
            case (.open, .upgrading): return .opened
            case (.text, .asking), (.text, .streaming): return .text
            case (.binary, .asking), (.binary, .streaming): return .binary
            case (.refused(let refusal), .upgrading): return .ended(.refusal(refusal))
            case (.failed(let error), .upgrading):
                return .ended(.unreachable("the answer is no WebSocket: \(error)"))
            case (.failed(let error), .asking), (.failed(let error), .streaming):
                return .ended(.broken("\(error)"))
            case (.closed(.abnormal), .asking), (.closed(.abnormal), .streaming):
                return .ended(.broken("the stream ended without a close frame"))
            case (.closed(let code), .asking), (.closed(let code), .streaming):
                return .ended(.closedByAgent(code: Int(code.rawValue)))
            case (.closed, .stopping(let reason)), (.failed, .stopping(let reason)):
                return .ended(reason)
            default: break
            }
        }
        return nil
    }

    mutating func settle() {
        flush()
        if connection.shouldClose { stream?.close() }
    }

    /// The stream is gone: what that means for the call; nil when it was over.
    mutating func closed(_ reason: CloseReason) -> CallMediaEnd? {
        stream = nil
        switch phase {
        case .stopping(let end): return end
        case .connecting, .upgrading: return .refusal(reason)
        case .asking, .streaming: return .broken(reason.words)
        case .over: return nil
        }
    }

    /// After the marks that were due have been sent back: waits for the next.
    mutating func awaitMark(as call: any TimerHandler) {
        flush()
        loop.cancel(markTimer)
        if let next = playout.nextMark {
            markTimer = loop.schedule(call, token: Timer.mark.rawValue, at: next)
        }
    }

    func due(_ token: UInt64) -> Due? {
        switch (Timer(rawValue: token), phase) {
        case (.setup, .connecting), (.setup, .upgrading), (.setup, .asking): .end(.noAnswer)
        case (.mark, .streaming): .marks
        case (.stop, .stopping(let reason)): .end(reason)
        default: nil
        }
    }
}
