import UproarCore

/// `ramp: 0 -> 200 callers over 10s`: the level goes in a straight line, one caller at a time.
package struct CallerRampShape: Hashable, Sendable {
    package var from: Int
    package var to: Int
    package var over: Duration

    package init(from: Int, to: Int, over: Duration) {
        self.from = from
        self.to = to
        self.over = over
    }

    /// The times of the changes from the start of the line, `abs(to - from)` of them: the k-th caller (from 0) comes, or
    /// goes, at k/n of the line.
    package func change(_ index: Int) -> Duration {
        .nanoseconds(scaled(over.nanoseconds, index, abs(to - from)))
    }
}

/// `total × index / count` without overflow, rounded down. 0 when `count` is 0.
private func scaled(_ total: Int64, _ index: Int, _ count: Int) -> Int64 {
    guard count > 0 else { return 0 }
    let (high, low) = total.multipliedFullWidth(by: Int64(index))
    return Int64(count).dividingFullWidth((high, low)).quotient
}
