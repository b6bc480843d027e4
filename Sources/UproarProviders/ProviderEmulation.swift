import UproarCore

/// One emulated provider of a run: where it listens, how fast it answers, how much it takes.
package struct ProviderEmulation: Hashable, Sendable {
    package var provider: ProviderID
    /// 0 asks for an ephemeral one.
    package var port: UInt16 = 0
    package var speed: Speed
    /// Before a request or connection is looked at; nil: no time.
    package var connect: Distribution?
    /// Streams or requests at once; one more is refused as the vendor does. nil: no limit.
    package var concurrencyLimit: Int?
    package var rateLimit: EmulatorGate.RateLimit?
    /// Where single operations differ from all this.
    package var operations: [OperationEmulation] = []

    /// How fast, by the provider's role.
    package enum Speed: Hashable, Sendable {
        /// From the arrival of the last voiced sample (of the file, where there is one) to the final result.
        case speechToText(latency: Distribution)
        /// From the request to the first content, and from each token to the next.
        case languageModel(firstToken: Distribution, tokenInterval: Distribution)
        /// From a text to its first audio, and how many seconds of audio are sent in one second.
        case textToSpeech(firstByte: Distribution, factor: Double)
        /// From the request to its answer.
        case service(latency: Distribution)

        /// As the production guides plan with, where they name the role; small figures for local services.
        package static func usual(_ role: ProviderRole) -> Speed {
            switch role {
            case .speechToText:
                .speechToText(latency: .lognormal(p50: .milliseconds(60), p95: .milliseconds(110)))
            case .languageModel:
                .languageModel(
                    firstToken: .lognormal(p50: .milliseconds(250), p95: .milliseconds(350)),
                    tokenInterval: .constant(.microseconds(12_500)))
            case .textToSpeech:
                .textToSpeech(
                    firstByte: .lognormal(p50: .milliseconds(80), p95: .milliseconds(120)),
                    factor: 8)
            case .sessionStore, .objectStore, .webhook:
                .service(latency: .lognormal(p50: .milliseconds(20), p95: .milliseconds(60)))
            }
        }
    }

    package init(_ provider: ProviderID, port: UInt16 = 0, speed: Speed? = nil) {
        self.provider = provider
        self.port = port
        self.speed = speed ?? .usual(provider.role)
    }

    /// What stands before the vendor's own rules.
    package var gates: [EmulatorGate] {
        [EmulatorGate(provider, connect: connect, rateLimit: rateLimit)]
            + operations.map {
                EmulatorGate(
                    provider, operation: $0.name, connect: $0.connect, rateLimit: $0.rateLimit,
                    concurrencyLimit: $0.concurrencyLimit)
            }
    }
}

extension ProviderEmulation {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [.init("port", .integer(Int64(port)))]
        func put(_ key: String, _ value: Distribution) {
            members.append(.init(key, .string(DistributionText.exact(value))))
        }
        switch speed {
        case .speechToText(let latency), .service(let latency): put("latency", latency)
        case .languageModel(let firstToken, let tokenInterval):
            put("first_token", firstToken)
            put("token_interval", tokenInterval)
        case .textToSpeech(let firstByte, let factor):
            put("first_byte", firstByte)
            members.append(.init("factor", .number(factor)))
        }
        if let connect { put("connect", connect) }
        if let concurrencyLimit {
            members.append(.init("concurrency_limit", JSONValue(concurrencyLimit)))
        }
        if let rateLimit { members.append(.init("rate_limit", rateLimit.json)) }
        if !operations.isEmpty {
            members.append(
                .init(
                    "operations", .object(operations.map { .init($0.name, $0.json) })))
        }
        return .object(members)
    }

    /// nil when a key is missing or holds something else.
    package init?(_ provider: ProviderID, json: JSONValue) {
        func distribution(_ key: String) -> Distribution? {
            json[key]?.text.flatMap { try? DistributionText.parse($0) }
        }
        guard let port = json["port"]?.int.flatMap({ UInt16(exactly: $0) }) else { return nil }
        let speed: Speed
        switch provider.role {
        case .speechToText:
            guard let latency = distribution("latency") else { return nil }
            speed = .speechToText(latency: latency)
        case .languageModel:
            guard let first = distribution("first_token"),
                let interval = distribution("token_interval")
            else { return nil }
            speed = .languageModel(firstToken: first, tokenInterval: interval)
        case .textToSpeech:
            guard let first = distribution("first_byte"), let factor = json["factor"]?.double,
                factor > 0
            else { return nil }
            speed = .textToSpeech(firstByte: first, factor: factor)
        case .sessionStore, .objectStore, .webhook:
            guard let latency = distribution("latency") else { return nil }
            speed = .service(latency: latency)
        }
        self.init(provider, port: port, speed: speed)
        if json["connect"] != nil {
            guard let connect = distribution("connect") else { return nil }
            self.connect = connect
        }
        concurrencyLimit = json["concurrency_limit"]?.int
        if let stored = json["rate_limit"] {
            guard let limit = EmulatorGate.RateLimit(json: stored) else { return nil }
            rateLimit = limit
        }
        for member in json["operations"]?.members ?? [] {
            guard let operation = OperationEmulation(member.key, json: member.value) else {
                return nil
            }
            operations.append(operation)
        }
    }
}
