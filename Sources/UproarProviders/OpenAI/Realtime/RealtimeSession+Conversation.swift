import UproarCore
import UproarRuntime
import UproarWire

extension RealtimeSession {
    // MARK: Items

    func add(
        _ json: JSONValue, id: String, message: ChatCompletionRequest.Message?,
        audio: Duration = .zero, isDone: Bool
    ) {
        let item = RealtimeConversation.Item(id: id, json: json, message: message, audio: audio)
        _ = conversation.insert(item)
        tellOf(item, isDone: isDone)
    }

    private func tellOf(_ item: RealtimeConversation.Item, isDone: Bool) {
        let fields: JSONValue = [
            "previous_item_id": JSONValue(conversation.previous(of: item.id)), "item": item.json,
        ]
        send("conversation.item.added", fields)
        if isDone { send("conversation.item.done", fields) }
    }

    /// An item of a response has been said.
    func complete(
        _ id: String, _ json: JSONValue, message: ChatCompletionRequest.Message?, audio: Duration
    ) {
        conversation.replace(.init(id: id, json: json, message: message, audio: audio))
        send(
            "conversation.item.done",
            ["previous_item_id": JSONValue(conversation.previous(of: id)), "item": json])
    }

    func take(itemEvent kind: String, _ json: JSONValue, at now: Instant) throws(OpenAIProblem) {
        guard kind != "create" else { return try create(json) }
        guard let id = json["item_id"]?.text else { throw .missing(parameter: "item_id") }
        let isKnown: Bool
        switch kind {
        case "retrieve":
            isKnown = conversation[id] != nil
            if let item = conversation[id] {
                send("conversation.item.retrieved", ["item": item.json])
            }
        case "delete":
            isKnown = conversation.remove(id)
            if isKnown { send("conversation.item.deleted", ["item_id": .string(id)]) }
        case "truncate":
            guard let end = json["audio_end_ms"]?.int, end >= 0 else {
                throw .missing(parameter: "audio_end_ms")
            }
            isKnown = conversation.truncate(id, to: .milliseconds(min(end, 1 << 40)))
            if isKnown {
                send(
                    "conversation.item.truncated",
                    [
                        "item_id": .string(id),
                        "content_index": json["content_index"] ?? 0,
                        "audio_end_ms": JSONValue(end),
                    ])
            }
        default:
            throw .invalid(
                "Invalid value: 'conversation.item.\(kind)'.", parameter: "type",
                code: "invalid_value")
        }
        guard isKnown else {
            throw .invalid(
                "Error \(kind == "delete" ? "deleting" : kind == "truncate" ? "truncating" : "retrieving") item: the item with id '\(id)' does not exist.",
                parameter: "item_id", code: "item_\(kind)_invalid_item_id")
        }
    }

    private func create(_ json: JSONValue) throws(OpenAIProblem) {
        guard let given = json["item"], var members = given.members else {
            throw .missing(parameter: "item")
        }
        let message = try ResponsesRequest.message(given, "item")
        let id = given["id"]?.text ?? name("item_")
        guard conversation[id] == nil else {
            throw .invalid(
                "Error adding item: an item with id '\(id)' already exists.", parameter: "item.id",
                code: "item_create_duplicate_id")
        }
        members.removeAll { ["id", "object", "status"].contains($0.key) }
        members =
            [
                .init("id", .string(id)), .init("object", "realtime.item"),
                .init("status", "completed"),
            ] + members
        let item = RealtimeConversation.Item(id: id, json: .object(members), message: message)
        guard conversation.insert(item, after: json["previous_item_id"]?.text) else {
            throw .invalid(
                "Error adding item: the previous item with id '\(json["previous_item_id"]?.text ?? "")' does not exist.",
                parameter: "previous_item_id", code: "item_create_invalid_previous_item_id")
        }
        tellOf(item, isDone: true)
    }

    // MARK: Responses

