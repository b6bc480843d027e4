import UproarCore
import UproarRuntime
import UproarWire

/// The answer to one request for a response: its events in the vendor's order, on a WebSocket or as an HTTP body, or one object.
///
/// ```
///  created, in_progress ─► output_item.added, content_part.added ─► delta … ─► done, done, output_item.done ─► completed
/// ```
final class ResponsesReply: EmulatedReply, ModelAnswerSink {
    enum Channel {
        case body(HTTPHeaders)
        case whole(HTTPHeaders)
        case socket
    }

    let id: String
    private let pump: ModelAnswerPump
    private let channel: Channel
    private let connection: EmulatorConnection
    private var writer: ResponsesWriter
    private var said = ""
    private var hasBegunItem = false
    private var isOver = false
    /// Says what the conversation has become, when the answer is whole.
    private let ended: (_ answer: ChatCompletionRequest.Message?) -> Void

    init(
        _ pump: ModelAnswerPump, writer: ResponsesWriter, channel: Channel,
        connection: EmulatorConnection,
        ended: @escaping (_ answer: ChatCompletionRequest.Message?) -> Void
    ) {
        id = writer.id
        self.pump = pump
        self.writer = writer
        self.channel = channel
        self.connection = connection
        self.ended = ended
    }

    /// What a stream says at once: a client sees that its request was taken.
    func start(at now: Instant) {
        if let reference = pump.reference { connection.reference = reference.asUtterance }
        if case .whole = channel {} else { connection.together { begin() } }
        pump.start(self, at: now)
    }

    private func begin() {
        if case .body(var headers) = channel {
            headers["Content-Type"] = "text/event-stream; charset=utf-8"
            connection.startBody(status: 200, headers: headers)
        }
        put("response.created", ["response": writer.response(.inProgress)])
        put("response.in_progress", ["response": writer.response(.inProgress)])
    }

    func peerLeft(at instant: Instant) {
        guard !isOver else { return }
        isOver = true
        pump.cancel(at: instant)
    }

    /// The client wants no more of it; what was said stays said.
    func cancel(at now: Instant) {
        guard !isOver else { return }
        isOver = true
        pump.cancel(at: now)
        connection.together {
            let output = hasBegunItem ? [item(.incomplete)] : []
            put(
                "response.incomplete",
                ["response": writer.response(.incomplete, output: output, usage: usage)])
        }
        ended(pump.answer.kind == .text ? .init(.assistant, said) : nil)
    }

    private var usage: JSONValue {
        ResponsesWriter.usage(prompt: pump.promptTokens, completion: pump.completionTokens)
    }

    private func item(_ status: ResponsesWriter.Status) -> JSONValue {
        switch pump.answer.kind {
        case .text: writer.message(said, status)
        case .tool(let name): writer.call(name, said, status)
        }
    }

    private var answer: ChatCompletionRequest.Message {
        guard case .tool(let name) = pump.answer.kind else { return .init(.assistant, said) }
        return .init(
            .assistant, "", callsTools: true, toolByteCount: name.utf8.count + said.utf8.count)
    }

    // MARK: ModelAnswerSink

    func say(_ index: Int, isLast: Bool, at now: Instant) {
        connection.together {
            if index == 0 { beginItem() }
            let piece = pump.answer.pieces[index]
            said += piece
            let isText = pump.answer.kind == .text
            put(
                isText ? "response.output_text.delta" : "response.function_call_arguments.delta",
                writer.delta(piece, isText: isText))
            if isLast { finish() }
        }
    }

    private func beginItem() {
        hasBegunItem = true
        switch pump.answer.kind {
        case .text:
            put(
                "response.output_item.added",
                ["output_index": 0, "item": writer.message(nil, .inProgress)])
            put("response.content_part.added", part("part", ResponsesWriter.part("")))
        case .tool(let name):
            put(
                "response.output_item.added",
                ["output_index": 0, "item": writer.call(name, "", .inProgress)])
        }
    }

    private func part(_ key: String, _ value: JSONValue) -> JSONValue {
        .object([
            .init("item_id", .string(writer.itemID)), .init("output_index", 0),
            .init("content_index", 0), .init(key, value),
        ])
    }

    private func finish() {
        isOver = true
        let isCut = pump.answer.isCutShort
        let status: ResponsesWriter.Status = isCut ? .incomplete : .completed
        switch pump.answer.kind {
        case .text:
            var done = part("text", .string(said))
            if case .object(let members) = done {
                done = .object(members + [.init("logprobs", [])])
            }
            put("response.output_text.done", done)
            put("response.content_part.done", part("part", ResponsesWriter.part(said)))
        case .tool(let name):
            put(
                "response.function_call_arguments.done",
                [
                    "item_id": .string(writer.itemID), "output_index": 0, "name": .string(name),
                    "arguments": .string(said),
                ])
        }
        put("response.output_item.done", ["output_index": 0, "item": item(status)])
        put(
            isCut ? "response.incomplete" : "response.completed",
            ["response": finished(status, isCut)])
        if case .body = channel { connection.endBody() }
        ended(answer)
    }

    private func finished(_ status: ResponsesWriter.Status, _ isCut: Bool) -> JSONValue {
        writer.response(
            status, output: [item(status)], usage: usage,
            reason: isCut ? "max_output_tokens" : nil)
    }

    func sayWhole(at now: Instant) {
        guard case .whole(let headers) = channel else { return }
        isOver = true
        said = pump.answer.whole
        let isCut = pump.answer.isCutShort
        ended(answer)
        connection.respond(
            status: 200, headers: headers,
            json: finished(isCut ? .incomplete : .completed, isCut))
    }

    // MARK: Sending

    private func put(_ type: String, _ fields: JSONValue) { put(type, writer.event(type, fields)) }

    private func put(_ type: String, _ event: [UInt8]) {
        guard case .body = channel else { return connection.send(text: event.span.bytes) }
        let bytes = ResponsesWriter.serverSent(type, event)
        connection.sendBody(bytes.span.bytes)
    }
}
