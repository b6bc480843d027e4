import UproarCore

/// The run's clock: CLOCK_MONOTONIC minus the run's epoch. All processes of one boot that share an epoch agree on it.
package struct RunClock: Hashable, Sendable {
    /// What CLOCK_MONOTONIC read at `Instant.zero`, in nanoseconds.
    package var epoch: Int64

    package init(epoch: Int64) { self.epoch = epoch }

    /// A clock that reads zero now.
    package static func starting() -> RunClock { RunClock(epoch: monotonicNanoseconds()) }

    package var now: Instant { Instant(nanoseconds: monotonicNanoseconds() &- epoch) }
}
