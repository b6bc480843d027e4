import UproarCore
import UproarRuntime

/// What every emulated vendor of models does with a request before it words the answer.
package final class ModelDesk {
    package struct Settings: Hashable, Sendable {
        package var firstToken: Distribution
        package var tokenInterval: Distribution
        package var concurrencyLimit: Int?
    }

    package let provider: ProviderID
    package let settings: Settings
    let context: EmulatorContext
    let firstLabel: StaticString
    let tokenLabel: StaticString
    private let model: ScriptedModel
    private var inWork = 0
    /// Calls whose first request has been looked at for words of other calls.
    private var known: Set<UInt32> = []

    package init(
        _ provider: ProviderID, script: LanguageModelScript, settings: Settings,
        firstLabel: StaticString, tokenLabel: StaticString, context: EmulatorContext
    ) {
        self.provider = provider
        self.settings = settings
        self.firstLabel = firstLabel
        self.tokenLabel = tokenLabel
        self.context = context
        model = ScriptedModel(
            script: script, references: context.references, isTagging: context.isTagging)
    }

    /// Answers in work now.
    package var count: Int { inWork }

    /// nil when as many are in work as may be.
    package func begin(
        _ request: ChatCompletionRequest, ordinal: UInt64, on connection: EmulatorConnection,
        at instant: Instant
    ) -> ModelAnswerPump? {
        if let limit = settings.concurrencyLimit, inWork >= limit { return nil }
        inWork += 1
        let prompt = model.prompt(of: request)
        let reference = prompt.utterance.map { context.replyNumbers.next(for: $0) }
        context.state(
            .modelRequested, of: provider, at: instant, reference: reference,
            detail: prompt.toolResult.rawValue)
        if let call = reference?.call, known.insert(call).inserted,
            let other = model.otherCall(in: request, than: call)
        {
            context.state(
                .historyRecalled, of: provider, at: instant, reference: reference, detail: other)
        }
        if let reference, !prompt.isAfterTool {
            for (reply, part) in model.held(in: request, of: reference) {
                context.state(
                    .historyHeld, of: provider, at: instant, reference: reply,
                    value: Int64(reference.rawValue), detail: part.rawValue)
            }
            for call in model.heldResults(in: request, of: reference) {
                context.state(
                    .toolResultHeld, of: provider, at: instant, reference: call,
                    value: Int64(reference.rawValue))
            }
        }
        let answer = model.answer(to: prompt, request: request, reply: reference)
        let key = reference.map { UInt64($0.rawValue) } ?? 1 << 32 | ordinal
        let entry = connection.exchange(provider, at: instant)
        entry.reference = reference
        return ModelAnswerPump(
            answer, promptTokens: prompt.tokens, reference: reference, key: key,
            isStreaming: request.isStreaming, desk: self, entry: entry)
    }

    func leave() { inWork -= 1 }

    /// The utterance a request is about.
    package func utterance(of request: ChatCompletionRequest) -> TurnReference? {
        model.prompt(of: request).utterance
    }

    /// A fault keeps a request from being answered: it was made all the same.
    package func missed(_ utterance: TurnReference, at instant: Instant) {
        context.state(
            .modelRequested, of: provider, at: instant,
            reference: context.replyNumbers.next(for: utterance))
    }
}
