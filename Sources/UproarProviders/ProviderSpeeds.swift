import UproarCore

extension ProviderEmulation.Speed {
    /// What vendors and measurements of their clients publish. Sources and dates of each figure: docs/providers.md, "Published".
    package static func published(_ provider: ProviderID) -> Self {
        switch provider {
        case .assemblyai: .speechToText(latency: spread(300, 390))
        case .whisper: .speechToText(latency: spread(700, 1_500))
        case .openai, .anthropic:
            .languageModel(
                firstToken: spread(450, 700), tokenInterval: .constant(.microseconds(12_500)))
        case .cartesia: .textToSpeech(firstByte: spread(90, 150), factor: 8)
        case .elevenlabs: .textToSpeech(firstByte: spread(75, 135), factor: 8)
        case .deepgram: .speechToText(latency: spread(400, 550))
        case .redis, .objectStore, .sms, .workflow: .usual(provider.role)
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

    private static func spread(_ p50: Int64, _ p95: Int64) -> Distribution {
        .lognormal(p50: .milliseconds(p50), p95: .milliseconds(p95))
    }
}
