import UproarCore

/// Writes the events of one response, each with its `sequence_number`, and the response object that several of them carry.
struct ResponsesWriter {
    let id: String
    let itemID: String
    let callID: String
    private let created: Int64
    private let model: String
    private let echoed: [JSONValue.Member]
    private var sequence = 0

    init(
        id: String, itemID: String, callID: String, created: Int64, request: ResponsesRequest
    ) {
        self.id = id
        self.itemID = itemID
        self.callID = callID
        self.created = created
        model = request.chat.model
        echoed = request.echoed
    }

    enum Status: String {
        case inProgress = "in_progress"
        case completed, incomplete, failed, cancelled
    }

    /// - reason: why it is incomplete.
    func response(
        _ status: Status, output: [JSONValue] = [], usage: JSONValue = .null,
        reason: String? = nil, problem: OpenAIProblem? = nil
    ) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(id)), .init("object", "response"),
            .init("created_at", .integer(created)), .init("status", .string(status.rawValue)),
            .init("background", false),
            .init(
                "error",
                problem.map {
                    [
                        "code": .string($0.code ?? "server_error"), "message": .string($0.message),
                    ]
                } ?? .null),
            .init("incomplete_details", reason.map { ["reason": .string($0)] } ?? .null),
            .init("model", .string(model)), .init("output", .array(output)),
        ]
        members += echoed
        members += [
            .init("service_tier", "default"), .init("usage", usage), .init("user", nil),
        ]
        return .object(members)
    }

    /// Every key is needed by LiveKit's parser.
    static func usage(prompt: Int, completion: Int) -> JSONValue {
        [
            "input_tokens": JSONValue(prompt),
            "input_tokens_details": ["cached_tokens": 0, "cache_write_tokens": 0],
            "output_tokens": JSONValue(completion),
            "output_tokens_details": ["reasoning_tokens": 0],
            "total_tokens": JSONValue(prompt + completion),
        ]
    }

    func message(_ text: String?, _ status: Status) -> JSONValue {
        [
            "id": .string(itemID), "type": "message", "status": .string(status.rawValue),
            "role": "assistant", "content": .array(text.map { [Self.part($0)] } ?? []),
        ]
    }

    static func part(_ text: String) -> JSONValue {
        ["type": "output_text", "text": .string(text), "annotations": [], "logprobs": []]
    }

    func call(_ name: String, _ arguments: String, _ status: Status) -> JSONValue {
        [
            "id": .string(itemID), "type": "function_call", "status": .string(status.rawValue),
            "arguments": .string(arguments), "call_id": .string(callID), "name": .string(name),
        ]
    }

    // MARK: Events

    /// One event as JSON.
    mutating func event(_ type: String, _ fields: JSONValue) -> [UInt8] {
        var bytes: [UInt8] = []
        let members: [JSONValue.Member] =
            [.init("type", .string(type)), .init("sequence_number", JSONValue(sequence))]
            + (fields.members ?? [])
        JSONValue.object(members).write(into: &bytes)
        sequence += 1
        return bytes
    }

    /// The event of which there are most, written without building a value.
    mutating func delta(_ text: String, isText: Bool) -> [UInt8] {
        var bytes = Array(
            (isText
                ? "{\"type\":\"response.output_text.delta\""
                : "{\"type\":\"response.function_call_arguments.delta\"").utf8)
        bytes.append(
            contentsOf:
                ",\"sequence_number\":\(sequence),\"item_id\":\"\(itemID)\",\"output_index\":0".utf8
        )
        if isText { bytes.append(contentsOf: ",\"content_index\":0,\"logprobs\":[]".utf8) }
        bytes.append(contentsOf: ",\"delta\":".utf8)
        JSONValue.write(text, into: &bytes)
        bytes.append(UInt8(ascii: "}"))
        sequence += 1
        return bytes
    }

    /// As the body of an HTTP answer carries an event.
    static func serverSent(_ type: String, _ event: [UInt8]) -> [UInt8] {
        Array("event: \(type)\ndata: ".utf8) + event + Array("\n\n".utf8)
    }

    /// An error outside of any response.
    static func failure(_ problem: OpenAIProblem) -> JSONValue {
        [
            "type": "error", "status": JSONValue(problem.status),
            "error": problem.json["error"] ?? .null,
            "code": JSONValue(problem.code), "message": .string(problem.message),
            "param": JSONValue(problem.parameter), "sequence_number": 0,
        ]
    }
}
