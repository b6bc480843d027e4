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

    let settings: AgentSettings
    let parts: AgentParts
    let metrics: AgentMetrics
    let phrases: PhraseBook
    private let introduction: CallIntroduction
    private let began: Instant
    private weak var channel: (any CallChannel)?

    private var speech: SpeechDetector
    private var machine: TurnMachine
    private var feed: RecogniserFeed?
    private(set) var voice: CallVoice?
    private var conversation: Conversation
    private let tools: TaskTools
    private var reply: Reply?
    /// When the far end will have played all that was sent.
    private var busyUntil = Instant(nanoseconds: .min)
    private var spokeUntil: Instant?
    private var createdAt: Int64
    private var isOver = false

    init(
        _ introduction: CallIntroduction, over channel: any CallChannel, settings: AgentSettings,
        parts: AgentParts, metrics: AgentMetrics, phrases: PhraseBook
    ) {
        self.introduction = introduction
        self.channel = channel
        self.settings = settings
        self.parts = parts
        self.metrics = metrics
        self.phrases = phrases
        began = parts.loop.now
        let policy = settings.turnPolicy
        speech = SpeechDetector(runEnd: policy.endpointing)
        machine = TurnMachine(policy)
        conversation = Conversation(instructions: settings.instructions)
        tools = TaskTools(
            store: parts.tasks ?? MemoryTaskStore(), owner: introduction.person)
        createdAt = settings.epoch + parts.loop.now.nanoseconds / 1_000_000_000
    }

    /// Opens the providers and greets. Call it once.
    func begin() {
        metrics.sessionBegan()
        let format = AudioFormat.telephone
        if let recogniser = parts.speechToText {
            let feed = RecogniserFeed(
                recogniser,
                SpeechToTextSettings(
                    format: format, language: settings.language,
                    connectDeadline: settings.connectDeadline),
                batches: .init(
                    speaking: format.rate.samples(in: settings.batch),
                    silent: format.rate.samples(in: settings.silentBatch)),
                loop: loop, handler: self)
            self.feed = feed
            feed.open()
        }
        if let textToSpeech = parts.textToSpeech {
            let voice = CallVoice(
                textToSpeech,
                TextToSpeechSettings(
                    format: format, voice: settings.voice, language: settings.language,
                    connectDeadline: settings.connectDeadline),
                handler: self)
            self.voice = voice
            voice.open()
        }
        guard introduction.isKnown, let store = parts.sessions else {
            return greet(settings.greeting)
        }
        store.load(SessionRecord.key(introduction.session)) { [weak self] result in
            self?.restored(result)
        }
    }

    private func restored(_ result: Result<[UInt8]?, StoreFailure>) {
        guard !isOver else { return }
        switch result {
        case .success(let bytes?):
            guard let record = SessionRecord(bytes), !record.messages.isEmpty else { break }
            conversation = Conversation(
                instructions: settings.instructions, messages: record.messages)
            createdAt = record.createdAt
            return greet(settings.resumption)
        case .success(nil): break
        case .failure: metrics.storeFailed()
        }
        greet(settings.greeting)
    }

    private func greet(_ phrase: String) {
        // A caller who spoke first is answered instead.
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
        speech.hear(mulaw: audio)
        feed?.send(audio, isSpeaking: !speech.isQuiet)
        guard !machine.isIdle || speech.isActive else { return }
        if let reply, reply.isOver, !reply.spoken.isHeard,
            now > reply.spoken.playedAt + Self.markPatience
        {
            finish(reply)
        }
        perform(machine.heardFrame(speech, now: now))
    }

    func heardMark(_ name: String, at now: Instant) {
        guard !isOver, let reply, reply.spoken.heardMark(name), reply.spoken.isHeard else { return }
        finish(reply)
    }

    /// Digits are the caller's words too, for want of a menu.
    func heardDigit(_ digit: String, at now: Instant) {}

    func ended(isOrderly: Bool, at now: Instant) {
        guard !isOver else { return }
        if let reply { conversation.spoke(reply.spoken.heardText(at: now)) }
        isOver = true
        reply?.cancel()
        reply = nil
        feed?.close()
        voice?.close()
        metrics.sessionEnded(isOrderly ? .completed : .dropped, after: now - began)
        if isOrderly {
            parts.sessions?.delete(SessionRecord.key(introduction.session)) { [metrics] result in
                if case .failure = result { metrics.storeFailed() }
            }
        } else {
            save()
        }
    }

    // MARK: Turns

    private func perform(_ effects: [TurnMachine.Effect]) {
        guard !effects.isEmpty else { return }
        let now = loop.now
        for effect in effects {
            switch effect {
            case .finishUtterance:
                spokeUntil = now - AudioFormat.telephone.rate.duration(samples: speech.silence)
                feed?.finishUtterance()
            case .start(let number, let words):
                let reply = Reply(number: number, to: words, host: self)
                self.reply = reply
                reply.think()
            case .cancel(let number):
                guard let reply, reply.number == number else { break }
                reply.cancel()
                // Nothing of it was heard, unless a filler was.
                conversation.spoke(reply.spoken.heardText(at: now))
                self.reply = nil
            case .confirm(let number, let words):
                guard let reply, reply.number == number else { break }
                conversation.heardCaller(words)
                reply.confirm()
            case .stopSpeaking(let number):
                channel?.clear()
                guard let reply, reply.number == number else { break }
                conversation.spoke(reply.spoken.heardText(at: now))
                reply.cancel()
                self.reply = nil
                busyUntil = now
                save()
            }
        }
        channel?.flush()
    }

    /// The caller has heard all of the reply.
    private func finish(_ reply: Reply) {
        conversation.spoke(reply.spoken.text)
        self.reply = nil
        machine.replyEnded(reply: reply.number)
        save()
    }

    /// Keeps the session outside the process; the call does not wait for it.
    private func save() {
        guard let store = parts.sessions, !conversation.messages.isEmpty else { return }
        let record = SessionRecord(
            id: introduction.session, person: introduction.person, channel: introduction.channel,
            messages: conversation.messages, createdAt: createdAt,
            lastActivity: settings.epoch + loop.now.nanoseconds / 1_000_000_000)
        store.save(record.encoded, at: record.key, keepFor: SessionRecord.keptFor) {
            [metrics] result in
            if case .failure = result { metrics.storeFailed() }
        }
    }
}

