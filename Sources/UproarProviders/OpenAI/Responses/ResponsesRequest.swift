import UproarCore

/// The body of `POST /v1/responses`, or a `response.create` on its WebSocket, as far as it changes the answer
/// (platform.openai.com/docs/api-reference/responses).
package struct ResponsesRequest: Hashable, Sendable {
    /// The same request in the words that the scripted model reads; its messages are those of `input` alone.
    package var chat: ChatCompletionRequest
    package var instructions: String?
    /// The response whose conversation goes on.
    package var previous: String?
    /// What the response object repeats.
    package var echoed: [JSONValue.Member]
    /// Later requests may go on from it.
    package var isStored: Bool

    package init(parsing body: [UInt8]) throws(OpenAIProblem) {
        let json: JSONValue
        do { json = try JSONParser.parse(body) } catch { throw .notJSON }
        guard json.members != nil else { throw .notJSON }
        try self.init(json)
    }

    package init(_ json: JSONValue) throws(OpenAIProblem) {
        guard let model = json["model"]?.text, !model.isEmpty else {
            throw .missing(parameter: "model")
        }
        previous = json["previous_response_id"]?.text
        instructions = json["instructions"]?.text
        isStored = json["store"]?.isTrue ?? true
        chat = ChatCompletionRequest(
            model: model, messages: try Self.messages(json["input"], hasPrevious: previous != nil),
            isStreaming: json["stream"]?.isTrue ?? false, includesUsage: true, tools: [],
            requiresTool: false, tokenLimit: json["max_output_tokens"]?.int, toolByteCount: 0)
        if let limit = chat.tokenLimit, limit < 1 {
            throw .invalid(
                "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 1, but got \(limit) instead.",
                parameter: "max_output_tokens", code: "integer_below_min_value")
        }
        let given: [JSONValue.Member] = [
            .init("instructions", nil), .init("max_output_tokens", nil),
            .init("metadata", .object([])), .init("parallel_tool_calls", true),
            .init("previous_response_id", nil),
            .init("reasoning", ["effort": nil, "summary": nil]),
            .init("store", true), .init("temperature", 1),
            .init("text", ["format": ["type": "text"]]),
            .init("tool_choice", "auto"), .init("tools", []), .init("top_p", 1),
            .init("truncation", "disabled"),
        ]
        echoed = given.map { member in
            guard let value = json[member.key], !value.isNull else { return member }
            return .init(member.key, value)
        }
        let (names, isRequired) = try Self.tools(json["tools"], json["tool_choice"])
        chat.tools = names
        chat.requiresTool = isRequired
        chat.toolSchemas = Self.schemas(json["tools"])
        chat.toolByteCount = names.isEmpty ? 0 : json["tools"].map { $0.encoded().count } ?? 0
        let format = json["text"]?["format"]
        switch format?["type"]?.text {
        case nil, "text": break
        case "json_object": chat.json = .object
        case "json_schema":
            guard let schema = format?["schema"] else {
                throw .missing(parameter: "text.format.schema")
            }
            chat.json = .schema(schema)
        case let word?:
            throw .invalid(
                "Invalid value: '\(word)'. Supported values are: 'json_object', 'json_schema', and 'text'.",
                parameter: "text.format.type", code: "invalid_value")
        }
    }

    /// The schemas of the functions' arguments, by name.
    package static func schemas(_ tools: JSONValue?) -> [String: JSONValue] {
        var schemas: [String: JSONValue] = [:]
        for tool in tools?.items ?? [] {
            if let name = tool["name"]?.text { schemas[name] = tool["parameters"] }
        }
        return schemas
    }

    /// The names of the functions that may be called now, and whether one must be. Other kinds of tools run at the vendor and
    /// change nothing here.
    package static func tools(_ tools: JSONValue?, _ choice: JSONValue?) throws(OpenAIProblem)
        -> (names: [String], isRequired: Bool)
    {
        var names: [String] = []
        for (index, tool) in (tools?.items ?? []).enumerated() {
            guard tool["type"]?.text == "function" else { continue }
            guard let name = tool["name"]?.text, !name.isEmpty else {
                throw .missing(parameter: "tools[\(index)].name")
            }
            names.append(name)
        }
        switch choice {
        case .string("none"): return ([], false)
        case .string("required"):
            guard !names.isEmpty else {
                throw .invalid(
                    "Tool choice 'required' must be specified with 'tools' parameter.",
                    parameter: "tool_choice", code: nil)
            }
            return (names, true)
        case .object(let members):
            let choice = JSONValue.object(members)
            guard choice["type"]?.text == "function" else { return (names, false) }
            guard let name = choice["name"]?.text, names.contains(name) else {
                throw .invalid(
                    "Tool choice '\(choice["name"]?.text ?? "")' not found in 'tools' parameter.",
                    parameter: "tool_choice", code: nil)
            }
            return ([name], true)
        default: return (names, false)
        }
    }

    private static func messages(_ input: JSONValue?, hasPrevious: Bool) throws(OpenAIProblem)
        -> [ChatCompletionRequest.Message]
    {
        switch input {
        case .string(let text): return [.init(.user, text)]
        case .array(let items):
            var made: [ChatCompletionRequest.Message] = []
            for (index, item) in items.enumerated() {
                if let message = try message(item, "input[\(index)]") { made.append(message) }
            }
            return made
        case nil where hasPrevious, .null? where hasPrevious: return []
        case nil, .null?: throw .missing(parameter: "input")
        default:
            throw .invalid(
                "Invalid type for 'input': expected one of a string or array of input items.",
                parameter: "input", code: "invalid_type")
        }
    }

    /// One item of a conversation, here or in a realtime session; nil for kinds without words, such as reasoning.
    package static func message(_ item: JSONValue, _ place: String) throws(OpenAIProblem)
        -> ChatCompletionRequest.Message?
    {
        switch item["type"]?.text {
        case nil, "message":
            guard let word = item["role"]?.text else { throw .missing(parameter: "\(place).role") }
            guard let role = ChatCompletionRequest.Role(rawValue: word), role != .tool,
                role != .function
            else {
                throw .invalid(
                    "Invalid value: '\(word)'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
                    parameter: "\(place).role", code: "invalid_value")
            }
            guard let content = item["content"] else {
                throw .missing(parameter: "\(place).content")
            }
            if let text = content.text { return .init(role, text) }
            let texts = (content.items ?? []).compactMap {
                $0["text"]?.text ?? $0["transcript"]?.text
            }
            return .init(role, texts.joined(separator: " "))
        case "function_call":
            let count =
                (item["name"]?.text?.utf8.count ?? 0) + (item["arguments"]?.text?.utf8.count ?? 0)
            return .init(.assistant, "", callsTools: true, toolByteCount: count)
        case "function_call_output":
            guard item["call_id"]?.text != nil else {
                throw .missing(parameter: "\(place).call_id")
            }
            let output = item["output"]
            let texts = output?.items?.compactMap { $0["text"]?.text }
            return .init(.tool, output?.text ?? texts?.joined(separator: " ") ?? "")
        default: return nil
        }
    }
}
