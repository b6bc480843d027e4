import UproarCore
import UproarRuntime
import UproarWire

/// One answer in work: waits for its first token, then sends piece after piece at its pace.
///
/// ```
///  request ──first token──► head, role, 1st piece ──interval──► 2nd ─► … ─► finish, usage, [DONE]
/// ```
final class ChatCompletionReply: EmulatedReply, TimerHandler {
    private let answer: ScriptedModel.Answer
    private let request: ChatCompletionRequest
    private let promptTokens: Int
    private let reference: TurnReference?
    private let key: UInt64
    private let headers: HTTPHeaders
    private let writer: ChatCompletionWriter
    private let emulator: OpenAIEmulator
    private let connection: EmulatorConnection
    private var timer = TimerID.none
    /// When piece `next` is due: computed from the one before, not from when that was sent.
    private var due = Instant.zero
    private var next = 0
    private var completionTokens = 0
    private var isOver = false

    init(
        answer: ScriptedModel.Answer, request: ChatCompletionRequest, promptTokens: Int,
        reference: TurnReference?, key: UInt64, id: String, headers: HTTPHeaders,
        emulator: OpenAIEmulator, connection: EmulatorConnection
    ) {
        self.answer = answer
        self.request = request
        self.promptTokens = promptTokens
        self.reference = reference
        self.key = key
        self.headers = headers
        self.emulator = emulator
        self.connection = connection
        writer = ChatCompletionWriter(
            id: id, created: emulator.context.unixSeconds, model: request.model,
            includesUsage: request.includesUsage)
    }

    private var context: EmulatorContext { emulator.context }

    func start(at instant: Instant) {
        due =
            instant
            + context.firstContent(
                emulator.settings.firstToken, "openai first token", key, of: .openai,
                reference: reference)
        if !request.isStreaming {
            for index in 1..<answer.pieces.count { due += interval(before: index) }
        }
        timer = context.loop.schedule(self, at: due)
    }

    private func interval(before index: Int) -> Duration {
        context.draw(
            emulator.settings.tokenInterval, "openai token", key, index: UInt64(index))
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isOver else { return }
        guard request.isStreaming else { return sendWhole(at: now) }
        connection.together { sendPiece(at: now) }
    }

    private func sendPiece(at now: Instant) {
        var output: [UInt8] = []
        if next == 0 {
            var fields = headers
            fields["Content-Type"] = "text/event-stream; charset=utf-8"
            connection.startBody(status: 200, headers: fields)
            begin(into: &output)
        }
        writePiece(next, into: &output)
        if next == 0 { stateFirst(at: now) }
        completionTokens += answer.counts[next]
        next += 1
        guard next < answer.pieces.count else { return finish(&output, at: now) }
        connection.sendBody(output.span.bytes)
        due += interval(before: next)
        timer = context.loop.schedule(self, at: due)
    }

    private var callID: String { "call_" + writer.id.suffix(24) }

    private func begin(into output: inout [UInt8]) {
        switch answer.kind {
        case .text: writer.begin(into: &output)
        case .tool(let name):
            writer.beginToolCall(index: 0, id: callID, name: name, into: &output)
        }
    }

    private func writePiece(_ index: Int, into output: inout [UInt8]) {
        switch answer.kind {
        case .text: writer.content(answer.pieces[index], into: &output)
        case .tool: writer.toolArguments(index: 0, answer.pieces[index], into: &output)
        }
    }

    private func stateFirst(at now: Instant) {
        guard answer.kind == .text else { return }
        context.state(.modelFirstContent, of: .openai, at: now, reference: reference)
    }

    private func finish(_ output: inout [UInt8], at now: Instant) {
        writer.finish(answer.finish, into: &output)
        if request.includesUsage {
            writer.usage(prompt: promptTokens, completion: completionTokens, into: &output)
        }
        writer.done(into: &output)
        end(.modelFinished, at: now)
        connection.sendBody(output.span.bytes)
        connection.endBody()
    }

    private func sendWhole(at now: Instant) {
        completionTokens = answer.tokens
        let whole: ChatCompletionWriter.Answer
        switch answer.kind {
        case .text: whole = .text(answer.whole)
        case .tool(let name):
            whole = .toolCalls([ToolCall(id: callID, name: name, arguments: answer.whole)])
        }
        stateFirst(at: now)
        end(.modelFinished, at: now)
        connection.respond(
            status: 200, headers: headers,
            json: writer.whole(
                whole, finish: answer.finish, prompt: promptTokens, completion: completionTokens))
    }

    func peerLeft(at instant: Instant) {
        guard !isOver else { return }
        context[.openai].cancelled += 1
        end(.modelCancelled, at: instant)
    }

    private func end(_ kind: FactKind, at instant: Instant) {
        isOver = true
        context.loop.cancel(timer)
        context[.openai].usage.promptTokens += Int64(promptTokens)
        context[.openai].usage.completionTokens += Int64(completionTokens)
        context[.openai].usage.requests += 1
        if kind == .modelFinished, case .tool = answer.kind {
            context.state(.modelToolCalled, of: .openai, at: instant, reference: reference)
        }
        context.state(
            kind, of: .openai, at: instant, reference: reference,
            value: Int64(promptTokens) << 32 | Int64(completionTokens))
        emulator.finished()
    }
}
