import UproarAgent
import UproarAudio
import UproarCore
import UproarProviders
import UproarScenario

/// What the emulators of a run are told, as it travels in `children/providers.yaml`: their settings and the words they know.
package struct ProviderConfiguration {
    /// A clip whose words the recogniser knows, with the noise that the run puts over it.
    package struct Clip {
        package var description: ClipDescription
        package var noise: NoiseVariant?
    }

    package var settings: ProviderEmulatorsSettings
    package var clips: [Clip]
    /// CLOCK_MONOTONIC at the run's epoch; nil: the process's own start.
    package var epoch: Int64?
    /// Where runs attach to emulators that were started by hand; 0: any port.
    package var attachPort: UInt16 = 0
    /// nil: they speak no TLS.
    package var secure: SecureListening?
    /// Providers that are the vendors themselves.
    package var upstreams: [ProviderUpstream] = []
    /// Where each exchange with them is written down, one JSON text a line; nil: nowhere.
    package var upstreamLog: String?
    /// Where their requests and counters are told; 0: any port.
    package var watchPort: UInt16 = 0
}

extension ProviderConfiguration {
    package init(plan: RunPlan, epoch: Int64?, epochSeconds: Int64) {
        let scenario = plan.scenario
        settings = ProviderEmulatorsSettings(
            seed: plan.seed, script: scenario.conversation.languageModel)
        settings.isTagging = scenario.isTagging
        settings.epochSeconds = epochSeconds
        settings.tellsStreams = !LinkPlan(scenario).behindAgent.isEmpty
        for descriptor in ProviderCatalog.all {
            let preset = scenario.providers.preset
            var emulation = ProviderEmulation(
                descriptor.id, speed: .of(descriptor.id, preset: preset))
            emulation.connect = PublishedFigures.connect(descriptor.id, from: preset.region)
            settings.set(emulation)
        }
        for timing in scenario.providers.timings {
            guard var emulation = settings[timing.provider] else { continue }
            emulation.speed = .init(timing.pace)
            settings.set(emulation)
        }
        for terms in scenario.providers.terms {
            guard var emulation = settings[terms.provider] else { continue }
            emulation.take(terms)
            settings.set(emulation)
        }
        settings.phrases = scenario.conversation.languageModel.everyReply(
            to: plan.clips.map(\.transcript))
        if case .embedded = scenario.target {
            let agent = EmbeddedConfigurations.settings(plan)
            // An agent that is told to say nothing is measured by what it would say.
            settings.resumption =
                agent.resumption.isEmpty
                ? UproarAgent.AgentSettings().resumption : agent.resumption
            // The formats in which this run's channels are spoken to.
            settings.voiceFormats = scenario.transports.map {
                $0 == "browser"
                    ? VoiceFormat(.linear16, .wideband) : VoiceFormat(.mulaw, .telephone)
            }
            settings.phrases =
                agent.phrases.filter { !$0.isEmpty } + settings.phrases
        } else {
            settings.resumption = scenario.resumption ?? ""
            // What another agent will ask for is not known: the usual rates of telephony and of browsers.
            settings.voiceFormats += [8_000, 16_000, 24_000].map {
                VoiceFormat(.linear16, Hertz($0))
            }
        }
        self.epoch = epoch
        upstreams = scenario.providers.upstreams
        clips = []
        if case .corpora(let corpora) = scenario.audio {
            for corpus in corpora {
                let noise =
                    corpus.isVariantMade
                    ? corpus.variant.flatMap(NoiseVariant.init(rawValue:)) : nil
                clips += corpus.clips.map { Clip(description: $0, noise: noise) }
            }
        } else {
            clips = plan.clips.map { Clip(description: $0, noise: nil) }
        }
        if case .listen(let host, let port) = scenario.providers.place {
            settings.host = host
            place(from: port)
        }
    }

    /// Gives the emulators ports one after the other, in the order of the catalog.
    package mutating func place(from port: UInt16) {
        for (index, emulation) in settings.providers.enumerated() {
            var emulation = emulation
            emulation.port = port &+ UInt16(index)
            settings.set(emulation)
        }
    }

    package var json: JSONValue {
        .object([
            .init("epoch_ns", epoch.map { .integer($0) } ?? .null),
            .init("emulators", settings.json),
            .init("secure", secure?.json ?? .null),
            .init(
                "upstreams",
                .object(upstreams.map { .init($0.provider.name, .string($0.url)) })),
            .init("upstream_log", JSONValue(upstreamLog)),
            .init(
                "clips",
                .array(
                    clips.map {
                        [
                            "clip": $0.description.json,
                            "noise": JSONValue($0.noise?.rawValue),
                        ]
                    })),
        ])
    }

    package init(json: JSONValue) throws {
        guard let settings = json["emulators"].flatMap(ProviderEmulatorsSettings.init(json:)) else {
            throw ScenarioLoading.Problem("\"emulators\" holds no settings of the emulators")
        }
        self.settings = settings
        epoch = json["epoch_ns"]?.int.map { Int64($0) }
        secure = json["secure"].flatMap(SecureListening.init(json:))
        upstreams = (json["upstreams"]?.members ?? []).compactMap { member in
            guard let provider = ProviderID(name: member.key), let url = member.value.text else {
                return nil
            }
            return ProviderUpstream(provider: provider, url: url)
        }
        upstreamLog = json["upstream_log"]?.text
        clips = try (json["clips"]?.items ?? []).map { item in
            guard let clip = item["clip"].flatMap(ClipDescription.init(json:)) else {
                throw ScenarioLoading.Problem("\"clips\" holds something that is no clip")
            }
            return Clip(
                description: clip, noise: item["noise"]?.text.flatMap(NoiseVariant.init(rawValue:)))
        }
    }

    /// The clips with their sound, as the callers speak them.
    package func corpus() throws -> AudioCorpus {
        AudioCorpus(
            name: "run",
            clips: try clips.map { clip in
                let sound: PCM
                do { sound = try AudioFile.read(clip.description.file) } catch {
                    throw ScenarioLoading.Problem("\(error)")
                }
                return AudioCorpus.Clip(
                    description: clip.description,
                    sound: clip.noise?.applied(to: sound, clip: clip.description.id) ?? sound)
            })
    }
}

extension ProviderEmulation.Speed {
    /// Of a provider that scenarios do not set: by the preset's name.
    static func of(_ provider: ProviderID, preset: ProviderPreset) -> Self {
        switch preset {
        case .guideBudget: .usual(provider.role)
        case .published, .publishedUS, .publishedEU, .publishedAsia:
            .published(provider, from: preset.region)
        case .instant: .instant(provider.role)
        }
    }

    /// As the scenario asks for.
    init(_ pace: ProviderPace) {
        switch pace {
        case .speechToText(let latency): self = .speechToText(latency: latency)
        case .languageModel(let firstToken, let tokensPerSecond):
            self = .languageModel(
                firstToken: firstToken,
                tokenInterval: .constant(.fromSeconds(1 / tokensPerSecond)))
        case .textToSpeech(let firstByte, let factor):
            self = .textToSpeech(firstByte: firstByte, factor: factor.value)
        }
    }
}
