import UproarCore
import UproarRuntime

/// Watches the silence while a reply is owed: says when it has lasted for too long, again and again.
///
///     caller  ▇▇▇▇▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
///                 owed   ▲ after   ▲ after that
///     agent                 ▇▇         ▇▇   ▇▇▇▇▇▇ broken
final class SilenceGuard: TimerHandler {
    private let after: Duration
    private let loop: EventLoop
    private let tooLong: () -> Void
    private var since: Instant?
    private var timer = TimerID.none

    /// - after: zero for never.
    init(after: Duration, loop: EventLoop, tooLong: @escaping () -> Void) {
        self.after = after
        self.loop = loop
        self.tooLong = tooLong
    }

    /// The caller has been waiting since then, or will be from then on.
    func owed(at time: Instant) {
        since = time
        guard after > .zero else { return }
        loop.cancel(timer)
        timer = loop.schedule(self, at: max(loop.now, time + after))
    }

    /// Audio of the answer is being sent; how long the caller had waited, when he had.
    func broken(at now: Instant) -> Duration? {
        loop.cancel(timer)
        guard let since else { return nil }
        self.since = nil
        return since < now ? now - since : nil
    }

    /// Nothing is owed any more.
    func settled() {
        loop.cancel(timer)
        since = nil
    }

    func close() { settled() }

    func timerFired(token: UInt64, now: Instant) {
        guard since != nil else { return }
        timer = loop.schedule(self, at: now + after + .milliseconds(500))
        tooLong()
    }
}
