import UproarCore

/// The body of `POST /v1/chat/completions`, as far as it changes the answer (platform.openai.com/docs/api-reference/chat).
package struct ChatCompletionRequest: Hashable, Sendable {
    package var model: String
    package var messages: [Message]
    package var isStreaming: Bool
    /// `stream_options.include_usage`.
    package var includesUsage: Bool
    /// Names of the functions the model may call now: the declared ones, narrowed by `tool_choice`.
    package var tools: [String]
    /// `tool_choice` demands a call.
    package var requiresTool: Bool
    /// The schema of a tool's arguments, by its name; none for one that declares none.
    package var toolSchemas: [String: JSONValue] = [:]
    /// `max_completion_tokens`, or the older `max_tokens`.
    package var tokenLimit: Int?
    /// What the declarations of the tools add to the prompt, in bytes.
    package var toolByteCount: Int
    /// The answer ends before the first of these.
    package var stops: [String] = []
    /// `n`: so many answers at once.
    package var choiceCount = 1
    /// `response_format`: the answer is JSON, by this schema where there is one.
    package var json: JSONShape?

    package enum JSONShape: Hashable, Sendable {
        case object
        case schema(JSONValue)
    }

    package init(
        model: String, messages: [Message], isStreaming: Bool, includesUsage: Bool,
        tools: [String], requiresTool: Bool, tokenLimit: Int?, toolByteCount: Int
    ) {
        self.model = model
        self.messages = messages
        self.isStreaming = isStreaming
        self.includesUsage = includesUsage
        self.tools = tools
        self.requiresTool = requiresTool
        self.tokenLimit = tokenLimit
        self.toolByteCount = toolByteCount
    }

    package struct Message: Hashable, Sendable {
        package var role: Role
        /// The text parts, joined; other parts say nothing here.
        package var text: String
        /// The `image_url` parts: what is to be seen in each, empty where nobody can tell.
        package var pictures: [String] = []
        /// The assistant asked for tools in this message.
        package var callsTools: Bool
        /// Of a tool's result: the id of its call, where the vendor's requests are looked at for it.
        package var callID: String?
        /// Names and arguments of those calls, in bytes.
        package var toolByteCount: Int

        package init(
            _ role: Role, _ text: String, callsTools: Bool = false, toolByteCount: Int = 0
        ) {
            self.role = role
            self.text = text
            self.callsTools = callsTools
            self.toolByteCount = toolByteCount
        }
    }

    package enum Role: String, CaseIterable, Sendable {
        case system, developer, user, assistant, tool, function
    }
}

