import UproarCore
import UproarWire

/// What a scrape gets.
extension AgentMetrics {
    package func text() -> [UInt8] { PrometheusText.write(families) }

    private var families: [PrometheusFamily] {
        var failuresSeen: [PrometheusSample] = []
        var transcriptionErrors: [PrometheusSample] = []
        for (key, count) in zip(failures.keys, failures.values) {
            failuresSeen.append(
                .init(
                    "errors_total",
                    ["error_type": key.kind, "component": key.role.rawValue], Double(count)))
            guard key.role == .speechToText else { continue }
            transcriptionErrors.append(
                .init(
                    "voice_transcription_errors_total",
                    ["provider": speechToTextName, "error_type": key.kind], Double(count)))
        }
        failuresSeen.append(
            .init(
                "errors_total", ["error_type": "failed", "component": "store"],
                Double(storeFailures)))
        failuresSeen.append(
            .init(
                "errors_total", ["error_type": "unknown_message", "component": "media"],
                Double(unknownMessages)))
        return [
            Self.histogram(
                "voice_latency_seconds",
                "From the caller's complete utterance to the first audio of the reply.",
                [([.init("channel", "phone")], latency)]),
            Self.histogram(
                "voice_stt_duration_seconds", "From the end of speech to the final result.",
                [([.init("provider", speechToTextName)], speechToText)]),
            Self.histogram(
                "voice_llm_duration_seconds", "From the request to the first token.",
                [([.init("model", modelName)], model)]),
            Self.histogram(
                "voice_tts_duration_seconds", "From the first text to the first audio.",
                [([.init("provider", textToSpeechName)], textToSpeech)]),
            Self.histogram(
                "voice_session_duration_seconds", "How long calls lasted, by their end.",
                zip(Outcome.allCases, sessions).map { outcome, histogram in
                    (
                        [.init("channel", "phone"), .init("outcome", outcome.rawValue)],
                        histogram
                    )
                }),
            Self.single(
                "voice_agent_active_sessions", .gauge, "Calls going on.", activeSessions),
            Self.single("voice_agent_sessions_total", .counter, "Calls taken.", startedSessions),
            Self.single(
                "voice_agent_refused_total", .counter, "Calls refused because all were taken.",
                refusedSessions),
            PrometheusFamily(
                name: "voice_transcription_errors_total", kind: .counter,
                help: "Failures of the speech recogniser.", samples: transcriptionErrors),
            PrometheusFamily(
                name: "errors_total", kind: .counter,
                help: "Failures by kind and by where they came from.", samples: failuresSeen),
        ]
    }

    private static func single(
        _ name: String, _ kind: PrometheusFamily.Kind, _ help: String, _ value: Int
    ) -> PrometheusFamily {
        PrometheusFamily(
            name: name, kind: kind, help: help, samples: [.init(name, [:], Double(value))])
    }

    private static func histogram(
        _ name: String, _ help: String,
        _ parts: [(labels: [PrometheusSample.Label], histogram: BucketHistogram)]
    ) -> PrometheusFamily {
        var samples: [PrometheusSample] = []
        for (labels, histogram) in parts {
            var count = 0
            for (bound, part) in zip(histogram.bounds, histogram.counts) {
                count += part
                let le = PrometheusSample.Label("le", PrometheusText.bound(bound))
                samples.append(.init(name + "_bucket", labels: labels + [le], Double(count)))
            }
            let total = Double(histogram.count)
            samples.append(
                .init(name + "_bucket", labels: labels + [.init("le", "+Inf")], total))
            samples.append(.init(name + "_sum", labels: labels, histogram.sum))
            samples.append(.init(name + "_count", labels: labels, total))
        }
        return PrometheusFamily(name: name, kind: .histogram, help: help, samples: samples)
    }
}
