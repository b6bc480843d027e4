import Testing
import UproarAudio
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarProviders

/// WebSockets that are passed on: what one end says is what the other hears.
@Suite struct UpstreamSessionTests {
    /// The vendor: accepts, keeps all it hears, and says what it is told.
    private final class Vendor: ListenerHandler, ByteStreamHandler {
        private var wire = ServerConnection()
        private(set) var stream: (any ByteStream)?
        var head: HTTPRequestHead?
        var texts: [String] = []
        var binaries: [[UInt8]] = []
        var controls: [String] = []
        var closed: (code: WebSocketCloseCode, reason: String)?
        var end: CloseReason?
        var refuses = false

        init() { wire.answersPings = false }

        func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
            self.stream = stream
            return self
        }

        func act(_ body: (inout ServerConnection) -> Void) {
            body(&wire)
            flush()
        }

        private func flush() {
            stream?.write(wire.output.span.bytes)
            wire.output = []
            if wire.shouldClose { stream?.close() }
        }

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            wire.receive(bytes)
            while let event = wire.next() {
                switch event {
                case .upgrade(let head):
                    self.head = head
                    if refuses {
                        wire.respond(
                            status: 402, headers: ["dg-error": "no money"],
                            body: Array("{\"err\":1}".utf8))
                    } else {
                        wire.acceptUpgrade(
                            subprotocol: WebSocketHandshake.subprotocols(of: head).first,
                            headers: ["dg-request-id": "r1"])
                    }
                case .text: texts.append(wire.payloadText)
                case .binary: binaries.append(wire.payloadBytes)
                case .ping: controls.append("ping " + wire.payloadText)
                case .pong: controls.append("pong " + wire.payloadText)
                case .closed(let code): closed = (code, wire.payloadText)
                default: break
                }
            }
            flush()
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) { end = reason }
    }

    /// The emulator that would be there, of any provider.
    private final class Shape: EmulatedService {
        let provider: ProviderID
        private let model: OpenAIEmulator

        init(_ provider: ProviderID, _ model: OpenAIEmulator) {
            self.provider = provider
            self.model = model
        }

        func answer(
            _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
            on connection: EmulatorConnection
        ) -> (any EmulatedReply)? { nil }

        func upgrade(
            _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
        ) -> (any EmulatedSession)? { nil }

        func refuse(
            _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
            on connection: EmulatorConnection
        ) {
            model.refuse(
                request, status: status, retryAfter: retryAfter, at: instant, on: connection)
        }
    }

    private final class Stage {
        let world = EmulatorWorld()
        let vendor = Vendor()
        let client: SocketPeer
        let service: UpstreamService
        let front: EmulatorListener
        private let back: any Listener
        final class Records { var all: [UpstreamRecord] = [] }
        let records = Records()

        init(
            _ provider: ProviderID = .deepgram, _ target: String = "/v1/listen?model=a%20b",
            pieceSize: Int = .max, refuses: Bool = false
        ) throws {
            vendor.refuses = refuses
            back = try world.context.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: vendor)
            let records = self.records
            let shape = OpenAIEmulator(
                script: LanguageModelScript(greeting: "", intents: [], fallback: ["Yes."]),
                settings: .init(),
                context: world.context)
            let url = try WireURL("ws://127.0.0.1:\(back.endpoint.port)")
            service = UpstreamService(
                Upstream(provider: provider, url: url, key: .key("real")),
                shape: Shape(provider, shape), context: world.context
            ) { records.all.append($0) }
            front = try EmulatorListener(service, on: .loopback(0), context: world.context)
            client = try SocketPeer(
                world, to: front.endpoint, target,
                headers: ["Authorization": "Token theirs", "X-Own": "1"],
                subprotocols: ["token", "theirs"], answersPings: false, pieceSize: pieceSize)
            world.run()
        }
    }

    @Test(arguments: pieceSizes)
    func messagesPassAsTheyAreBothWays(pieceSize: Int) throws {
        let stage = try Stage(pieceSize: pieceSize)
        let (client, vendor) = (stage.client, stage.vendor)
        #expect(vendor.head?.target == "/v1/listen?model=a%20b")
        #expect(vendor.head?.headers["Authorization"] == "Token real")
        #expect(vendor.head?.headers["X-Own"] == "1")
        #expect(vendor.head?.headers.list("Sec-WebSocket-Protocol") == ["token", "real"])
        #expect(client.head?.headers["dg-request-id"] == "r1")
        #expect(client.head?.headers["Sec-WebSocket-Protocol"] == "token")
        let texts = ["", "{\"type\":\"Ke\u{e9}pAlive\"}", String(repeating: "x", count: 70_000)]
        let binaries = [0, 1, 125, 126, 70_000].map { count in
            (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        }
        for text in texts {
            client.act { $0.sendText(text) }
            vendor.act { $0.sendText(text) }
        }
        for bytes in binaries {
            client.act { $0.sendBinary(bytes.span.bytes) }
            vendor.act { $0.sendBinary(bytes.span.bytes) }
        }
        let word = Array("life".utf8)
        client.act { $0.ping(word.span.bytes) }
        vendor.act { $0.ping(word.span.bytes) }
        vendor.act { $0.send(.pong, count: 4) { $0 += word } }
        stage.world.run()
        #expect(vendor.texts == texts && client.texts == texts)
        #expect(vendor.binaries == binaries && client.binaries == binaries)
        #expect(vendor.controls == ["ping life"])
        #expect(client.controls == ["ping life", "pong life"])
        vendor.act { $0.close(WebSocketCloseCode(1011), reason: "NET-0001") }
        stage.world.run()
        #expect(client.closed?.code.rawValue == 1011 && client.closed?.reason == "NET-0001")
        let record = try #require(stage.records.all.first)
        #expect(record.status == 101 && record.sent == 8 && record.received == 8)
        #expect(record.failure == nil && stage.records.all.count == 1)
    }

    @Test func theClientsCloseReachesTheVendorWithItsReason() throws {
        let stage = try Stage()
        stage.client.close(reason: "done")
        stage.world.run()
        #expect(stage.vendor.closed?.code == .normal && stage.vendor.closed?.reason == "done")
        #expect(stage.vendor.end != nil && stage.client.streamEnd != nil)
    }

    @Test func endsWithoutACloseAreEndsWithoutACloseOnTheOtherSide() throws {
        var stage = try Stage()
        stage.client.reset()
        stage.world.run()
        #expect(stage.vendor.closed == nil && stage.vendor.end != nil)
        stage = try Stage()
        stage.vendor.stream?.reset()
        stage.world.run()
        #expect(stage.client.closed?.code != .normal && stage.client.streamEnd != nil)
        #expect(stage.records.all.first?.failure != nil)
    }

    @Test func aRefusalPassesWithItsWords() throws {
        let stage = try Stage(refuses: true)
        #expect(stage.client.refusal?.head.status == 402)
        #expect(stage.client.refusal?.head.headers["dg-error"] == "no money")
        #expect(stage.client.refusal?.body == Array("{\"err\":1}".utf8))
    }

    // MARK: What is paid for

    private func usage(_ stage: Stage) -> [ProviderUsage] {
        stage.world.facts.all.compactMap { ProviderUsage.counted($0) }
    }

    @Test func theAudioThatPassedIsCountedWhenTheSocketEndsAndEveryTenSeconds() throws {
        let stage = try Stage(.deepgram, "/v1/listen?encoding=mulaw&sample_rate=8000")
        let second = [UInt8](repeating: 0xff, count: 8_000)
        for _ in 0..<12 {
            stage.client.send(binary: second)
            stage.world.run(for: .seconds(1))
        }
        #expect(usage(stage).count == 1)
        stage.client.close()
        stage.world.run()
        #expect(usage(stage).count == 2)
        #expect(usage(stage).map(\.audio).reduce(.zero, +) == .seconds(12))
        #expect(usage(stage).allSatisfy { $0.uncounted == 0 })
        #expect(stage.records.all.first?.reference == nil)
        let line = stage.records.all.first?.json { _ in "" }.text(pretty: false) ?? ""
        #expect(!line.contains("reference"))
    }

    @Test func audioOfAFormatThatBytesDoNotTellIsUnknownAndNotFree() throws {
        let stage = try Stage(.deepgram, "/v1/listen?encoding=opus&sample_rate=48000")
        stage.client.send(binary: [1, 2, 3])
        stage.client.close()
        stage.world.run()
        #expect(usage(stage).map(\.uncounted) == [1])
        let prices = PriceBook(
            name: "p",
            prices: [
                .init(
                    .deepgram, model: "m", unit: .audioMinute, dollars: 1, asOf: "2026-01",
                    source: "test")
            ])
        #expect(prices.cost(of: usage(stage)[0], provider: .deepgram) == nil)
    }

    @Test func theTagInTheAudioTellsWhoseSocketItIs() throws {
        let stage = try Stage(.deepgram, "/v1/listen?encoding=linear16&sample_rate=16000")
        let reference = TurnReference(call: 7, utterance: 2)
        let tag = AudioTag(wire: stage.world.context.references.key.wire(reference))
            .sound(rate: .wideband).samples
        let silence = [UInt8](repeating: 0, count: 32_000)
        // Samples are cut in half between messages.
        let bytes =
            silence
            + tag.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
            + silence
        for start in stride(from: 0, to: bytes.count, by: 641) {
            stage.client.send(binary: Array(bytes[start..<min(start + 641, bytes.count)]))
        }
        stage.world.run()
        stage.client.close()
        stage.world.run()
        let record = try #require(stage.records.all.first)
        #expect(record.reference == reference)
        let line = record.json { _ in "lusab babad" }
        #expect(line["call"]?.int == 7 && line["utterance"]?.int == 2)
        #expect(line["reference"]?.text == "lusab babad")
    }

    @Test func aVoiceIsPaidForByWhatItWasGivenAndWhatCameBack() throws {
        let stage = try Stage(.cartesia, "/tts/websocket")
        let reference = TurnReference(call: 3, utterance: 1, reply: 1)
        let words = stage.world.words(reference)
        let format: JSONValue = [
            "container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000,
        ]
        for piece in ["\(words.prefix(4))", "\(words.dropFirst(4)), hello."] {
            stage.client.send([
                "context_id": "c", "model_id": "sonic", "transcript": .string(piece),
                "voice": ["mode": "id", "id": "v"], "output_format": format, "continue": true,
            ])
        }
        stage.world.run()
        let audio = [UInt8](repeating: 1, count: 16_000)
        let chunk = #"{"type":"chunk","data":"\#(Base64.encode(audio))","done":false}"#
        stage.vendor.act { $0.sendText(chunk) }
        stage.vendor.act { $0.sendText(#"{"type":"done","done":true}"#) }
        stage.world.run()
        let used = usage(stage)
        #expect(used.count == 1 && used.first?.audio == .seconds(1))
        #expect(used.first?.characters == Int64("\(words), hello.".count))
        // The socket is still open: its line is written all the same, once.
        stage.service.finish(at: stage.world.context.now)
        let record = try #require(stage.records.all.first)
        #expect(record.isOpen && record.reference == reference && usage(stage).count == 1)
        #expect(record.json { _ in "" }["open"]?.isTrue == true)
    }
}

extension ProviderUsage {
    /// What a fact says was used, as the run adds it up.
    fileprivate static func counted(_ fact: Fact) -> ProviderUsage? {
        var usage = ProviderUsage()
        switch FactKind(rawValue: fact.kind) {
        case .speechToTextUsage: usage.audio = .milliseconds(Int64(fact.detail))
        case .voiceFinished:
            usage.audio = .nanoseconds(fact.value)
            usage.characters = Int64(fact.detail)
        case .usageUnknown: usage.uncounted = 1
        default: return nil
        }
        return usage
    }
}
