import UproarCore
import UproarRuntime
import UproarWire

/// Where requests for responses are taken, over HTTP and on WebSockets alike.
final class ResponsesCounter {
    let context: EmulatorContext
    private let desk: ModelDesk
    private var shelf = ResponsesShelf()
    private var ordinal: UInt64 = 0

    init(_ desk: ModelDesk, context: EmulatorContext) {
        self.desk = desk
        self.context = context
    }

    /// The whole conversation a request is about; throws when the response it goes on from is not known.
    private func conversation(of request: ResponsesRequest) throws(OpenAIProblem)
        -> [ChatCompletionRequest.Message]
    {
        var messages: [ChatCompletionRequest.Message] = []
        if let previous = request.previous {
            guard let known = shelf[previous] else {
                throw OpenAIProblem(
                    status: 400, message: "Previous response with id '\(previous)' not found.",
                    type: "invalid_request_error", parameter: "previous_response_id",
                    code: "previous_response_not_found")
            }
            messages = known
        }
        return messages + request.chat.messages
    }

    /// - ended: the answer is whole, cancelled or cut short; not said when the peer leaves.
    func reply(
        to request: ResponsesRequest, channel: ResponsesReply.Channel,
        on connection: EmulatorConnection, at now: Instant, ended: @escaping () -> Void
    ) throws(OpenAIProblem) -> ResponsesReply {
        let conversation = try conversation(of: request)
        var chat = request.chat
        // Instructions are of this request alone and do not become part of the conversation.
        chat.messages = (request.instructions.map { [.init(.system, $0)] } ?? []) + conversation
        ordinal += 1
        guard
            let pump = desk.begin(
                chat, ordinal: 1 << 40 | ordinal, on: connection, at: now)
        else {
            throw .rateLimited(retryAfter: .seconds(1))
        }
        func name(_ label: StaticString) -> String {
            OpenAIAnswer.identifier(context, label, ordinal, 32)
        }
        let isTool = pump.answer.kind != .text
        let writer = ResponsesWriter(
            id: "resp_" + name("response"),
            itemID: (isTool ? "fc_" : "msg_") + name("response item"),
            callID: "call_" + name("response call").prefix(24), created: context.unixSeconds,
            request: request)
        return ResponsesReply(pump, writer: writer, channel: channel, connection: connection) {
            [self] answer in
            // A WebSocket goes on from its own responses whether they are stored or not.
            var isKept = request.isStored
            if case .socket = channel { isKept = true }
            if isKept {
                shelf.keep(conversation + (answer.map { [$0] } ?? []), as: writer.id)
            }
            ended()
        }
    }

    func utterance(of request: ResponsesRequest) -> TurnReference? {
        var chat = request.chat
        chat.messages = (request.previous.flatMap { shelf[$0] } ?? []) + chat.messages
        return desk.utterance(of: chat)
    }

    /// Success in the vendor's shape, with nothing in it.
    func answerEmpty(_ body: [UInt8], headers: HTTPHeaders, on connection: EmulatorConnection) {
        guard let request = try? ResponsesRequest(parsing: body) else {
            return connection.respond(status: 200, headers: headers, json: .object([]))
        }
        ordinal += 1
        let id = "resp_" + OpenAIAnswer.identifier(context, "response", ordinal, 32)
        var writer = ResponsesWriter(
            id: id, itemID: "", callID: "", created: context.unixSeconds, request: request)
        let usage = ResponsesWriter.usage(prompt: 0, completion: 0)
        guard request.chat.isStreaming else {
            return connection.respond(
                status: 200, headers: headers, json: writer.response(.completed, usage: usage))
        }
        let created = writer.event(
            "response.created", ["response": writer.response(.inProgress)])
        let completed = writer.event(
            "response.completed", ["response": writer.response(.completed, usage: usage)])
        var headers = headers
        headers["Content-Type"] = "text/event-stream; charset=utf-8"
        connection.respond(
            status: 200, headers: headers,
            body: ResponsesWriter.serverSent("response.created", created)
                + ResponsesWriter.serverSent("response.completed", completed))
    }

    func refused(_ problem: OpenAIProblem, call: UInt32?) {
        context[desk.provider].refused += 1
        context.state(
            .providerRefused, of: desk.provider, at: context.now, call: call,
            detail: UInt32(problem.status))
    }
}
