import UproarAgent
import UproarCore
import UproarScenario

/// What the emulators of a run are told, as it travels in `children/providers.yaml`.
package struct ProviderConfiguration: Sendable {
    package var seed: Seed
    package var epoch: Int64?
    package var isTagging: Bool
    package var script: LanguageModelScript
    package var clips: [ClipDescription]
    /// Folder of the clips' files; nil when they are named by whole paths.
    package var folder: String?
    package var pace: [ProviderID: ProviderPace]
    /// Texts to be rendered before the first call.
    package var texts: [String]
    /// Zero ports ask for ephemeral ones.
    package var ports: [ProviderID: UInt16] = [:]
}

extension ProviderConfiguration {
    package init(plan: RunPlan, epoch: Int64) {
        let scenario = plan.scenario
        seed = plan.seed
        self.epoch = epoch
        isTagging = scenario.isTagging
        script = scenario.conversation.languageModel
        clips = plan.clips
        pace = [:]
        for timing in scenario.providers.timings { pace[timing.provider] = timing.pace }
        let agent = EmbeddedConfigurations.settings(plan)
        texts =
            [agent.greeting, agent.resumption, agent.toolFiller, agent.apology]
            + script.everyReply(to: plan.clips.map(\.transcript))
    }

    package var json: JSONValue {
        .object([
            .init("seed", .string(String(seed.value))),
            .init("epoch_ns", epoch.map { .integer($0) } ?? .null),
            .init("tagging", .bool(isTagging)),
            .init("folder", JSONValue(folder)),
            .init("clips", .array(clips.map(\.json))),
            .init("script", script.json),
            .init(
                "pace",
                .object(
                    ProviderID.allCases.compactMap { id in
                        pace[id].map { JSONValue.Member(id.name, Self.json($0)) }
                    })),
            .init("texts", .array(texts.map { .string($0) })),
            .init(
                "ports",
                .object(
                    ProviderID.allCases.compactMap { id in
                        ports[id].map { JSONValue.Member(id.name, .integer(Int64($0))) }
                    })),
        ])
    }

    private static func json(_ pace: ProviderPace) -> JSONValue {
        switch pace {
        case .speechToText(let latency):
            ["latency": .string(DistributionText.exact(latency))]
        case .languageModel(let firstToken, let tokensPerSecond):
            [
                "first_token": .string(DistributionText.exact(firstToken)),
                "tokens_per_second": .number(tokensPerSecond),
            ]
        case .textToSpeech(let firstByte, let factor):
            [
                "first_byte": .string(DistributionText.exact(firstByte)),
                "factor": .number(factor.value),
            ]
        }
    }
}
