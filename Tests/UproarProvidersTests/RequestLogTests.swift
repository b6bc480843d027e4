import Testing
import UproarAudio
import UproarCore
import UproarRuntime
import UproarWire

@testable import UproarProviders

/// Who asked what when, and what became of it.
struct RequestLogTests {
    let chat = OpenAIEmulatorTests()

    final class Lines {
        var all: [ProviderRequest] = []
        init(_ world: EmulatorWorld) {
            world.context.requests.onRequest = { [weak self] in self?.all.append($0) }
        }
    }

    private func ask(_ world: EmulatorWorld, _ peer: HTTPPeer, key: String = "sk-secret") {
        peer.send(
            "POST", "/v1/chat/completions",
            headers: ["Authorization": "Bearer \(key)", "Content-Type": "application/json"],
            body: chat.body([chat.user(world, "Add buy milk to my list.")]))
    }

    private func ms(_ count: Int64) -> Instant { Instant(nanoseconds: count * 1_000_000) }

    @Test("A streamed answer has its first token, its end, its reply's reference and its tokens")
    func streamed() throws {
        let world = EmulatorWorld()
        let lines = Lines(world)
        let listener = try chat.start(world)
        ask(world, HTTPPeer(world, to: listener.endpoint))
        world.run()
        let line = try #require(lines.all.first)
        #expect(lines.all.count == 1)
        #expect(line.provider == .openai && line.operation == "chat" && line.kind == .request)
        #expect(line.status == 200 && line.outcome == .answered)
        #expect(line.at == .zero && line.first == ms(200))
        #expect(line.end == world.facts.of(.modelFinished).first?.instant)
        #expect(line.reference == chat.utterance.with(reply: 1))
        #expect(line.usage.completionTokens == 9)
        #expect(line.usage.requests == 1)
    }

    @Test(
        "What is still open at the end of a run has a line as far as it went, and comes through whole"
    )
    func stillOpen() throws {
        let log = RequestLog()
        let socket = log.open(.deepgram, "live", .socket, on: nil, at: .zero)
        let exchange = log.open(.deepgram, "live", .exchange, on: nil, at: ms(5))
        exchange.close(.answered, at: ms(9))
        var usage = ProviderUsage()
        usage.audio = .seconds(3)
        usage.uncounted = 2
        socket.add(usage)
        let open = try #require(log.unfinished(at: ms(20)).first)
        #expect(log.unfinished(at: ms(20)).count == 1)
        #expect(open.outcome == .open && open.kind == .socket && open.end == ms(20))
        #expect(ProviderRequest(message: open.message) == open)
        let line = open.line(since: .zero, words: { _ in "" }, prices: nil)
        #expect(line["outcome"]?.text == "open" && line["usage"]?["uncounted"]?.int == 2)
        // Nothing was ended by telling of it.
        socket.close(.answered, at: ms(30))
        #expect(log.unfinished(at: ms(40)).isEmpty)
        #expect(log.all.first?.counters.answered == 2)
    }

