import UproarAudio
import UproarCore
import UproarFaults
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// One of our own clients asks its vendor's emulator once, or a few times, while a fault is armed: what it heard, and when.
enum ClientTrial: String, CaseIterable, Sendable, CustomStringConvertible {
    case deepgram, assemblyai, whisper, openai, cartesia, elevenlabs

    var description: String { rawValue }

    struct Outcome {
        var asked = Instant.zero
        /// Content as the client handed it on: final words, tokens, bytes of sound; and when each piece came.
        var content: [UInt8] = []
        var times: [Instant] = []
        var isFinished = false
        var failure: ProviderFailure?
        var failed: Instant?
        var effects = 0

        var gaps: [Duration] { zip(times.dropFirst(), times).map { $0 - $1 } }
        var isMalformed: Bool { if case .malformed? = failure { true } else { false } }
    }

    private static let reference = TurnReference(call: 7, utterance: 2)

    static func plan(
        _ fault: String, _ attributes: [(String, FaultDescriptor.Value)], on target: String
    ) -> FaultPlan {
        FaultPlan(
            id: "f", number: 5, fault: fault, attributes: .init(attributes),
            scope: .init(on: [target]),
            window: .init(from: .zero, until: .zero + .seconds(60)), seed: Seed(1))
    }

    func ask(
        _ fault: String?, _ attributes: [(String, FaultDescriptor.Value)] = []
    ) throws -> Outcome {
        try ask(fault, attributes, times: 1)[0]
    }

    /// - times: so often, 100 ms from one to the next, each on a connection of its own.
    func ask(
        _ fault: String?, _ attributes: [(String, FaultDescriptor.Value)] = [], times: Int
    ) throws -> [Outcome] {
        let world = EmulatorWorld()
        let endpoint = try listen(in: world)
        let faults = FaultInterference(context: world.context, facts: world.facts)
        if let fault {
            let plan = Self.plan(fault, attributes, on: rawValue)
            guard faults.arm(plan) else { throw UnknownFault(name: fault) }
        }
        var ears: [TrialEar] = []
        for _ in 0..<times {
            let ear = TrialEar(world.context.loop)
            try begin(in: world, at: endpoint, ear)
            ears.append(ear)
            world.run(for: .milliseconds(100))
        }
        world.run(for: .seconds(20))
        let effects = world.facts.of(.faultEffective).count
        return ears.map { ear in
            ear.outcome.effects = effects
            return ear.outcome
        }
    }

    struct UnknownFault: Error { var name: String }

    private func listen(in world: EmulatorWorld) throws -> Endpoint {
        let context = world.context
        let worker = InlineWorker(loop: context.loop)
        let service: any EmulatedService
        switch self {
        case .deepgram:
            service = DeepgramEmulator(
                vocabulary: SpokenCorpus.vocabulary,
                settings: .init(latency: .constant(.milliseconds(60))), context: context)
        case .assemblyai:
            service = AssemblyAIEmulator(
                ProviderEmulation(
                    .assemblyai, speed: .speechToText(latency: .constant(.milliseconds(200)))),
                vocabulary: SpokenCorpus.vocabulary, context: context)
        case .whisper:
            service = WhisperEmulator(
                ProviderEmulation(
                    .whisper, speed: .speechToText(latency: .constant(.milliseconds(400)))),
                vocabulary: SpokenCorpus.vocabulary, worker: worker, context: context)
        case .openai:
            service = OpenAIEmulator(
                script: .init(
                    greeting: "Hello.", intents: [], fallback: ["One two three four five six."]),
                settings: .init(
                    firstToken: .constant(.milliseconds(200)),
                    tokenInterval: .constant(.milliseconds(50))), context: context)
        case .cartesia:
            service = CartesiaEmulator(
                settings: .init(firstByte: .constant(.milliseconds(90))),
                renderer: HummingRenderer(loop: context.loop), context: context)
        case .elevenlabs:
            service = ElevenLabsEmulator(
                ProviderEmulation(
                    .elevenlabs,
                    speed: .textToSpeech(firstByte: .constant(.milliseconds(75)), factor: 10)),
                renderer: HummingRenderer(loop: context.loop), context: context)
        }
        return try EmulatorListener(service, on: .loopback(0), context: context).endpoint
    }

