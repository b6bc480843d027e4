import UproarCore

/// How fast the plan of arrivals passes when a person bends it while it runs: plan time goes by at `percent` of the clock's, and stands
/// still at 0. Until somebody does, plan and clock are one.
///
/// ```
///   clock  0 ──── 10 s ──── 20 s ──── 30 s        from 10 s on 200 %, from 20 s on 0 %
///   plan   0 ──── 10 s ════ 30 s ---- 30 s
/// ```
package struct ArrivalPace: Hashable, Sendable {
    /// Of the planned rate; 0: no call is begun.
    package private(set) var percent = 100
    /// Where `percent` began to hold, on both.
    private var clock = Instant.zero
    private var plan = Instant.zero

    package init() {}

    /// Nobody has touched it.
    package var isPlanned: Bool { self == ArrivalPace() }

    /// What the plan's clock shows.
    package func planTime(_ now: Instant) -> Instant {
        guard !isPlanned else { return now }
        return plan + .nanoseconds((now - clock).nanoseconds / 100 * Int64(percent))
    }

    /// When something planned comes about; nil while nothing does.
    package func clockTime(_ due: Instant) -> Instant? {
        guard !isPlanned else { return due }
        guard due > plan else { return clock }
        guard percent > 0 else { return nil }
        return clock + .nanoseconds((due - plan).nanoseconds / Int64(percent) * 100)
    }

    /// From `now` on. - percent: 0 or more.
    package mutating func set(_ percent: Int, at now: Instant) {
        precondition(percent >= 0, "time does not go back")
        plan = planTime(now)
        clock = now
        self.percent = percent
    }
}
