import UproarCore
import UproarProviders
import UproarRuntime

/// A provider that `uproar providers` plays.
package struct ProviderDescriptor {
    package var id: ProviderID
    package var summary: String
    /// Makes its emulator.
    var make: (ProviderEmulation, EmulatorParts) -> any EmulatedService
}

/// What emulators are made of.
final class EmulatorParts {
    let context: EmulatorContext
    let vocabulary: SpeechVocabulary
    let renderer: any VoiceRenderer
    let script: LanguageModelScript
    let worker: any BackgroundWorker
    private let emulations: [ProviderEmulation]
    /// Made so far.
    private var services: [ProviderID: any EmulatedService] = [:]

    init(
        context: EmulatorContext, vocabulary: SpeechVocabulary, renderer: any VoiceRenderer,
        script: LanguageModelScript, worker: any BackgroundWorker,
        emulations: [ProviderEmulation]
    ) {
        self.emulations = emulations
        self.context = context
        self.vocabulary = vocabulary
        self.renderer = renderer
        self.script = script
        self.worker = worker
    }

    /// Of a recogniser or service; its usual one when this run has none.
    func latency(of provider: ProviderID) -> Distribution {
        (emulations.first { $0.provider == provider } ?? ProviderEmulation(provider)).latency
    }

    /// The emulator of a provider, made when it is first asked for; nil when this run has none. Some serve others' operations
    /// on their own address.
    func service(_ provider: ProviderID) -> (any EmulatedService)? {
        if let known = services[provider] { return known }
        guard let emulation = emulations.first(where: { $0.provider == provider }),
            let descriptor = ProviderCatalog[provider]
        else { return nil }
        let made = descriptor.make(emulation, self)
        services[provider] = made
        return made
    }
}

/// Every emulated provider: a literal list, in the order of their ports.
package enum ProviderCatalog {
    package static var all: [ProviderDescriptor] {
        [
            ProviderDescriptor(
                id: .deepgram,
                summary: "Deepgram transcription, /v1/listen live and of files, Flux /v2/listen"
            ) {
                DeepgramEmulator(
                    $0, vocabulary: $1.vocabulary, worker: $1.worker, context: $1.context)
            },
            ProviderDescriptor(
                id: .openai,
                summary:
                    "OpenAI chat completions and responses, /v1/audio/speech, realtime sessions"
            ) {
                OpenAIEmulator(
                    $0, script: $1.script, context: $1.context,
                    transcriptions: $1.service(.whisper) as? WhisperEmulator,
                    renderer: $1.renderer, vocabulary: $1.vocabulary,
                    transcriptLatency: $1.latency(of: .whisper))
            },
            ProviderDescriptor(
                id: .cartesia,
                summary: "Cartesia speech, WebSocket /tts/websocket, /tts/bytes, /tts/sse"
            ) { CartesiaEmulator($0, renderer: $1.renderer, context: $1.context) },
            ProviderDescriptor(
                id: .assemblyai, summary: "AssemblyAI streaming transcription, WebSocket /v3/ws"
            ) { AssemblyAIEmulator($0, vocabulary: $1.vocabulary, context: $1.context) },
            ProviderDescriptor(
                id: .whisper,
                summary: "OpenAI transcription of files, /v1/audio/transcriptions"
            ) {
                WhisperEmulator(
                    $0, vocabulary: $1.vocabulary, worker: $1.worker, context: $1.context)
            },
            ProviderDescriptor(
                id: .elevenlabs,
                summary:
                    "ElevenLabs speech, WebSocket multi-stream-input and stream-input, HTTP and /stream"
            ) { ElevenLabsEmulator($0, renderer: $1.renderer, context: $1.context) },
            ProviderDescriptor(
                id: .anthropic, summary: "Anthropic messages, /v1/messages, streaming and whole"
            ) { AnthropicEmulator($0, script: $1.script, context: $1.context) },
            ProviderDescriptor(
                id: .objectStore, summary: "S3-compatible store: objects, uploads in parts, SigV4"
            ) { ObjectStoreEmulator($0, context: $1.context) },
            ProviderDescriptor(
                id: .sms, summary: "Twilio's REST API: text messages, hanging up"
            ) { TwilioRESTEmulator($0, context: $1.context) },
            ProviderDescriptor(
                id: .workflow, summary: "a sink for webhooks that start workflows"
            ) { WorkflowEmulator($0, context: $1.context) },
        ]
    }

    package static subscript(_ id: ProviderID) -> ProviderDescriptor? {
        all.first { $0.id == id }
    }
}
