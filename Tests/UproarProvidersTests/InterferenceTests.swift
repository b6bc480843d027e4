import Testing
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// Gives the passages of one kind a verdict, the others none.
final class VerdictPlan: EmulatorInterference {
    var verdicts: [EmulatorPassage.Kind: EmulatorVerdict]
    private(set) var passages: [EmulatorPassage] = []
    init(_ verdicts: [EmulatorPassage.Kind: EmulatorVerdict]) { self.verdicts = verdicts }
    func verdict(on passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict {
        passages.append(passage)
        return verdicts[passage.kind] ?? .pass
    }
}

/// The one place where faults act on emulators, shown on an event stream (OpenAI) and on a socket (ElevenLabs).
struct InterferenceTests {
    func ask(_ verdicts: [EmulatorPassage.Kind: EmulatorVerdict]) throws -> (
        world: EmulatorWorld, peer: HTTPPeer, plan: VerdictPlan
    ) {
        let world = EmulatorWorld()
        let emulator = OpenAIEmulator(
            script: try OpenAIEmulatorTests.script(),
            settings: .init(
                firstToken: .constant(.milliseconds(200)),
                tokenInterval: .constant(.milliseconds(10))), context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let plan = VerdictPlan(verdicts)
        world.context.interference = plan
        let peer = HTTPPeer(world, to: listener.endpoint)
        let body: JSONValue = [
            "model": "gpt-4.1", "stream": true,
            "messages": [["role": "user", "content": "hello"]],
        ]
        peer.send(
            "POST", "/v1/chat/completions", headers: ["Authorization": "Bearer k"],
            body: body.encoded())
        world.run(for: .seconds(20))
        return (world, peer, plan)
    }

    @Test("Without a verdict the bytes are those without a fault")
    func transparent() throws {
        let judged = try ask([:])
        let pieces = judged.plan.passages.filter { $0.kind != .request }
        #expect(pieces.map(\.kind) == (0..<pieces.count).map { .piece($0) })
        #expect(judged.plan.passages.allSatisfy { $0.ordinal == 1 && $0.provider == .openai })
        let plain = try ask([:])
        plain.world.context.interference = nil
        #expect(judged.peer.answers[0].body == plain.peer.answers[0].body)
        #expect(judged.peer.answers[0].isWhole)
    }

    @Test("A delay holds a request, or a piece and all behind it")
    func delay() throws {
        let request = try ask([.request: .delay(.seconds(3))])
        #expect(request.peer.answers[0].pieces[0] == Instant(nanoseconds: 3_200_000_000))
        let piece = try ask([.piece(1): .delay(.seconds(3))])
        let times = piece.peer.answers[0].pieces
        #expect(times[0] == Instant(nanoseconds: 200_000_000))
        #expect(times.dropFirst().allSatisfy { $0 >= Instant(nanoseconds: 3_210_000_000) })
        #expect(piece.peer.answers[0].events.last == "[DONE]")
    }

    @Test(
        "Streams are stalled, kept alive, cut, spoilt, thinned out or ended with the vendor's error"
    )
    func pieces() throws {
        let stalled = try ask([.piece(2): .stall])
        #expect(!stalled.peer.answers[0].isWhole)
        #expect(stalled.peer.closeReason == nil)

        let alive = try ask([.piece(2): .keepAlive(every: .seconds(5))])
        let text = String(decoding: alive.peer.answers[0].body, as: UTF8.self)
        #expect(text.components(": keep-alive") == 4)
        #expect(!alive.peer.answers[0].isWhole)

        let cut = try ask([.piece(2): .reset])
        #expect(cut.peer.closeReason != nil)
        #expect(!cut.peer.answers[0].isWhole)
        #expect(cut.world.facts.kinds.last == .modelCancelled)

        let spoilt = try ask([.piece(1): .garble])
        #expect(
            spoilt.peer.answers[0].events.contains {
                (try? JSONParser.parse($0)) == nil && $0 != "[DONE]"
            })

        let thinned = try ask([.piece(1): .drop])
        #expect(thinned.peer.answers[0].events.last == "[DONE]")

        let failed = try ask([.piece(2): .fail(status: 503)])
        let answer = failed.peer.answers[0]
        #expect(answer.isWhole)
        let last = try JSONParser.parse(answer.events.last ?? "")
        #expect(last["error"]?["type"]?.text == "server_error")
        #expect(failed.world.context[.openai].active == 1)
        #expect(failed.world.facts.kinds.last == .modelCancelled)

        let ended = try ask([.piece(2): .close(1011, reason: "")])
        #expect(ended.peer.answers[0].isWhole)
        #expect(ended.peer.answers[0].events.last != "[DONE]")
    }

