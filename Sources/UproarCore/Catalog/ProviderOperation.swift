/// What can be asked of a provider: the unit in which requests are logged and limits and latencies set.
package struct ProviderOperation: Hashable, Sendable {
    package var provider: ProviderID
    /// The word in scenarios, request logs and names of learned files.
    package var name: String
    package var summary: String
    /// Which times it has.
    package var role: ProviderRole

    private init(
        _ provider: ProviderID, _ name: String, _ summary: String, role: ProviderRole? = nil
    ) {
        self.provider = provider
        self.name = name
        self.summary = summary
        self.role = role ?? provider.role
    }

    /// A request that is none of these; it has a line in the log and nothing to set.
    package static let other = "other"

    /// Literal, in the order of the providers' numbers.
    package static let all: [ProviderOperation] = [
        .init(.deepgram, "live", "WebSocket /v1/listen"),
        .init(.deepgram, "flux", "WebSocket /v2/listen"),
        .init(.deepgram, "file", "POST /v1/listen"),
        .init(.assemblyai, "live", "WebSocket /v3/ws"),
        .init(.whisper, "file", "/v1/audio/transcriptions"),
        .init(.openai, "chat", "/v1/chat/completions"),
        .init(.openai, "responses", "/v1/responses, over HTTP and as a WebSocket"),
        .init(.openai, "speech", "/v1/audio/speech", role: .textToSpeech),
        .init(.openai, "realtime", "WebSocket /v1/realtime"),
        .init(.anthropic, "messages", "/v1/messages"),
        .init(.cartesia, "live", "WebSocket /tts/websocket"),
        .init(.cartesia, "bytes", "/tts/bytes"),
        .init(.cartesia, "events", "/tts/sse"),
        .init(.elevenlabs, "live", "WebSockets stream-input and multi-stream-input"),
        .init(.elevenlabs, "stream", "a voice's /stream and /stream/with-timestamps"),
        .init(.elevenlabs, "whole", "a voice's whole answer, also /with-timestamps"),
        .init(.objectStore, "put", "PUT of an object or a part"),
        .init(.objectStore, "get", "GET and HEAD"),
        .init(.objectStore, "delete", "DELETE"),
        .init(.objectStore, "post", "POST: the beginning and end of an upload in parts"),
        .init(.sms, "message", "Messages.json"),
        .init(.sms, "call", "Calls/CA….json"),
        .init(.workflow, "event", "any POST or PUT"),
    ]

    package static func of(_ provider: ProviderID) -> [ProviderOperation] {
        all.filter { $0.provider == provider }
    }

    package static func named(_ name: String, of provider: ProviderID) -> ProviderOperation? {
        all.first { $0.provider == provider && $0.name == name }
    }
}
