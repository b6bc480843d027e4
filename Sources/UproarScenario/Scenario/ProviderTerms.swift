import UproarCore

/// What a scenario says of one provider, or of one of its operations, beyond the pace of the three that every run has.
package struct ProviderTerms: Hashable, Sendable {
    package var provider: ProviderID
    /// A name of `ProviderOperation`; nil: all of them.
    package var operation: String?
    /// To the first content: `latency`, `first_token` or `first_byte` by the role.
    package var first: Distribution?
    package var tokensPerSecond: Double?
    package var factor: Decimal?
    /// Before the first request of a connection is looked at.
    package var connect: Distribution?
    /// At once; one more is refused in the vendor's shape.
    package var concurrency: Int?
    package var rate: RateLimit?

    package struct RateLimit: Hashable, Sendable {
        package var count: Int
        package var interval: Duration
    }

    package init(_ provider: ProviderID, operation: String? = nil) {
        self.provider = provider
        self.operation = operation
    }

    /// Nothing is said.
    var isEmpty: Bool { self == ProviderTerms(provider, operation: operation) }

    /// The name of the time to the first content.
    static func firstKey(_ role: ProviderRole) -> String {
        switch role {
        case .languageModel: "first_token"
        case .textToSpeech: "first_byte"
        default: "latency"
        }
    }

    static func paceKeys(_ role: ProviderRole) -> [String] {
        switch role {
        case .languageModel, .textToSpeech: [firstKey(role), "pace"]
        default: [firstKey(role)]
        }
    }

    static let capacityKeys = ["connect", "concurrency", "rate"]

    static let concurrencyLimit = 1_000_000

    /// `50/s`, `600/min`: a whole number of requests in that time, evenly refilled.
    static func rate(_ text: String) throws(TextProblem) -> RateLimit {
        let rate = try Rate.parse(text)
        let count = Int(rate.count.value)
        guard Double(count) == rate.count.value, count > 0, count <= concurrencyLimit else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" limits requests to no whole number",
                allowed: "such as 10/s, 600/min or 1000/h")
        }
        return RateLimit(count: count, interval: .nanoseconds(rate.unit.nanoseconds))
    }

    var json: JSONValue {
        var members: [JSONValue.Member] = []
        func put(_ key: String, _ value: Distribution?) {
            guard let value else { return }
            members.append(.init(key, .string(DistributionText.exact(value))))
        }
        let role =
            operation.flatMap { ProviderOperation.named($0, of: provider) }?.role ?? provider.role
        put(Self.firstKey(role), first)
        if let tokensPerSecond {
            members.append(
                .init("pace", .string("\(NumberText.fixed(tokensPerSecond, 0)) tokens/s")))
        }
        if let factor {
            members.append(
                .init("pace", .string(NumberText.fixed(factor.value, factor.places) + "x")))
        }
        put("connect", connect)
        if let concurrency { members.append(.init("concurrency", JSONValue(concurrency))) }
        if let rate {
            members.append(
                .init(
                    "rate",
                    .string("\(rate.count) per \(DurationText.exact(rate.interval))")))
        }
        return .object(members)
    }
}

extension ScenarioReader {
    /// Every provider that is emulated.
    static let emulated = ProviderID.allCases.filter { $0 != .redis }

    /// `preset:`, the place, and one map for each provider, whose keys go with its role.
    func providers(_ node: YAMLNode?, _ target: Scenario.Target?) -> ProviderSettings {
        let page = "docs/scenario.md#providers"
        guard let node else { return ProviderSettings(preset: .guideBudget) }
        guard
            let map = MapReader(
                reading, node, path: "providers",
                keys: ["preset", "listen", "attach"] + Self.emulated.map(\.name), page: page)
        else { return ProviderSettings(preset: .guideBudget) }
        let presets = ProviderPreset.allCases.map { ($0.rawValue, $0) }
        let preset = map.value("preset") { text throws(TextProblem) in
            try ScalarText.word(text, of: presets, what: "preset")
        }
        var settings = ProviderSettings(preset: preset ?? .guideBudget)
        settings.place = place(map, target)
        settings.upstreams = upstreams(map, settings.place, target)
        for provider in Self.emulated {
            guard map.node(provider.name) != nil,
                let inner = map.map(
                    provider.name,
                    keys: ProviderTerms.paceKeys(provider.role) + ProviderTerms.capacityKeys
                        + ["operations", ProviderUpstream.key])
            else { continue }
            var terms = self.terms(inner, ProviderTerms(provider), role: provider.role)
            if let index = settings.timings.firstIndex(where: { $0.provider == provider }) {
                // Those three have their pace in every run.
                settings.timings[index].take(&terms)
            }
            if !terms.isEmpty { settings.terms.append(terms) }
            settings.terms += operations(inner, provider)
        }
        return settings
    }

    private func operations(_ map: MapReader, _ provider: ProviderID) -> [ProviderTerms] {
        let known = ProviderOperation.of(provider)
        guard let inner = map.map("operations", keys: known.map(\.name)) else { return [] }
        return known.compactMap { operation in
            guard inner.node(operation.name) != nil,
                let map = inner.map(
                    operation.name,
                    keys: ProviderTerms.paceKeys(operation.role) + ProviderTerms.capacityKeys)
            else { return nil }
            let terms = terms(
                map, ProviderTerms(provider, operation: operation.name), role: operation.role)
            return terms.isEmpty ? nil : terms
        }
    }

    private func terms(_ map: MapReader, _ start: ProviderTerms, role: ProviderRole)
        -> ProviderTerms
    {
        var terms = start
        let key = ProviderTerms.firstKey(role)
        terms.first = map.value(key, distribution(map, key))
        switch role {
        case .languageModel:
            terms.tokensPerSecond = map.value("pace", ScalarText.tokensPerSecond)
        case .textToSpeech: terms.factor = map.value("pace", ScalarText.factor)
        default: break
        }
        terms.connect = map.value("connect", distribution(map, "connect"))
        terms.concurrency = map.value("concurrency") { text throws(TextProblem) in
            try ScalarText.integer(text, in: 1...ProviderTerms.concurrencyLimit)
        }
        terms.rate = map.value("rate", ProviderTerms.rate)
        return terms
    }
}

extension ProviderSettings.Timing {
    /// Takes what is said of the pace out of `terms`.
    fileprivate mutating func take(_ terms: inout ProviderTerms) {
        let before = pace
        switch pace {
        case .speechToText(let latency): pace = .speechToText(latency: terms.first ?? latency)
        case .languageModel(let firstToken, let pace):
            self.pace = .languageModel(
                firstToken: terms.first ?? firstToken,
                tokensPerSecond: terms.tokensPerSecond ?? pace)
        case .textToSpeech(let firstByte, let factor):
            pace = .textToSpeech(
                firstByte: terms.first ?? firstByte, factor: terms.factor ?? factor)
        }
        isChanged = pace != before
        terms.first = nil
        terms.tokensPerSecond = nil
        terms.factor = nil
    }
}
