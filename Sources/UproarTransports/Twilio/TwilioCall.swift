import UproarCore
import UproarRuntime
import UproarWire

/// One call over a media stream, as the telephony side holds it.
///
///     dial ─► connecting ─► upgrading ─► streaming ─► stopping ─► over
///                 └─────────────┴────────────┴───────────────────►
final class TwilioCall: CallMedia {
    private enum Phase {
        case connecting
        /// The request is out; an answer is due.
        case upgrading
        case streaming
        /// `stop` and the close frame are out; the agent's close is awaited for a while.
        case stopping(CallMediaEnd)
        case over
    }

    private enum Timer: UInt64 {
        case setup, mark, stop
    }

    /// How long the agent may take to answer our close.
    private static let closeLimit = Duration.seconds(2)
    private static let messageLimit = 1 << 20

    // What each frame needs stands together: of a thousand calls none stays in the cache.
    private let transport: TwilioTransport
    private var stream: (any ByteStream)?
    private(set) var localPort: UInt16 = 0
    private var sequence: UInt64 = 0
    private var chunk: UInt64 = 0
    private(set) var sentByteCount = 0
    private(set) var receivedByteCount = 0
    private var phase = Phase.connecting
    /// What ends every media message of this call.
    private let closing: TwilioMediaWriter.Closing
    private var handler: (any CallMediaHandler)?
    private var playout = Playout()
    private var connection: WebSocketClientConnection

    private let setup: CallSetup
    private let url: WireURL
    private let identity: TwilioIdentity
    private var deadline = TimerID.none
    private var markTimer = TimerID.none

    init(
        _ setup: CallSetup, to url: WireURL, over transport: TwilioTransport,
        handler: any CallMediaHandler
    ) {
        self.setup = setup
        self.url = url
        self.transport = transport
        self.handler = handler
        identity = TwilioIdentity(seed: transport.seed, call: setup.call)
        closing = TwilioMediaWriter.Closing(stream: identity.stream)
        var headers: HTTPHeaders = ["User-Agent": "Twilio.TmeWs/1.0"]
        if let token = transport.options.authToken {
            headers[TwilioSignature.header] = TwilioSignature.sign(
                url: url.description, token: token)
        }
        connection = WebSocketClientConnection(
            url: url, headers: headers,
            random: transport.seed.stream("twilio-socket", UInt64(setup.call)),
            messageLimit: Self.messageLimit)
    }

    func dial() {
        var options = ConnectOptions()
        options.timeout = setup.limit
        options.queueLimit = transport.options.queueLimit
        options.stampsReceives = true
        if url.scheme == .wss {
            var tls = TLSClientOptions(serverName: url.host)
            tls.verifies = transport.options.verifiesCertificates
            tls.authorityFile = transport.options.authorityFile
            options.tls = tls
        }
        deadline = transport.loop.schedule(
            self, token: Timer.setup.rawValue, at: transport.loop.now + setup.limit)
        stream = transport.network.connect(
            to: .tcp(host: url.host, port: url.port), options: options,
            handler: self)
    }

    // MARK: To the agent

