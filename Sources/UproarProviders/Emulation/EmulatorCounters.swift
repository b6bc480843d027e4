import UproarCore

/// What one emulated provider has seen so far: the live counters of a run.
package struct EmulatorCounters: Hashable, Sendable {
    /// Open connections and requests in work now.
    package var active = 0
    package var connections: Int64 = 0
    package var requests: Int64 = 0
    /// Refused or failed on purpose or by a limit.
    package var refused: Int64 = 0
    /// Cancelled by the client before the end.
    package var cancelled: Int64 = 0
    /// References left out.
    package var usage = ProviderUsage()
    package var bytesReceived: Int64 = 0
    package var bytesSent: Int64 = 0
    /// Connections that ended in TLS: who does not trust the authority, or speaks no version of it that we do.
    package var tlsFailures: Int64 = 0

    package init() {}

    package var json: JSONValue {
        [
            "active": JSONValue(active), "connections": .integer(connections),
            "requests": .integer(requests), "refused": .integer(refused),
            "cancelled": .integer(cancelled),
            "audio_ms": .integer(usage.audio.nanoseconds / 1_000_000),
            "prompt_tokens": .integer(usage.promptTokens),
            "completion_tokens": .integer(usage.completionTokens),
            "characters": .integer(usage.characters), "bytes_received": .integer(bytesReceived),
            "bytes_sent": .integer(bytesSent), "tls_failures": .integer(tlsFailures),
        ]
    }
}
