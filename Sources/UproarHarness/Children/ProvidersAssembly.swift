import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime

/// The emulators with their listeners: where the names meet. The same in both worlds.
package final class ProvidersAssembly {
    package let context: EmulatorContext
    /// What the timeline has armed at these emulators.
    package let faults: FaultInterference
    private let renderer: FliteRenderer
    private let settings: ProviderEmulatorsSettings
    private var listeners: [(id: ProviderID, listener: EmulatorListener)] = []

    package init(
        _ settings: ProviderEmulatorsSettings, corpus: AudioCorpus, loop: EventLoop,
        network: any Network, worker: any BackgroundWorker, facts: any FactSink
    ) throws(NetworkError) {
        self.settings = settings
        let key = ReferenceKey(settings.seed)
        context = EmulatorContext(
            loop: loop, network: network, seed: settings.seed,
            references: ReferenceText(key: key, callLimit: settings.callLimit),
            isTagging: settings.isTagging, keys: settings.keys,
            epochSeconds: settings.epochSeconds, facts: facts)
        context.tellsStreams = settings.tellsStreams
        self.faults = FaultInterference(context: context, facts: facts)
        renderer = FliteRenderer(worker: worker, loop: loop)
        let parts = EmulatorParts(
            context: context, vocabulary: SpeechVocabulary(corpus), renderer: renderer,
            script: settings.script, worker: worker, emulations: settings.providers)
        for emulation in settings.providers {
            guard let service = parts.service(emulation.provider) else { continue }
            context.install(emulation.gate)
            let listener = try EmulatorListener(
                service, on: .tcp(host: settings.host, port: emulation.port), context: context)
            listeners.append((emulation.provider, listener))
        }
    }

    /// Renders what the script can say; `then` when the first call may come.
    package func prepare(then: @escaping () -> Void) {
        guard !settings.phrases.isEmpty else {
            context.loop.schedule(at: context.loop.now) { then() }
            return
        }
        renderer.prerender(settings.phrases, formats: settings.voiceFormats) { _ in then() }
    }

    package var ports: [(String, UInt16)] {
        listeners.map { ($0.id.name, $0.listener.endpoint.port) }
    }

    /// Counters by provider, and renders that were asked for before they were ready.
    package var evidence: JSONValue {
        var members = listeners.map { JSONValue.Member($0.id.name, context[$0.id].json) }
        members.append(.init("voice_misses", JSONValue(renderer.missCount)))
        return .object(members)
    }

    package func close() { for entry in listeners { entry.listener.close() } }
}
