/// The providers Uproar knows, by the number that facts carry. Literal and stable.
package enum ProviderID: UInt16, CaseIterable, Sendable {
    case deepgram = 16
    case assemblyai = 17
    case whisper = 18
    case openai = 24
    case anthropic = 25
    case cartesia = 32
    case elevenlabs = 33
    case redis = 40
    case objectStore = 41
    case sms = 42
    case workflow = 43

    /// The word in scenarios, flags, JSON and reports.
    package var name: String {
        switch self {
        case .objectStore: "object_store"
        default: "\(self)"
        }
    }

    package var role: ProviderRole {
        switch self {
        case .deepgram, .assemblyai, .whisper: .speechToText
        case .openai, .anthropic: .languageModel
        case .cartesia, .elevenlabs: .textToSpeech
        case .redis: .sessionStore
        case .objectStore: .objectStore
        case .sms, .workflow: .webhook
        }
    }

    package init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }
}

package enum ProviderRole: String, CaseIterable, Sendable {
    case speechToText = "stt"
    case languageModel = "llm"
    case textToSpeech = "tts"
    case sessionStore = "store"
    case objectStore = "objects"
    case webhook = "webhook"
}
