/// Whether a provider is asked: opens after failures in a row, and closes again when a probe has succeeded.
///
/// | state | success | failure | time |
/// |---|---|---|---|
/// | closed | closed, no failures | one more; at the limit open | – |
/// | open | – (of a request from before) | – | after `openFor` half-open |
/// | halfOpen | closed | open, anew | – |
///
/// A refusal that no repetition can mend (a bad key, no credit) opens it at once. `retry-after` rests it without a failure's
/// weight: the provider works, and has asked for patience.
package struct CircuitBreaker: Hashable, Sendable {
    package struct Policy: Hashable, Sendable {
        /// Failures in a row that open it.
        package var failureLimit = 5
        package var openFor = Duration.seconds(60)
        /// From a failure to the first probe of a breaker that has stayed closed; doubles with each further failure.
        package var firstProbe = Duration.seconds(1)
        /// Where nobody else may be asked, no probe waits longer than this after a failure.
        package var longestEarlyProbe = Duration.seconds(2)
        /// `retry-after` above this counts as this: a provider may not switch itself off for a day.
        package var longestRest = Duration.seconds(120)
        package init() {}
    }

    package enum State: String, CaseIterable, Hashable, Sendable {
        case closed, open, halfOpen
    }

    package let policy: Policy
    /// How often it opened.
    package private(set) var trips = 0
    /// In a row, while closed.
    package private(set) var failures = 0
    private var openUntil: Instant?
    private var restUntil = Instant(nanoseconds: .min)
    private var lastFailure = Instant(nanoseconds: .min)

    package init(_ policy: Policy = Policy()) {
        precondition(policy.failureLimit > 0, "a breaker that opens without a failure")
        self.policy = policy
    }

    package func state(at now: Instant) -> State {
        guard let openUntil else { return .closed }
        return now < openUntil ? .open : .halfOpen
    }

    /// Closed, and not asked to rest.
    package func isAllowed(at now: Instant) -> Bool { openUntil == nil && now >= restUntil }

    /// Its last word was a failure: a provider without one goes first.
    package var isSuspect: Bool { failures > 0 || openUntil != nil }

    /// When a probe is worth its price; nil for a provider that needs none.
    package var probeDue: Instant? {
        if let openUntil { return max(openUntil, restUntil) }
        return failures > 0 ? earlyProbeDue : nil
    }

    /// The same where nobody else can be asked: an open breaker's wait is cut short.
    package var earlyProbeDue: Instant {
        let wait = policy.firstProbe.nanoseconds << Int64(min(max(failures - 1, 0), 6))
        let longest = isOpened ? policy.longestEarlyProbe : policy.openFor
        return max(lastFailure + .nanoseconds(min(wait, longest.nanoseconds)), restUntil)
    }

    private var isOpened: Bool { openUntil != nil }

    /// When a closed one that rests may be asked again; nil for an open one, which a probe has to close.
    package var restOver: Instant? { isOpened ? nil : restUntil }

    /// A probe is about to be made: an open breaker is half-open from now on.
    package mutating func allowProbe(at now: Instant) {
        if let openUntil { self.openUntil = min(openUntil, now) }
    }

    /// A request did what it was asked for. One that began before the last failure says nothing: an outage may spare what is
    /// under way.
    package mutating func succeeded(begunAt: Instant, at now: Instant) {
        guard begunAt >= lastFailure else { return }
        switch state(at: now) {
        case .closed: failures = 0
        case .halfOpen:
            failures = 0
            openUntil = nil
        case .open: break
        }
    }

    /// A request failed. `isFinal`: no repetition can mend it. True when this opened the breaker.
    @discardableResult
    package mutating func failed(at now: Instant, isFinal: Bool = false) -> Bool {
        lastFailure = now
        switch state(at: now) {
        case .open: return false
        case .halfOpen: break
        case .closed:
            failures += 1
            guard isFinal || failures >= policy.failureLimit else { return false }
        }
        trips += 1
        openUntil = now + policy.openFor
        return true
    }

    /// The provider asked not to be asked for so long. It works, and yet goes last until it has answered again.
    package mutating func rest(_ time: Duration, at now: Instant) {
        restUntil = max(restUntil, now + min(time, policy.longestRest))
        guard openUntil == nil else { return }
        lastFailure = now
        failures = max(failures, 1)
    }
}
