import UproarCore
import UproarRuntime
import UproarWire

/// The answer to a chat completion: chunks as the vendor orders them, or one object.
///
/// ```
///  head, role, 1st piece ─► 2nd ─► … ─► last, finish, usage, [DONE]
/// ```
/// With `n` every choice says the same.
final class ChatCompletionReply: EmulatedReply, ModelAnswerSink {
    private let pump: ModelAnswerPump
    private let request: ChatCompletionRequest
    private let headers: HTTPHeaders
    private let writer: ChatCompletionWriter
    private let connection: EmulatorConnection

    init(
        _ pump: ModelAnswerPump, request: ChatCompletionRequest, id: String, headers: HTTPHeaders,
        created: Int64, connection: EmulatorConnection
    ) {
        self.pump = pump
        self.request = request
        self.headers = headers
        self.connection = connection
        writer = ChatCompletionWriter(
            id: id, created: created, model: request.model, includesUsage: request.includesUsage,
            choiceCount: request.choiceCount)
    }

    func start(at instant: Instant) {
        pump.namesCalls = true
        pump.start(self, at: instant)
    }

    func peerLeft(at instant: Instant) { pump.cancel(at: instant) }

    /// Opaque to agents. Ours ends in the reference of the reply, so that what an agent keeps under it can be told apart by turn.
    private var callID: String {
        guard let reference = pump.reference else { return "call_" + writer.id.suffix(24) }
        return "call_" + writer.id.suffix(16) + TurnReferenceText.hex(reference)
    }

    // MARK: ModelAnswerSink

    func say(_ index: Int, isLast: Bool, at now: Instant) {
        connection.together { put(index, isLast: isLast) }
    }

    private func put(_ index: Int, isLast: Bool) {
        let answer = pump.answer
        var output: [UInt8] = []
        if index == 0 {
            var fields = headers
            fields["Content-Type"] = "text/event-stream; charset=utf-8"
            connection.startBody(status: 200, headers: fields)
            switch answer.kind {
            case .text: writer.begin(into: &output)
            case .tool(let name):
                writer.beginToolCall(index: 0, id: callID, name: name, into: &output)
            }
        }
        switch answer.kind {
        case .text: writer.content(answer.pieces[index], into: &output)
        case .tool: writer.toolArguments(index: 0, answer.pieces[index], into: &output)
        }
        if isLast {
            writer.finish(answer.finish, into: &output)
            if request.includesUsage {
                writer.usage(
                    prompt: pump.promptTokens, completion: pump.completionTokens, into: &output)
            }
            writer.done(into: &output)
        }
        connection.sendBody(output.span.bytes)
        if isLast { connection.endBody() }
    }

    func sayWhole(at now: Instant) {
        let answer = pump.answer
        let whole: ChatCompletionWriter.Answer
        switch answer.kind {
        case .text: whole = .text(answer.whole)
        case .tool(let name):
            whole = .toolCalls([ToolCall(id: callID, name: name, arguments: answer.whole)])
        }
        connection.respond(
            status: 200, headers: headers,
            json: writer.whole(
                whole, finish: answer.finish, prompt: pump.promptTokens,
                completion: pump.completionTokens))
    }
}
