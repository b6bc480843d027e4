import UproarCore
import UproarRuntime
import UproarWire

/// One stream of `/v2/listen`: turns as the vendor's turn-taking model tells of them, around a `SpeechStream`.
///
/// ```
///  Connected ─► Update … ─► StartOfTurn ─► Update … ─► (EagerEndOfTurn ─► [TurnResumed])* ─► EndOfTurn ─► …
/// ```
final class FluxSession: EmulatedSession, SpeechStreamSink {
    private var query: FluxQuery
    private let emulator: DeepgramEmulator
    private let connection: EmulatorConnection
    private var writer: FluxWriter
    private var stream: SpeechStream!
    private var turn = 0
    private var hasBegun = false
    private var isEager = false
    /// Of the turn: what final results have said, and what interims say beyond it.
    private var settled: [SpeechVocabulary.Word] = []
    private var tentative: [SpeechVocabulary.Word] = []
    private var turnStart = Duration.zero
    private var lastUpdate = Duration.zero
    private var isForced = false
    private var isClosing = false
    private var hasAudio = false

    /// Silence after which the model is sure, where no more words are to be expected.
    private static let silence = Duration.milliseconds(200)
    private static let updateInterval = Duration.milliseconds(250)

    init(
        _ query: FluxQuery, requestID: String, ordinal: UInt64, emulator: DeepgramEmulator,
        connection: EmulatorConnection
    ) {
        self.query = query
        self.emulator = emulator
        self.connection = connection
        writer = FluxWriter(requestID: requestID)
        var settings = SpeechStream.Settings(
            provider: .deepgram, format: query.format, ordinal: ordinal,
            latency: connection.entry?.timing?.first ?? emulator.settings.latency,
            latencyLabel: "deepgram latency")
        settings.endpointing = Self.silence
        settings.pauseLimit = query.timeout
        settings.sendsInterims = true
        stream = SpeechStream(
            settings, vocabulary: emulator.vocabulary, context: emulator.context, sink: self,
            on: connection)
        connection.send(json: writer.message("Connected"))
    }

    func received(text: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        guard let json = try? JSONParser.parse(text.withUnsafeBytes({ Array($0) })) else {
            return fail("INVALID_JSON", "The text message is not JSON.")
        }
        switch json["type"]?.text {
        case "CloseStream":
            isClosing = true
            stream.end(at: now)
        case "ForceEndTurn":
            isForced = true
            stream.finish(at: now)
        case "Configure":
            do throws(DeepgramQuery.Problem) {
                try query.configure(json)
                stream.setEndpointing(Self.silence, pauseLimit: query.timeout)
                connection.send(
                    json: writer.message(
                        "ConfigureSuccess",
                        [
                            "thresholds": query.thresholds,
                            "keyterms": .array(query.keyterms.map { .string($0) }),
                            "language_hints": json["language_hints"] ?? [],
                        ]))
            } catch {
                connection.send(
                    json: writer.message(
                        "ConfigureFailure",
                        ["code": "INVALID_CONFIGURATION", "description": .string(error.message)]))
            }
        case let word: fail("UNPARSABLE_CLIENT_MESSAGE", "Unknown message type: \(word ?? "")")
        }
    }

    /// Errors of this API are fatal.
    private func fail(_ code: String, _ words: String) {
        isClosing = true
        emulator.refused(1008, call: stream.call)
        connection.send(
            json: writer.message(
                "Error", ["code": .string(code), "description": .string(words)]))
        connection.close(.policyViolation, reason: code)
    }

    func received(binary: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        if !hasAudio, binary.byteCount > 0 {
            hasAudio = true
            guard !AudioContainer.isOne(binary) else {
                return fail("UNPARSABLE_AUDIO", "The audio is not \(query.format).")
            }
        }
        stream.receive(binary, at: now)
        connection.reference = stream.reference
        if stream.position - lastUpdate >= Self.updateInterval { say(.update) }
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        isClosing = true
        stream.close(at: now)
        emulator.left()
    }

    // MARK: Saying

    func say(_ message: SpeechStream.Message, at now: Instant) {
        switch message {
        case .interim(let result, let isWhole):
            tentative = result.words
            guard hasBegun else {
                hasBegun = true
                return say(.start)
            }
            if isEager {
                isEager = false
                return say(.resumed)
            }
            if isWhole, let eager = query.eagerThreshold {
                isEager = true
                return say(.eagerEnd, endConfidence: eager + 0.05)
            }
        case .final(let result):
            settled += result.words
            tentative = []
            let trigger = isForced ? "manual" : "model"
            if result.isFromFinish { isForced = false }
            guard result.endsSpeech || isClosing, hasBegun || !settled.isEmpty else { return }
            // A turn of one word may end before it had an interim.
            if !hasBegun { say(.start) }
            say(.end, endConfidence: max(0.9, query.threshold), trigger: trigger)
            turn += 1
            hasBegun = false
            isEager = false
            settled = []
            turnStart = stream.position
        case .speechStarted, .utteranceEnd: break
        case .over: connection.close(.normal)
        }
    }

    private func say(
        _ event: FluxWriter.Event, endConfidence: Double = 0.05, trigger: String? = nil
    ) {
        lastUpdate = stream.position
        connection.send(
            json: writer.turn(
                event, index: turn, window: turnStart..<max(turnStart, stream.position),
                words: settled + tentative, confidence: 0.97, endConfidence: endConfidence,
                trigger: trigger))
    }
}
