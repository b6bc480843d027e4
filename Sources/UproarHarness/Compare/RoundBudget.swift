import Glibc
import UproarCore
import UproarStatistics

/// How long a comparison may go on asking for more runs.
///
/// Live that is the machine's time since the first of them began, with all that starts and stops around them; simulated it is the
/// virtual time of the runs, so that one seed always makes the same number of them.
struct RoundBudget {
    /// What a budget is where none is given: live, somebody waits for it.
    static func usual(_ live: Duration, isSimulated: Bool) -> Duration {
        isSimulated ? .seconds(3600) : live
    }

    let limit: Duration
    private let began: Duration?
    private var simulated = Duration.zero

    init(_ limit: Duration, isSimulated: Bool) {
        self.limit = limit
        began = isSimulated ? nil : Self.monotonic()
    }

    mutating func took(_ result: RunResult) { simulated += result.load.duration }

    /// No run begins any more.
    var isSpent: Bool { (began.map { Self.monotonic() - $0 } ?? simulated) > limit }

    private static func monotonic() -> Duration {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
    }
}
