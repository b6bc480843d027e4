import UproarCore
import UproarRuntime
import UproarWire

/// One live stream: audio in, results out, each as late as the vendor would be.
///
/// ```
///  audio  [tag][add buy milk   to my list]______________
///  interims          ·    ·    ·    · whole ┐ latency      (each its latency after its words)
///  final                                    └──────────► max(silence or Finalize seen, end of voice + latency)
/// ```
final class DeepgramSession: EmulatedSession, TimerHandler {
    private let query: DeepgramQuery
    private let ordinal: UInt64
    private let emulator: DeepgramEmulator
    private let connection: EmulatorConnection
    private let writer: DeepgramWriter
    private var hearing: SpeechHearing
    private var queue = DueQueue<Outgoing>()
    private var queueTimer = TimerID.none
    private var idleTimer = TimerID.none
    private var lastActivity: Instant
    private var isClosing = false
    private var isClosed = false
    /// A byte of a sample whose other byte is still to come.
    private var half: UInt8?
    private var hasAudio = false

    /// Where the window of the next result begins.
    private var windowStart = Duration.zero
    /// Of the utterance being heard; drawn once.
    private var latency: Duration?
    private var utterances: UInt64 = 0
    private var interimCount = 0
    private var nextInterimAt = Instant(nanoseconds: .min)
    private var hasAnnouncedSpeech = false
    /// End of the last word sent in a final result, until `UtteranceEnd` was sent for it.
    private var lastWordEnd: Duration?
    private var statedAudio = Duration.zero
    private var statedTags = 0

    private struct Outgoing {
        var message: Message
        var reference: TurnReference?

        enum Message {
            case interim(DeepgramWriter.Result, isWhole: Bool)
            case final(DeepgramWriter.Result)
            case speechStarted(Duration)
            case utteranceEnd(Duration)
            case metadata(Duration)
        }
    }