extension CallSession: RecogniserFeedHandler {
    func heardWords(_ transcript: Transcript) {
        guard !isOver else { return }
        if transcript.isFinal, let spokeUntil {
            metrics.recognised(after: loop.now - spokeUntil)
            self.spokeUntil = nil
        }
        perform(machine.heardWords(transcript, speech: speech, now: loop.now))
    }

    func recogniserRestarted(_ failure: ProviderFailure) {
        metrics.failed(.speechToText, failure)
        machine.recogniserRestarted()
    }
}

extension CallSession: CallVoiceHandler {
    func made(audio: RawSpan, utterance: Int) {
        reply?.made(audio: audio, utterance: utterance)
        channel?.flush()
    }

    func timed(_ words: [SpokenWord], utterance: Int) {
        reply?.timed(words, utterance: utterance)
    }

    func finishedSpeaking(utterance: Int) {
        reply?.finishedSpeaking(utterance: utterance)
        channel?.flush()
    }

    func failedToSpeak(utterance: Int, _ failure: ProviderFailure) {
        reply?.failedToSpeak(utterance: utterance, failure)
        channel?.flush()
    }
}

extension CallSession: ReplyHost {
    var loop: EventLoop { parts.loop }
    var languageModel: (any LanguageModel)? { parts.languageModel }

    func messages(about words: String?) -> [ChatMessage] { conversation.request(about: words) }

    func run(_ calls: [ToolCall], then: @escaping () -> Void) {
        let now = settings.epoch * 1000 + loop.now.milliseconds
        var results = [String?](repeating: nil, count: calls.count)
        for (index, call) in calls.enumerated() {
            tools.run(call, now: now) { [weak self] result in
                guard results[index] == nil else { return }
                results[index] = result
                let known = results.compactMap(\.self)
                guard known.count == calls.count else { return }
                self?.conversation.calledTools(
                    calls,
                    results: zip(calls, known).map { .toolResult(id: $0.id, content: $1) })
                then()
                self?.channel?.flush()
            }
        }
    }

    func play(_ audio: RawSpan, of reply: Reply) {
        guard !isOver, let channel else { return }
        let now = loop.now
        let most = AudioFormat.telephone.rate.samples(in: settings.chunk)
        let markEvery = settings.markEvery.nanoseconds
        var start = 0
        while start < audio.byteCount {
            let end = min(audio.byteCount, start + most)
            channel.play(audio.extracting(start..<end))
            reply.spoken.sentAudio(
                nanoseconds: Int64(end - start) * 125_000, at: now, busyUntil: busyUntil)
            if reply.spoken.unmarked >= markEvery { channel.mark(reply.spoken.addMark()) }
            start = end
        }
        busyUntil = reply.spoken.playedAt
        machine.speakingBegan(reply: reply.number)
    }

    func completed(_ reply: Reply) {
        guard !isOver, let channel, reply === self.reply else { return }
        reply.spoken.complete()
        if reply.spoken.unmarked > 0 { channel.mark(reply.spoken.addMark()) }
        if reply.spoken.sent == 0 { finish(reply) }
    }
}
