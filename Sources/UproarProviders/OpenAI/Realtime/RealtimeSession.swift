import UproarAudio
import UproarCore
import UproarRuntime
import UproarWire

/// One WebSocket of `/v1/realtime`: hears, thinks and speaks; or only transcribes.
final class RealtimeSession: EmulatedSession, RealtimeListener, TimerHandler {
    let connection: EmulatorConnection
    let desk: RealtimeDesk
    let ordinal: UInt64
    var settings: RealtimeSettings
    var conversation = RealtimeConversation()
    private var ear: RealtimeEar
    var response: RealtimeResponse?
    /// A turn ended while a response went on that it did not interrupt.
    var owesResponse = false
    var hasSpoken = false
    private var speechItem: String?
    private var eventCount: UInt64 = 0
    private var nameCount: UInt64 = 0
    private var transcripts = DueQueue<Transcript>()
    private var timers: [TimerID] = [.none, .none, .none]
    private var idleSince = Duration.zero
    private var isClosed = false

    private struct Transcript {
        var item: String
        var speech: RealtimeEar.Speech
    }

    private enum Token: Int { case lifetime, transcript, idle }

    private static let lifetime = Duration.seconds(3_600)
    private static let leastCommit = Duration.milliseconds(100)
    private static let appendLimit = 15 << 20

    init(
        _ kind: RealtimeSettings.Kind, model: String, ordinal: UInt64, desk: RealtimeDesk,
        connection: EmulatorConnection, at now: Instant
    ) {
        self.ordinal = ordinal
        self.desk = desk
        self.connection = connection
        settings = RealtimeSettings(
            kind, id: "sess_" + desk.name("session"), model: model,
            expiresAt: desk.context.unixSeconds + 3_600)
        ear = RealtimeEar(
            settings, provider: kind == .transcription ? .whisper : .openai, ordinal: ordinal,
            vocabulary: desk.vocabulary, context: desk.context,
            connection: kind == .transcription ? connection : nil)
        conversationID = "conv_" + desk.name("conversation")
        schedule(.lifetime, at: now + Self.lifetime)
    }

    let conversationID: String
    var loop: EventLoop { desk.context.loop }

    func begin() {
        ear.start(settings, for: self)
        send("session.created", ["session": settings.json])
    }

    func name(_ prefix: String) -> String {
        nameCount += 1
        return prefix + desk.name("realtime name", nameCount << 16 | ordinal & 0xffff)
    }

    // MARK: Sending

    func send(_ type: String, _ fields: JSONValue) {
        guard !isClosed else { return }
        eventCount += 1
        let members: [JSONValue.Member] =
            [
                .init("type", .string(type)),
                .init("event_id", .string("event_\(ordinal)_\(eventCount)")),
            ] + (fields.members ?? [])
        connection.send(json: .object(members))
    }

    /// - event: the id of the client's event that was wrong.
    func refuse(_ problem: OpenAIProblem, event: String? = nil) {
        send(
            "error",
            [
                "error": [
                    "type": .string(problem.type), "code": JSONValue(problem.code),
                    "message": .string(problem.message), "param": JSONValue(problem.parameter),
                    "event_id": JSONValue(event),
                ]
            ])
    }

    // MARK: EmulatedSession

    func received(text: RawSpan, at now: Instant) {
        guard !isClosed else { return }
        let json: JSONValue
        do { json = try JSONParser.parse(text.withUnsafeBytes { Array($0) }) } catch {
            return refuse(
                .invalid(
                    "The server could not parse the JSON event: \(error)", parameter: nil,
                    code: "invalid_json"))
        }
        do throws(OpenAIProblem) {
            try take(json, at: now)
        } catch {
            refuse(error, event: json["event_id"]?.text)
        }
    }

    func received(binary: RawSpan, at now: Instant) { received(text: binary, at: now) }

