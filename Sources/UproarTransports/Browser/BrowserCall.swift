import UproarCore
import UproarRuntime
import UproarWire

/// One call over a browser stream, as the browser holds it. The microphone opens only after the agent has asked and the person has
/// agreed (see `CallLine` for how it goes).
final class BrowserCall: CallMedia {
    /// 16,000 samples a second, two bytes each.
    private static let nanosecondsPerSample: Int64 = 62_500

    private let transport: BrowserTransport
    private var line: CallLine

    init(
        _ setup: CallSetup, to url: WireURL, over transport: BrowserTransport,
        handler: any CallMediaHandler
    ) {
        self.transport = transport
        line = CallLine(
            setup, to: url, headers: [:],
            random: transport.seed.stream("browser-socket", UInt64(setup.call)),
            loop: transport.loop, handler: handler)
    }

    func dial() {
        line.dial(
            over: transport.network, queueLimit: BrowserTransport.queueLimit, as: self
        ) { [options = transport.options] tls in
            tls.verifies = options.verifiesCertificates
            tls.authorityFile = options.authorityFile
        }
    }

    var sentByteCount: Int { line.sentByteCount }
    var receivedByteCount: Int { line.receivedByteCount }
    var localPort: UInt16 { line.localPort }

    // MARK: To the agent

    func send(_ audio: any PreparedAudio, frame: Int) {
        guard case .streaming = line.phase, let stream = line.stream else { return }
        guard let audio = audio as? BrowserPreparedAudio else {
            preconditionFailure("audio that another transport prepared")
        }
        transport.writer.compose(audio, frame: frame, mask: transport.nextMask())
        line.sentByteCount &+= transport.writer.count
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
        guard case .streaming = line.phase else { return }
        line.put(message)
        line.flush()
    }

    func hangUp() {
        switch line.phase {
        case .streaming, .asking: stop(.normal, end: .hungUp)
        case .connecting, .upgrading, .stopping, .over: line.giveUp()
        }
    }

    private func stop(_ code: WebSocketCloseCode, end: CallMediaEnd) {
        line.stop(code, end: end, as: self)
    }

    // MARK: From the agent

    private func introduce() {
        line.phase = .asking
        let identity = TwilioIdentity(seed: transport.seed, call: line.number)
        line.put(BrowserCallerMessages.connected(identity.call, parameters: line.parameters))
    }

    /// The person agrees, to a recording too where one is asked for: the microphone opens.
    private func agree(recording: Bool, at now: Instant) {
        line.wasAnswered()
        line.put(BrowserCallerMessages.consent(isGranted: true, recording: recording))
        line.flush()
        line.handler?.answered(at: now)
    }

    private func heardText(at now: Instant) {
        do throws(BrowserStreamError) {
            let message = try line.connection.withPayload { bytes throws(BrowserStreamError) in
                try BrowserAgentMessage.decode(bytes)
            }
            switch (message, line.phase) {
            case (.consent(_, let recording), .asking): agree(recording: recording, at: now)
            case (_, .asking):
                throw BrowserStreamError(problem: "the agent speaks before it has asked")
            // Asked again, the answer is the same.
            case (.consent(_, let recording), _):
                line.put(BrowserCallerMessages.consent(isGranted: true, recording: recording))
            case (.notify(let mark), _):
                guard line.playout.mark(mark, at: now) else {
                    throw BrowserStreamError(
                        problem: "more than \(Playout.markLimit) marks are waiting")
                }
                echoMarks(now)
            case (.clear, _):
                _ = line.playout.clear(at: now)
                echoMarks(now)
                line.put(BrowserCallerMessages.cleared)
                line.handler?.cleared(at: now)
            case (.fallbackToText(let text), _), (.text(let text), _):
                line.handler?.shown(text, at: now)
            }
        } catch {
            stop(.protocolError, end: .broken(error.description))
        }
    }

    private func heardAudio(at now: Instant) {
        guard case .streaming = line.phase else {
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
        line.connection.withPayload { bytes in
            bytes.withUnsafeBytes { audio.append(contentsOf: $0) }
        }
        guard audio.count % 2 == 0 else {
            let error = BrowserStreamError(problem: "half a sample at the end of a message")
            return stop(.protocolError, end: .broken(error.description))
        }
        guard !audio.isEmpty else { return }
        let start = line.playout.queue(
            nanoseconds: Int64(audio.count / 2) * Self.nanosecondsPerSample, at: now)
        line.handler?.heard(audio.span.bytes, playsAt: start, arrivedAt: now)
    }

    /// Sends back the marks that are due and waits for the next.
    private func echoMarks(_ now: Instant) {
        while let name = line.playout.takeMark(at: now) {
            line.put(BrowserCallerMessages.notify(mark: name))
        }
        line.awaitMark(as: self)
    }

    /// The call is over; nothing is said after this.
    private func end(_ end: CallMediaEnd, at now: Instant) { line.end()?.ended(end, at: now) }
}

extension BrowserCall: ByteStreamHandler {
    func opened(_ stream: any ByteStream) { line.opened() }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        line.receivedByteCount += bytes.byteCount
        line.connection.receive(bytes)
        takeEvents(at: now)
    }

    func ended(_ stream: any ByteStream) {
        line.connection.streamEnded()
        takeEvents(at: transport.loop.now)
        stream.close()
    }

    private func takeEvents(at now: Instant) {
        while let event = line.next() {
            switch event {
            case .opened: introduce()
            case .text: heardText(at: now)
            case .binary: heardAudio(at: now)
            case .ended(let reason): end(reason, at: now)
            }
        }
        line.settle()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        if let reason = line.closed(reason) { end(reason, at: transport.loop.now) }
    }
}

extension BrowserCall: TimerHandler {
    func timerFired(token: UInt64, now: Instant) {
        switch line.due(token) {
        case .marks: echoMarks(now)
        case .end(let reason):
            end(reason, at: now)
            line.reset()
        case nil: break
        }
    }
}
