import UproarCore

/// A Prometheus histogram: counts up to fixed bounds, in seconds.
struct BucketHistogram: Hashable, Sendable {
    let bounds: [Double]
    /// One for each bound and one for what lies above; not cumulative.
    private(set) var counts: [Int]
    private(set) var sum = 0.0

    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    var count: Int { counts.reduce(0, +) }

    mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