    func respond(_ wanted: JSONValue, at now: Instant) throws(OpenAIProblem) {
        guard settings.kind == .conversation else {
            throw .invalid(
                "A transcription session has no responses.", parameter: "type",
                code: "invalid_value")
        }
        if let response {
            throw .invalid(
                "Conversation already has an active response in progress: \(response.id). Wait until the response is finished before creating a new one.",
                parameter: nil, code: "conversation_already_has_active_response")
        }
        try start(wanted, at: now)
    }

    /// A turn has ended: answers it, once what is being said is over.
    func respondWhenFree(at now: Instant) {
        guard response == nil else {
            owesResponse = true
            return
        }
        do throws(OpenAIProblem) { try start(.object([]), at: now) } catch { refuse(error) }
    }

    private func start(_ given: JSONValue, at now: Instant) throws(OpenAIProblem) {
        let isInConversation = given["conversation"]?.text != "none"
        var messages = conversation.messages
        if let items = given["input"]?.items {
            messages = []
            for (index, item) in items.enumerated() {
                let place = "response.input[\(index)]"
                if item["type"]?.text == "item_reference" {
                    let known = item["id"]?.text.flatMap { conversation[$0] }
                    if let message = known?.message { messages.append(message) }
                } else if let message = try ResponsesRequest.message(item, place) {
                    messages.append(message)
                }
            }
        }
        let instructions = given["instructions"]?.text ?? settings.instructions
        let tools = given["tools"] ?? settings.tools
        let (names, isRequired) = try ResponsesRequest.tools(
            tools, given["tool_choice"] ?? settings.toolChoice)
        var chat = ChatCompletionRequest(
            model: settings.model, messages: [.init(.system, instructions)] + messages,
            isStreaming: true, includesUsage: true, tools: names, requiresTool: isRequired,
            tokenLimit: given["max_output_tokens"]?.int ?? settings.tokenLimit,
            toolByteCount: names.isEmpty ? 0 : tools.map { $0.encoded().count } ?? 0)
        chat.toolSchemas = ResponsesRequest.schemas(tools)
        let wanted = RealtimeResponse.Wanted(
            modalities: given["output_modalities"] ?? settings.modalities,
            metadata: given["metadata"] ?? .null, isInConversation: isInConversation,
            format: given["audio"]?["output"]?["format"]
                ?? settings.json["audio"]?["output"]?["format"] ?? .null,
            voice: given["audio"]?["output"]?["voice"]?.text ?? settings.voice,
            inputAudioTokens: conversation.audioTokens)
        let format = VoiceFormat(
            try RealtimeSettings.format(wanted.format, "response.audio.output.format"))
        let number = ordinal << 24 | UInt64(conversation.items.count) | 1 << 42
        guard let pump = desk.model.begin(chat, ordinal: number, on: connection, at: now)
        else {
            throw .rateLimited(retryAfter: nil)
        }
        let reply =
            wanted.isSpoken && pump.answer.kind == .text
            ? desk.studio.reply(
                format, voice: wanted.voice, bufferDelay: .seconds(3),
                call: pump.reference?.call, entry: nil) : nil
        let made = RealtimeResponse(
            pump, wanted: wanted, reply: reply, pace: desk.studio.pace,
            names: (name("resp_"), name("item_"), name("call_")), session: self)
        response = made
        owesResponse = false
        made.start(at: now)
    }

    func ended(_ ended: RealtimeResponse) {
        response = nil
        let now = desk.context.now
        send(
            "rate_limits.updated",
            [
                "rate_limits": [
                    [
                        "name": "requests", "limit": 10_000, "remaining": 9_999,
                        "reset_seconds": 0.006,
                    ],
                    [
                        "name": "tokens", "limit": 2_000_000, "remaining": 1_999_000,
                        "reset_seconds": 0.03,
                    ],
                ]
            ])
        if owesResponse { respondWhenFree(at: now) } else { watchIdle(at: now) }
    }
}
