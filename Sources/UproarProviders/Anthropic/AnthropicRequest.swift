import UproarCore

/// The body of `POST /v1/messages`, as far as it changes the answer (docs.anthropic.com, "Messages").
package struct AnthropicRequest: Hashable, Sendable {
    /// The same request in the words that the scripted model reads.
    package var chat: ChatCompletionRequest

    package init(parsing body: [UInt8]) throws(AnthropicProblem) {
        let json: JSONValue
        do { json = try JSONParser.parse(body) } catch {
            throw .invalid("The request body is not valid JSON: \(error)")
        }
        guard json.members != nil else { throw .invalid("The request body is not valid JSON") }
        guard let model = json["model"]?.text, !model.isEmpty else {
            throw .invalid("model: Field required")
        }
        guard let limit = json["max_tokens"]?.int else {
            throw .invalid("max_tokens: Field required")
        }
        guard limit > 0 else {
            throw .invalid("max_tokens: Input should be greater than or equal to 1")
        }
        guard let items = json["messages"]?.items else {
            throw .invalid("messages: Field required")
        }
        guard !items.isEmpty else {
            throw .invalid("messages: at least one message is required")
        }
        var messages: [ChatCompletionRequest.Message] = []
        if let system = json["system"], !system.isNull {
            messages.append(.init(.system, try Self.text(system, "system")))
        }
        for (index, item) in items.enumerated() {
            messages += try Self.messages(item, index)
        }
        chat = ChatCompletionRequest(
            model: model, messages: messages, isStreaming: json["stream"]?.isTrue ?? false,
            includesUsage: true, tools: [], requiresTool: false, tokenLimit: limit,
            toolByteCount: 0)
        try readTools(json)
        chat.stops = (json["stop_sequences"]?.texts ?? []).filter { !$0.isEmpty }
    }

    private mutating func readTools(_ json: JSONValue) throws(AnthropicProblem) {
        var names: [String] = []
        for (index, tool) in (json["tools"]?.items ?? []).enumerated() {
            guard let name = tool["name"]?.text, !name.isEmpty else {
                throw .invalid("tools.\(index).name: Field required")
            }
            names.append(name)
            chat.toolSchemas[name] = tool["input_schema"]
        }
        chat.toolByteCount = names.isEmpty ? 0 : json["tools"].map { $0.encoded().count } ?? 0
        let choice = json["tool_choice"]
        switch choice?["type"]?.text {
        case nil, "auto": break
        case "none": names = []
        case "any": chat.requiresTool = true
        case "tool":
            guard let name = choice?["name"]?.text, names.contains(name) else {
                throw .invalid("tool_choice: Tool not found in provided tools")
            }
            names = [name]
            chat.requiresTool = true
        case let word?:
            throw .invalid(
                "tool_choice: Input tag '\(word)' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"
            )
        }
        guard !chat.requiresTool || !names.isEmpty else {
            throw .invalid("tool_choice may only be specified while providing tools.")
        }
        chat.tools = names
    }

    /// One message of theirs may be several of the other kind: results of tools stand inside a user's message.
    private static func messages(_ json: JSONValue, _ index: Int) throws(AnthropicProblem)
        -> [ChatCompletionRequest.Message]
    {
        let role: ChatCompletionRequest.Role
        switch json["role"]?.text {
        case "user": role = .user
        case "assistant": role = .assistant
        case let word:
            throw .invalid(
                "messages.\(index).role: Input should be 'user' or 'assistant', not '\(word ?? "")'"
            )
        }
        guard let content = json["content"] else {
            throw .invalid("messages.\(index).content: Field required")
        }
        if let text = content.text { return [.init(role, text)] }
        guard let blocks = content.items else {
            throw .invalid(
                "messages.\(index).content: Input should be a valid string or list of blocks")
        }
        var made: [ChatCompletionRequest.Message] = []
        var texts: [String] = []
        var toolBytes = 0
        var callsTools = false
        for block in blocks {
            switch block["type"]?.text {
            case "text": texts.append(block["text"]?.text ?? "")
            case "tool_result":
                let result = block["content"] ?? .string("")
                made.append(.init(.tool, try text(result, "messages.\(index).content")))
            case "tool_use":
                callsTools = true
                toolBytes += block["name"]?.text?.utf8.count ?? 0
                toolBytes += block["input"].map { $0.encoded().count } ?? 0
            default: continue
            }
        }
        if !texts.isEmpty || callsTools || made.isEmpty {
            made.append(
                .init(
                    role, texts.joined(separator: " "), callsTools: callsTools,
                    toolByteCount: toolBytes))
        }
        return made
    }

    private static func text(_ json: JSONValue, _ place: String) throws(AnthropicProblem) -> String
    {
        if let text = json.text { return text }
        guard let blocks = json.items else {
            throw .invalid("\(place): Input should be a valid string or list of blocks")
        }
        return blocks.compactMap { $0["text"]?.text }.joined(separator: " ")
    }
}

/// An answer that is no success: `{"type":"error","error":{"type","message"}}` (docs.anthropic.com, "Errors").
package struct AnthropicProblem: Error, Hashable, Sendable {
    package var status: Int
    package var type: String
    package var message: String
    package var retryAfter: Duration?

    package init(_ status: Int, _ type: String, _ message: String) {
        self.status = status
        self.type = type
        self.message = message
    }

    package func json(requestID: String) -> JSONValue {
        [
            "type": "error", "error": ["type": .string(type), "message": .string(message)],
            "request_id": .string(requestID),
        ]
    }

    package static func invalid(_ message: String) -> AnthropicProblem {
        AnthropicProblem(400, "invalid_request_error", message)
    }

    package static let wrongKey = AnthropicProblem(
        401, "authentication_error", "invalid x-api-key")
    package static let unknownPath = AnthropicProblem(404, "not_found_error", "Not found")
    package static let rateLimited = AnthropicProblem(
        429, "rate_limit_error",
        "This request would exceed your organization's rate limit. Please try again later.")

    /// What the vendor would say with this status.
    package static func status(_ status: Int, retryAfter: Duration? = nil) -> AnthropicProblem {
        var problem =
            switch status {
            case 401: wrongKey
            case 403: AnthropicProblem(403, "permission_error", "Not allowed.")
            case 404: unknownPath
            case 413: AnthropicProblem(413, "request_too_large", "Request exceeds the limit.")
            case 429: rateLimited
            case 504: AnthropicProblem(504, "timeout_error", "Request timed out.")
            case 529: AnthropicProblem(529, "overloaded_error", "Overloaded")
            case 500...: AnthropicProblem(status, "api_error", "Internal server error")
            default: AnthropicProblem(status, "invalid_request_error", "The request was refused.")
            }
        problem.retryAfter = retryAfter
        return problem
    }
}
