import UproarCore

/// A histogram's cumulative buckets as a quantile function, as far as buckets can tell.
struct BucketCurve: Hashable {
    /// Upper bound and how many were at or below it, in rising order; the last bound is the largest finite one.
    private(set) var points: [(bound: Duration, count: Double)]
    /// All, also those above the last bound.
    private(set) var count: Double

    /// Nil when there is no finite bucket or nothing was counted. Counts that fall (a scrape between two updates) are levelled.
    init?(_ buckets: [(bound: Duration?, count: Double)]) {
        let finite = buckets.compactMap { bucket in bucket.bound.map { ($0, bucket.count) } }
            .sorted { $0.0 < $1.0 }
        var level = 0.0
        points = finite.map { bound, count in
            level = max(level, count)
            return (bound, level)
        }
        count = max(level, buckets.map(\.count).max() ?? 0)
        guard !points.isEmpty, count > 0 else { return nil }
    }

    static func == (a: BucketCurve, b: BucketCurve) -> Bool {
        a.count == b.count && a.points.map(\.bound) == b.points.map(\.bound)
            && a.points.map(\.count) == b.points.map(\.count)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(count) }

    /// Interpolated evenly within its bucket, as Prometheus' `histogram_quantile` does; what lies above the last bound counts as that
    /// bound.
    func quantile(_ q: Double) -> Duration {
        let rank = q * count
        var low = (bound: Duration.zero, count: 0.0)
        for point in points {
            if rank <= point.count, point.count > low.count {
                let share = (rank - low.count) / (point.count - low.count)
                let span = Double((point.bound - low.bound).nanoseconds)
                return low.bound + .nanoseconds(Int64(span * max(0, share)))
            }
            low = point
        }
        return points[points.count - 1].bound
    }

    /// Which share of all is above the last bound.
    var unboundedShare: Double { 1 - points[points.count - 1].count / count }

    /// The bucket in which a quantile lies: what the interpolation does not know.
    func bucket(of q: Double) -> (low: Duration, high: Duration?) {
        var low = Duration.zero
        for point in points {
            if q * count <= point.count { return (low, point.bound) }
            low = point.bound
        }
        return (low, nil)
    }
}
