import UproarCore
import UproarRuntime
import UproarWire

/// One call over a browser stream, as the browser holds it. The microphone opens only after the agent has asked and the person has
/// agreed.
///
///     dial ─► connecting ─► upgrading ─► asking ─► streaming ─► stopping ─► over
///                 └─────────────┴───────────┴──────────┴───────────────────►
final class BrowserCall: CallMedia {
    private enum Phase {
        case connecting
        /// The request is out; an answer is due.
        case upgrading
        /// The agent's question whether the microphone may open is due.
        case asking
        case streaming
        /// The close frame is out; the agent's is awaited for a while.
        case stopping(CallMediaEnd)
        case over
    }

    private enum Timer: UInt64 {
        case setup, mark, stop
    }

    /// How long the agent may take to answer our close.
    private static let closeLimit = Duration.seconds(2)
    private static let messageLimit = 1 << 20
    /// 16,000 samples a second, two bytes each.
    private static let nanosecondsPerSample: Int64 = 62_500

    private let setup: CallSetup
    private let url: WireURL
    private let transport: BrowserTransport
    private var handler: (any CallMediaHandler)?
    private var phase = Phase.connecting
    private var stream: (any ByteStream)?
    private(set) var localPort: UInt16 = 0
    private var connection: WebSocketClientConnection
    private var playout = Playout()
    private var deadline = TimerID.none
    private var markTimer = TimerID.none

    private(set) var sentByteCount = 0
    private(set) var receivedByteCount = 0

    init(
        _ setup: CallSetup, to url: WireURL, over transport: BrowserTransport,
        handler: any CallMediaHandler
    ) {
        self.setup = setup
        self.url = url
        self.transport = transport
        self.handler = handler
        connection = WebSocketClientConnection(
            url: url, headers: [:],
            random: transport.seed.stream("browser-socket", UInt64(setup.call)),
            messageLimit: Self.messageLimit)
    }

    func dial() {
        var options = ConnectOptions()
        options.stampsReceives = true
        options.timeout = setup.limit
        options.queueLimit = transport.options.queueLimit
        if url.scheme == .wss {
            var tls = TLSClientOptions(serverName: url.host)
            tls.verifies = transport.options.verifiesCertificates
            tls.authorityFile = transport.options.authorityFile
            options.tls = tls
        }
        deadline = transport.loop.schedule(
            self, token: Timer.setup.rawValue, at: transport.loop.now + setup.limit)
        stream = transport.network.connect(
            to: .tcp(host: url.host, port: url.port), options: options, handler: self)
    }

    // MARK: To the agent

    func send(_ audio: any PreparedAudio, frame: Int) {
        guard case .streaming = phase, let stream else { return }
        guard let audio = audio as? BrowserPreparedAudio else {
            preconditionFailure("audio that another transport prepared")
        }
        transport.writer.compose(audio, frame: frame, mask: transport.nextMask())
        sentByteCount &+= transport.writer.count
        transport.writer.withBytes { stream.write($0) }
    }

    func send(digit: Character) { say(BrowserCallerMessages.digit(digit)) }

    func show(_ picture: any PreparedPicture) {
        guard let picture = picture as? BrowserPreparedPicture else {
            preconditionFailure("a picture that another transport prepared")
        }
        say(picture.message)
    }

    private func say(_ message: [UInt8]) {
        guard case .streaming = phase else { return }
        put(message)
        flush()
    }

    /// Into the connection; `flush` sends it.
    private func put(_ message: [UInt8]) { connection.sendText(message.span.bytes) }

    func hangUp() {
        switch phase {
        case .streaming, .asking: stop(.normal, end: .hungUp)
        case .connecting, .upgrading:
            phase = .stopping(.hungUp)
            stream?.reset()
        case .stopping, .over: break
        }
    }

    private func stop(_ code: WebSocketCloseCode, end: CallMediaEnd) {
        connection.close(code)
        flush()
        phase = .stopping(end)
        transport.loop.cancel(markTimer)
        transport.loop.cancel(deadline)
        deadline = transport.loop.schedule(
            self, token: Timer.stop.rawValue, at: transport.loop.now + Self.closeLimit)
    }

    private func flush() {
        guard !connection.output.isEmpty else { return }
        sentByteCount += connection.output.count
        stream?.write(connection.output.span.bytes)
        connection.output.removeAll(keepingCapacity: true)
    }

