/// A point in time of one run: nanoseconds since the run's epoch (design: CLOCK_MONOTONIC minus the epoch).
///
/// May be negative (something that happened before the epoch). Never wall-clock time.
package struct Instant: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let zero = Instant(nanoseconds: 0)
    /// Later than every deadline: a wait without one.
    package static let distantFuture = Instant(nanoseconds: .max)

    package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func > (a: Instant, b: Instant) -> Bool { a.nanoseconds > b.nanoseconds }
    package static func <= (a: Instant, b: Instant) -> Bool { a.nanoseconds <= b.nanoseconds }
    package static func >= (a: Instant, b: Instant) -> Bool { a.nanoseconds >= b.nanoseconds }

    package static func + (a: Instant, b: Duration) -> Instant {
        Instant(nanoseconds: a.nanoseconds &+ b.nanoseconds)
    }

    package static func - (a: Instant, b: Duration) -> Instant {
        Instant(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }

    package static func - (a: Instant, b: Instant) -> Duration {
        .nanoseconds(a.nanoseconds &- b.nanoseconds)
    }

    package static func += (a: inout Instant, b: Duration) { a = a + b }

    /// Seconds since the run's epoch, for text only.
    package var seconds: Double { Double(nanoseconds) / 1e9 }
    /// Whole milliseconds since the run's epoch, rounded down.
    package var milliseconds: Int64 {
        nanoseconds >= 0 ? nanoseconds / 1_000_000 : (nanoseconds - 999_999) / 1_000_000
    }
}

extension Duration {
    /// The whole nanoseconds of this duration; what is below one nanosecond is cut off.
    package var nanoseconds: Int64 {
        // Up to 9 s one short division does it.
        if let short = Int64(exactly: attoseconds) { return short / 1_000_000_000 }
        // Up to an hour too, once the 2^9 in 10^9 are taken out; below zero a shift would round the other way.
        if attoseconds >= 0, let longer = Int64(exactly: attoseconds >> 9) {
            return longer / 1_953_125
        }
        let parts = components
        return parts.seconds &* 1_000_000_000 &+ parts.attoseconds / 1_000_000_000
    }

    package var inSeconds: Double { Double(nanoseconds) / 1e9 }
    package var inMilliseconds: Double { Double(nanoseconds) / 1e6 }

    /// A duration from a number of seconds read from text; rounded to the nanosecond.
    package static func fromSeconds(_ seconds: Double) -> Duration {
        .nanoseconds(Int64((seconds * 1e9).rounded()))
    }
}
