import UproarCore
import UproarRuntime

/// One response of a realtime session: thought by the scripted model, spoken as it is thought.
///
/// ```
///  created ─► output_item.added, item.added, content_part.added ─► transcript delta, audio delta … ─► done ×5 ─► response.done
/// ```
final class RealtimeResponse: ModelAnswerSink, VoiceSink {
    struct Wanted {
        var modalities: JSONValue
        var metadata: JSONValue
        /// Its items become part of the session's conversation.
        var isInConversation: Bool
        var format: JSONValue
        var voice: String
        var inputAudioTokens: Int
        var isSpoken: Bool { modalities.items?.contains("text") != true }
    }

    let id: String
    private let itemID: String
    private let callID: String
    private let pump: ModelAnswerPump
    private let wanted: Wanted
    /// Kept until it is closed: a cut may end it in the middle of a piece.
    private let session: RealtimeSession
    private var voice: VoicePump?
    private var said = ""
    private var audioBytes = 0
    private var hasBegunItem = false
    private var isOver = false
    private var buffer: [UInt8] = []

    /// - reply: speaks it; nil when it is to be text.
    init(
        _ pump: ModelAnswerPump, wanted: Wanted, reply: VoiceReply?, pace: VoicePump.Pace,
        names: (id: String, item: String, call: String), session: RealtimeSession
    ) {
        (id, itemID, callID) = names
        self.pump = pump
        self.wanted = wanted
        self.session = session
        guard let reply else { return }
        voice = VoicePump(reply, pace: pace, loop: session.loop, sink: self)
    }

    func start(at now: Instant) {
        session.send("response.created", ["response": json("in_progress")])
        pump.start(self, at: now)
    }

    // MARK: ModelAnswerSink

    func sayWhole(at now: Instant) {}

    func say(_ index: Int, isLast: Bool, at now: Instant) {
        guard !isOver else { return }
        session.connection.together {
            if index == 0 { beginItem() }
            let piece = pump.answer.pieces[index]
            said += piece
            putDelta(piece)
            guard let voice, pump.answer.kind == .text else {
                if isLast { finish() }
                return
            }
            voice.reply.receive(piece, at: now)
            if isLast { voice.reply.finishText(at: now) }
            voice.pump(at: now)
        }
    }

    private func beginItem() {
        hasBegunItem = true
        let item = self.item("in_progress", isEmpty: true)
        session.send(
            "response.output_item.added",
            ["response_id": .string(id), "output_index": 0, "item": item])
        if wanted.isInConversation { session.add(item, id: itemID, message: nil, isDone: false) }
        guard pump.answer.kind == .text else { return }
        session.send("response.content_part.added", content(["part": part("")]))
    }

    private func putDelta(_ piece: String) {
        switch pump.answer.kind {
        case .tool:
            session.send(
                "response.function_call_arguments.delta", call(["delta": .string(piece)]))
        case .text where wanted.isSpoken:
            session.send(
                "response.output_audio_transcript.delta", content(["delta": .string(piece)]))
        case .text:
            session.send("response.output_text.delta", content(["delta": .string(piece)]))
        }
    }

    // MARK: VoiceSink

    var queuedByteCount: Int { session.connection.queuedByteCount }
    func together(_ body: () -> Void) { session.connection.together(body) }
    func caughtUp() {}
    func finished(_ end: VoiceEnd) { finish() }

    func send(audio: RawSpan, words: [SpokenWord], step: Duration) {
        audioBytes += audio.byteCount
        buffer.removeAll(keepingCapacity: true)
        Base64.encode(audio, into: &buffer)
        session.send(
            "response.output_audio.delta",
            content(["delta": .string(String(decoding: buffer, as: UTF8.self))]))
        session.hasSpoken = true
    }

    // MARK: End

    private func finish() {
        guard !isOver else { return }
        isOver = true
        end(pump.answer.isCutShort ? "incomplete" : "completed")
    }

    /// - reason: `client_cancelled`, `turn_detected`.
    func cancel(_ reason: String, at now: Instant) {
        guard !isOver else { return }
        isOver = true
        pump.cancel(at: now)
        voice?.cancel(at: now)
        session.connection.together { end("cancelled", reason: reason) }
    }

    /// Nobody listens any more.
    func abandon(at now: Instant) {
        guard !isOver else { return }
        isOver = true
        pump.cancel(at: now)
        voice?.cancel(at: now)
    }

