import UproarCore
import UproarRuntime

/// What an agent works with: one set for each loop.
package struct AgentParts {
    package var loop: EventLoop
    package var network: any Network
    /// In the order of preference, with the names that metrics call them by. Empty only where the settings say `echo`.
    package var recognisers: [(name: String, recogniser: any SpeechToText)] = []
    package var models: [ModelCandidate] = []
    package var voices: [(name: String, voice: VoiceCandidate)] = []
    /// Nil: sessions and tasks live no longer than their call.
    package var sessions: (any SessionStore)?
    package var tasks: (any TaskStore)?
    package var random = RandomStream(state: 1)
    package var prices = PriceBook.guides
    /// What other programs show to be let in at `/mcp`; nil: nothing.
    package var toolKey: String?
    /// Nil: no text messages, no pages, no workflows.
    package var messenger: (any TextMessenger)?
    package var pager: (any Webhook)?
    package var workflows: (any Webhook)?
    /// Nil: calls are not recorded, whatever the settings say.
    package var recordings: RecordingParts?
    /// Takes events that could not be delivered.
    package var deadLetters: (JSONValue) -> Void = { _ in }
    /// Nil: memory and processor time are not watched.
    package var meter: (any WorkerMeter)?
    package var log = AgentLog.none

    package init(loop: EventLoop, network: any Network) {
        self.loop = loop
        self.network = network
    }

    /// The chains of the roles, each with its probes.
    func chains(_ settings: AgentSettings, metrics: AgentMetrics) -> ProviderChains {
        func chain<Port>(_ role: ProviderRole, _ members: [ProviderChain<Port>.Member])
            -> ProviderChain<Port>?
        {
            guard !members.isEmpty else { return nil }
            return ProviderChain(
                role, members, policy: settings.breakerPolicy, budget: settings.retries,
                keepsLine: settings.keepsLine, isOn: settings.failover,
                failsBack: settings.failback,
                metrics: metrics, loop: loop)
        }
        let chains = ProviderChains(
            recognisers: chain(.speechToText, recognisers.map { .init($0.name, $0.recogniser) }),
            models: chain(.languageModel, models.map { .init($0.model, $0) }),
            voices: chain(.textToSpeech, voices.map { .init($0.name, $0.voice) }))
        if let models = chains.models {
            models.probe = { [loop, weak models] place in
                guard let models else { return }
                ModelProbe(
                    models[place], deadline: settings.firstTokenDeadline, loop: loop
                ) { [weak models] in models?.probed(place, $0) }.start()
            }
        }
        if let voices = chains.voices {
            voices.probe = { [loop, weak voices] place in
                guard let voices else { return }
                VoiceProbe(
                    voices[place],
                    TextToSpeechSettings(
                        format: .telephone, voice: voices[place].voice,
                        language: settings.language,
                        connectDeadline: settings.connectDeadline),
                    deadline: settings.voiceDeadline, loop: loop
                ) { [weak voices] in voices?.probed(place, $0) }.start()
            }
        }
        return chains
    }
}
