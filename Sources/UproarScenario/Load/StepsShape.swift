import UproarCore

/// `steps: 50 -> 200 callers by 50 every 30s`: each level is held for `every`, the last one too.
package struct StepsShape: Hashable, Sendable {
    package var from: Int
    package var to: Int
    package var step: Int
    package var every: Duration

    package init(from: Int, to: Int, step: Int, every: Duration) {
        precondition(step > 0)
        self.from = from
        self.to = to
        self.step = step
        self.every = every
    }

    /// The last one is `to`, also when the steps do not fit it.
    package var levels: [Int] {
        Array(stride(from: from, to: to, by: to < from ? -step : step)) + [to]
    }

    package var duration: Duration { every * levels.count }
}
