import UproarCore

/// A timer of the control plane: a closure called once.
final class ClosureTimer: TimerHandler {
    private let body: () -> Void

    init(_ body: @escaping () -> Void) { self.body = body }

    func timerFired(token: UInt64, now: Instant) { body() }
}
