import UproarCore

/// How much one person may ask for: so many requests within a sliding window. Persons who have long been silent are forgotten.
struct RateLimit {
    private static let personLimit = 10_000

    let limit: Int
    let window: Duration
    private struct Person {
        var times: [Instant]
        /// The number of the latest request: an entry of `order` with an earlier one is out of date.
        var latest: UInt64
    }

    private var persons: [String: Person] = [:]
    /// Every request, by its number; those before `first` are of no use any more.
    private var order: [(person: String, number: UInt64)] = []
    private var first = 0
    private var lastNumber: UInt64 = 0

    /// - limit: 0 for none.
    init(limit: Int, window: Duration) {
        self.limit = limit
        self.window = window
    }

    /// Whether this request is still within the limit; it counts only then.
    mutating func allows(_ person: String, at now: Instant) -> Bool {
        guard limit > 0 else { return true }
        var times = persons[person]?.times ?? []
        times.removeAll { now - $0 >= window }
        let isAllowed = times.count < limit
        if isAllowed { times.append(now) }
        lastNumber += 1
        persons[person] = Person(times: times, latest: lastNumber)
        order.append((person, lastNumber))
        forget()
        return isAllowed
    }

    /// The one who has been silent longest, where they are too many; and entries out of date, before they are most of all.
    private mutating func forget() {
        while persons.count > Self.personLimit {
            let oldest = order[first]
            first += 1
            if persons[oldest.person]?.latest == oldest.number { persons[oldest.person] = nil }
        }
        guard order.count > 2 * persons.count + 64 else { return }
        order = order[first...].filter { persons[$0.person]?.latest == $0.number }
        first = 0
    }
}
