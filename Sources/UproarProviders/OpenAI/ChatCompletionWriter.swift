import UproarCore
import UproarRuntime

/// Writes one answer: as server-sent events, or whole.
///
/// Order of a stream: `begin`, `content`* or tool calls, `finish`, `usage` when it was asked for, `done`.
package struct ChatCompletionWriter: Sendable {
    package let id: String
    package let created: Int64
    package let model: String
    /// Every chunk but the usage one carries `"usage":null` when usage was asked for.
    private let head: [UInt8]
    private let tail: [UInt8]

    private let choiceCount: Int

    package init(
        id: String, created: Int64, model: String, includesUsage: Bool, choiceCount: Int = 1
    ) {
        self.choiceCount = choiceCount
        self.id = id
        self.created = created
        self.model = model
        var head: [UInt8] = Array("data: {\"id\":".utf8)
        JSONValue.write(id, into: &head)
        head.append(
            contentsOf: ",\"object\":\"chat.completion.chunk\",\"created\":\(created),".utf8)
        head.append(contentsOf: "\"model\":".utf8)
        JSONValue.write(model, into: &head)
        head.append(
            contentsOf:
                ",\"service_tier\":\"default\",\"system_fingerprint\":\"\(Self.fingerprint)\"".utf8)
        self.head = head
        tail = Array((includesUsage ? ",\"usage\":null}\n\n" : "}\n\n").utf8)
    }

    private static let fingerprint = "fp_uproar"

    /// The chunk with the role and no content yet.
    package func begin(into output: inout [UInt8]) {
        chunk(into: &output) { output in
            output.append(
                contentsOf: "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}".utf8)
        }
    }

    package func content(_ text: String, into output: inout [UInt8]) {
        chunk(into: &output) { output in
            output.append(contentsOf: "{\"content\":".utf8)
            JSONValue.write(text, into: &output)
            output.append(UInt8(ascii: "}"))
        }
    }

    /// The first fragment of a tool call: its id and name, no arguments yet. The first call of an answer has the role as well.
    package func beginToolCall(
        index: Int, id: String, name: String, into output: inout [UInt8]
    ) {
        chunk(into: &output) { output in
            output.append(UInt8(ascii: "{"))
            if index == 0 {
                output.append(contentsOf: "\"role\":\"assistant\",\"content\":null,".utf8)
            }
            output.append(contentsOf: "\"tool_calls\":[{\"index\":\(index),\"id\":".utf8)
            JSONValue.write(id, into: &output)
            output.append(contentsOf: ",\"type\":\"function\",\"function\":{\"name\":".utf8)
            JSONValue.write(name, into: &output)
            output.append(contentsOf: ",\"arguments\":\"\"}}]".utf8)
            output.append(contentsOf: (index == 0 ? ",\"refusal\":null}" : "}").utf8)
        }
    }

    package func toolArguments(index: Int, _ fragment: String, into output: inout [UInt8]) {
        chunk(into: &output) { output in
            output.append(
                contentsOf:
                    "{\"tool_calls\":[{\"index\":\(index),\"function\":{\"arguments\":".utf8)
            JSONValue.write(fragment, into: &output)
            output.append(contentsOf: "}}]}".utf8)
        }
    }

    package func finish(_ reason: FinishReason, into output: inout [UInt8]) {
        chunk(finish: reason, into: &output) { $0.append(contentsOf: "{}".utf8) }
    }

    package func usage(prompt: Int, completion: Int, into output: inout [UInt8]) {
        output.append(contentsOf: head)
        output.append(contentsOf: ",\"choices\":[],\"usage\":".utf8)
        Self.usage(prompt: prompt, completion: completion).write(into: &output)
        output.append(contentsOf: "}\n\n".utf8)
    }

    package func done(into output: inout [UInt8]) {
        output.append(contentsOf: "data: [DONE]\n\n".utf8)
    }

    private func chunk(
        finish: FinishReason? = nil, into output: inout [UInt8], delta: (inout [UInt8]) -> Void
    ) {
        for choice in 0..<choiceCount {
            chunk(of: choice, finish: finish, into: &output, delta: delta)
        }
    }

    private func chunk(
        of choice: Int, finish: FinishReason?, into output: inout [UInt8],
        delta: (inout [UInt8]) -> Void
    ) {
        output.append(contentsOf: head)
        output.append(contentsOf: ",\"choices\":[{\"index\":\(choice),\"delta\":".utf8)
        delta(&output)
        output.append(contentsOf: ",\"logprobs\":null,\"finish_reason\":".utf8)
        if let finish {
            JSONValue.write(finish.rawValue, into: &output)
        } else {
            output.append(contentsOf: "null".utf8)
        }
        output.append(contentsOf: "}]".utf8)
        output.append(contentsOf: tail)
    }

    /// The answer of a request without `stream`.
    package func whole(
        _ answer: Answer, finish: FinishReason, prompt: Int, completion: Int
    ) -> JSONValue {
        var message: [JSONValue.Member] = [.init("role", "assistant")]
        switch answer {
        case .text(let text): message.append(.init("content", .string(text)))
        case .toolCalls(let calls):
            message.append(.init("content", nil))
            message.append(
                .init(
                    "tool_calls",
                    .array(
                        calls.map { call in
                            [
                                "id": .string(call.id), "type": "function",
                                "function": [
                                    "name": .string(call.name),
                                    "arguments": .string(call.arguments),
                                ],
                            ]
                        })))
        }
        message.append(.init("refusal", nil))
        message.append(.init("annotations", []))
        return [
            "id": .string(id), "object": "chat.completion", "created": .integer(created),
            "model": .string(model),
            "choices": .array(
                (0..<choiceCount).map {
                    [
                        "index": JSONValue($0), "message": .object(message), "logprobs": nil,
                        "finish_reason": .string(finish.rawValue),
                    ]
                }),
            "usage": Self.usage(prompt: prompt, completion: completion),
            "service_tier": "default", "system_fingerprint": .string(Self.fingerprint),
        ]
    }

    package enum Answer: Hashable, Sendable {
        case text(String)
        case toolCalls([ToolCall])
    }

    package enum FinishReason: String, Sendable {
        case stop, length
        case toolCalls = "tool_calls"
    }

    static func usage(prompt: Int, completion: Int) -> JSONValue {
        [
            "prompt_tokens": JSONValue(prompt), "completion_tokens": JSONValue(completion),
            "total_tokens": JSONValue(prompt + completion),
            "prompt_tokens_details": ["cached_tokens": 0, "audio_tokens": 0],
            "completion_tokens_details": [
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            ],
        ]
    }
}
