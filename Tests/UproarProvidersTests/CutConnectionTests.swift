import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

/// Connections that end at every message of an answer: the emulator lives on and serves the next client whole.
struct CutConnectionTests {
    /// A vendor's socket, what asks it for an answer, and the word in its last message.
    struct Exchange: CustomStringConvertible, Sendable {
        var vendor: ProviderID
        var target: String
        var ask: String
        var end: String
        var description: String { vendor.name + target }
    }

    static let exchanges: [Exchange] = [
        Exchange(
            vendor: .cartesia, target: "/tts/websocket?cartesia_version=2025-04-16",
            ask:
                #"{"model_id":"sonic-3","transcript":"Hello there, my friend.","voice":{"mode":"id","id":"v"},"output_format":{"container":"raw","encoding":"pcm_s16le","sample_rate":8000},"context_id":"c","add_timestamps":true}"#,
            end: #""done":true"#),
        Exchange(
            vendor: .elevenlabs,
            target: "/v1/text-to-speech/v/multi-stream-input?output_format=pcm_16000",
            ask: #"{"text":"Hello there, my friend. ","context_id":"c","flush":true}"#,
            end: "isFinal"),
        Exchange(
            vendor: .openai, target: "/v1/responses",
            ask: #"{"type":"response.create","model":"m","input":"hello"}"#,
            end: "response.completed"),
        Exchange(
            vendor: .openai, target: "/v1/realtime?model=m", ask: #"{"type":"response.create"}"#,
            end: "rate_limits.updated"),
    ]

    func service(_ vendor: ProviderID, _ world: EmulatorWorld) throws -> any EmulatedService {
        let renderer = HummingRenderer(loop: world.context.loop)
        switch vendor {
        case .cartesia:
            return CartesiaEmulator(
                ProviderEmulation(.cartesia), renderer: renderer, context: world.context)
        case .elevenlabs:
            return ElevenLabsEmulator(
                ProviderEmulation(.elevenlabs), renderer: renderer, context: world.context)
        default:
            return OpenAIEmulator(
                ProviderEmulation(.openai), script: try OpenAIEmulatorTests.script(),
                context: world.context, renderer: renderer, vocabulary: SpokenCorpus.vocabulary)
        }
    }

    @Test("Cut, reset or closed at any message, nothing is left behind", arguments: exchanges)
    func cut(exchange: Exchange) throws {
        let world = EmulatorWorld()
        world.context.interference = KeyFaults()
        let listener = try EmulatorListener(
            try service(exchange.vendor, world), on: .loopback(0), context: world.context)
        func ask(_ key: String) throws -> SocketPeer {
            let peer = try SocketPeer(
                world, to: listener.endpoint, exchange.target,
                headers: ["Authorization": "Bearer \(key)", "xi-api-key": key, "X-API-Key": key])
            world.run(for: .milliseconds(20))
            peer.send(text: exchange.ask)
            world.run(for: .seconds(8))
            if exchange.vendor == .elevenlabs {
                peer.send(text: #"{"context_id":"c","close_context":true}"#)
                world.run(for: .seconds(8))
            }
            return peer
        }
        func isWhole(_ peer: SocketPeer) -> Bool {
            peer.messages.last?.text(pretty: false).contains(exchange.end) == true
        }
        let whole = try ask("plain")
        #expect(isWhole(whole))
        #expect(whole.messages.count > 3)
        whole.close()
        for piece in 0..<whole.messages.count {
            for word in ["cut", "reset", "close-1011", "status-500"] {
                let peer = try ask("fault-piece-\(piece)-\(word)")
                #expect(peer.messages.count <= piece + 1, "\(piece) \(word)")
                #expect(peer.streamEnd != nil || peer.closed != nil || word == "status-500")
                peer.close()
            }
        }
        world.run(for: .seconds(20))
        #expect(world.context[exchange.vendor].active == 0)
        #expect(isWhole(try ask("plain")))
    }
}
