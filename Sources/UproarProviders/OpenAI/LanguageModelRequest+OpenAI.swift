import UproarCore
import UproarRuntime

/// A request of ours in the vendor's words: always a stream, always with usage.
extension LanguageModelRequest {
    package var chatCompletionJSON: JSONValue {
        var members: [JSONValue.Member] = [
            .init("model", .string(model)), .init("stream", true),
            .init("messages", .array(messages.map(\.chatCompletionJSON))),
            .init("stream_options", ["include_usage": true]),
        ]
        if !tools.isEmpty {
            members.append(
                .init(
                    "tools",
                    .array(
                        tools.map { tool in
                            [
                                "type": "function",
                                "function": [
                                    "name": .string(tool.name),
                                    "description": .string(tool.summary),
                                    "parameters": tool.parameters,
                                ],
                            ]
                        })))
        }
        return .object(members)
    }
}

extension ChatMessage {
    fileprivate var chatCompletionJSON: JSONValue {
        switch self {
        case .system(let text): ["role": "system", "content": .string(text)]
        case .caller(let text): ["role": "user", "content": .string(text)]
        case .callerShowing(let text, let picture):
            [
                "role": "user",
                "content": [
                    ["type": "text", "text": .string(text)],
                    [
                        "type": "image_url",
                        "image_url": ["url": .string(picture.dataURL), "detail": "low"],
                    ],
                ],
            ]
        case .agent(let text): ["role": "assistant", "content": .string(text)]
        case .toolCalls(let calls):
            [
                "role": "assistant", "content": nil,
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
}
