/// What providers charge, with the date of each figure: prices are data.
package struct PriceBook: Hashable, Sendable {
    package struct Price: Hashable, Sendable {
        package var provider: ProviderID
        package var model: String
        package var unit: Unit
        /// US dollars for one `unit`.
        package var dollars: Double
        /// ISO date of the figure, and where it comes from.
        package var asOf: String
        package var source: String

        package init(
            _ provider: ProviderID, model: String, unit: Unit, dollars: Double, asOf: String,
            source: String
        ) {
            self.provider = provider
            self.model = model
            self.unit = unit
            self.dollars = dollars
            self.asOf = asOf
            self.source = source
        }
    }

    /// What one price pays for. The raw value is the word in price files.
    package enum Unit: String, CaseIterable, Sendable {
        case audioMinute = "audio_minute"
        case thousandPromptTokens = "thousand_prompt_tokens"
        case thousandCompletionTokens = "thousand_completion_tokens"
        case thousandCharacters = "thousand_characters"
    }

    package var name: String
    package var prices: [Price]

    package init(name: String, prices: [Price]) {
        self.name = name
        self.prices = prices
    }

    /// The price of one unit of a provider, whatever the model when `model` is nil.
    package func dollars(_ provider: ProviderID, _ unit: Unit, model: String? = nil) -> Double? {
        prices.first {
            $0.provider == provider && $0.unit == unit && (model == nil || $0.model == model)
        }?.dollars
    }
}

/// What was used of one provider.
package struct ProviderUsage: Hashable, Sendable {
    package var audio: Duration = .zero
    package var promptTokens: Int64 = 0
    package var completionTokens: Int64 = 0
    package var characters: Int64 = 0
    package var requests: Int64 = 0
    /// Answers of which nobody could count what is paid for: their audio or their tokens.
    package var uncounted: Int64 = 0

    package init() {}

    package static func += (a: inout ProviderUsage, b: ProviderUsage) {
        a.audio += b.audio
        a.promptTokens += b.promptTokens
        a.completionTokens += b.completionTokens
        a.characters += b.characters
        a.requests += b.requests
        a.uncounted += b.uncounted
    }
}

extension PriceBook {
    /// The cost of `usage` in US dollars; nil when this book has no price for a unit that was used, or nobody knows how much was.
    package func cost(of usage: ProviderUsage, provider: ProviderID) -> Double? {
        var total = 0.0
        let isBilledByText =
            dollars(provider, .audioMinute) == nil && dollars(provider, .thousandCharacters) != nil
        if usage.uncounted > 0 {
            // Of a voice whose sound cannot be measured, the text is known all the same.
            guard usage.characters > 0, isBilledByText else { return nil }
        }
        if usage.audio > .zero || usage.uncounted > 0 {
            if let price = dollars(provider, .audioMinute) {
                total += usage.audio.inSeconds / 60 * price
            } else if let price = dollars(provider, .thousandCharacters) {
                total += Double(usage.characters) / 1000 * price
            } else {
                return nil
            }
        }
        if usage.promptTokens > 0 {
            guard let price = dollars(provider, .thousandPromptTokens) else { return nil }
            total += Double(usage.promptTokens) / 1000 * price
        }
        if usage.completionTokens > 0 {
            guard let price = dollars(provider, .thousandCompletionTokens) else { return nil }
            total += Double(usage.completionTokens) / 1000 * price
        }
        return total
    }
}
