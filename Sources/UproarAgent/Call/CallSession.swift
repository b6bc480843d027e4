import UproarCore
import UproarRuntime

/// One call: hears the caller, decides whose turn it is, has replies made and plays them.
///
///     channel ─► speech detector ─► turn machine ─► reply ─► channel
///            └─► recogniser ───────┘                 │  model, tools, voice
///                                                    └► conversation ─► session store
final class CallSession: CallChannelHandler {
    /// A far end that never returns marks is taken to have played everything this long after it must have.
    private static let markPatience = Duration.seconds(1)
    /// Digits typed within so long of each other belong together.
    private static let digitPause = Duration.milliseconds(1500)
    private static let digitLimit = 32

    let worker: CallWorker
    let introduction: CallIntroduction
    let began: Instant
    /// What the channel carries.
    let format: AudioFormat
    /// What recognisers are sent, and what voices are asked for.
    let hearingFormat: AudioFormat
    let speakingFormat: AudioFormat
    /// Between the channel and the recogniser, and between the voice and the channel, where the formats differ.
    private let hearing: AudioConverter?
    private var speaking: [(utterance: Int, converter: AudioConverter)] = []
    /// The latest frame of the caller's screen, and whether a model has been shown it.
    var screen: Picture?
    var isScreenNew = false
    /// The caller is being passed on to a person: the call ends with what is being said.
    var isHandingOff = false
    /// Until the call has ended. Whoever is known to a call, or knows it, does so strongly and lets go at its end: what somebody knows weakly
    /// is slower to count references to, and a frame counts many.
    private(set) var channel: (any CallChannel)?

    private var speech: SpeechDetector
    var machine: TurnMachine
    private(set) var feed: RecogniserFeed?
    private(set) var voice: CallVoice?
    var conversation: Conversation
    let tools: TaskTools
    var reply: Reply?
    /// When the far end will have played all that was sent.
    var busyUntil = Instant(nanoseconds: .min)
    private var spokeUntil: Instant?
    private var createdAt: Int64
    /// What the caller has not been told yet: that his earlier call goes on.
    private var unsaidResumption = ""
    private(set) var isOver = false
    private var digits = ""
    private var digitTimer = TimerID.none
    var silence: SilenceGuard?
    var cost = CallCost()
    /// Turns in a row that could not be answered.
    var failedTurns = 0
    var isLost = false
    var recorder: CallRecorder?
    /// What was announced is heard to its end, whoever speaks.
    var announcedUntil = Instant(nanoseconds: .min)
    private var lastHeard = Instant.zero
    private var idleTimer = TimerID.none

    var settings: AgentSettings { worker.settings }
    var metrics: AgentMetrics { worker.metrics }
    var loop: EventLoop { worker.parts.loop }

    init(
        _ introduction: CallIntroduction, over channel: any CallChannel, worker: CallWorker
    ) {
        self.introduction = introduction
        self.channel = channel
        self.worker = worker
        began = worker.parts.loop.now
        format = channel.format
        let encodings = worker.settings.encodings
        hearingFormat = encodings.hearing ?? channel.format
        speakingFormat = encodings.speaking ?? channel.format
        hearing =
            hearingFormat == channel.format
            ? nil : AudioConverter(from: channel.format, to: hearingFormat)
        let policy = worker.settings.turnPolicy
        speech = SpeechDetector(rate: channel.format.rate, runEnd: policy.endpointing)
        machine = TurnMachine(policy, rate: channel.format.rate)
        conversation = Conversation(instructions: worker.settings.instructions)
        tools = TaskTools(
            store: worker.tasks ?? MemoryTaskStore(), owner: introduction.person)
        createdAt = worker.unixTime
    }

