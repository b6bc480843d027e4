import UproarCore

/// On for the first part of each period, off for the rest: how a share of time is carried out.
package struct DutyCycle: Hashable, Sendable {
    package let period: Duration
    package let on: Duration

    /// - share: of each period, 0 to 1; at least one part in a hundred is left.
    package init(share: Double, period: Duration) {
        self.period = period
        on = .nanoseconds(Int64(Double(period.nanoseconds) * min(1, max(0.01, share))))
    }

    /// Whether it is on so long after its start.
    package func isOn(after time: Duration) -> Bool {
        time.nanoseconds % period.nanoseconds < on.nanoseconds
    }

    /// The next change after `time`; both count from the start.
    package func next(after time: Duration) -> Duration {
        let phase = time.nanoseconds % period.nanoseconds
        let start = time.nanoseconds - phase
        return .nanoseconds(start + (phase < on.nanoseconds ? on.nanoseconds : period.nanoseconds))
    }
}
