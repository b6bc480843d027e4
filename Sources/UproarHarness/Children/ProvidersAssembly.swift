import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime

/// The emulators with their listeners: where the names meet. The same in both worlds.
package final class ProvidersAssembly {
    package let context: EmulatorContext
    /// What the timeline has armed at these emulators.
    package let faults: FaultInterference
    private let relays: UpstreamRelays
    private let renderer: FliteRenderer
    private let settings: ProviderEmulatorsSettings
    /// At the vendors' own port.
    private var intercepting: [EmulatorListener] = []
    private var listeners: [(id: ProviderID, listener: EmulatorListener)] = []

    /// - shelf: what has been spoken before.
    package init(
        _ settings: ProviderEmulatorsSettings, corpus: AudioCorpus, loop: EventLoop,
        network: any Network, worker: any BackgroundWorker, facts: any FactSink,
        shelf: (any VoiceShelf)? = nil,
        secure: TLSServerOptions? = nil, addresses: [SecureListening.Address] = [],
        relays: UpstreamRelays = UpstreamRelays()
    ) throws(NetworkError) {
        self.settings = settings
        self.relays = relays
        let key = ReferenceKey(settings.seed)
        context = EmulatorContext(
            loop: loop, network: network, seed: settings.seed,
            references: ReferenceText(key: key, callLimit: settings.callLimit),
            isTagging: settings.isTagging, keys: settings.keys,
            epochSeconds: settings.epochSeconds, facts: facts)
        context.tellsStreams = settings.tellsStreams
        context.resumption =
            VoiceText.clauses(of: settings.resumption).first.map {
                UtterancePattern.words(of: $0.spoken).map(\.plain)
            } ?? []
        self.faults = FaultInterference(context: context, facts: facts)
        renderer = FliteRenderer(worker: worker, loop: loop, shelf: shelf)
        let parts = EmulatorParts(
            context: context, vocabulary: SpeechVocabulary(corpus), renderer: renderer,
            script: settings.script, worker: worker, emulations: settings.providers)
        // Each address is for both: a client's first byte says which it speaks.
        var options = ListenOptions()
        options.tls = secure
        options.tls?.takesPlain = true
        for emulation in settings.providers {
            guard let emulator = parts.service(emulation.provider) else { continue }
            let service = relays.service(in: emulator, context: context)
            // A real vendor has limits and a way to it of its own.
            if service === emulator {
                for gate in emulation.gates { context.install(gate) }
                for operation in emulation.operations {
                    context.requests.install(
                        operation.timing, of: emulation.provider, operation.name)
                }
            }
            let listener = try EmulatorListener(
                service, on: .tcp(host: settings.host, port: emulation.port), context: context,
                options: options)
            listeners.append((emulation.provider, listener))
            for address in addresses where address.provider == emulation.provider {
                var secured = options
                secured.tls?.takesPlain = false
                intercepting.append(
                    try EmulatorListener(
                        service, on: .tcp(host: address.host, port: InterceptPlan.port),
                        context: context, options: secured))
            }
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

    var counters: [(ProviderID, EmulatorCounters)] {
        listeners.map { ($0.id, context[$0.id]) }
    }

    /// Counters by provider, and renders that were asked for before they were ready.
    package var evidence: JSONValue {
        var members = listeners.map { JSONValue.Member($0.id.name, context[$0.id].json) }
        members.append(.init("voice_misses", JSONValue(renderer.missCount)))
        if let told = relays.evidence { members.append(.init("upstream", told)) }
        return .object(members)
    }

    /// The run is over: tells what is still under way, and what was used by it.
    package func finish(at now: Instant) {
        relays.finish(at: now)
        for request in context.requests.unfinished(at: now) { context.requests.onRequest?(request) }
    }

    package func close() {
        for entry in listeners { entry.listener.close() }
        for listener in intercepting { listener.close() }
    }
}