    private static let idleLimit = Duration.seconds(10)
    private static let interimInterval = Duration.milliseconds(150)
    /// Silence that ends an utterance of unknown words; within words a shorter one is a stop consonant.
    private static let leastSilence = Duration.milliseconds(120)
    private static let emptyWindow = Duration.seconds(5)
    private static let usageInterval = Duration.seconds(10)

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
        hearing = SpeechHearing(
            query.format, vocabulary: emulator.vocabulary, references: context.references,
            isTagging: context.isTagging)
        lastActivity = now
        idleTimer = context.loop.schedule(self, token: 1, at: now + Self.idleLimit)
    }

    private var context: EmulatorContext { emulator.context }

    // MARK: EmulatedSession

    func received(text: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        lastActivity = now
        do {
            switch try DeepgramCommand(parsing: text.withUnsafeBytes { Array($0) }) {
            case .keepAlive: break
            case .finalize: finish(.finalize, at: now)
            case .closeStream: closeStream(at: now)
            case .configure(let json):
                connection.send(json: [
                    "type": "ConfigureSuccess", "request_id": .string(writer.requestID),
                    "keyterms": json["keyterms"] ?? [],
                ])
            case .unknown(let word):
                connection.send(json: Self.schemaError("unknown message type: \(word)"))
            }
        } catch {
            connection.send(json: Self.schemaError(error.description))
        }
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
        if query.format.encoding == .linear16, half != nil || binary.byteCount % 2 != 0 {
            return receiveOdd(binary, at: now)
        }
        hear(binary, at: now)
    }

    /// Samples cut by message ends.
    private func receiveOdd(_ binary: RawSpan, at now: Instant) {
        var bytes: [UInt8] = half.map { [$0] } ?? []
        binary.withUnsafeBytes { bytes.append(contentsOf: $0) }
        half = bytes.count % 2 == 0 ? nil : bytes.removeLast()
        hear(bytes.span.bytes, at: now)
    }

    private func refuseAudio() {
        isClosing = true
        connection.close(
            .policyViolation,
            reason: "DATA-0000: the payload cannot be decoded as audio: it is not \(query.format)")
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        guard !isClosed else { return }
        isClosing = true
        isClosed = true
        context.loop.cancel(queueTimer)
        context.loop.cancel(idleTimer)
        stateUsage(at: now)
        emulator.left()
    }

    // MARK: Hearing

    private func hear(_ audio: RawSpan, at now: Instant) {
        let news = hearing.feed(audio, at: now)
        if !news.isEmpty { take(news, at: now) }
        if hearing.utterance != nil {
            judge(at: now)
        } else if hearing.position - windowStart >= Self.emptyWindow {
            closeWindow(at: now)
        }
        if let end = lastWordEnd, let gap = query.utteranceEnd, hearing.position - end >= gap {
            lastWordEnd = nil
            put(.utteranceEnd(end), due: now)
        }
        if hearing.position - statedAudio >= Self.usageInterval, hearing.lastReference != nil {
            stateUsage(at: now)
        }
    }

    private func take(_ news: SpeechHearing.News, at now: Instant) {
        if news.contains(.speechStarted), query.sendsSpeechStarted {
            hasAnnouncedSpeech = true
            put(.speechStarted(hearing.onset), due: now)
        }
        if let before = hearing.takeReplaced() { deliver(before, .replaced, at: now) }
        if news.contains(.recognised) {
            beginUtterance()
            if let reference = hearing.utterance?.reference {
                context.state(
                    .speechRecognised, of: .deepgram, at: now, reference: reference,
                    detail: UInt32(truncatingIfNeeded: ordinal))
            }
        } else if news.contains(.speechStarted) {
            beginUtterance()
        }
        // Something that was neither tag nor clip: over, without a word.
        if news.contains(.speechEnded), let utterance = hearing.utterance,
            utterance.reference == nil, !utterance.isMatched
        {
            hearing.settle()
            if hearing.utterance?.isMatched != true {
                hearing.endUtterance()
                if hasAnnouncedSpeech { closeWindow(endsSpeech: true, at: now) }
            }
        }
    }

    private func beginUtterance() {
        utterances += 1
        latency = nil
        interimCount = 0
        lastWordEnd = nil
    }

    private func judge(at now: Instant) {
        guard let utterance = hearing.utterance else { return }
        let position = hearing.position
        if let limit = query.endpointing, let silence = utterance.silence(at: position),
            utterance.closedSilence != silence
        {
            let least = utterance.isMatched ? .milliseconds(10) : Self.leastSilence
            if position - silence >= max(limit, least),
                utterance.reference != nil || utterance.isMatched
            {
                return finish(.silence, at: now)
            }
        }
        if query.sendsInterims { sendInterim(utterance, at: now) }
        // Delivered whole, and silent since: what sounds next is something else.
        if !utterance.isOpen, !hearing.isSpeaking { hearing.endUtterance() }
    }

    private func sendInterim(_ utterance: HeardUtterance, at now: Instant) {
        let position = hearing.position
        let isWhole = utterance.isWhole(at: position)
        var count = utterance.heardCount(at: position, isOver: false)
        // The last word comes when it is over: the interim that has it is the one that carries the whole utterance.
        if !isWhole { count = min(count, utterance.wordCount - 1) }
        guard count > max(interimCount, utterance.delivered),
            isWhole || now >= nextInterimAt
        else { return }
        interimCount = count
        nextInterimAt = now + Self.interimInterval
        let words = utterance.results(upTo: count)
        put(
            .interim(result(words, confidence: 0.94), isWhole: isWhole),
            due: now + latency(of: utterance), reference: utterance.reference)
    }

    private func result(
        _ words: [SpeechVocabulary.Word], confidence: Double, isFinal: Bool = false,
        endsSpeech: Bool = false, isFromFinalize: Bool = false
    ) -> DeepgramWriter.Result {
        DeepgramWriter.Result(
            start: windowStart, duration: hearing.position - windowStart, isFinal: isFinal,
            endsSpeech: endsSpeech, isFromFinalize: isFromFinalize,
            confidence: words.isEmpty ? 0 : confidence,
            words: words.map {
                .init(punctuated: $0.written, plain: $0.plain, start: $0.start, end: $0.end)
            })
    }

    /// One draw for an utterance: its interims and its final come in the order they were heard.
    private func latency(of utterance: HeardUtterance) -> Duration {
        if let latency { return latency }
        let key =
            utterance.reference.map { UInt64($0.rawValue) } ?? 1 << 63 | ordinal << 16 | utterances
        let drawn = context.draw(emulator.settings.latency, "deepgram latency", key)
        latency = drawn
        return drawn
    }

    // MARK: Finals

    private enum Trigger {
        case silence, finalize, close, replaced
    }

    /// Closes the window: what was heard so far is final.
    private func finish(_ trigger: Trigger, at now: Instant) {
        hearing.settle()
        guard let utterance = hearing.utterance else {
            if trigger == .finalize { closeWindow(isFromFinalize: true, at: now) }
            return
        }
        deliver(utterance, trigger, at: now)
    }

    private func deliver(_ utterance: HeardUtterance, _ trigger: Trigger, at now: Instant) {
        let position = hearing.position
        let count = utterance.heardCount(at: position, isOver: true)
        let words = utterance.results(upTo: count)
        let silence = utterance.silence(at: position)
        if trigger != .replaced { hearing.deliver(upTo: count, silence: silence) }
        guard !words.isEmpty else {
            if trigger == .finalize { closeWindow(isFromFinalize: true, at: now) }
            return
        }
        let end = min(silence ?? utterance.lastVoice, position)
        let endedAt = hearing.arrival(of: end)
        let due = max(now, endedAt + latency(of: utterance))
        lastWordEnd = words.last?.end
        hasAnnouncedSpeech = false
        // An interim that would come after its final is of no use.
        queue.removeAll { entry, entryDue in
            if case .interim = entry.message { entryDue > due } else { false }
        }
        if let reference = utterance.reference {
            context.state(
                .speechEnded, of: .deepgram, at: endedAt, reference: reference,
                value: end.nanoseconds)
        }
        put(
            .final(
                result(
                    words, confidence: utterance.isMatched ? 0.98 : 0.31, isFinal: true,
                    endsSpeech: trigger == .silence || trigger == .finalize,
                    isFromFinalize: trigger == .finalize)),
            due: due, reference: utterance.reference)
        windowStart = position
    }

    /// A final result without words.
    private func closeWindow(
        endsSpeech: Bool = false, isFromFinalize: Bool = false, at now: Instant
    ) {
        put(
            .final(
                result(
                    [], confidence: 0, isFinal: true, endsSpeech: endsSpeech || isFromFinalize,
                    isFromFinalize: isFromFinalize)), due: now)
        windowStart = hearing.position
        hasAnnouncedSpeech = false
    }

    private func closeStream(at now: Instant) {
        finish(.close, at: now)
        isClosing = true
        put(.metadata(hearing.position), due: now)
    }

    // MARK: Sending

    private func put(
        _ message: Outgoing.Message, due: Instant, reference: TurnReference? = nil
    ) {
        queue.append(Outgoing(message: message, reference: reference), due: due)
        send(at: context.now)
    }

    private func send(at now: Instant) {
        while !isClosed, let next = queue.popDue(at: now) { send(next, at: now) }
        context.loop.cancel(queueTimer)
        if !isClosed, let due = queue.firstDue {
            queueTimer = context.loop.schedule(self, at: due)
        }
    }

    private func send(_ outgoing: Outgoing, at now: Instant) {
        var bytes: [UInt8] = []
        switch outgoing.message {
        case .interim(let result, let isWhole):
            writer.results(result, punctuated: query.punctuates, into: &bytes)
            if isWhole { state(.interimSent, outgoing.reference, at: now) }
        case .final(let result):
            writer.results(result, punctuated: query.punctuates, into: &bytes)
            state(.finalSent, outgoing.reference, at: now)
        case .speechStarted(let time): writer.speechStarted(at: time, into: &bytes)
        case .utteranceEnd(let time): writer.utteranceEnd(lastWord: time, into: &bytes)
        case .metadata(let duration):
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

    private func state(_ kind: FactKind, _ reference: TurnReference?, at now: Instant) {
        guard let reference else { return }
        context.state(kind, of: .deepgram, at: now, reference: reference)
    }

    /// What was received since the last statement.
    private func stateUsage(at now: Instant) {
        let audio = hearing.position - statedAudio
        let tags = hearing.tagCount - statedTags
        guard audio > .zero else { return }
        statedAudio = hearing.position
        statedTags = hearing.tagCount
        let billed = max(.zero, audio - .milliseconds(400) * tags)
        context[.deepgram].usage.audio += billed
        context.state(
            .speechToTextUsage, of: .deepgram, at: now, call: hearing.lastReference?.call,
            value: audio.nanoseconds, detail: UInt32(billed.nanoseconds / 1_000_000))
    }

    // MARK: Timers

    func timerFired(token: UInt64, now: Instant) {
        guard !isClosed else { return }
        guard token == 1 else { return send(at: now) }
        let limit = lastActivity + Self.idleLimit
        guard now >= limit, !isClosing else {
            idleTimer = context.loop.schedule(
                self, token: 1, at: max(limit, now + .milliseconds(1)))
            return
        }
        isClosing = true
        context[.deepgram].refused += 1
        context.state(
            .providerRefused, of: .deepgram, at: now, call: hearing.lastReference?.call,
            detail: UInt32(WebSocketCloseCode.internalError.rawValue))
        connection.close(
            .internalError,
            reason:
                "NET-0001: no audio data or text message was received within the timeout window")
    }
}
