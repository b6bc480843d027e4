import UproarCore

/// What an agent has declared about how it leaves a provider of one role that fails it; nobody checks it: the earliest that it can notice is reckoned from it.
package struct DeclaredBreaker: Hashable, Sendable {
    package var role: ProviderRole
    /// Failures before its breaker opens; a minimum of requests before it may (resilience4j, Polly) counts as so many.
    package var failures = 1
    /// After which a request that is not answered has failed; nil: never by itself.
    package var deadline: Duration?
    /// How often one provider is asked for the same thing before the next one is.
    package var attempts = 1
    /// What has failed goes to the next provider by itself, breaker or not.
    package var movesOn = true

    package init(_ role: ProviderRole) { self.role = role }

    package var json: JSONValue {
        .object([
            .init("failures", .integer(Int64(failures))),
            .init("deadline", deadline.map { .string(DurationText.exact($0)) } ?? .null),
            .init("attempts", .integer(Int64(attempts))), .init("moves_on", .bool(movesOn)),
        ])
    }
}

extension ScenarioReader {
    static let breakerKeys = ["failures", "deadline", "attempts", "moves_on"]

    /// One map for each role that something is said of.
    func breakers(_ map: MapReader) -> [DeclaredBreaker] {
        let page = "docs/faults.md#breakers"
        guard
            let roles = map.map(
                "breakers", keys: ProviderRole.allCases.map(\.rawValue), page: page)
        else { return [] }
        return ProviderRole.allCases.compactMap { role in
            guard roles.node(role.rawValue) != nil,
                let map = roles.map(role.rawValue, keys: Self.breakerKeys)
            else { return nil }
            var breaker = DeclaredBreaker(role)
            func count(_ key: String) -> Int? {
                map.value(key) { text throws(TextProblem) in
                    try ScalarText.integer(text, in: 1...1_000_000)
                }
            }
            breaker.failures = count("failures") ?? 1
            breaker.deadline = map.value("deadline", ScalarText.positiveDuration)
            breaker.attempts = count("attempts") ?? 1
            breaker.movesOn = map.value("moves_on", ScalarText.isOn) ?? true
            return breaker
        }
    }
}