    // MARK: From the agent

    private func introduce() {
        phase = .asking
        let identity = TwilioIdentity(seed: transport.seed, call: setup.call)
        put(BrowserCallerMessages.connected(identity.call, parameters: setup.parameters))
    }

    /// The person agrees, to a recording too where one is asked for: the microphone opens.
    private func agree(recording: Bool, at now: Instant) {
        transport.loop.cancel(deadline)
        phase = .streaming
        put(BrowserCallerMessages.consent(isGranted: true, recording: recording))
        flush()
        handler?.answered(at: now)
    }

    private func heardText(at now: Instant) {
        do throws(BrowserStreamError) {
            let message = try connection.withPayload { bytes throws(BrowserStreamError) in
                try BrowserAgentMessage.decode(bytes)
            }
            switch (message, phase) {
            case (.consent(_, let recording), .asking): agree(recording: recording, at: now)
            case (_, .asking):
                throw BrowserStreamError(problem: "the agent speaks before it has asked")
            // Asked again, the answer is the same.
            case (.consent(_, let recording), _):
                put(BrowserCallerMessages.consent(isGranted: true, recording: recording))
            case (.notify(let mark), _):
                guard playout.mark(mark, at: now) else {
                    throw BrowserStreamError(
                        problem: "more than \(Playout.markLimit) marks are waiting")
                }
                echoMarks(now)
            case (.clear, _):
                _ = playout.clear(at: now)
                echoMarks(now)
                put(BrowserCallerMessages.cleared)
                handler?.cleared(at: now)
            case (.fallbackToText(let text), _), (.text(let text), _):
                handler?.shown(text, at: now)
            }
        } catch {
            stop(.protocolError, end: .broken(error.description))
        }
    }

    private func heardAudio(at now: Instant) {
        guard case .streaming = phase else {
            return stop(
                .protocolError,
                end: .broken(
                    BrowserStreamError(problem: "the agent speaks before it has asked")
                        .description))
        }
        // The buffer is taken out while a handler looks at it, so that nothing it does can touch it.
        var audio = transport.audio
        transport.audio = []
        audio.removeAll(keepingCapacity: true)
        defer { transport.audio = audio }
        connection.withPayload { bytes in bytes.withUnsafeBytes { audio.append(contentsOf: $0) } }
        guard audio.count % 2 == 0 else {
            let error = BrowserStreamError(problem: "half a sample at the end of a message")
            return stop(.protocolError, end: .broken(error.description))
        }
        guard !audio.isEmpty else { return }
        let start = playout.queue(
            nanoseconds: Int64(audio.count / 2) * Self.nanosecondsPerSample, at: now)
        handler?.heard(audio.span.bytes, playsAt: start, arrivedAt: now)
    }

    /// Sends back the marks that are due and waits for the next.
    private func echoMarks(_ now: Instant) {
        while let name = playout.takeMark(at: now) {
            put(BrowserCallerMessages.notify(mark: name))
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

extension BrowserCall: ByteStreamHandler {
    func opened(_ stream: any ByteStream) {
        guard case .connecting = phase else { return }
        localPort = stream.localPort
        phase = .upgrading
        flush()
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        receivedByteCount += bytes.byteCount
        connection.receive(bytes)
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
            case (.open, .upgrading): introduce()
            case (.text, .asking), (.text, .streaming): heardText(at: now)
            case (.binary, .asking), (.binary, .streaming): heardAudio(at: now)
            case (.refused(let refusal), .upgrading):
                end(.refusal(refusal), at: now)
            case (.failed(let error), .upgrading):
                end(.unreachable("the answer is no WebSocket: \(error)"), at: now)
            case (.failed(let error), .asking), (.failed(let error), .streaming):
                end(.broken("\(error)"), at: now)
            case (.closed(.abnormal), .asking), (.closed(.abnormal), .streaming):
                end(.broken("the stream ended without a close frame"), at: now)
            case (.closed(let code), .asking), (.closed(let code), .streaming):
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
        case .asking, .streaming: end(.broken(reason.words), at: now)
        case .over: break
        }
        self.stream = nil
    }
}

extension BrowserCall: TimerHandler {
    func timerFired(token: UInt64, now: Instant) {
        switch (Timer(rawValue: token), phase) {
        case (.setup, .connecting), (.setup, .upgrading), (.setup, .asking):
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
