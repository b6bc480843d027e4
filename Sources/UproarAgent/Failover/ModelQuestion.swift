import UproarCore
import UproarRuntime

/// Hears what becomes of a question.
protocol ModelQuestionHandler: AnyObject {
    func answered(text: String)
    func answered(toolCall: ToolCall)
    /// The answer is whole.
    func answeredWhole(_ usage: LanguageModelUsage, model: String)
    /// The answer broke off after its first content, and is not whole. `askOn` asks the next model.
    func brokeOff()
    /// Nobody answered.
    func unanswered()
}

/// One question to the models: goes down the chain until one answers, each attempt under its own deadlines.
///
///     ask ─► connect ─► first content ─► content … ─► whole
///              └──────────┴─ failed: the next model, at once
///                                      └─ failed: broke off, the one who asked decides
/// Where nobody is left the question waits: until a provider's rest is over, or a probe has closed a breaker, or its patience is at an
/// end. Then it is asked anew, one after the other of those who wait, so that the first to ask finds out for all; whose caller has waited
/// longest is the first, and a new question stands behind them.
///
/// The deadlines watch content, not bytes: a stream of keep-alives is as silent as none.
final class ModelQuestion: LanguageModelHandler, TimerHandler {
    struct Deadlines {
        var connect: Duration
        /// From the request to the first content.
        var firstContent: Duration
        /// Between two pieces of content, and to the end.
        var stall: Duration
        /// From the question to giving it up while nobody may be asked or everybody fails.
        var patience: Duration
    }

    private static let retries = 2
    private static let lookAgain = Duration.milliseconds(250)
    /// Between those who wait.
    private static let step = Duration.milliseconds(20)

    private let chain: ProviderChain<ModelCandidate>
    private let messages: [ChatMessage]
    private let tools: [ToolDeclaration]
    private let deadlines: Deadlines
    private let loop: EventLoop
    private let metrics: AgentMetrics
    private let since: Instant
    private weak var handler: (any ModelQuestionHandler)?
    private var ticket: Int?

    private var reply: (any LanguageModelReply)?
    private var place = 0
    private var tried: [Int] = []
    private var retried = 0
    private var begunAt = Instant.zero
    private var askedAt = Instant.zero
    private var hasContent = false
    private var lastContent = Instant.zero
    private var isWaiting = false
    private var isHopeless = false
    private var timer = TimerID.none
    private var pause = TimerID.none
    private let backoff = Backoff()
    private var random: RandomStream

    /// - since: how long the caller has waited: where several questions wait, his place among them.
    init(
        _ chain: ProviderChain<ModelCandidate>, _ messages: [ChatMessage],
        tools: [ToolDeclaration], deadlines: Deadlines, since: Instant, loop: EventLoop,
        metrics: AgentMetrics, random: RandomStream, handler: any ModelQuestionHandler
    ) {
        self.chain = chain
        self.messages = messages
        self.tools = tools
        self.deadlines = deadlines
        self.loop = loop
        self.metrics = metrics
        self.since = since
        self.random = random
        self.handler = handler
    }

    /// The model that is being asked.
    var model: String { chain[place].model }

    /// The handler hears nothing before this returns.
    func ask() {
        chain.requested()
        begunAt = loop.now
        if chain.keepsLine, !chain.line.isEmpty, chain.isWorthWaiting {
            awaitSomebody()
        } else if let first = chain.choose() {
            ask(first)
        } else {
            // Nobody is known to work: one try, if the budget has one.
            retry()
        }
    }

    /// After `brokeOff`: asks the next model the same question.
    func askOn() {
        if let next = chain.choose(excluding: tried) {
            chain.failedOver(from: place, to: next)
            ask(next)
        } else {
            retry()
        }
    }

    func cancel() {
        handler = nil
        stop()
        loop.cancel(pause)
        leaveLine()
    }

    private func stop() {
        loop.cancel(timer)
        reply?.cancel()
        reply = nil
    }

    private func leaveLine() {
        if let ticket { chain.line.leave(ticket) }
        ticket = nil
    }