    @Test("No line holds a key, a header or a word of anybody")
    func secrets() throws {
        let world = EmulatorWorld()
        let lines = Lines(world)
        let listener = try chat.start(world)
        ask(world, HTTPPeer(world, to: listener.endpoint))
        world.run()
        let line = try #require(lines.all.first)
        let text =
            line.line(since: .zero, words: world.words, prices: nil).text(pretty: false)
            + line.message.text(pretty: false)
        for secret in ["sk-secret", "Bearer", "milk", "gpt"] { #expect(!text.contains(secret)) }
        #expect(text.contains(world.words(chat.utterance.with(reply: 1))))
    }

    @Test("What travels between processes comes back as it was")
    func message() throws {
        let world = EmulatorWorld()
        let lines = Lines(world)
        let listener = try chat.start(world)
        ask(world, HTTPPeer(world, to: listener.endpoint))
        world.run()
        var line = try #require(lines.all.first)
        #expect(ProviderRequest(message: line.message) == line)
        line.closeCode = 1011
        line.first = nil
        line.reference = nil
        line.usage.audio = .milliseconds(1234)
        #expect(ProviderRequest(message: line.message) == line)
        #expect(ProviderRequest(message: ["provider": "nobody"]) == nil)
    }

    @Test("A client that goes away has cancelled; a refusal has its status and no content")
    func ends() throws {
        let world = EmulatorWorld()
        let lines = Lines(world)
        let listener = try chat.start(world)
        let leaver = HTTPPeer(world, to: listener.endpoint)
        ask(world, leaver)
        world.run(for: .milliseconds(250))
        leaver.hangUp()
        world.run()
        let keyless = HTTPPeer(world, to: listener.endpoint)
        keyless.send("POST", "/v1/chat/completions", body: chat.body([]))
        world.run()
        #expect(lines.all.map(\.outcome) == [.cancelled, .refused])
        #expect(lines.all.map(\.status) == [200, 401])
        #expect(lines.all[1].first == nil)
        #expect(lines.all[0].first == ms(200))
        #expect(world.context.requests.all.map { $0.counters.open } == [0])
    }

    @Test("What a fault holds back for ever is broken, and has no content that nobody got")
    func stalled() throws {
        let world = EmulatorWorld()
        world.context.interference = VerdictPlan([.piece(0): .stall])
        let lines = Lines(world)
        let listener = try chat.start(world)
        let peer = HTTPPeer(world, to: listener.endpoint)
        ask(world, peer)
        world.run(for: .seconds(2))
        peer.hangUp()
        world.run()
        #expect(lines.all.map(\.outcome) == [.broken])
        #expect(lines.all[0].first == nil)
    }

    @Test("A socket has a line of its own and one for each exchange on it")
    func exchanges() throws {
        let world = EmulatorWorld()
        let lines = Lines(world)
        let emulator = CartesiaEmulator(
            settings: .init(firstByte: .constant(.milliseconds(90))),
            renderer: HummingRenderer(loop: world.context.loop), context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let peer = try SocketPeer(
            world, to: listener.endpoint, "/tts/websocket?cartesia_version=2025-04-16",
            headers: ["X-API-Key": "k"])
        world.run(for: .milliseconds(5))
        let began = world.context.now
        peer.send([
            "model_id": "sonic-3", "transcript": "Hello there.", "context_id": "a",
            "continue": false, "voice": ["mode": "id", "id": "v"],
            "output_format": [
                "container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000,
            ],
        ])
        world.run(for: .seconds(4))
        peer.close()
        world.run(for: .seconds(1))
        #expect(lines.all.map(\.kind) == [.exchange, .socket])
        #expect(lines.all.map(\.operation) == ["live", "live"])
        #expect(lines.all[0].first == began + .milliseconds(90))
        #expect(lines.all[0].usage.characters == 12)
        #expect(lines.all[1].status == 101 && lines.all[1].outcome == .answered)
        #expect(lines.all[1].usage == ProviderUsage())
    }

    @Test(
        "An utterance's line begins with its last voiced sample and has the audio since the one before"
    )
    func utterance() throws {
        let deepgram = DeepgramTests()
        let stage = try deepgram.start(endpointing: .milliseconds(300))
        let lines = Lines(stage.world)
        stage.world.run(for: .milliseconds(20))
        let player = stage.play(deepgram.frames("add-call-slt", stage.world).bytes)
        stage.world.run(for: .seconds(6))
        stage.stream.close()
        stage.world.run(for: .seconds(1))
        _ = player
        let facts = stage.world.facts
        #expect(lines.all.map(\.kind) == [.exchange, .socket])
        let line = lines.all[0]
        #expect(line.at == facts.of(.speechEnded).first?.instant)
        #expect(line.first == facts.of(.finalSent).first?.instant)
        #expect(line.reference == deepgram.reference)
        // The tag is nobody's speech, and no audio is counted twice.
        let stated = facts.of(.speechToTextUsage).reduce(0) { $0 + Int64($1.detail) }
        let logged = lines.all.reduce(Duration.zero) { $0 + $1.usage.audio }
        #expect(logged.nanoseconds / 1_000_000 == stated)
    }

    @Test("An operation's own limits and times hold for it alone")
    func operations() throws {
        let world = EmulatorWorld()
        let lines = Lines(world)
        world.context.install(EmulatorGate(.openai, operation: "chat", concurrencyLimit: 1))
        world.context.requests.install(
            OperationTiming(first: .constant(.milliseconds(700))), of: .openai, "chat")
        let listener = try chat.start(world)
        let peers = (0..<2).map { _ in HTTPPeer(world, to: listener.endpoint) }
        for peer in peers { ask(world, peer) }
        let other = HTTPPeer(world, to: listener.endpoint)
        other.send("GET", "/v1/models", headers: ["Authorization": "Bearer k"])
        world.run()
        #expect(peers.map { $0.answers.first?.head.status } == [200, 429])
        #expect(other.answers.first?.head.status == 200)
        #expect(lines.all.last { $0.operation == "chat" }?.first == ms(700))
        // The place is free again.
        ask(world, peers[1])
        world.run()
        #expect(peers[1].answers.last?.head.status == 200)
    }

    @Test("The time to connect is a connection's, not a request's")
    func connect() throws {
        let world = EmulatorWorld()
        let lines = Lines(world)
        world.context.install(EmulatorGate(.openai, connect: .constant(.milliseconds(50))))
        let listener = try chat.start(world)
        let peer = HTTPPeer(world, to: listener.endpoint)
        for _ in 0..<2 {
            ask(world, peer)
            world.run()
        }
        let waits = lines.all.map { ($0.first ?? .zero) - $0.at }
        #expect(waits == [.milliseconds(250), .milliseconds(200)])
    }

    @Test("Every path that clients ask for is an operation that scenarios can name")
    func names() {
        func name(
            _ method: String, _ target: String, _ provider: ProviderID, _ upgrade: Bool = false
        )
            -> String
        {
            ProviderOperation.name(
                of: HTTPRequestHead(method: method, target: target, headers: [:]),
                isUpgrade: upgrade, provider: provider)
        }
        #expect(name("GET", "/v1/listen?model=nova-3", .deepgram, true) == "live")
        #expect(name("POST", "/v1/listen", .deepgram) == "file")
        #expect(name("GET", "/v2/listen", .deepgram, true) == "flux")
        #expect(name("POST", "/proxy/v1/chat/completions", .openai) == "chat")
        #expect(name("GET", "/v1/models", .openai) == "other")
        #expect(name("POST", "/tts/sse", .cartesia) == "events")
        #expect(
            name("POST", "/v1/text-to-speech/v/stream/with-timestamps", .elevenlabs) == "stream")
        #expect(name("POST", "/v1/text-to-speech/v", .elevenlabs) == "whole")
        #expect(name("HEAD", "/bucket/key", .objectStore) == "get")
        #expect(name("POST", "/2010-04-01/Accounts/AC/Calls/CA1.json", .sms) == "call")
        for operation in ProviderOperation.all {
            #expect(ProviderOperation.named(operation.name, of: operation.provider) == operation)
        }
    }
}