    var memory: [UnsafeRawPointer] {
        [self, stream].compactMap { (object: AnyObject?) in
            object.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) }
        }
    }

    func send(_ audio: any PreparedAudio, frame: Int) {
        guard case .streaming = phase, let stream else { return }
        guard let audio = audio as? TwilioPreparedAudio else {
            preconditionFailure("audio that another transport prepared")
        }
        sequence &+= 1
        chunk &+= 1
        transport.writer.compose(
            audio, frame: frame, sequence: sequence, chunk: chunk,
            milliseconds: (chunk &- 1) &* 20, closing: closing, mask: transport.nextMask())
        sentByteCount &+= transport.writer.count
        transport.writer.withBytes { stream.write($0) }
    }

    func send(digit: Character) {
        guard case .streaming = phase else { return }
        sequence += 1
        let number = sequence
        sendText {
            TwilioCallerMessages.digit(digit, sequence: number, stream: identity.stream, into: &$0)
        }
        flush()
    }

    /// The transport prepares no pictures.
    func show(_ picture: any PreparedPicture) {}

    func hangUp() {
        switch phase {
        case .streaming: stop(.normal, end: .hungUp)
        case .connecting, .upgrading:
            phase = .stopping(.hungUp)
            stream?.reset()
        case .stopping, .over: break
        }
    }

    /// `stop`, then the close frame; the stream ends when the agent has answered it, or soon.
    private func stop(_ code: WebSocketCloseCode, end: CallMediaEnd) {
        sequence += 1
        let number = sequence
        sendText { TwilioCallerMessages.stop(identity, sequence: number, into: &$0) }
        connection.close(code)
        flush()
        phase = .stopping(end)
        transport.loop.cancel(markTimer)
        transport.loop.cancel(deadline)
        deadline = transport.loop.schedule(
            self, token: Timer.stop.rawValue, at: transport.loop.now + Self.closeLimit)
    }

    private func sendText(_ compose: (inout [UInt8]) -> Void) {
        var message: [UInt8] = []
        compose(&message)
        connection.sendText(message.span.bytes)
    }

    private func flush() {
        guard !connection.output.isEmpty else { return }
        sentByteCount += connection.output.count
        stream?.write(connection.output.span.bytes)
        connection.output.removeAll(keepingCapacity: true)
    }

    // MARK: From the agent

    private func begin(at now: Instant) {
        transport.loop.cancel(deadline)
        phase = .streaming
        sequence = 1
        sendText { TwilioCallerMessages.connected(into: &$0) }
        sendText {
            TwilioCallerMessages.start(identity, parameters: setup.parameters, into: &$0)
        }
        flush()
        handler?.answered(at: now)
    }

    /// A message that the connection holds.
    private func heardMessage(at now: Instant) {
        take(at: now) { audio throws(TwilioStreamError) in
            try connection.withPayload { bytes throws(TwilioStreamError) in
                try TwilioAgentMessage.decode(bytes, audio: &audio)
            }
        }
    }

    /// A message where the stream has read it.
    private func heard(_ message: RawSpan, at now: Instant) {
        take(at: now) { audio throws(TwilioStreamError) in
            try TwilioAgentMessage.decode(message, audio: &audio)
        }
    }

    @inline(__always)
    private func take(
        at now: Instant, _ decode: (inout [UInt8]) throws(TwilioStreamError) -> TwilioAgentMessage
    ) {
        // The buffer is taken out while a handler looks at it, so that nothing it does can touch it.
        var audio: [UInt8] = []
        swap(&audio, &transport.audio)
        audio.removeAll(keepingCapacity: true)
        defer { swap(&audio, &transport.audio) }
        do throws(TwilioStreamError) {
            switch try decode(&audio) {
            case .media:
                guard !audio.isEmpty else { break }
                // 8,000 one-byte samples a second: 125 µs each.
                let start = playout.queue(nanoseconds: Int64(audio.count) * 125_000, at: now)
                handler?.heard(audio.span.bytes, playsAt: start, arrivedAt: now)
            case .mark(let name):
                guard playout.mark(name, at: now) else {
                    throw TwilioStreamError(
                        problem: "more than \(Playout.markLimit) marks are waiting")
                }
                echoMarks(now)
            case .clear:
                _ = playout.clear(at: now)
                echoMarks(now)
                handler?.cleared(at: now)
            }
        } catch {
            stop(.protocolError, end: .broken(error.description))
        }
    }

    /// Sends back the marks that are due and waits for the next.
    private func echoMarks(_ now: Instant) {
        while let name = playout.takeMark(at: now) {
            sequence += 1
            let number = sequence
            sendText {
                TwilioCallerMessages.mark(
                    name, sequence: number, stream: identity.stream, into: &$0)
            }
        }
        flush()
        transport.loop.cancel(markTimer)
        if let next = playout.nextMark {
            markTimer = transport.loop.schedule(self, token: Timer.mark.rawValue, at: next)
        }
    }

    /// The call is over; nothing is said after this.
    private func end(_ end: CallMediaEnd, at now: Instant) {
        if case .over = phase { return }
        phase = .over
        transport.loop.cancel(deadline)
        transport.loop.cancel(markTimer)
        let handler = handler
        self.handler = nil
        handler?.ended(end, at: now)
    }
}

extension TwilioCall: ByteStreamHandler {
    func opened(_ stream: any ByteStream) {
        guard case .connecting = phase else { return }
        localPort = stream.localPort
        phase = .upgrading
        flush()
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        receivedByteCount += bytes.byteCount
        var rest = bytes
        while case .streaming = phase, let payload = connection.wholeText(rest) {
            heard(rest.extracting(payload), at: now)
            rest = rest.extracting(droppingFirst: payload.upperBound)
        }
        guard !rest.isEmpty else { return }
        connection.receive(rest)
        takeEvents(at: now)
    }

    func ended(_ stream: any ByteStream) {
        connection.streamEnded()
        takeEvents(at: transport.loop.now)
        stream.close()
    }

    private func takeEvents(at now: Instant) {
        while let event = connection.next() {
            switch (event, phase) {
            case (.open, .upgrading): begin(at: now)
            case (.text, .streaming): heardMessage(at: now)
            case (.binary, .streaming):
                let error = TwilioStreamError(problem: "a binary message")
                stop(.protocolError, end: .broken(error.description))
            case (.refused(let refusal), .upgrading):
                end(.refusal(refusal), at: now)
            case (.failed(let error), .upgrading):
                end(.unreachable("the answer is no WebSocket: \(error)"), at: now)
            case (.failed(let error), .streaming): end(.broken("\(error)"), at: now)
            case (.closed(.abnormal), .streaming):
                end(.broken("the stream ended without a close frame"), at: now)
            case (.closed(let code), .streaming):
                end(.closedByAgent(code: Int(code.rawValue)), at: now)
            case (.closed, .stopping(let reason)), (.failed, .stopping(let reason)):
                end(reason, at: now)
            default: break
            }
        }
        flush()
        if connection.shouldClose { stream?.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        let now = transport.loop.now
        switch phase {
        case .stopping(let reason): end(reason, at: now)
        case .connecting, .upgrading: end(.refusal(reason), at: now)
        case .streaming: end(.broken(reason.words), at: now)
        case .over: break
        }
        self.stream = nil
    }
}

extension TwilioCall: TimerHandler {
    func timerFired(token: UInt64, now: Instant) {
        switch (Timer(rawValue: token), phase) {
        case (.setup, .connecting), (.setup, .upgrading):
            end(.noAnswer, at: now)
            stream?.reset()
        case (.mark, .streaming): echoMarks(now)
        case (.stop, .stopping(let reason)):
            end(reason, at: now)
            stream?.reset()
        default: break
        }
    }
}
