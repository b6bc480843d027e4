import UproarCore

/// How much one person may ask for: so many requests within a sliding window. Whoever has been silent for a window is forgotten, for
/// a worker meets new persons for as long as it runs; and whoever has been silent longest, where they are too many.
struct RateLimit {
    private static let personLimit = 10_000

    let limit: Int
    let window: Duration
    private struct Person {
        var times: [Instant]
        /// The number of the latest request: an entry of `order` with an earlier one is out of date.
        var latest: UInt64
    }

    private struct Request {
        var person: String
        var number: UInt64
        var at: Instant
    }

    private var persons: [String: Person] = [:]
    /// Every request, by its number; those before `first` are of no use any more.
    private var order: [Request] = []
    private var first = 0
    private var lastNumber: UInt64 = 0

    /// - limit: 0 for none.
    init(limit: Int, window: Duration) {
        self.limit = limit
        self.window = window
    }

    /// The persons that are remembered.
    var count: Int { persons.count }

    /// Whether this request is still within the limit; it counts only then.
    mutating func allows(_ person: String, at now: Instant) -> Bool {
        guard limit > 0 else { return true }
        var times = persons[person]?.times ?? []
        times.removeAll { now - $0 >= window }
        let isAllowed = times.count < limit
        if isAllowed { times.append(now) }
        lastNumber += 1
        persons[person] = Person(times: times, latest: lastNumber)
        order.append(Request(person: person, number: lastNumber, at: now))
        forget(at: now)
        return isAllowed
    }

    private mutating func forget(at now: Instant) {
        while first < order.count,
            now - order[first].at >= window || persons.count > Self.personLimit
        {
            let oldest = order[first]
            first += 1
            // Their latest request: all that they asked within its window is as old or older.
            if persons[oldest.person]?.latest == oldest.number { persons[oldest.person] = nil }
        }
        // Entries out of date, before they are most of all: one person may ask any number of times.
        guard order.count > 2 * persons.count + 64 else { return }
        order = order[first...].filter { persons[$0.person]?.latest == $0.number }
        first = 0
    }
}
