import Glibc
import UproarCore

/// The run's clock: CLOCK_MONOTONIC minus the run's epoch. All processes of one boot that share an epoch agree on it.
package struct RunClock: Hashable, Sendable {
    /// What CLOCK_MONOTONIC read at `Instant.zero`, in nanoseconds.
    package var epoch: Int64

    package init(epoch: Int64) { self.epoch = epoch }

    /// A clock that reads zero now.
    package static func starting() -> RunClock { RunClock(epoch: monotonic()) }

    package var now: Instant { Instant(nanoseconds: Self.monotonic() &- epoch) }

    private static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