    /// Opens the providers and greets. Call it once.
    func begin() {
        metrics.sessionBegan()
        worker.parts.log.say(.info, "call began", call: introduction)
        lastHeard = began
        awaitIdle()
        silence = SilenceGuard(after: settings.holdAfter, loop: loop) { [self] in bridgeSilence() }
        worker.preparePhrases(in: speakingFormat == format ? format : nil)
        if let chain = worker.chains.recognisers {
            let feed = RecogniserFeed(
                chain,
                SpeechToTextSettings(
                    format: hearingFormat, language: settings.language,
                    connectDeadline: settings.connectDeadline),
                batches: .init(
                    speaking: hearingFormat.bytes(in: settings.batch),
                    silent: hearingFormat.bytes(in: settings.silentBatch)),
                deadlines: .init(
                    stall: settings.recogniserStall, final: settings.finalDeadline,
                    wholeFinal: settings.wholeFinalDeadline), loop: loop,
                random: worker.drawStream(), carriesSettings: settings.carriesSettings,
                replays: settings.replays, handler: self)
            self.feed = feed
            feed.open()
        }
        if let chain = worker.chains.voices {
            let voice = CallVoice(
                chain,
                TextToSpeechSettings(
                    format: speakingFormat, voice: settings.voice, language: settings.language,
                    connectDeadline: settings.connectDeadline),
                deadlines: .init(
                    firstByte: settings.voiceDeadline, stall: settings.voiceStall), loop: loop,
                metrics: metrics, handler: self)
            self.voice = voice
            voice.open()
        }
        // So that the list is at hand when it is asked for, whatever becomes of the store meanwhile.
        if settings.taskCache, settings.sessionMemory { worker.tasks?.prepare(introduction.person) }
        guard introduction.isKnown else { return greet(settings.greeting) }
        worker.sessions.load(SessionRecord.key(introduction.session)) { [self] in restored($0) }
    }

    private func restored(_ bytes: [UInt8]?) {
        guard !isOver else { return }
        guard settings.resumes, let record = bytes.flatMap({ SessionRecord($0) }),
            !record.messages.isEmpty
        else { return greet(settings.greeting) }
        // What was said while the session was being looked for follows what was said before.
        let since = conversation.messages
        conversation = Conversation(
            instructions: settings.instructions, earlier: record.messages, messages: since)
        createdAt = record.createdAt
        guard !settings.resumption.isEmpty else { return greet(settings.greeting) }
        unsaidResumption = Self.firstSentence(of: settings.resumption)
        greet(settings.resumption)
    }

    /// The first reply that is heard says it, whichever that is.
    func toldOfResumption() { unsaidResumption = "" }

    private static func firstSentence(of text: String) -> String {
        guard let end = text.firstIndex(where: { ".!?".contains($0) }) else { return text }
        return String(text[...end])
    }

    /// A reply to the caller's words; one that he hears first after a drop begins by telling him that he is known.
    private func think(_ reply: Reply) {
        self.reply = reply
        if !unsaidResumption.isEmpty { reply.open(with: unsaidResumption) }
        reply.think()
    }

    func greet(_ phrase: String) {
        // A caller who spoke first is answered instead.
        guard !isAwaitingAnnouncement(before: phrase) else { return }
        guard reply == nil, !phrase.isEmpty else { return }
        let greeting = Reply(number: 0, to: "", host: self, isConfirmed: true)
        reply = greeting
        machine.greetingBegan()
        greeting.say(phrase)
        channel?.flush()
    }

    // MARK: CallChannelHandler

    func heard(_ audio: RawSpan, at now: Instant) {
        guard !isOver else { return }
        recorder?.heard(audio, at: now)
        speech.hear(audio, as: format.encoding)
        let hasVoice = speech.isActive && speech.silence < format.rate.value / 10
        if let hearing {
            feed?.send(
                hearing.convert(audio).span.bytes, isSpeaking: !speech.isQuiet,
                hasVoice: hasVoice, now: now)
        } else {
            feed?.send(audio, isSpeaking: !speech.isQuiet, hasVoice: hasVoice, now: now)
        }
        guard !machine.isIdle || speech.isActive else { return }
        if let reply, reply.isOver, !reply.spoken.isHeard,
            now > reply.spoken.playedAt + Self.markPatience
        {
            finish(reply)
        }
        // Most frames are a silent caller's while the agent speaks.
        guard speech.isActive || machine.isListening else { return }
        perform(machine.heardFrame(speech, now: now))
    }

    func heardMark(_ name: String, at now: Instant) {
        guard !isOver, let reply, reply.spoken.heardMark(name), reply.spoken.isHeard else { return }
        finish(reply)
    }

    /// Digits are the caller's words too, for want of a menu: `#` ends them, or a pause.
    func heardDigit(_ digit: String, at now: Instant) {
        guard !isOver else { return }
        loop.cancel(digitTimer)
        if digit == "#" { return typed() }
        guard digits.count < Self.digitLimit else { return }
        digits += digit
        digitTimer = loop.schedule(at: now + Self.digitPause) { [self] in typed() }
    }

