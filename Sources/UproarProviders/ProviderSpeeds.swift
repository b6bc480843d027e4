import UproarCore

extension ProviderEmulation.Speed {
    /// What vendors and measurements of their clients publish. Sources and dates of each figure: docs/providers.md, "Published".
    package static func published(
        _ provider: ProviderID, from region: PublishedFigures.Region? = nil
    ) -> Self {
        guard let first = PublishedFigures.firstContent(provider, from: region) else {
            return .usual(provider.role)
        }
        return switch provider.role {
        case .speechToText: .speechToText(latency: first)
        case .languageModel:
            .languageModel(firstToken: first, tokenInterval: .constant(.microseconds(12_500)))
        case .textToSpeech: .textToSpeech(firstByte: first, factor: 8)
        case .sessionStore, .objectStore, .webhook: .service(latency: first)
        }
    }

    /// No time at all.
    package static func instant(_ role: ProviderRole) -> Self {
        switch role {
        case .speechToText: .speechToText(latency: .constant(.zero))
        case .languageModel:
            .languageModel(
                firstToken: .constant(.zero), tokenInterval: .constant(.microseconds(10)))
        case .textToSpeech: .textToSpeech(firstByte: .constant(.zero), factor: 1000)
        case .sessionStore, .objectStore, .webhook: .service(latency: .constant(.zero))
        }
    }
}
