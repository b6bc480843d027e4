import UproarCore
import UproarRuntime

extension ProviderEmulation {
    /// Of recognisers and services; zero for others.
    package var latency: Distribution {
        switch speed {
        case .speechToText(let latency), .service(let latency): latency
        case .languageModel, .textToSpeech: .constant(.zero)
        }
    }

    package var firstByte: Distribution {
        if case .textToSpeech(let firstByte, _) = speed { firstByte } else { .constant(.zero) }
    }

    package var pace: VoicePump.Pace {
        var pace = VoicePump.Pace()
        if case .textToSpeech(_, let factor) = speed { pace.speed = factor }
        return pace
    }
}

extension DeepgramEmulator {
    package convenience init(
        _ emulation: ProviderEmulation, vocabulary: SpeechVocabulary,
        worker: any BackgroundWorker, context: EmulatorContext
    ) {
        self.init(
            vocabulary: vocabulary,
            settings: Settings(
                latency: emulation.latency, concurrencyLimit: emulation.concurrencyLimit),
            context: context, worker: worker)
    }
}

extension OpenAIEmulator {
    package convenience init(
        _ emulation: ProviderEmulation, script: LanguageModelScript, context: EmulatorContext,
        transcriptions: WhisperEmulator? = nil, renderer: (any VoiceRenderer)? = nil,
        vocabulary: SpeechVocabulary? = nil, transcriptLatency: Distribution = .constant(.zero)
    ) {
        let studio = renderer.map {
            VoiceStudio(
                .openai,
                // File voices of this vendor take their time (platform.openai.com, "Text to speech"; 0.4–0.8 s measured).
                firstByte: .lognormal(p50: .milliseconds(450), p95: .milliseconds(800)),
                pace: .init(), concurrencyLimit: emulation.concurrencyLimit, renderer: $0,
                context: context)
        }
        var realtime: RealtimeParts?
        if let renderer, let vocabulary {
            // Such a model speaks as it thinks: its voice takes no time beyond that of its first token.
            realtime = RealtimeParts(
                vocabulary: vocabulary,
                studio: VoiceStudio(
                    .openai, firstByte: .constant(.zero), pace: .init(), concurrencyLimit: nil,
                    renderer: renderer, context: context),
                transcriptLatency: transcriptLatency)
        }
        var settings = Settings(concurrencyLimit: emulation.concurrencyLimit)
        if case .languageModel(let firstToken, let tokenInterval) = emulation.speed {
            settings.firstToken = firstToken
            settings.tokenInterval = tokenInterval
        }
        self.init(
            script: script, settings: settings, context: context, transcriptions: transcriptions,
            studio: studio, realtime: realtime)
    }
}

extension CartesiaEmulator {
    package convenience init(
        _ emulation: ProviderEmulation, renderer: any VoiceRenderer, context: EmulatorContext
    ) {
        var settings = Settings(
            firstByte: emulation.firstByte, concurrencyLimit: emulation.concurrencyLimit)
        settings.pace.speed = emulation.pace.speed
        self.init(settings: settings, renderer: renderer, context: context)
    }
}