    private func typed() {
        guard !isOver, !digits.isEmpty else { return }
        let digits = digits
        self.digits = ""
        switch digits {
        case "0" where settings.handsOff: return handOff()
        case "*": return repeatAnswer()
        default: break
        }
        take("I pressed " + digits.map(String.init).joined(separator: " ") + ".")
    }

    /// Words that need no recogniser.
    private func take(_ words: String) {
        silence?.owed(at: loop.now)
        perform(machine.typed(words, speech: speech))
    }

    func read(_ text: String, at now: Instant) {
        guard !isOver else { return }
        lastHeard = now
        take(text)
    }

    func saw(_ picture: Picture, at now: Instant) {
        guard !isOver, settings.sees else { return }
        lastHeard = now
        isScreenNew = isScreenNew || screen != picture
        screen = picture
    }

    func ended(isOrderly: Bool, at now: Instant) {
        guard !isOver else { return }
        if let reply { keepHeard(of: reply) }
        isOver = true
        recorder?.finish(isOrderly ? "completed" : "dropped", at: now)
        recorder = nil
        reply?.cancel()
        reply = nil
        silence?.close()
        silence = nil
        loop.cancel(idleTimer)
        settleCost()
        loop.cancel(digitTimer)
        feed?.close()
        voice?.close()
        metrics.sessionEnded(
            isLost ? .error : isOrderly ? .completed : .dropped,
            channel: introduction.channel, after: now - began)
        worker.parts.log.say(
            .info, "call ended, \(isLost ? "lost" : isOrderly ? "completed" : "dropped")",
            call: introduction)
        worker.workflows?.emit(
            .email, "call_ended", session: introduction.session,
            [
                "user_id": .string(introduction.person),
                "seconds": .integer((now - began).nanoseconds / 1_000_000_000),
            ], unixTime: worker.unixTime)
        if isOrderly {
            worker.sessions.delete(SessionRecord.key(introduction.session))
        } else {
            save()
        }
        channel = nil
    }

    // MARK: Turns

    private func perform(_ effects: [TurnMachine.Effect]) {
        guard !effects.isEmpty else { return }
        let now = loop.now
        for effect in effects {
            switch effect {
            case .finishUtterance:
                let end = now - format.rate.duration(samples: speech.silence)
                spokeUntil = end
                silence?.owed(at: end)
                feed?.finishUtterance(speech: format.rate.duration(samples: speech.voiced))
            case .start(let number, let words):
                think(Reply(number: number, to: words, host: self))
            case .answerAgain(let number):
                silence?.owed(at: now)
                think(Reply(number: number, to: "", host: self, isConfirmed: true))
            case .cancel(let number):
                guard let reply, reply.number == number else { break }
                reply.cancel()
                // Nothing of it was heard, unless a filler was.
                keepHeard(of: reply)
                self.reply = nil
            case .confirm(let number, let words):
                guard let reply, reply.number == number else { break }
                lastHeard = now
                if stopsRecording(words) {
                    reply.refuse(saying: settings.recordingStopped)
                } else if let refusal = refusal(of: words) {
                    reply.refuse(saying: refusal)
                } else {
                    conversation.heardCaller(words)
                    reply.confirm()
                    // The model has been asked with the picture beside the words.
                    isScreenNew = false
                    // What was said is safe before it is answered.
                    save()
                }
            case .stopSpeaking(let number):
                let isAnnouncing = now < announcedUntil
                if !isAnnouncing {
                    channel?.clear()
                    recorder?.cleared(at: now)
                }
                silence?.settled()
                guard let reply, reply.number == number else { break }
                let isHeard = keepHeard(of: reply)
                if !isHeard, !reply.isPhrase { machine.answerIsDue() }
                reply.cancel()
                self.reply = nil
                if !isAnnouncing { busyUntil = now }
                save()
            case .settle:
                feed?.settled()
                if reply.map({ $0.spoken.sent > 0 }) ?? true { silence?.settled() }
            }
        }
        channel?.flush()
    }

    /// A reply ends before its end: the history keeps what was heard of the answer, and nothing else. False when that is nothing.
    @discardableResult
    func keepHeard(of reply: Reply) -> Bool {
        let heard = settings.keepsHeard ? reply.heard(at: loop.now) : reply.spoken.text
        conversation.spoke(heard)
        return !heard.isEmpty
    }

    /// The caller has heard all of the reply.
    func finish(_ reply: Reply) {
        conversation.spoke(reply.spoken.text)
        if isHandingOff {
            channel?.hangUp()
            channel?.flush()
        }
        self.reply = nil
        machine.replyEnded(reply: reply.number)
        save()
    }

