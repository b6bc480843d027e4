/// Whom to ask: a chain's members in the order in which they are worth trying.
///
/// Those without a recent failure come first, in the chain's own order; then those that failed last time and whose breakers are
/// still closed. Members whose breaker is open are left out: they are probed, not asked.
package enum FailoverOrder {
    /// Places in `breakers`; `excluded` ones are never among them. Empty when nobody may be asked.
    package static func places(
        _ breakers: [CircuitBreaker], at now: Instant, excluding excluded: [Int] = []
    ) -> [Int] {
        let allowed = breakers.indices.filter {
            breakers[$0].isAllowed(at: now) && !excluded.contains($0)
        }
        return allowed.filter { !breakers[$0].isSuspect }
            + allowed.filter { breakers[$0].isSuspect }
    }

    /// The member to ask next; nil when nobody may be asked.
    package static func first(
        _ breakers: [CircuitBreaker], at now: Instant, excluding excluded: [Int] = []
    ) -> Int? {
        var suspect: Int?
        for place in breakers.indices
        where breakers[place].isAllowed(at: now) && !excluded.contains(place) {
            if !breakers[place].isSuspect { return place }
            if suspect == nil { suspect = place }
        }
        return suspect
    }
}
