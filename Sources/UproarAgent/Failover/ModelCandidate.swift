import UproarRuntime

/// A language model that a reply may be asked of.
package struct ModelCandidate {
    package var client: any LanguageModel
    /// As the vendor calls it.
    package var model: String

    package init(_ client: any LanguageModel, model: String) {
        self.client = client
        self.model = model
    }
}

/// A voice that a reply may be spoken with.
package struct VoiceCandidate {
    package var client: any TextToSpeech
    /// As the vendor calls it: no vendor knows another's voices.
    package var voice: String

    package init(_ client: any TextToSpeech, voice: String) {
        self.client = client
        self.voice = voice
    }
}

/// The providers of a worker, one chain for each role; nil where the agent has none.
struct ProviderChains {
    var recognisers: ProviderChain<any SpeechToText>?
    var models: ProviderChain<ModelCandidate>?
    var voices: ProviderChain<VoiceCandidate>?
}
