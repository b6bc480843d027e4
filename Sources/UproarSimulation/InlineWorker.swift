import UproarRuntime

/// Background work in simulation: done at once, reported in the loop's next turn, so that it is the same every time.
package final class InlineWorker: BackgroundWorker {
    private let loop: EventLoop

    package init(loop: EventLoop) { self.loop = loop }

    @discardableResult
    package func run<Outcome: Sendable>(
        _ work: @escaping @Sendable () -> Outcome, then: @escaping (Outcome) -> Void
    ) -> Bool {
        let outcome = work()
        loop.schedule(at: loop.now) { then(outcome) }
        return true
    }
}