extension ChatCompletionRequest {
    package init(parsing body: [UInt8]) throws(OpenAIProblem) {
        let json: JSONValue
        do { json = try JSONParser.parse(body) } catch { throw .notJSON }
        guard json.members != nil else { throw .notJSON }
        guard let model = json["model"]?.text, !model.isEmpty else { throw .noModel }
        guard let items = json["messages"]?.items else {
            throw .missing(parameter: "messages")
        }
        guard !items.isEmpty else {
            throw .invalid(
                "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
                parameter: "messages", code: "empty_array")
        }
        var messages: [Message] = []
        messages.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            messages.append(try Self.message(item, index))
        }
        self.model = model
        self.messages = messages
        isStreaming = json["stream"]?.isTrue ?? false
        includesUsage = json["stream_options"]?["include_usage"]?.isTrue ?? false
        tokenLimit = json["max_completion_tokens"]?.int ?? json["max_tokens"]?.int
        if let tokenLimit, tokenLimit < 1 {
            throw .invalid(
                "Invalid 'max_completion_tokens': integer below minimum value. Expected a value >= 1, but got \(tokenLimit) instead.",
                parameter: "max_completion_tokens", code: "integer_below_min_value")
        }
        var names: [String] = []
        for (index, tool) in (json["tools"]?.items ?? []).enumerated() {
            guard let name = tool["function"]?["name"]?.text else {
                throw .missing(parameter: "tools[\(index)].function.name")
            }
            names.append(name)
            toolSchemas[name] = tool["function"]?["parameters"]
        }
        toolByteCount = names.isEmpty ? 0 : json["tools"].map { $0.encoded().count } ?? 0
        requiresTool = false
        switch json["tool_choice"] {
        case .string("none"): names = []
        case .string("required"): requiresTool = true
        case .object(let members):
            let choice = JSONValue.object(members)
            let name = choice["function"]?["name"]?.text
            guard let name, names.contains(name) else {
                throw .invalid(
                    "Invalid value for 'tool_choice': the function is not among the tools.",
                    parameter: "tool_choice", code: nil)
            }
            names = [name]
            requiresTool = true
        default: break
        }
        if requiresTool, names.isEmpty {
            throw .invalid(
                "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
                parameter: "tool_choice", code: nil)
        }
        tools = names
        try readShape(json)
    }

    private mutating func readShape(_ json: JSONValue) throws(OpenAIProblem) {
        switch json["stop"] {
        case .string(let text)?: stops = [text]
        case .array(let items)?:
            stops = items.compactMap(\.text)
            guard stops.count == items.count, stops.count <= 4 else {
                throw .invalid(
                    "Invalid 'stop': expected a string or an array of at most 4 strings.",
                    parameter: "stop", code: nil)
            }
        default: break
        }
        stops.removeAll { $0.isEmpty }
        if let count = json["n"], !count.isNull {
            guard let count = count.int, (1...128).contains(count) else {
                throw .invalid(
                    "Invalid 'n': expected an integer from 1 to 128.", parameter: "n",
                    code: "integer_out_of_range")
            }
            choiceCount = count
        }
        let format = json["response_format"]
        switch format?["type"]?.text {
        case nil, "text": break
        case "json_object": self.json = .object
        case "json_schema":
            guard let schema = format?["json_schema"]?["schema"] else {
                throw .missing(parameter: "response_format.json_schema.schema")
            }
            self.json = .schema(schema)
        case let word?:
            throw .invalid(
                "Invalid value: '\(word)'. Supported values are: 'json_object', 'json_schema', and 'text'.",
                parameter: "response_format.type", code: "invalid_value")
        }
    }

    private static func message(_ json: JSONValue, _ index: Int) throws(OpenAIProblem) -> Message {
        guard let word = json["role"]?.text else {
            throw .missing(parameter: "messages[\(index)].role")
        }
        guard let role = Role(rawValue: word) else {
            let allowed = Role.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw .invalid(
                "Invalid value: '\(word)'. Supported values are: \(allowed).",
                parameter: "messages[\(index)].role", code: "invalid_value")
        }
        let calls = json["tool_calls"]?.items ?? []
        var message = Message(role, "", callsTools: !calls.isEmpty)
        message.callID = json["tool_call_id"]?.text
        message.toolByteCount = calls.reduce(0) {
            $0 + ($1["function"]?["name"]?.text?.utf8.count ?? 0)
                + ($1["function"]?["arguments"]?.text?.utf8.count ?? 0)
        }
        switch json["content"] {
        case .string(let text): message.text = text
        case .array(let parts):
            message.text = parts.compactMap { $0["text"]?.text }.joined(separator: " ")
            for part in parts where part["type"]?.text == "image_url" {
                guard let url = part["image_url"]?["url"]?.text else {
                    throw .missing(parameter: "messages[\(index)].content.image_url.url")
                }
                guard url.hasPrefix("data:") else {
                    // A picture elsewhere is nothing that an emulator goes for.
                    message.pictures.append("")
                    continue
                }
                guard let picture = Picture(dataURL: url) else {
                    throw .invalid(
                        "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
                        parameter: nil, code: "invalid_image_format")
                }
                message.pictures.append(PictureCaption.read(picture.bytes) ?? "")
            }
        case nil where calls.isEmpty && role != .assistant:
            throw .missing(parameter: "messages[\(index)].content")
        case .null?, nil: break
        default:
            throw .invalid(
                "Invalid type for 'messages[\(index)].content': expected one of a string or array of objects.",
                parameter: "messages[\(index)].content", code: "invalid_type")
        }
        return message
    }
}
