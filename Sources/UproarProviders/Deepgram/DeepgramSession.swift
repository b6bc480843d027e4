import UproarCore
import UproarRuntime
import UproarWire

/// One live stream of `/v1/listen`: the vendor's commands and messages around a `SpeechStream`.
final class DeepgramSession: EmulatedSession, SpeechStreamSink, TimerHandler {
    private let query: DeepgramQuery
    private let ordinal: UInt64
    private let emulator: DeepgramEmulator
    private let connection: EmulatorConnection
    private let writer: DeepgramWriter
    private var stream: SpeechStream!
    private var idleTimer = TimerID.none
    private var lastActivity: Instant
    private var isClosing = false
    private var isClosed = false
    private var hasAudio = false

    private static let idleLimit = Duration.seconds(10)
    private static let keytermLimit = 100

    init(
        _ query: DeepgramQuery, requestID: String, ordinal: UInt64, emulator: DeepgramEmulator,
        connection: EmulatorConnection, at now: Instant
    ) {
        self.query = query
        self.ordinal = ordinal
        self.emulator = emulator
        self.connection = connection
        let context = emulator.context
        writer = DeepgramWriter(
            requestID: requestID, model: query.model,
            modelID: context.uuid("deepgram model", 0))
        lastActivity = now
        var settings = SpeechStream.Settings(
            provider: .deepgram, format: query.format, ordinal: ordinal,
            latency: connection.entry?.timing?.first ?? emulator.settings.latency,
            latencyLabel: "deepgram latency")
        settings.endpointing = query.endpointing
        settings.sendsInterims = query.sendsInterims
        settings.utteranceEnd = query.utteranceEnd
        settings.announcesSpeech = query.sendsSpeechStarted
        settings.emptyWindow = .seconds(5)
        stream = SpeechStream(
            settings, vocabulary: emulator.vocabulary, context: context, sink: self,
            on: connection)
        idleTimer = context.loop.schedule(self, at: now + Self.idleLimit)
    }

    private var context: EmulatorContext { emulator.context }

    // MARK: EmulatedSession

    func received(text: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        lastActivity = now
        do {
            switch try DeepgramCommand(parsing: text.withUnsafeBytes { Array($0) }) {
            case .keepAlive: break
            case .finalize: stream.finish(at: now)
            case .closeStream: closeStream(at: now)
            case .configure(let json):
                connection.send(json: configured(json))
            case .unknown(let word):
                connection.send(json: Self.schemaError("unknown message type: \(word)"))
            }
        } catch {
            connection.send(json: Self.schemaError(error.description))
        }
    }

    private func configured(_ json: JSONValue) -> JSONValue {
        func failure(_ code: String, _ words: String) -> JSONValue {
            [
                "type": "ConfigureFailure", "request_id": .string(writer.requestID),
                "code": .string("CONFIGURE_" + code), "description": .string(words),
            ]
        }
        let terms = json["keyterms"]?.items ?? []
        guard terms.isEmpty || query.model.hasPrefix("nova-3") else {
            return failure(
                "KEYTERMS_NOT_SUPPORTED", "Key terms are not supported by model \(query.model).")
        }
        guard terms.count <= Self.keytermLimit else {
            return failure("KEYTERM_LIMIT_EXCEEDED", "At most \(Self.keytermLimit) key terms.")
        }
        return [
            "type": "ConfigureSuccess", "request_id": .string(writer.requestID),
            "keyterms": .array(terms),
        ]
    }

    private static func schemaError(_ words: String) -> JSONValue {
        [
            "type": "Error", "variant": "SchemaError", "description": .string(words),
            "message": "Could not deserialize the text message.",
        ]
    }

    func received(binary: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        lastActivity = now
        guard binary.byteCount > 0 else { return closeStream(at: now) }
        if !hasAudio {
            hasAudio = true
            guard !AudioContainer.isOne(binary) else { return refuseAudio() }
        }
        stream.receive(binary, at: now)
        connection.reference = stream.reference
    }

    private func refuseAudio() {
        isClosing = true
        connection.close(
            .policyViolation,
            reason: "DATA-0000: the payload cannot be decoded as audio: it is not \(query.format)")
    }

    private func closeStream(at now: Instant) {
        isClosing = true
        stream.end(at: now)
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        guard !isClosed else { return }
        isClosing = true
        isClosed = true
        context.loop.cancel(idleTimer)
        stream.close(at: now)
        emulator.left()
    }

    // MARK: Saying

    func say(_ message: SpeechStream.Message, at now: Instant) {
        var bytes: [UInt8] = []
        switch message {
        case .interim(let result, _), .final(let result):
            writer.results(
                DeepgramWriter.Result(result), punctuated: query.punctuates, into: &bytes)
        case .speechStarted(let time): writer.speechStarted(at: time, into: &bytes)
        case .utteranceEnd(let time): writer.utteranceEnd(lastWord: time, into: &bytes)
        case .over(let duration):
            let hash = (0..<4).map {
                EmulatorContext.hex(context.seed.key("deepgram sha256", ordinal, UInt64($0)))
            }.joined()
            connection.send(
                json: writer.closing(
                    duration: duration, sha256: hash,
                    created: UnixTime.text(context.unixSeconds)))
            return connection.close(.normal)
        }
        connection.send(text: bytes.span.bytes)
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isClosed else { return }
        let limit = lastActivity + Self.idleLimit
        guard now >= limit, !isClosing else {
            idleTimer = context.loop.schedule(self, at: max(limit, now + .milliseconds(1)))
            return
        }
        isClosing = true
        context[.deepgram].refused += 1
        context.state(
            .providerRefused, of: .deepgram, at: now, call: stream.call,
            detail: UInt32(WebSocketCloseCode.internalError.rawValue))
        connection.close(
            .internalError,
            reason:
                "NET-0001: no audio data or text message was received within the timeout window")
    }
}

extension DeepgramWriter.Result {
    init(_ result: SpeechStream.Result) {
        self.init(
            start: result.start, duration: result.duration, isFinal: result.isFinal,
            endsSpeech: result.endsSpeech, isFromFinalize: result.isFromFinish,
            confidence: result.confidence,
            words: result.words.map {
                .init(punctuated: $0.written, plain: $0.plain, start: $0.start, end: $0.end)
            })
    }
}
