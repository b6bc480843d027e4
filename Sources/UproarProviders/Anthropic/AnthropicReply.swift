import UproarCore
import UproarRuntime
import UproarWire

/// The answer to `POST /v1/messages`: events as the vendor orders them, or one message.
///
/// ```
///  message_start, content_block_start ─► content_block_delta … ─► content_block_stop, message_delta, message_stop
/// ```
final class AnthropicReply: EmulatedReply, ModelAnswerSink {
    private let pump: ModelAnswerPump
    private let model: String
    private let id: String
    private let headers: HTTPHeaders
    private let connection: EmulatorConnection

    init(
        _ pump: ModelAnswerPump, model: String, id: String, headers: HTTPHeaders,
        connection: EmulatorConnection
    ) {
        self.pump = pump
        self.model = model
        self.id = id
        self.headers = headers
        self.connection = connection
    }

    func start(at now: Instant) { pump.start(self, at: now) }

    func peerLeft(at instant: Instant) { pump.cancel(at: instant) }

    private var toolID: String { "toolu_" + id.dropFirst(4) }

    private var stopReason: JSONValue {
        if pump.answer.isCutShort { return "max_tokens" }
        return pump.answer.kind == .text ? "end_turn" : "tool_use"
    }

    // MARK: ModelAnswerSink

    func say(_ index: Int, isLast: Bool, at now: Instant) {
        connection.together { put(index, isLast: isLast) }
    }

    private func put(_ index: Int, isLast: Bool) {
        var output: [UInt8] = []
        if index == 0 {
            var fields = headers
            fields["Content-Type"] = "text/event-stream; charset=utf-8"
            connection.startBody(status: 200, headers: fields)
            begin(into: &output)
        }
        let piece = JSONValue.string(pump.answer.pieces[index])
        Self.event(
            "content_block_delta",
            [
                "index": 0,
                "delta": pump.answer.kind == .text
                    ? ["type": "text_delta", "text": piece]
                    : ["type": "input_json_delta", "partial_json": piece],
            ], into: &output)
        if isLast { finish(into: &output) }
        connection.sendBody(output.span.bytes)
        if isLast { connection.endBody() }
    }

    private func begin(into output: inout [UInt8]) {
        Self.event(
            "message_start",
            ["message": message(content: [], stop: nil, outputTokens: 1)], into: &output)
        let block: JSONValue
        switch pump.answer.kind {
        case .text: block = ["type": "text", "text": ""]
        case .tool(let name):
            block = [
                "type": "tool_use", "id": .string(toolID), "name": .string(name),
                "input": .object([]),
            ]
        }
        Self.event(
            "content_block_start", ["index": 0, "content_block": block], into: &output)
        Self.event("ping", .object([]), into: &output)
    }

    private func finish(into output: inout [UInt8]) {
        Self.event("content_block_stop", ["index": 0], into: &output)
        Self.event(
            "message_delta",
            [
                "delta": ["stop_reason": stopReason, "stop_sequence": nil],
                "usage": ["output_tokens": JSONValue(max(1, pump.completionTokens))],
            ], into: &output)
        Self.event("message_stop", .object([]), into: &output)
    }

    func sayWhole(at now: Instant) {
        let block: JSONValue
        switch pump.answer.kind {
        case .text: block = ["type": "text", "text": .string(pump.answer.whole)]
        case .tool(let name):
            let arguments = try? JSONParser.parse(pump.answer.whole)
            block = [
                "type": "tool_use", "id": .string(toolID), "name": .string(name),
                "input": arguments ?? .object([]),
            ]
        }
        connection.respond(
            status: 200, headers: headers,
            json: message(
                content: [block], stop: stopReason, outputTokens: pump.completionTokens))
    }

    private func message(content: JSONValue, stop: JSONValue?, outputTokens: Int) -> JSONValue {
        [
            "id": .string(id), "type": "message", "role": "assistant", "model": .string(model),
            "content": content, "stop_reason": stop ?? .null, "stop_sequence": nil,
            "usage": [
                "input_tokens": JSONValue(pump.promptTokens), "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0, "output_tokens": JSONValue(outputTokens),
                "service_tier": "standard",
            ],
        ]
    }

    /// `event:` is needed: the vendor's SDK skips data without a name.
    static func event(_ name: String, _ data: JSONValue, into output: inout [UInt8]) {
        output.append(contentsOf: "event: \(name)\ndata: ".utf8)
        let members = [JSONValue.Member("type", .string(name))] + (data.members ?? [])
        JSONValue.object(members).write(into: &output)
        output.append(contentsOf: "\n\n".utf8)
    }
}