    @Test("A request gets nothing in the vendor's shape, or its error")
    func requests() throws {
        let refused = try ask([.request: .refuse(status: 529, retryAfter: .milliseconds(1500))])
        #expect(refused.peer.answers[0].head.status == 529)
        #expect(refused.peer.answers[0].head.headers["retry-after"] == "2")
        let empty = try ask([.request: .empty])
        #expect(empty.peer.answers[0].head.status == 200)
        let events = empty.peer.answers[0].events
        #expect(events.last == "[DONE]")
        let chunks = events.dropLast().compactMap { try? JSONParser.parse($0) }
        #expect(chunks.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.text }.joined() == "")
        #expect(chunks.last?["choices"]?[0]?["finish_reason"]?.text == "stop")
    }

    @Test("On a WebSocket pieces are closed with any code, or answered by pings alone")
    func sockets() throws {
        for verdict in [EmulatorVerdict.close(1011, reason: "gone"), .fail(status: 500)] {
            let world = EmulatorWorld()
            let plan = VerdictPlan([.piece(1): verdict])
            world.context.interference = plan
            let peer = try speak(world)
            #expect(peer.closed?.code == .internalError)
            #expect(peer.messages.count == (verdict == .fail(status: 500) ? 2 : 1))
            #expect(world.facts.of(.voiceCancelled).count == 1)
        }
        let world = EmulatorWorld()
        world.context.interference = VerdictPlan([.piece(1): .keepAlive(every: .seconds(1))])
        let peer = try speak(world)
        #expect(peer.messages.count == 1)
        #expect(peer.pings >= 3)
        for (verdict, code) in [(EmulatorVerdict.close(4001, reason: "x"), 4001 as UInt16)] {
            let world = EmulatorWorld()
            world.context.interference = VerdictPlan([.upgrade: verdict])
            #expect(try speak(world).closed?.code.rawValue == code)
        }
    }

    func speak(_ world: EmulatorWorld) throws -> SocketPeer {
        let emulator = ElevenLabsEmulator(
            ProviderEmulation(.elevenlabs), renderer: HummingRenderer(loop: world.context.loop),
            context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let peer = try SocketPeer(
            world, to: listener.endpoint, ElevenLabsTests.many, headers: ["xi-api-key": "k"])
        world.run(for: .milliseconds(5))
        peer.send(["text": "This takes a while to say, you know. ", "context_id": "a"])
        world.run(for: .seconds(4))
        return peer
    }

    @Test("A rate limit admits so many, then refuses with the time to wait, then admits again")
    func rateLimit() throws {
        let world = EmulatorWorld()
        let emulator = OpenAIEmulator(
            script: try OpenAIEmulatorTests.script(), settings: .init(), context: world.context)
        world.context.install(
            EmulatorGate(
                .openai, connect: .constant(.milliseconds(30)),
                rateLimit: .init(3, per: .seconds(6))))
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        func models() -> HTTPPeer {
            let peer = HTTPPeer(world, to: listener.endpoint)
            peer.send("GET", "/v1/models", headers: ["Authorization": "Bearer k"])
            return peer
        }
        let peers = (0..<4).map { _ in models() }
        world.run(for: .milliseconds(100))
        #expect(peers.compactMap { $0.answers.first?.head.status } == [200, 200, 200, 429])
        #expect(peers[3].answers.first?.head.headers["retry-after"] == "2")
        #expect(peers[0].answers.first?.pieces.first == Instant(nanoseconds: 30_000_000))
        world.run(for: .seconds(2))
        let later = models()
        world.run(for: .milliseconds(100))
        #expect(later.answers.first?.head.status == 200)
    }

    @Test("A peer that never answers our close is left after five seconds")
    func unansweredClose() throws {
        let world = EmulatorWorld()
        world.context.interference = VerdictPlan([.upgrade: .close(1011, reason: "")])
        let emulator = ElevenLabsEmulator(
            ProviderEmulation(.elevenlabs), renderer: HummingRenderer(loop: world.context.loop),
            context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let deaf = DeafPeer(world, to: listener.endpoint)
        world.run(for: .milliseconds(4_900))
        #expect(deaf.end == nil)
        world.run(for: .milliseconds(200))
        #expect(deaf.end != nil)
        #expect(listener.connectionCount == 0)
    }
}

/// Asks for a WebSocket and never says another word.
private final class DeafPeer: ByteStreamHandler {
    private(set) var end: CloseReason?
    private var stream: (any ByteStream)?

    init(_ world: EmulatorWorld, to endpoint: Endpoint) {
        stream = world.context.network.connect(to: endpoint, options: .init(), handler: self)
    }

    func opened(_ stream: any ByteStream) {
        let request = Array(
            ("GET \(ElevenLabsTests.many) HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\n"
                + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nxi-api-key: k\r\n\r\n").utf8)
        stream.write(request.span.bytes)
    }

    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {}
    func ended(_ stream: any ByteStream) {}
    func closed(_ stream: any ByteStream, reason: CloseReason) { end = reason }
}

extension String {
    /// How often `part` stands in it.
    fileprivate func components(_ part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