    private func end(_ status: String, reason: String? = nil) {
        if hasBegunItem { endItem(status == "cancelled" ? "incomplete" : status) }
        var details = JSONValue.null
        if status != "completed" {
            details = [
                "type": .string(status), "reason": .string(reason ?? "max_output_tokens"),
            ]
        }
        session.send("response.done", ["response": json(status, details)])
        session.ended(self)
    }

    private func endItem(_ status: String) {
        let item = self.item(status, isEmpty: false)
        switch pump.answer.kind {
        case .tool(let name):
            session.send(
                "response.function_call_arguments.done",
                call(["name": .string(name), "arguments": .string(said)]))
        case .text where wanted.isSpoken:
            session.send("response.output_audio.done", content(.object([])))
            session.send(
                "response.output_audio_transcript.done", content(["transcript": .string(said)]))
            session.send("response.content_part.done", content(["part": part(said)]))
        case .text:
            session.send("response.output_text.done", content(["text": .string(said)]))
            session.send("response.content_part.done", content(["part": part(said)]))
        }
        if wanted.isInConversation {
            let message = try? ResponsesRequest.message(item, "item")
            session.complete(itemID, item, message: message ?? nil, audio: spoken)
        }
        session.send(
            "response.output_item.done",
            ["response_id": .string(id), "output_index": 0, "item": item])
    }

    private var spoken: Duration {
        voice?.reply.settings.format.duration(bytes: audioBytes) ?? .zero
    }

    // MARK: Shapes

    private func part(_ text: String) -> JSONValue {
        wanted.isSpoken
            ? ["type": "audio", "transcript": .string(text)]
            : ["type": "text", "text": .string(text)]
    }

    private func item(_ status: String, isEmpty: Bool) -> JSONValue {
        switch pump.answer.kind {
        case .tool(let name):
            return [
                "id": .string(itemID), "object": "realtime.item", "type": "function_call",
                "status": .string(status), "name": .string(name), "call_id": .string(callID),
                "arguments": .string(isEmpty ? "" : said),
            ]
        case .text:
            let content: JSONValue =
                wanted.isSpoken
                ? ["type": "output_audio", "transcript": .string(said)]
                : ["type": "output_text", "text": .string(said)]
            return [
                "id": .string(itemID), "object": "realtime.item", "type": "message",
                "status": .string(status), "role": "assistant",
                "content": .array(isEmpty ? [] : [content]),
            ]
        }
    }

    private func content(_ more: JSONValue) -> JSONValue {
        .object(
            [
                .init("response_id", .string(id)), .init("item_id", .string(itemID)),
                .init("output_index", 0), .init("content_index", 0),
            ] + (more.members ?? []))
    }

    private func call(_ more: JSONValue) -> JSONValue {
        .object(
            [
                .init("response_id", .string(id)), .init("item_id", .string(itemID)),
                .init("output_index", 0), .init("call_id", .string(callID)),
            ] + (more.members ?? []))
    }

    private func json(_ status: String, _ details: JSONValue = .null) -> JSONValue {
        let isOver = status != "in_progress"
        return [
            "object": "realtime.response", "id": .string(id), "status": .string(status),
            "status_details": details,
            "output": .array(
                isOver && hasBegunItem
                    ? [item(status == "cancelled" ? "incomplete" : status, isEmpty: false)] : []),
            "conversation_id": wanted.isInConversation ? .string(session.conversationID) : nil,
            "output_modalities": wanted.modalities, "max_output_tokens": "inf",
            "audio": [
                "output": ["format": wanted.format, "voice": .string(wanted.voice)]
            ],
            "usage": isOver ? usage : nil, "metadata": wanted.metadata,
        ]
    }

    /// One token for each 50 ms of the assistant's sound.
    private var usage: JSONValue {
        let audio = Int(spoken.inWholeMilliseconds / 50)
        let input = pump.promptTokens + wanted.inputAudioTokens
        let output = pump.completionTokens + audio
        return [
            "total_tokens": JSONValue(input + output), "input_tokens": JSONValue(input),
            "output_tokens": JSONValue(output),
            "input_token_details": [
                "text_tokens": JSONValue(pump.promptTokens),
                "audio_tokens": JSONValue(wanted.inputAudioTokens), "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": ["text_tokens": 0, "audio_tokens": 0, "image_tokens": 0],
            ],
            "output_token_details": [
                "text_tokens": JSONValue(pump.completionTokens), "audio_tokens": JSONValue(audio),
            ],
        ]
    }
}
