import UproarCore
import UproarRuntime
import UproarWire

/// A whole answer that waits for its time.
final class TimedAnswer: EmulatedReply, TimerHandler {
    private let status: Int
    private let headers: HTTPHeaders
    private let body: [UInt8]
    private let provider: ProviderID
    private let context: EmulatorContext
    private let connection: EmulatorConnection
    private var timer = TimerID.none
    private var isOver = false

    /// It is sent `wait` from now, unless the peer leaves before.
    init(
        _ status: Int, headers: HTTPHeaders = [:], body: [UInt8] = [], after wait: Duration,
        provider: ProviderID, context: EmulatorContext, connection: EmulatorConnection
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.provider = provider
        self.context = context
        self.connection = connection
        context[provider].usage.requests += 1
        timer = context.loop.schedule(self, at: context.now + wait)
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isOver else { return }
        isOver = true
        connection.respond(status: status, headers: headers, body: body)
    }

    func peerLeft(at instant: Instant) {
        guard !isOver else { return }
        isOver = true
        context.loop.cancel(timer)
        context[provider].cancelled += 1
    }
}
