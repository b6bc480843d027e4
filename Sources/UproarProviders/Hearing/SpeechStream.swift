import UproarAudio
import UproarCore
import UproarRuntime

/// One stream of audio as an emulated recogniser takes it: what to say about it, each as late as the vendor would be.
/// What a vendor's session says in its own words.
///
/// ```
///  audio  [tag][add buy milk   to my list]______________
///  interims          ·    ·    ·    · whole ┐ latency      (each its latency after its words)
///  final                                    └──────────► max(silence or finish() seen, end of voice + latency)
/// ```
package final class SpeechStream: TimerHandler {
    package struct Settings {
        package var provider: ProviderID
        package var format: AudioFormat
        /// Of the connection; names the draws of what carries no reference.
        package var ordinal: UInt64
        /// From the arrival of the last voiced sample to the final result; drawn once for an utterance.
        package var latency: Distribution
        package var latencyLabel: StaticString
        /// Silence that ends an utterance; nil: only `finish` does.
        package var endpointing: Duration?
        /// Silence that ends it while more words of its clip are expected; nil: the same.
        package var pauseLimit: Duration?
        package var sendsInterims = false
        /// Gap after the last word for which `.utteranceEnd` is said.
        package var utteranceEnd: Duration?
        package var announcesSpeech = false
        /// A final result without words after so much silence; nil: none.
        package var emptyWindow: Duration?
        /// Usage is stated; off where it is counted in tokens.
        package var billsAudio = true
        /// Usage is the time the connection is open since then; nil: the audio received.
        package var billedSince: Instant?

        package init(
            provider: ProviderID, format: AudioFormat, ordinal: UInt64, latency: Distribution,
            latencyLabel: StaticString
        ) {
            self.provider = provider
            self.format = format
            self.ordinal = ordinal
            self.latency = latency
            self.latencyLabel = latencyLabel
        }
    }

    /// Times are positions in the stream.
    package struct Result: Hashable, Sendable {
        package var start: Duration
        package var duration: Duration
        package var isFinal: Bool
        package var endsSpeech: Bool
        package var isFromFinish: Bool
        package var confidence: Double
        package var words: [SpeechVocabulary.Word]
    }

    package enum Message {
        case interim(Result, isWhole: Bool)
        case final(Result)
        case speechStarted(Duration)
        case utteranceEnd(Duration)
        /// All that was asked for has been said; the length of the audio.
        case over(Duration)
    }

    private struct Outgoing {
        var message: Message
        var reference: TurnReference?
        /// Of a final result with words.
        var entry: RequestEntry?
    }

    private var settings: Settings
    private let context: EmulatorContext
    private var sink: (any SpeechStreamSink)?
    /// Whose utterances have lines in the request log.
    private var connection: EmulatorConnection?
    private var hearing: SpeechHearing
    private var intake: SpeechIntake?
    private var queue = DueQueue<Outgoing>()
    private var timer = TimerID.none
    private var isClosed = false
    /// A byte of a sample whose other byte is still to come.
    private var half: UInt8?

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
    private var lastUsageAt = Duration.zero
    /// Audio, and tags in it, that lines of the request log have.
    private var loggedAudio = Duration.zero
    private var loggedTags = 0

    private static let interimInterval = Duration.milliseconds(150)
    /// Silence that ends an utterance of unknown words; within words a shorter one is a stop consonant.
    private static let leastSilence = Duration.milliseconds(120)
    private static let usageInterval = Duration.seconds(10)
    /// Messages that wait for their time; a client that asks for more is not served them.
    private static let queueLimit = 1_000

    /// - sink: owns the stream, and closes it: until then it is held.
    /// - connection: its utterances are exchanges of the request log; nil: they are somebody else's.
    package init(
        _ settings: Settings, vocabulary: SpeechVocabulary, context: EmulatorContext,
        sink: any SpeechStreamSink, on connection: EmulatorConnection? = nil
    ) {
        self.connection = connection
        self.settings = settings
        self.context = context
        self.sink = sink
        let isHeardAsIs = SpeechIntake.rates.contains(settings.format.rate)
        if !isHeardAsIs { intake = SpeechIntake(settings.format) }
        hearing = SpeechHearing(
            isHeardAsIs ? settings.format : SpeechIntake.output, vocabulary: vocabulary,
            references: context.references,
            isTagging: context.isTagging)
    }

    /// The call that references have told so far.
    package var call: UInt32? { hearing.lastReference?.call }
    /// The utterance being heard, or the last one.
    package var reference: TurnReference? { hearing.lastReference }
    /// Audio received so far.
    package var position: Duration { hearing.position }

    /// Changes when silence ends an utterance, from now on.
    package func setEndpointing(_ silence: Duration?, pauseLimit: Duration? = nil) {
        settings.endpointing = silence
        settings.pauseLimit = pauseLimit
    }

    // MARK: Verbs

    /// Takes audio cut anywhere, however much of it at once: clips are followed by the levels of the last 1.28 s.
    package func receive(_ audio: RawSpan, at now: Instant) {
        let most = settings.format.bytes(in: Self.pieceLimit)
        var rest = audio
        while rest.byteCount > most {
            receivePiece(rest.extracting(first: most), at: now)
            rest = rest.extracting(droppingFirst: most)
        }
        receivePiece(rest, at: now)
    }

    private static let pieceLimit = Duration.milliseconds(200)

    private func receivePiece(_ audio: RawSpan, at now: Instant) {
        guard settings.format.encoding == .linear16, half != nil || audio.byteCount % 2 != 0 else {
            return hear(audio, at: now)
        }
        var bytes: [UInt8] = half.map { [$0] } ?? []
        audio.withUnsafeBytes { bytes.append(contentsOf: $0) }
        half = bytes.count % 2 == 0 ? nil : bytes.removeLast()
        hear(bytes.span.bytes, at: now)
    }

    /// Whole samples; of a rate that nobody can hear at they are brought to another.
    private func hear(_ audio: RawSpan, at now: Instant) {
        guard intake != nil else { return listen(audio, at: now) }
        var bytes: [UInt8] = []
        intake?.convert(audio, into: &bytes)
        if !bytes.isEmpty { listen(bytes.span.bytes, at: now) }
    }

    /// Ends the utterance: what was heard so far is final.
    package func finish(at now: Instant) { finish(.finish, at: now) }

    /// No more audio comes: says what is left, then `.over`.
    package func end(at now: Instant) {
        finish(.end, at: now)
        put(.over(hearing.position), due: now)
    }

    /// Nobody listens any more.
    package func close(at now: Instant) {
        guard !isClosed else { return }
        isClosed = true
        context.loop.cancel(timer)
        stateUsage(at: now)
        while let next = queue.popDue(at: .distantFuture) { next.entry?.close(.cancelled, at: now) }
        var usage = takeUsage()
        if let since = settings.billedSince { usage.audio = now - since }
        connection?.entry?.add(usage)
        connection = nil
        sink = nil
    }

    // MARK: Hearing

    private func listen(_ audio: RawSpan, at now: Instant) {
        let news = hearing.feed(audio, at: now)
        if !news.isEmpty { take(news, at: now) }
        if hearing.utterance != nil {
            judge(at: now)
        } else if let window = settings.emptyWindow,
            hearing.position - windowStart >= window
        {
            closeWindow(at: now)
        }
        if let end = lastWordEnd, let gap = settings.utteranceEnd, hearing.position - end >= gap {
            lastWordEnd = nil
            put(.utteranceEnd(end), due: now)
        }
        if hearing.position - lastUsageAt >= Self.usageInterval, hearing.lastReference != nil {
            lastUsageAt = hearing.position
            stateUsage(at: now)
        }
    }

    private func take(_ news: SpeechHearing.News, at now: Instant) {
        if news.contains(.speechStarted), settings.announcesSpeech {
            hasAnnouncedSpeech = true
            put(.speechStarted(hearing.onset), due: now)
        }
        if let before = hearing.takeReplaced() { deliver(before, .replaced, at: now) }
        if news.contains(.recognised) {
            beginUtterance()
            if let reference = hearing.utterance?.reference {
                context.state(
                    .speechRecognised, of: settings.provider, at: now, reference: reference,
                    detail: UInt32(truncatingIfNeeded: settings.ordinal))
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
        if var limit = settings.endpointing, let silence = utterance.silence(at: position),
            utterance.closedSilence != silence
        {
            if let longer = settings.pauseLimit, utterance.expectsMore(at: position) {
                limit = longer
            }
            let least = utterance.isMatched ? .milliseconds(10) : Self.leastSilence
            if position - silence >= max(limit, least),
                utterance.reference != nil || utterance.isMatched
            {
                return finish(.silence, at: now)
            }
        }
        if settings.sendsInterims { sendInterim(utterance, at: now) }
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
        endsSpeech: Bool = false, isFromFinish: Bool = false
    ) -> Result {
        Result(
            start: windowStart, duration: hearing.position - windowStart, isFinal: isFinal,
            endsSpeech: endsSpeech, isFromFinish: isFromFinish,
            confidence: words.isEmpty ? 0 : confidence,
            words: words)
    }

    /// One draw for an utterance: its interims and its final come in the order they were heard.
    private func latency(of utterance: HeardUtterance) -> Duration {
        if let latency { return latency }
        let key =
            utterance.reference.map { UInt64($0.rawValue) } ?? 1 << 63 | settings.ordinal << 16
            | utterances
        let drawn = context.firstContent(
            settings.latency, settings.latencyLabel, key, of: settings.provider,
            reference: utterance.reference, fields: connection?.fields ?? [])
        latency = drawn
        return drawn
    }

    // MARK: Finals

    private enum Trigger {
        case silence, finish, end, replaced
    }

    /// Closes the window: what was heard so far is final.
    private func finish(_ trigger: Trigger, at now: Instant) {
        hearing.settle()
        guard let utterance = hearing.utterance else {
            if trigger == .finish { closeWindow(isFromFinish: true, at: now) }
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
            if trigger == .finish { closeWindow(isFromFinish: true, at: now) }
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
                .speechEnded, of: settings.provider, at: endedAt, reference: reference,
                value: end.nanoseconds)
        }
        put(
            .final(
                result(
                    words, confidence: utterance.isMatched ? 0.98 : 0.31, isFinal: true,
                    endsSpeech: trigger == .silence || trigger == .finish,
                    isFromFinish: trigger == .finish)),
            due: due, reference: utterance.reference,
            entry: logged(utterance, endedAt: endedAt, at: now))
        windowStart = position
    }

    /// The utterance's line in the request log: from the arrival of its last voiced sample.
    private func logged(_ utterance: HeardUtterance, endedAt: Instant, at now: Instant)
        -> RequestEntry?
    {
        guard let entry = connection?.exchange(settings.provider, at: now) else { return nil }
        entry.began(at: endedAt)
        entry.reference = utterance.reference
        entry.add(takeUsage())
        return entry
    }

    /// The audio since the last line, without tags; nothing where a session is billed for its length, which is the socket's.
    private func takeUsage() -> ProviderUsage {
        var usage = ProviderUsage()
        guard settings.billsAudio, settings.billedSince == nil else { return usage }
        let tags = hearing.tagCount - loggedTags
        usage.audio = max(.zero, hearing.position - loggedAudio - .milliseconds(400) * tags)
        loggedAudio = hearing.position
        loggedTags = hearing.tagCount
        return usage
    }

    /// A final result without words.
    private func closeWindow(
        endsSpeech: Bool = false, isFromFinish: Bool = false, at now: Instant
    ) {
        put(
            .final(
                result(
                    [], confidence: 0, isFinal: true, endsSpeech: endsSpeech || isFromFinish,
                    isFromFinish: isFromFinish)), due: now)
        windowStart = hearing.position
        hasAnnouncedSpeech = false
    }

    // MARK: Saying

    private func put(
        _ message: Message, due: Instant, reference: TurnReference? = nil,
        entry: RequestEntry? = nil
    ) {
        guard queue.count < Self.queueLimit else {
            entry?.close(.broken, at: context.now)
            return
        }
        queue.append(
            Outgoing(message: message, reference: reference, entry: entry), due: due)
        say(at: context.now)
    }

    private func say(at now: Instant) {
        while !isClosed, let next = queue.popDue(at: now) {
            switch next.message {
            case .interim(_, isWhole: true): state(.interimSent, next.reference, at: now)
            case .final:
                state(.finalSent, next.reference, at: now, next.entry)
                if next.reference == nil { next.entry?.answers(at: now) }
            default: break
            }
            sink?.say(next.message, at: now)
            next.entry?.close(.answered, at: now)
        }
        context.loop.cancel(timer)
        if !isClosed, let due = queue.firstDue { timer = context.loop.schedule(self, at: due) }
    }

    package func timerFired(token: UInt64, now: Instant) {
        guard !isClosed else { return }
        say(at: now)
    }

    private func state(
        _ kind: FactKind, _ reference: TurnReference?, at now: Instant,
        _ entry: RequestEntry? = nil
    ) {
        guard let reference else { return }
        context.state(kind, of: settings.provider, at: now, reference: reference, entry: entry)
    }

    /// What was received since the last statement.
    private func stateUsage(at now: Instant) {
        guard settings.billsAudio else { return }
        let total = settings.billedSince.map { now - $0 } ?? hearing.position
        let audio = total - statedAudio
        let tags = hearing.tagCount - statedTags
        guard audio > .zero else { return }
        statedAudio = total
        statedTags = hearing.tagCount
        let billed = max(.zero, audio - .milliseconds(400) * tags)
        context[settings.provider].usage.audio += billed
        context.state(
            .speechToTextUsage, of: settings.provider, at: now, call: hearing.lastReference?.call,
            value: audio.nanoseconds, detail: UInt32(billed.nanoseconds / 1_000_000))
    }
}

/// A vendor's session, which says in its own words what a stream has to say.
package protocol SpeechStreamSink: AnyObject {
    func say(_ message: SpeechStream.Message, at now: Instant)
}
