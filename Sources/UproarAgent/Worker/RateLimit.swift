import UproarCore

/// How much one person may ask for: so many requests within a sliding window. Persons who have long been silent are forgotten.
struct RateLimit {
    private static let personLimit = 10_000

    let limit: Int
    let window: Duration
    private var times = OrderedTable<String, [Instant]>()

    /// - limit: 0 for none.
    init(limit: Int, window: Duration) {
        self.limit = limit
        self.window = window
    }

    /// Whether this request is still within the limit; it counts only then.
    mutating func allows(_ person: String, at now: Instant) -> Bool {
        guard limit > 0 else { return true }
        var known = times[person] ?? []
        known.removeAll { now - $0 >= window }
        let isAllowed = known.count < limit
        if isAllowed { known.append(now) }
        // Put behind the others: the one in front has been silent longest.
        times[person] = nil
        times[person] = known
        if times.count > Self.personLimit { times[times.keys[0]] = nil }
        return isAllowed
    }
}