    /// Keeps the session outside the process; the call does not wait for it.
    private func save() {
        guard !conversation.messages.isEmpty else { return }
        worker.sessions.save(record)
    }

    /// The session as it stands.
    var record: SessionRecord {
        SessionRecord(
            id: introduction.session, person: introduction.person, channel: introduction.channel,
            messages: conversation.messages, createdAt: createdAt, lastActivity: worker.unixTime)
    }

    /// Why these words are not answered, in words for the caller; nil when they are.
    private func refusal(of words: String) -> String? {
        if settings.inputLimit > 0, words.count > settings.inputLimit {
            metrics.count(.errors, ["input_too_long", "call"])
            return settings.inputLimitPhrase
        }
        guard !worker.rateLimit.allows(introduction.person, at: loop.now) else { return nil }
        metrics.count(.rateLimited)
        return settings.rateLimitPhrase
    }

    /// A caller who has not said a word for long has gone.
    private func awaitIdle() {
        guard settings.idleLimit > .zero else { return }
        idleTimer = loop.schedule(at: lastHeard + settings.idleLimit) { [self] in
            guard !isOver else { return }
            if loop.now - lastHeard < settings.idleLimit { return awaitIdle() }
            worker.parts.log.say(.info, "idle for too long", call: introduction)
            channel?.hangUp()
            channel?.flush()
        }
    }

    // MARK: Silence

    /// The caller has waited and heard nothing: something is said, whatever the providers do.
    private func bridgeSilence() {
        guard !isOver else { return }
        if loop.now < busyUntil { return }
        fill(
            worker.phrases.audio(of: settings.holdPhrase, in: format)
                ?? ComfortTone.audio(in: format))
        channel?.flush()
    }

    /// Plays audio that belongs to no reply.
    func fill(_ audio: [UInt8]) {
        guard let channel else { return }
        send(audio.span.bytes, to: channel) { _ in }
        busyUntil = max(loop.now, busyUntil) + format.duration(bytes: audio.count)
    }

    func send(_ audio: RawSpan, to channel: any CallChannel, sent: (Int) -> Void) {
        let most = format.bytes(in: settings.chunk)
        var start = 0
        while start < audio.byteCount {
            let end = min(audio.byteCount, start + most)
            let piece = audio.extracting(start..<end)
            channel.play(piece)
            recorder?.queued(piece, at: loop.now)
            sent(end - start)
            start = end
        }
    }
}

extension CallSession: RecogniserFeedHandler {
    func heardWords(_ transcript: Transcript, provider: String) {
        guard !isOver else { return }
        if transcript.isFinal, let spokeUntil {
            metrics.observe(.sttDuration, [provider], (loop.now - spokeUntil).inSeconds)
            self.spokeUntil = nil
        }
        perform(machine.heardWords(transcript, speech: speech, now: loop.now))
    }

    func recogniserChanged() { machine.recogniserChanged() }
}

extension CallSession: CallVoiceHandler {
    func made(audio: RawSpan, utterance: Int) {
        if speakingFormat == format {
            reply?.made(audio: audio, utterance: utterance)
        } else {
            let bytes = converter(of: utterance).convert(audio)
            if !bytes.isEmpty { reply?.made(audio: bytes.span.bytes, utterance: utterance) }
        }
        channel?.flush()
    }

    /// Each utterance is a stream of its own; those of replies that were cut are forgotten after a while.
    private func converter(of utterance: Int) -> AudioConverter {
        if let known = speaking.first(where: { $0.utterance == utterance }) {
            return known.converter
        }
        let made = AudioConverter(from: speakingFormat, to: format)
        if speaking.count >= 4 { speaking.removeFirst() }
        speaking.append((utterance, made))
        return made
    }

    func timed(_ words: [SpokenWord], utterance: Int) {
        reply?.timed(words, utterance: utterance)
    }

    func finishedSpeaking(utterance: Int) {
        if let place = speaking.firstIndex(where: { $0.utterance == utterance }) {
            let rest = speaking.remove(at: place).converter.finish()
            if !rest.isEmpty { reply?.made(audio: rest.span.bytes, utterance: utterance) }
        }
        reply?.finishedSpeaking(utterance: utterance)
        channel?.flush()
    }

    func failedToSpeak(utterance: Int, _ failure: ProviderFailure) {
        reply?.failedToSpeak(utterance: utterance, failure)
        channel?.flush()
    }
}
