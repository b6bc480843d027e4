import UproarCore

/// How soon an agent can notice at all, by the policy that it has declared and the rate at which it asks.
///
/// With resilience4j's defaults (100 requests before the breaker may open) and ten calls that each ask once in 8 s, nothing opens
/// before 80 s. A breaker that opens after five failures does so after 4 s at the same rate. LiveKit's recogniser is asked twice
/// with 10 s each: who is silent is left after 20 s.
package struct DetectionFloor: Hashable, Sendable {
    package struct Policy: Hashable, Sendable {
        /// Failures before the breaker may open.
        package var failures: Int
        /// From a silent request to its failing; nil: an answer that says no fails at once.
        package var deadline: Duration?
        /// How often one provider is asked for the same thing before the next one is.
        package var attempts = 1
        /// Whether each attempt that fails goes on to the next provider by itself, breaker or not.
        package var movesOnAtOnce: Bool

        package init(
            failures: Int, deadline: Duration?, attempts: Int = 1, movesOnAtOnce: Bool
        ) {
            self.failures = failures
            self.deadline = deadline
            self.attempts = attempts
            self.movesOnAtOnce = movesOnAtOnce
        }
    }

    /// One request notices no sooner than this; nil: no attempt gives up by itself, however long it takes.
    package var oneAttempt: Duration?
    /// The breaker opens no sooner than this; nil when no request was seen.
    package var breaker: Duration?

    /// - requestsPerSecond: to the provider in question, all calls together.
    package init(_ policy: Policy, requestsPerSecond: Double) {
        let wait = policy.deadline ?? .zero
        oneAttempt = policy.movesOnAtOnce ? wait * policy.attempts : nil
        if requestsPerSecond > 0 {
            breaker = wait + .seconds(Double(policy.failures) / requestsPerSecond)
        }
    }

    /// `one attempt 1.00s; its breaker 5.00s`.
    package var text: String {
        let attempt = oneAttempt.map { "one attempt \(NumberText.duration($0))" }
        let opening = breaker.map { "its breaker \(NumberText.duration($0))" }
        return [attempt, opening].compactMap { $0 }.joined(separator: "; ")
    }
}
