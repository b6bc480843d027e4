/// What vendors and measurements of their clients publish of their first content, and what a region's distance adds to it.
/// Each figure with its source and date: docs/providers.md, "Published".
package enum PublishedFigures {
    /// Where the agent runs. Without one, the network takes no time.
    package enum Region: String, CaseIterable, Sendable {
        case us, eu, asia

        /// The median round trip from an agent in this region to where the vendor answers it: measured between regions of one large
        /// cloud (Microsoft, "Azure network round-trip latency statistics", 30 days to 2026-07-30).
        package func roundTrip(to provider: ProviderID) -> Duration {
            switch self {
            // East US 2 and East US.
            case .us: .milliseconds(9)
            // West Europe and Germany West Central, where the vendor serves Europe from Europe (api.eu.deepgram.com,
            // streaming.eu.assemblyai.com); else West Europe and East US.
            case .eu:
                [.deepgram, .assemblyai].contains(provider) ? .milliseconds(11) : .milliseconds(85)
            // Southeast Asia and East US.
            case .asia: .milliseconds(224)
            }
        }
    }

    /// Median and 95th percentile in milliseconds, the vendor's own time.
    private static func own(_ provider: ProviderID) -> (p50: Int64, p95: Int64)? {
        switch provider {
        case .deepgram: (400, 550)
        case .assemblyai: (300, 390)
        case .whisper: (700, 1_500)
        case .openai, .anthropic: (450, 700)
        case .cartesia: (90, 150)
        case .elevenlabs: (75, 135)
        case .redis, .objectStore, .sms, .workflow: nil
        }
    }

    /// Both percentiles are later by one round trip: the request's way there, the answer's way back. Nil where nothing is published.
    package static func firstContent(_ provider: ProviderID, from region: Region?) -> Distribution?
    {
        own(provider).map {
            let away = region?.roundTrip(to: provider) ?? .zero
            return .lognormal(
                p50: .milliseconds($0.p50) + away, p95: .milliseconds($0.p95) + away)
        }
    }

    /// Before the first request of a connection is looked at: one round trip each for TCP and TLS 1.3 (RFC 8446 §2), and a third
    /// where it is a WebSocket's upgrade (RFC 6455 §1.3).
    package static func connect(_ provider: ProviderID, from region: Region?) -> Distribution? {
        guard let region, own(provider) != nil else { return nil }
        let trips =
            switch provider {
            case .openai, .anthropic, .whisper: 2
            default: 3
            }
        return .constant(region.roundTrip(to: provider) * trips)
    }
}
