import UproarCore
import UproarRuntime

/// One answer of an emulated model on its way: waits for its first token, then gives piece after piece at its pace.
///
/// ```
///  request ──first token──► 1st piece ──interval──► 2nd ─► … ─► last      (whole: all at the time of the last)
/// ```
/// The vendor's reply says the pieces in its own words; facts and usage are stated here, the same for every vendor.
package final class ModelAnswerPump: TimerHandler {
    package let answer: ScriptedModel.Answer
    package let promptTokens: Int
    package let reference: TurnReference?
    package private(set) var completionTokens = 0
    /// The ids of its tool calls end in the reply's reference.
    package var namesCalls = false
    private let desk: ModelDesk
    private let key: UInt64
    private let isStreaming: Bool
    private let entry: RequestEntry
    private weak var sink: (any ModelAnswerSink)?
    private var timer = TimerID.none
    /// When piece `next` is due: computed from the one before, not from when that was sent.
    private var due = Instant.zero
    private var next = 0
    private var isOver = false

    init(
        _ answer: ScriptedModel.Answer, promptTokens: Int, reference: TurnReference?, key: UInt64,
        isStreaming: Bool, desk: ModelDesk, entry: RequestEntry
    ) {
        self.entry = entry
        self.answer = answer
        self.promptTokens = promptTokens
        self.reference = reference
        self.key = key
        self.isStreaming = isStreaming
        self.desk = desk
    }

    private var context: EmulatorContext { desk.context }

    /// - sink: held weakly; it owns the pump.
    package func start(_ sink: any ModelAnswerSink, at instant: Instant) {
        self.sink = sink
        due =
            instant
            + context.firstContent(
                entry.timing?.first ?? desk.settings.firstToken, desk.firstLabel, key,
                of: desk.provider, reference: reference, fields: entry.fields)
        if !isStreaming {
            for index in 1..<max(1, answer.pieces.count) { due += interval(before: index) }
        }
        timer = context.loop.schedule(self, at: due)
    }

    private func interval(before index: Int) -> Duration {
        context.draw(
            entry.timing?.tokenInterval ?? desk.settings.tokenInterval, desk.tokenLabel, key,
            index: UInt64(index))
    }

    package func timerFired(token: UInt64, now: Instant) {
        guard !isOver, let sink else { return }
        if next == 0 {
            if answer.kind == .text {
                context.state(
                    .modelFirstContent, of: desk.provider, at: now, reference: reference,
                    entry: entry)
            } else {
                entry.answers(at: now)
            }
        }
        guard isStreaming else {
            completionTokens = answer.tokens
            end(.modelFinished, at: now)
            sink.sayWhole(at: now)
            return entry.closeExchange(.answered, at: now)
        }
        completionTokens += answer.counts[next]
        next += 1
        let isLast = next == answer.pieces.count
        if isLast { end(.modelFinished, at: now) }
        sink.say(next - 1, isLast: isLast, at: now)
        if isLast { entry.closeExchange(.answered, at: now) }
        guard !isOver else { return }
        due += interval(before: next)
        timer = context.loop.schedule(self, at: due)
    }

    /// Nobody listens any more; the sink hears nothing further.
    package func cancel(at now: Instant) {
        guard !isOver else { return }
        context[desk.provider].cancelled += 1
        end(.modelCancelled, at: now)
        entry.closeExchange(.cancelled, at: now)
    }

    private func end(_ kind: FactKind, at now: Instant) {
        isOver = true
        context.loop.cancel(timer)
        let provider = desk.provider
        var usage = ProviderUsage()
        usage.promptTokens = Int64(promptTokens)
        usage.completionTokens = Int64(completionTokens)
        usage.requests = 1
        context[provider].usage += usage
        entry.add(usage)
        if kind == .modelFinished, case .tool = answer.kind {
            context.state(
                .modelToolCalled, of: provider, at: now, reference: reference,
                value: namesCalls ? 1 : 0)
        }
        context.state(
            kind, of: provider, at: now, reference: reference,
            value: Int64(promptTokens) << 32 | Int64(completionTokens))
        desk.leave()
    }
}

/// Says an answer in a vendor's words.
package protocol ModelAnswerSink: AnyObject {
    /// Piece `index` of a stream is due.
    func say(_ index: Int, isLast: Bool, at now: Instant)
    /// The answer that was not asked for as a stream is due.
    func sayWhole(at now: Instant)
}
