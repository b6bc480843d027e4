import UproarCore

/// A provider that `uproar providers` plays.
package struct ProviderDescriptor: Sendable {
    package var id: ProviderID
    package var summary: String
}

/// Every emulated provider: a literal list.
package enum ProviderCatalog {
    package static let all: [ProviderDescriptor] = [
        ProviderDescriptor(
            id: .deepgram, summary: "Deepgram live transcription, WebSocket /v1/listen"),
        ProviderDescriptor(
            id: .openai,
            summary: "OpenAI chat completions, /v1/chat/completions, streaming and whole"),
        ProviderDescriptor(
            id: .cartesia,
            summary: "Cartesia speech, WebSocket /tts/websocket, /tts/bytes, /tts/sse"),
    ]
}
