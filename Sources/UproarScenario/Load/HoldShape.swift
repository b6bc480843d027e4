import UproarCore

/// `hold: 200 callers for 60s`.
package struct HoldShape: Hashable, Sendable {
    package var callers: Int
    package var duration: Duration

    package init(callers: Int, duration: Duration) {
        self.callers = callers
        self.duration = duration
    }
}