    private func take(_ json: JSONValue, at now: Instant) throws(OpenAIProblem) {
        switch json["type"]?.text {
        case "session.update": try update(json, at: now)
        case "input_audio_buffer.append": try append(json, at: now)
        case "input_audio_buffer.commit":
            guard ear.uncommitted >= Self.leastCommit else {
                let length = NumberText.fixed(ear.uncommitted.inSeconds * 1000, 2)
                throw .invalid(
                    "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has \(length)ms of audio.",
                    parameter: nil, code: "input_audio_buffer_commit_empty")
            }
            ear.commit(at: now)
        case "input_audio_buffer.clear":
            ear.clear(at: now)
            speechItem = nil
            send("input_audio_buffer.cleared", .object([]))
        case let type? where type.hasPrefix("conversation.item."):
            try take(itemEvent: String(type.dropFirst(18)), json, at: now)
        case "response.create": try respond(json["response"] ?? .object([]), at: now)
        case "response.cancel":
            let id = json["response_id"]?.text
            guard let response, id == nil || id == response.id else {
                throw .invalid(
                    "Cancellation failed: no active response found", parameter: nil,
                    code: "response_cancel_not_active")
            }
            owesResponse = false
            response.cancel("client_cancelled", at: now)
        case let word:
            throw .invalid(
                "Invalid value: '\(word ?? "")'. Supported values are: 'session.update', 'input_audio_buffer.append', 'input_audio_buffer.commit', 'input_audio_buffer.clear', 'conversation.item.create', 'conversation.item.retrieve', 'conversation.item.truncate', 'conversation.item.delete', 'response.create', and 'response.cancel'.",
                parameter: "type", code: "invalid_value")
        }
    }

    private func update(_ json: JSONValue, at now: Instant) throws(OpenAIProblem) {
        let change = json["session"] ?? .null
        if hasSpoken, let voice = change["audio"]?["output"]?["voice"]?.text,
            voice != settings.voice
        {
            throw .invalid(
                "Cannot update a conversation's voice if assistant audio is present.",
                parameter: "session.audio.output.voice", code: "cannot_update_voice")
        }
        try settings.update(change)
        ear.change(settings, at: now)
        send("session.updated", ["session": settings.json])
        watchIdle(at: now)
    }

    private func append(_ json: JSONValue, at now: Instant) throws(OpenAIProblem) {
        var audio: [UInt8] = []
        guard let text = json["audio"]?.text, text.utf8.count <= Self.appendLimit / 3 * 4 + 4,
            let bytes = Base64.decode(text)
        else {
            throw .invalid(
                "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) of at most 15 MiB but got an invalid value.",
                parameter: "audio", code: "invalid_value")
        }
        audio = bytes
        connection.together { ear.receive(audio.span.bytes, at: now) }
        connection.reference = ear.reference
        let idle = ear.position
        if ear.isInSpeech { idleSince = idle }
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        guard !isClosed else { return }
        isClosed = true
        for timer in timers { loop.cancel(timer) }
        response?.abandon(at: now)
        response = nil
        ear.close(at: now)
        desk.left()
    }

    // MARK: RealtimeListener

    func speechStarted(at position: Duration, now: Instant) {
        let item = name("item_")
        speechItem = item
        let start = max(.zero, position - (settings.turns?.padding ?? .zero))
        send(
            "input_audio_buffer.speech_started",
            [
                "audio_start_ms": .integer(start.inWholeMilliseconds), "item_id": .string(item),
            ])
        if settings.turns?.interruptsResponse == true { response?.cancel("turn_detected", at: now) }
    }

    func heard(_ speech: RealtimeEar.Speech, now: Instant) {
        let item = speechItem ?? name("item_")
        speechItem = nil
        if let reference = speech.reference { connection.reference = reference }
        if !speech.isCommitted {
            send(
                "input_audio_buffer.speech_stopped",
                [
                    "audio_end_ms": .integer(speech.end.inWholeMilliseconds),
                    "item_id": .string(item),
                ])
        }
        commit(speech, as: item, at: now)
        guard settings.kind == .conversation, !speech.isCommitted,
            settings.turns?.createsResponse == true
        else { return }
        respondWhenFree(at: now)
    }