    private func ask(_ place: Int) {
        leaveLine()
        self.place = place
        tried.append(place)
        hasContent = false
        askedAt = loop.now
        lastContent = askedAt
        var http = HTTPDeadlines()
        http.connect = deadlines.connect
        http.firstByte = deadlines.firstContent
        let candidate = chain[place]
        reply = candidate.client.start(
            LanguageModelRequest(
                model: candidate.model, messages: messages, tools: tools, deadlines: http),
            handler: self)
        timer = loop.schedule(self, at: askedAt + deadlines.firstContent)
    }

    /// Everybody has failed: after a pause once more, within the budget; then whoever may be asked again is waited for.
    private func retry() {
        // Who has asked for patience is not asked sooner.
        let isResting = chain.restOver.map { $0 > loop.now } ?? false
        if !isResting, retried < Self.retries, let next = chain.lastResort() {
            let wait = backoff.pause(attempt: retried, &random)
            retried += 1
            tried = []
            pause = loop.schedule(at: loop.now + wait) { [weak self] in
                guard let self, handler != nil else { return }
                ask(next)
            }
        } else {
            awaitSomebody()
        }
    }

    private func awaitSomebody() {
        let now = loop.now
        let end = begunAt + deadlines.patience
        if !isWaiting, !chain.isWorthWaiting { isHopeless = true }
        isWaiting = true
        guard now < end, !isHopeless else {
            leaveLine()
            if now >= end { chain.gaveUp() }
            // Never from within `ask`.
            pause = loop.schedule(at: now) { [weak self] in self?.handler?.unanswered() }
            return
        }
        let ticket = ticket ?? chain.line.join(since: since)
        self.ticket = ticket
        let step = min(Self.step, Self.lookAgain / chain.line.count)
        // A step behind the end of the rest, where a probe finds out for all.
        let place = chain.keepsLine ? chain.line.place(of: ticket) + 1 : 1
        let due = max(now + Self.lookAgain, chain.restOver ?? now) + step * place
        pause = loop.schedule(at: min(due, max(end, now + .milliseconds(1)))) { [weak self] in
            guard let self, handler != nil else { return }
            guard let next = chain.choose() else { return awaitSomebody() }
            tried = []
            ask(next)
        }
    }

    private func fail(_ failure: ProviderFailure) {
        let hadContent = hasContent
        stop()
        chain.failed(place, failure)
        guard handler != nil else { return }
        if hadContent { handler?.brokeOff() } else { askOn() }
    }

    private func noteContent() {
        lastContent = loop.now
        guard !hasContent else { return }
        hasContent = true
        metrics.observe(.llmDuration, [chain.name(place)], (loop.now - askedAt).inSeconds)
    }

    func timerFired(token: UInt64, now: Instant) {
        let due = hasContent ? lastContent + deadlines.stall : askedAt + deadlines.firstContent
        guard now >= due else {
            timer = loop.schedule(self, at: due)
            return
        }
        fail(.timedOut(hasContent ? "stall" : "first byte"))
    }

    // MARK: LanguageModelHandler

    func received(text: String, on reply: any LanguageModelReply) {
        guard reply === self.reply else { return }
        noteContent()
        handler?.answered(text: text)
    }

    func received(toolCall: ToolCall, on reply: any LanguageModelReply) {
        guard reply === self.reply else { return }
        noteContent()
        handler?.answered(toolCall: toolCall)
    }

    func finished(
        _ usage: LanguageModelUsage, reason: String, on reply: any LanguageModelReply
    ) {
        guard reply === self.reply else { return }
        self.reply = nil
        loop.cancel(timer)
        guard hasContent else { return fail(.empty) }
        // A filter's or a limit's end is no whole answer, and another model may do better.
        guard reason != "length" && reason != "content_filter" else {
            return fail(.reported("the answer ended with \(reason)"))
        }
        chain.succeeded(place, begunAt: askedAt)
        handler?.answeredWhole(usage, model: chain[place].model)
    }

    func failed(_ failure: ProviderFailure, on reply: any LanguageModelReply) {
        guard reply === self.reply else { return }
        self.reply = nil
        fail(failure)
    }
}
