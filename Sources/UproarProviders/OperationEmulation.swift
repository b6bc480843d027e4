import UproarCore

/// How one operation of an emulated provider differs from the provider's own settings; what is nil does not.
package struct OperationEmulation: Hashable, Sendable {
    /// Of `ProviderOperation`.
    package var name: String
    package var timing = OperationTiming()
    package var connect: Distribution?
    /// Sockets or requests at once; one more is refused as the vendor does.
    package var concurrencyLimit: Int?
    package var rateLimit: EmulatorGate.RateLimit?

    package init(_ name: String) { self.name = name }
}

extension OperationEmulation {
    package var json: JSONValue {
        var members: [JSONValue.Member] = []
        func put(_ key: String, _ value: Distribution?) {
            guard let value else { return }
            members.append(.init(key, .string(DistributionText.exact(value))))
        }
        put("first", timing.first)
        put("token_interval", timing.tokenInterval)
        if let factor = timing.factor { members.append(.init("factor", .number(factor))) }
        put("connect", connect)
        if let concurrencyLimit {
            members.append(.init("concurrency_limit", JSONValue(concurrencyLimit)))
        }
        if let rateLimit { members.append(.init("rate_limit", rateLimit.json)) }
        return .object(members)
    }

    /// Nil when a key holds something else.
    package init?(_ name: String, json: JSONValue) {
        self.init(name)
        var isGood = true
        func distribution(_ key: String) -> Distribution? {
            guard let value = json[key] else { return nil }
            let found = value.text.flatMap { try? DistributionText.parse($0) }
            if found == nil { isGood = false }
            return found
        }
        timing.first = distribution("first")
        timing.tokenInterval = distribution("token_interval")
        connect = distribution("connect")
        timing.factor = json["factor"]?.double
        concurrencyLimit = json["concurrency_limit"]?.int
        if let stored = json["rate_limit"] {
            guard let limit = EmulatorGate.RateLimit(json: stored) else { return nil }
            rateLimit = limit
        }
        guard isGood, timing.factor ?? 1 > 0, concurrencyLimit ?? 1 > 0 else { return nil }
    }
}