    private func commit(_ speech: RealtimeEar.Speech, as item: String, at now: Instant) {
        let previous = JSONValue(conversation.last)
        send(
            "input_audio_buffer.committed",
            ["previous_item_id": previous, "item_id": .string(item)])
        let shown: JSONValue = [
            "id": .string(item), "object": "realtime.item", "type": "message",
            "status": "completed", "role": "user",
            "content": [["type": "input_audio", "transcript": nil]],
        ]
        let text = speech.words.map(\.written).joined(separator: " ")
        add(shown, id: item, message: .init(.user, text), audio: speech.audio, isDone: true)
        guard settings.transcribes else { return }
        let key =
            speech.reference.map { UInt64($0.rawValue) } ?? 1 << 62 | ordinal << 20 | nameCount
        let wait = desk.context.draw(desk.transcriptLatency, "realtime transcript", key)
        transcripts.append(Transcript(item: item, speech: speech), due: now + wait)
        sayTranscripts(at: now)
    }

    private func sayTranscripts(at now: Instant) {
        while let transcript = transcripts.popDue(at: now) { say(transcript, at: now) }
        if let due = transcripts.firstDue { schedule(.transcript, at: due) }
    }

    private func say(_ transcript: Transcript, at now: Instant) {
        let words = transcript.speech.words.map(\.written)
        func put(_ kind: String, _ more: [JSONValue.Member]) {
            send(
                "conversation.item.input_audio_transcription." + kind,
                .object(
                    [.init("item_id", .string(transcript.item)), .init("content_index", 0)] + more))
        }
        for (index, word) in words.enumerated() {
            put("delta", [.init("delta", .string(index == 0 ? word : " " + word))])
        }
        let text = words.joined(separator: " ")
        if settings.kind == .transcription, let reference = transcript.speech.reference {
            // Of a session that only transcribes, this is the final result.
            desk.context.state(.finalSent, of: .whisper, at: now, reference: reference)
        }
        let audio = Int(transcript.speech.audio.inWholeMilliseconds / 100)
        let output = TokenText.count(text)
        put(
            "completed",
            [
                .init("transcript", .string(text)),
                .init(
                    "usage",
                    [
                        "type": "tokens", "total_tokens": JSONValue(audio + output),
                        "input_tokens": JSONValue(audio), "output_tokens": JSONValue(output),
                        "input_token_details": [
                            "text_tokens": 0, "audio_tokens": JSONValue(audio),
                        ],
                    ]),
            ])
    }

    // MARK: Timers

    private func schedule(_ token: Token, at due: Instant) {
        loop.cancel(timers[token.rawValue])
        timers[token.rawValue] = loop.schedule(self, token: UInt64(token.rawValue), at: due)
    }

    /// The model asks on its own when nobody has said anything for so long after it spoke.
    func watchIdle(at now: Instant) {
        loop.cancel(timers[Token.idle.rawValue])
        idleSince = ear.position
        if let limit = settings.turns?.idleLimit, response == nil {
            schedule(.idle, at: now + limit)
        }
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isClosed, let token = Token(rawValue: Int(token)) else { return }
        switch token {
        case .transcript: sayTranscripts(at: now)
        case .idle:
            guard response == nil, !ear.isInSpeech, let limit = settings.turns?.idleLimit,
                ear.position - idleSince >= limit / 2
            else { return watchIdle(at: now) }
            let item = name("item_")
            send(
                "input_audio_buffer.timeout_triggered",
                [
                    "audio_start_ms": .integer(idleSince.inWholeMilliseconds),
                    "audio_end_ms": .integer(ear.position.inWholeMilliseconds),
                    "item_id": .string(item),
                ])
            let silence = RealtimeEar.Speech(
                words: [], audio: ear.position - idleSince, reference: nil, end: ear.position,
                isCommitted: false)
            commit(silence, as: item, at: now)
            respondWhenFree(at: now)
        case .lifetime:
            refuse(
                .invalid(
                    "Your session hit the maximum duration of 60 minutes.", parameter: nil,
                    code: "session_expired"))
            connection.close(.goingAway, reason: "session_expired")
        }
    }
}
