import UproarCore

/// The Prometheus text exposition format, version 0.0.4.
extension AgentMetrics {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package func text() -> [UInt8] {
        var page = MetricsPage()
        page.family(
            "voice_latency_seconds", .histogram,
            "From the caller's complete utterance to the first audio of the reply.")
        page.histogram("voice_latency_seconds", [("channel", "phone")], latency)
        page.family(
            "voice_stt_duration_seconds", .histogram, "From the end of speech to the final result.")
        page.histogram(
            "voice_stt_duration_seconds", [("provider", speechToTextName)], speechToText)
        page.family(
            "voice_llm_duration_seconds", .histogram, "From the request to the first token.")
        page.histogram("voice_llm_duration_seconds", [("model", modelName)], model)
        page.family(
            "voice_tts_duration_seconds", .histogram, "From the first text to the first audio.")
        page.histogram("voice_tts_duration_seconds", [("provider", textToSpeechName)], textToSpeech)
        page.family(
            "voice_session_duration_seconds", .histogram, "How long calls lasted, by their end.")
        for (outcome, histogram) in zip(Outcome.allCases, sessions) {
            page.histogram(
                "voice_session_duration_seconds",
                [("channel", "phone"), ("outcome", outcome.rawValue)], histogram)
        }
        page.family("voice_agent_active_sessions", .gauge, "Calls going on.")
        page.sample("voice_agent_active_sessions", [], activeSessions)
        page.family("voice_agent_sessions_total", .counter, "Calls taken.")
        page.sample("voice_agent_sessions_total", [], startedSessions)
        page.family("voice_agent_refused_total", .counter, "Calls refused because all were taken.")
        page.sample("voice_agent_refused_total", [], refusedSessions)
        page.family(
            "voice_transcription_errors_total", .counter, "Failures of the speech recogniser.")
        for (key, count) in zip(failures.keys, failures.values) where key.role == .speechToText {
            page.sample(
                "voice_transcription_errors_total",
                [("provider", speechToTextName), ("error_type", key.kind)], count)
        }
        page.family("errors_total", .counter, "Failures by kind and by where they came from.")
        for (key, count) in zip(failures.keys, failures.values) {
            page.sample(
                "errors_total", [("error_type", key.kind), ("component", key.role.rawValue)], count)
        }
        page.sample(
            "errors_total", [("error_type", "store"), ("component", "store")], storeFailures)
        page.sample(
            "errors_total", [("error_type", "unknown_message"), ("component", "media")],
            unknownMessages)
        return page.bytes
    }
}

/// Writes one page of metrics.
struct MetricsPage {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var bytes: [UInt8] = []

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        line("# HELP \(name) \(help)")
        line("# TYPE \(name) \(kind.rawValue)")
    }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Int) {
        line("\(name)\(Self.text(of: labels)) \(value)")
    }

    mutating func histogram(
        _ name: String, _ labels: [(String, String)], _ histogram: BucketHistogram
    ) {
        var count = 0
        for (bound, part) in zip(histogram.bounds, histogram.counts) {
            count += part
            sample("\(name)_bucket", labels + [("le", Self.text(of: bound))], count)
        }
        sample("\(name)_bucket", labels + [("le", "+Inf")], histogram.count)
        line("\(name)_sum\(Self.text(of: labels)) \(Self.text(of: histogram.sum))")
        sample("\(name)_count", labels, histogram.count)
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(0x0a)
    }

    private static func text(of value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : value.description
    }

    private static func text(of labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { name, value in
            let escaped = value.reduce(into: "") { result, character in
                switch character {
                case "\\": result += "\\\\"
                case "\"": result += "\\\""
                case "\n": result += "\\n"
                default: result.append(character)
                }
            }
            return "\(name)=\"\(escaped)\""
        }
        return "{" + pairs.joined(separator: ",") + "}"
    }
}
