/// How long to wait before the next attempt: doubles up to a limit, drawn between half and all of it, so that many who failed
/// together do not come back together.
///
/// | attempt | first 250 ms, longest 2 s |
/// |---|---|
/// | 0 | 125–250 ms |
/// | 1 | 250–500 ms |
/// | 2 | 500 ms–1 s |
/// | 3 and on | 1–2 s |
package struct Backoff: Hashable, Sendable {
    package var first: Duration
    package var longest: Duration

    package init(first: Duration = .milliseconds(250), longest: Duration = .seconds(2)) {
        self.first = first
        self.longest = longest
    }

    /// - attempt: from 0.
    package func pause(attempt: Int, _ random: inout RandomStream) -> Duration {
        let whole = min(
            first.nanoseconds << Int64(min(max(attempt, 0), 20)), longest.nanoseconds)
        return .nanoseconds(whole / 2 + Int64(Double(whole / 2) * random.unit()))
    }
}