    private func begin(in world: EmulatorWorld, at endpoint: Endpoint, _ ear: TrialEar) throws {
        let context = world.context
        let http = SimulatedHTTPClient(loop: context.loop, network: context.network)
        func access(_ provider: ProviderID, _ model: String) throws -> ProviderAccess {
            ProviderAccess(
                provider, at: try WireURL("ws://\(endpoint)"), key: "key", model: model,
                loop: context.loop, network: context.network, random: world.seed.stream("client"))
        }
        switch self {
        case .deepgram:
            speak(to: DeepgramClient(try access(.deepgram, "nova-3")), .telephone, world, ear)
        case .assemblyai:
            speak(
                to: AssemblyAIClient(try access(.assemblyai, "universal-streaming-english")),
                .browser, world, ear)
        case .whisper:
            speak(
                to: WhisperClient(
                    base: "http://\(endpoint)/v1", key: "key", loop: context.loop, http: http,
                    random: world.seed.stream("client")), .telephone, world, ear)
        case .openai:
            ear.outcome.asked = context.now
            ear.kept = OpenAIChatClient(base: "http://\(endpoint)/v1", key: "key", http: http)
                .start(
                    LanguageModelRequest(
                        model: "gpt-4o-mini",
                        messages: [.caller(world.words(Self.reference) + ", hello")]),
                    handler: ear)
        case .cartesia: listen(to: CartesiaClient(try access(.cartesia, "sonic-3")), world, ear)
        case .elevenlabs:
            listen(to: ElevenLabsClient(try access(.elevenlabs, "eleven_flash_v2_5")), world, ear)
        }
    }

    /// The whole clip at once: what counts here is the answer.
    private func speak(
        to client: any SpeechToText, _ format: AudioFormat, _ world: EmulatorWorld, _ ear: TrialEar
    ) {
        let stream = client.open(SpeechToTextSettings(format: format), handler: ear)
        ear.kept = stream
        world.run(for: .milliseconds(20))
        let bytes = SpokenCorpus.frames(
            SpokenCorpus.clip("add-milk-slt"),
            wire: world.context.references.key.wire(Self.reference), as: format,
            after: .milliseconds(400))
        stream.send(audio: bytes.span.bytes)
        ear.outcome.asked = world.context.now
        stream.finishUtterance()
    }

    private func listen(to client: any TextToSpeech, _ world: EmulatorWorld, _ ear: TrialEar) {
        let stream = client.open(
            TextToSpeechSettings(format: .telephone, voice: "v-1"), handler: ear)
        ear.kept = stream
        world.run(for: .milliseconds(50))
        ear.outcome.asked = world.context.now
        let words = world.words(Self.reference)
        stream.speak("\(words), one two three four five six seven, \(words).", reply: 1)
        stream.finishText(reply: 1)
    }
}

/// Hears what any client hands on.
final class TrialEar: SpeechToTextHandler, LanguageModelHandler, VoiceHandler {
    var outcome = ClientTrial.Outcome()
    /// The stream or reply, held as an agent holds it.
    var kept: AnyObject?
    private let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    private func take(_ content: some Sequence<UInt8>) {
        outcome.content += content
        outcome.times.append(loop.now)
    }

    private func fail(_ failure: ProviderFailure) {
        outcome.failure = failure
        outcome.failed = loop.now
    }

    func opened(_ stream: any SpeechToTextStream) {}
    func heard(_ transcript: Transcript, on stream: any SpeechToTextStream) {
        guard transcript.isFinal else { return }
        outcome.isFinished = true
        if !transcript.text.isEmpty { take(transcript.text.utf8) }
    }
    func failed(_ failure: ProviderFailure, on stream: any SpeechToTextStream) { fail(failure) }

    func received(text: String, on reply: any LanguageModelReply) { take(text.utf8) }
    func received(toolCall: ToolCall, on reply: any LanguageModelReply) {}
    func finished(_ usage: LanguageModelUsage, reason: String, on reply: any LanguageModelReply) {
        outcome.isFinished = true
    }
    func failed(_ failure: ProviderFailure, on reply: any LanguageModelReply) { fail(failure) }

    func opened(_ stream: any VoiceStream) {}
    func received(audio: RawSpan, reply: Int, on stream: any VoiceStream) {
        take(audio.withUnsafeBytes { Array($0) })
    }
    func received(words: [SpokenWord], reply: Int, on stream: any VoiceStream) {}
    func finished(reply: Int, on stream: any VoiceStream) { outcome.isFinished = true }
    func failed(_ failure: ProviderFailure, reply: Int?, on stream: any VoiceStream) {
        fail(failure)
    }
}
