import UproarCore

/// What a timer calls. A timer is (handler, token, deadline): no closure per frame.
package protocol TimerHandler: AnyObject {
    /// `token` is the one given to `schedule`; `now` is at or after the deadline.
    func timerFired(token: UInt64, now: Instant)
}

/// Names one scheduled timer. A used or cancelled id is never reused within a run, so cancelling late is harmless.
package struct TimerID: Hashable, Sendable {
    package var sequence: UInt64
    package init(sequence: UInt64) { self.sequence = sequence }
    /// Names no timer: cancelling it does nothing.
    package static let none = TimerID(sequence: 0)
}
