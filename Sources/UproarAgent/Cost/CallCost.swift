import UproarCore
import UproarRuntime

/// What the providers of one call cost: usage by provider and model, at the prices of a file.
struct CallCost: Hashable {
    struct Entry: Hashable {
        var provider: ProviderID
        var model: String
        var usage = ProviderUsage()
    }

    private(set) var entries: [Entry] = []

    mutating func heard(_ audio: Duration, by provider: ProviderID, model: String) {
        change(provider, model) { $0.audio += audio }
    }

    mutating func thought(_ usage: LanguageModelUsage, by provider: ProviderID, model: String) {
        change(provider, model) {
            $0.promptTokens += Int64(usage.promptTokens)
            $0.completionTokens += Int64(usage.completionTokens)
        }
    }

    mutating func spoke(
        _ audio: Duration, characters: Int, by provider: ProviderID, model: String
    ) {
        change(provider, model) {
            $0.audio += audio
            $0.characters += Int64(characters)
        }
    }

    private mutating func change(
        _ provider: ProviderID, _ model: String, _ body: (inout ProviderUsage) -> Void
    ) {
        if let place = entries.firstIndex(where: { $0.provider == provider && $0.model == model }) {
            body(&entries[place].usage)
        } else {
            var entry = Entry(provider: provider, model: model)
            body(&entry.usage)
            entries.append(entry)
        }
    }

    /// US dollars by provider, in the order of first use; a provider without a price is left out.
    func dollars(at prices: PriceBook) -> [(provider: ProviderID, dollars: Double)] {
        var sums = OrderedTable<ProviderID, Double>()
        for entry in entries {
            guard
                let cost = prices.cost(
                    of: entry.usage, provider: entry.provider, model: entry.model)
            else { continue }
            sums[entry.provider] = (sums[entry.provider] ?? 0) + cost
        }
        return zip(sums.keys, sums.values).map { ($0, $1) }
    }

    func total(at prices: PriceBook) -> Double {
        dollars(at: prices).reduce(0) { $0 + $1.dollars }
    }
}

extension PriceBook {
    /// The cost of `usage` at the model's own prices, or where it has none at the provider's first; nil without either.
    func cost(of usage: ProviderUsage, provider: ProviderID, model: String) -> Double? {
        let own = prices.filter { $0.provider == provider && $0.model == model }
        guard own.isEmpty else {
            return PriceBook(name: name, prices: own).cost(of: usage, provider: provider)
        }
        return cost(of: usage, provider: provider)
    }

    /// What the production guides pay: Deepgram Nova-3 by the audio minute, gpt-4o-mini by the thousand tokens, Cartesia Sonic-3 by
    /// the synthesised minute.
    package static let guides = PriceBook(
        name: "guides",
        prices: [
            Price(
                .deepgram, model: "nova-3", unit: .audioMinute, dollars: 0.0077,
                asOf: "2025-11", source: "production guide"),
            Price(
                .openai, model: "gpt-4o-mini", unit: .thousandPromptTokens, dollars: 0.00015,
                asOf: "2025-11", source: "production guide"),
            Price(
                .openai, model: "gpt-4o-mini", unit: .thousandCompletionTokens,
                dollars: 0.0006, asOf: "2025-11", source: "production guide"),
            Price(
                .cartesia, model: "sonic-3", unit: .audioMinute, dollars: 0.024,
                asOf: "2025-11", source: "production guide"),
            Price(
                .whisper, model: "whisper-1", unit: .audioMinute, dollars: 0.006,
                asOf: "2026-05", source: "third-party cost table"),
            Price(
                .assemblyai, model: "universal-streaming-english", unit: .audioMinute,
                dollars: 0.0025, asOf: "2026-10", source: "list price by session time"),
            Price(
                .openai, model: "gpt-3.5-turbo", unit: .thousandPromptTokens,
                dollars: 0.0005, asOf: "2024-01-25", source: "list price"),
            Price(
                .openai, model: "gpt-3.5-turbo", unit: .thousandCompletionTokens,
                dollars: 0.0015, asOf: "2024-01-25", source: "list price"),
            Price(
                .elevenlabs, model: "eleven_flash_v2_5", unit: .thousandCharacters,
                dollars: 0.05, asOf: "2026-10", source: "list price"),
        ])
}
