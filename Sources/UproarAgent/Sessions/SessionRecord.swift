import UproarCore
import UproarRuntime

/// A session as it is kept outside the process, at `voice:session:{id}` for an hour from the last turn.
///
/// Times are whole seconds of the Unix epoch.
struct SessionRecord: Hashable, Sendable {
    static let keptFor = Duration.seconds(3600)

    var id: String
    var person: String
    var channel: String
    var messages: [ChatMessage]
    var createdAt: Int64
    var lastActivity: Int64

    var key: String { Self.key(id) }
    static func key(_ id: String) -> String { "voice:session:\(id)" }
    /// What a person who takes the call over needs to know, for a short time.
    static let handOffKeptFor = Duration.seconds(300)
    static func handOffKey(_ id: String) -> String { "voice:handoff:\(id)" }

    var json: JSONValue {
        [
            "session_id": .string(id), "user_id": .string(person), "channel": .string(channel),
            "conversation_history": .array(messages.map(Self.json)),
            "current_agent": "task_manager", "created_at": .integer(createdAt),
            "last_activity": .integer(lastActivity), "context": [:],
        ]
    }

    var encoded: [UInt8] { json.encoded() }

    init(
        id: String, person: String, channel: String, messages: [ChatMessage] = [],
        createdAt: Int64, lastActivity: Int64
    ) {
        self.id = id
        self.person = person
        self.channel = channel
        self.messages = messages
        self.createdAt = createdAt
        self.lastActivity = lastActivity
    }

    /// Nil when the bytes are no such record: the session then starts anew.
    init?(_ bytes: [UInt8]) {
        guard let json = try? JSONParser.parse(bytes), let id = json["session_id"]?.text,
            let history = json["conversation_history"]?.items
        else { return nil }
        self.id = id
        person = json["user_id"]?.text ?? ""
        channel = json["channel"]?.text ?? "phone"
        messages = history.compactMap(Self.message)
        createdAt = Int64(json["created_at"]?.int ?? 0)
        lastActivity = Int64(json["last_activity"]?.int ?? 0)
    }

    /// The words of OpenAI's chat messages, which other agents over the same store understand.
    private static func json(_ message: ChatMessage) -> JSONValue {
        switch message {
        case .system(let text): ["role": "system", "content": .string(text)]
        // Pictures are not kept: what they led to is.
        case .caller(let text), .callerShowing(let text, _):
            ["role": "user", "content": .string(text)]
        case .agent(let text): ["role": "assistant", "content": .string(text)]
        case .toolCalls(let calls):
            [
                "role": "assistant",
                "tool_calls": .array(
                    calls.map { call in
                        [
                            "id": .string(call.id), "type": "function",
                            "function": [
                                "name": .string(call.name), "arguments": .string(call.arguments),
                            ],
                        ]
                    }),
            ]
        case .toolResult(let id, let content):
            ["role": "tool", "tool_call_id": .string(id), "content": .string(content)]
        }
    }

    private static func message(_ json: JSONValue) -> ChatMessage? {
        let content = json["content"]?.text ?? ""
        switch json["role"]?.text {
        case "user": return .caller(content)
        case "assistant":
            guard let calls = json["tool_calls"]?.items else { return .agent(content) }
            return .toolCalls(
                calls.compactMap { call in
                    guard let id = call["id"]?.text, let name = call["function"]?["name"]?.text
                    else { return nil }
                    return ToolCall(
                        id: id, name: name,
                        arguments: call["function"]?["arguments"]?.text ?? "{}")
                })
        case "tool":
            guard let id = json["tool_call_id"]?.text else { return nil }
            return .toolResult(id: id, content: content)
        default: return nil
        }
    }
}
