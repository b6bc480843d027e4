import UproarCore
import UproarRuntime

/// At most so many requests to models at a time, over all calls of a worker: a plan's quota, or a client that keeps so many connections. Others
/// wait their turn, the longest wait first.
///
/// What waits here is asked of the caller's patience: a pool whose requests hang for long starves calls whose own provider is well.
package final class ModelPool {
    private let limit: Int
    private let loop: EventLoop
    private var active = 0
    private var waiting: [PooledReply] = []

    /// More wait than any worker has calls.
    private static let waitingLimit = 10_000

    /// - limit: at least 1.
    package init(limit: Int, loop: EventLoop) {
        precondition(limit >= 1, "a pool without a place")
        self.limit = limit
        self.loop = loop
    }

    package func pooled(_ client: any LanguageModel) -> any LanguageModel {
        PooledModel(client, pool: self)
    }

    fileprivate func enter(_ reply: PooledReply) {
        if active < limit {
            active += 1
            reply.begin()
        } else if waiting.count < Self.waitingLimit {
            waiting.append(reply)
        } else {
            loop.schedule(at: loop.now) { reply.refuse() }
        }
    }

    fileprivate func leave(_ reply: PooledReply, wasActive: Bool) {
        guard wasActive else {
            waiting.removeAll { $0 === reply }
            return
        }
        active -= 1
        guard !waiting.isEmpty else { return }
        active += 1
        waiting.removeFirst().begin()
    }
}

private final class PooledModel: LanguageModel {
    private let client: any LanguageModel
    private let pool: ModelPool

    init(_ client: any LanguageModel, pool: ModelPool) {
        self.client = client
        self.pool = pool
    }

    var provider: ProviderID { client.provider }

    func start(_ request: LanguageModelRequest, handler: any LanguageModelHandler)
        -> any LanguageModelReply
    {
        let reply = PooledReply(request, client, pool: pool, handler: handler)
        pool.enter(reply)
        return reply
    }
}

/// One request: waits, is under way, is over.
private final class PooledReply: LanguageModelReply, LanguageModelHandler {
    private let request: LanguageModelRequest
    private let client: any LanguageModel
    private let pool: ModelPool
    private var handler: (any LanguageModelHandler)?
    private var reply: (any LanguageModelReply)?
    private var isOver = false

    init(
        _ request: LanguageModelRequest, _ client: any LanguageModel, pool: ModelPool,
        handler: any LanguageModelHandler
    ) {
        self.request = request
        self.client = client
        self.pool = pool
        self.handler = handler
    }

    func begin() { reply = client.start(request, handler: self) }

    func refuse() { end()?.failed(.timedOut("pool"), on: self) }

    func cancel() {
        reply?.cancel()
        end()
    }

    @discardableResult
    private func end() -> (any LanguageModelHandler)? {
        guard !isOver else { return nil }
        isOver = true
        defer { handler = nil }
        pool.leave(self, wasActive: reply != nil)
        return handler
    }

    func received(text: String, on reply: any LanguageModelReply) {
        handler?.received(text: text, on: self)
    }

    func received(toolCall: ToolCall, on reply: any LanguageModelReply) {
        handler?.received(toolCall: toolCall, on: self)
    }

    func finished(_ usage: LanguageModelUsage, reason: String, on reply: any LanguageModelReply) {
        end()?.finished(usage, reason: reason, on: self)
    }

    func failed(_ failure: ProviderFailure, on reply: any LanguageModelReply) {
        end()?.failed(failure, on: self)
    }
}
