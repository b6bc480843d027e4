import UproarCore
import UproarRuntime
import UproarWire

/// One call over a media stream, as the telephony side holds it (see `CallLine` for how it goes; nobody is asked).
final class TwilioCall: CallMedia {
    // What each frame needs stands together: of a thousand calls none stays in the cache.
    private let transport: TwilioTransport
    private var sequence: UInt64 = 0
    private var chunk: UInt64 = 0
    private var address: StreamAddress
    private var line: CallLine

    private let identity: TwilioIdentity

    init(
        _ setup: CallSetup, to url: WireURL, over transport: TwilioTransport,
        handler: any CallMediaHandler
    ) {
        self.transport = transport
        identity = TwilioIdentity(seed: transport.seed, call: setup.call)
        address = StreamAddress(stream: identity.stream)
        var headers: HTTPHeaders = ["User-Agent": "Twilio.TmeWs/1.0"]
        if let token = transport.options.authToken {
            headers[TwilioSignature.header] = TwilioSignature.sign(
                url: url.description, token: token)
        }
        line = CallLine(
            setup, to: url, headers: headers,
            random: transport.seed.stream("twilio-socket", UInt64(setup.call)),
            loop: transport.loop, handler: handler)
    }

    func dial() {
        line.dial(
            over: transport.network, queueLimit: TwilioTransport.queueLimit, as: self
        ) { [options = transport.options] tls in
            tls.verifies = options.verifiesCertificates
            tls.authorityFile = options.authorityFile
        }
    }

    var sentByteCount: Int { line.sentByteCount }
    var receivedByteCount: Int { line.receivedByteCount }
    var localPort: UInt16 { line.localPort }

    // MARK: To the agent

    var memory: [MemoryPart] {
        let call = MemoryPart(of: self, first: 192)
        return [call] + (line.stream.map { [MemoryPart(of: $0, first: 192)] } ?? [])
    }

    func send(_ audio: any PreparedAudio, frame: Int) {
        guard case .streaming = line.phase, let stream = line.stream else { return }
        guard let audio = audio as? TwilioPreparedAudio else {
            preconditionFailure("audio that another transport prepared")
        }
        sequence &+= 1
        chunk &+= 1
        transport.writer.compose(
            audio, frame: frame, sequence: sequence, chunk: chunk,
            milliseconds: (chunk &- 1) &* 20, closing: address.closing, mask: transport.nextMask())
        line.sentByteCount &+= transport.writer.count
        transport.writer.withBytes { stream.write($0) }
    }

    func send(digit: Character) {
        guard case .streaming = line.phase else { return }
        sequence += 1
        let number = sequence
        sendText {
            TwilioCallerMessages.digit(digit, sequence: number, stream: identity.stream, into: &$0)
        }
        line.flush()
    }

    /// The transport prepares no pictures.
    func show(_ picture: any PreparedPicture) {}

    func hangUp() {
        if case .streaming = line.phase { stop(.normal, end: .hungUp) } else { line.giveUp() }
    }

    /// `stop`, then the close frame.
    private func stop(_ code: WebSocketCloseCode, end: CallMediaEnd) {
        sequence += 1
        let number = sequence
        sendText { TwilioCallerMessages.stop(identity, sequence: number, into: &$0) }
        line.stop(code, end: end, as: self)
    }

    private func sendText(_ compose: (inout [UInt8]) -> Void) {
        var message: [UInt8] = []
        compose(&message)
        line.put(message)
    }

    // MARK: From the agent

    private func begin(at now: Instant) {
        line.wasAnswered()
        line.handlerNeeds(MemoryPart(of: self, first: 384))
        sequence = 1
        sendText { TwilioCallerMessages.connected(into: &$0) }
        sendText {
            TwilioCallerMessages.start(identity, parameters: line.parameters, into: &$0)
        }
        line.flush()
        line.handler?.answered(at: now)
    }

    /// A message that the connection holds.
    private func heardMessage(at now: Instant) {
        take(at: now) { audio throws(TwilioStreamError) in
            try line.connection.withPayload { bytes throws(TwilioStreamError) in
                try decode(bytes, at: now, &audio)
            }
        }
    }

    /// A message where the stream has read it.
    private func heard(_ message: RawSpan, at now: Instant) {
        take(at: now) { audio throws(TwilioStreamError) in
            try decode(message, at: now, &audio)
        }
    }

    private func decode(
        _ message: RawSpan, at now: Instant, _ audio: inout [UInt8]
    ) throws(TwilioStreamError) -> TwilioAgentMessage? {
        let decoded = try TwilioAgentMessage.decode(
            message, &transport.mediaShapes, on: address, audio: &audio)
        if decoded == nil, let text = address.remark(on: message) {
            line.handler?.remarked(text, at: now)
        }
        return decoded
    }

    @inline(__always)
    private func take(
        at now: Instant, _ decode: (inout [UInt8]) throws(TwilioStreamError) -> TwilioAgentMessage?
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
                let start = line.playout.queue(nanoseconds: Int64(audio.count) * 125_000, at: now)
                line.handler?.heard(audio.span.bytes, playsAt: start, arrivedAt: now)
            case .mark(let name):
                guard line.playout.mark(name, at: now) else {
                    throw TwilioStreamError(
                        problem: "more than \(Playout.markLimit) marks are waiting")
                }
                echoMarks(now)
            case .clear:
                _ = line.playout.clear(at: now)
                echoMarks(now)
                line.handler?.cleared(at: now)
            case nil: break
            }
        } catch {
            stop(.protocolError, end: .broken(error.description))
        }
    }

    /// Sends back the marks that are due and waits for the next.
    private func echoMarks(_ now: Instant) {
        while let name = line.playout.takeMark(at: now) {
            sequence += 1
            let number = sequence
            sendText {
                TwilioCallerMessages.mark(
                    name, sequence: number, stream: identity.stream, into: &$0)
            }
        }
        line.awaitMark(as: self)
    }

    /// The call is over; nothing is said after this.
    private func end(_ end: CallMediaEnd, at now: Instant) { line.end()?.ended(end, at: now) }
}

extension TwilioCall: ByteStreamHandler {
    func opened(_ stream: any ByteStream) { line.opened() }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        line.receivedByteCount += bytes.byteCount
        var rest = bytes
        while case .streaming = line.phase, let payload = line.connection.wholeText(rest) {
            heard(rest.extracting(payload), at: now)
            rest = rest.extracting(droppingFirst: payload.upperBound)
        }
        guard !rest.isEmpty else { return }
        line.connection.receive(rest)
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
            case .opened: begin(at: now)
            case .text: heardMessage(at: now)
            case .binary:
                let error = TwilioStreamError(problem: "a binary message")
                stop(.protocolError, end: .broken(error.description))
            case .ended(let reason): end(reason, at: now)
            }
        }
        line.settle()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        if let reason = line.closed(reason) { end(reason, at: transport.loop.now) }
    }
}

extension TwilioCall: TimerHandler {
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
