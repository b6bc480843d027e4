import UproarCore

/// What one provider does with a request or connection before looking at it: takes its time, or refuses one too many.
package struct EmulatorGate: Hashable, Sendable {
    package let provider: ProviderID
    /// The operation it stands before; nil: all of the provider's.
    package let operation: String?
    /// From the first request of a connection (an upgrade, a POST) to its being looked at; nil: at once.
    package var connect: Distribution?
    package var rateLimit: RateLimit?
    /// Sockets or requests of the operation at once; only before one operation, for a provider's own is its emulator's business.
    package var concurrencyLimit: Int?
    private var spent = TokenBucket()

    /// So many requests and connections in any such time, refilled evenly.
    package struct RateLimit: Hashable, Sendable {
        package var count: Int
        package var interval: Duration

        /// `count` is at least 1.
        package init(_ count: Int, per interval: Duration) {
            precondition(count > 0 && interval > .zero)
            self.count = count
            self.interval = interval
        }
    }

    package init(
        _ provider: ProviderID, operation: String? = nil, connect: Distribution? = nil,
        rateLimit: RateLimit? = nil, concurrencyLimit: Int? = nil
    ) {
        precondition(operation != nil || concurrencyLimit == nil)
        self.provider = provider
        self.operation = operation
        self.connect = connect
        self.rateLimit = rateLimit
        self.concurrencyLimit = concurrencyLimit
    }

    func holds(_ provider: ProviderID, _ operation: String) -> Bool {
        self.provider == provider && (self.operation == nil || self.operation == operation)
    }

    /// Counts one that comes now; not nil when it is one too many: how long until there is room.
    mutating func refusal(at now: Instant) -> Duration? {
        guard let rateLimit else { return nil }
        return spent.take(at: now, rateLimit)
    }

    /// As the generic cell rate algorithm has it (ITU-T I.371): one instant instead of a count.
    private struct TokenBucket: Hashable, Sendable {
        /// When all that was admitted would have been spread out evenly.
        private var spreadUntil = Instant(nanoseconds: .min / 2)

        mutating func take(at now: Instant, _ limit: RateLimit) -> Duration? {
            let step = Duration.nanoseconds(limit.interval.nanoseconds / Int64(limit.count))
            let next = max(spreadUntil, now) + step
            let wait = next - now - limit.interval
            // What the division leaves over is no reason to refuse.
            guard wait <= .nanoseconds(Int64(limit.count)) else { return wait }
            spreadUntil = next
            return nil
        }
    }
}

extension EmulatorGate.RateLimit {
    package var json: JSONValue {
        [
            "count": JSONValue(count),
            "per_ms": .integer(interval.nanoseconds / 1_000_000),
        ]
    }

    /// Nil for what is no such limit.
    package init?(json: JSONValue) {
        guard let count = json["count"]?.int, count > 0, let per = json["per_ms"]?.int,
            (1..<86_400_000).contains(per)
        else { return nil }
        self.init(count, per: .milliseconds(per))
    }
}
