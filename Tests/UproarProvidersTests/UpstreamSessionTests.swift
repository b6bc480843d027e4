import Testing
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

    private final class Client: ByteStreamHandler {
        private var wire: WebSocketClientConnection
        private var stream: (any ByteStream)?
        private let pieceSize: Int
        var head: HTTPResponseHead?
        var refusal: WebSocketRefusal?
        var texts: [String] = []
        var binaries: [[UInt8]] = []
        var controls: [String] = []
        var closed: (code: WebSocketCloseCode, reason: String)?
        var end: CloseReason?

        init(_ world: EmulatorWorld, _ endpoint: Endpoint, pieceSize: Int) throws {
            self.pieceSize = pieceSize
            wire = WebSocketClientConnection(
                url: try WireURL("ws://\(endpoint)/v1/listen?model=a%20b"),
                headers: ["Authorization": "Token theirs", "X-Own": "1"],
                subprotocols: ["token", "theirs"], random: RandomStream(state: 4))
            wire.answersPings = false
            stream = world.context.network.connect(to: endpoint, options: .init(), handler: self)
        }

        func act(_ body: (inout WebSocketClientConnection) -> Void) {
            body(&wire)
            flush()
        }

        func reset() { stream?.reset() }

        private func flush() {
            var rest = wire.output[...]
            wire.output = []
            while !rest.isEmpty {
                let piece = Array(rest.prefix(pieceSize))
                rest = rest.dropFirst(piece.count)
                stream?.write(piece.span.bytes)
            }
            if wire.shouldClose { stream?.close() }
        }

        func opened(_ stream: any ByteStream) { flush() }

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            wire.receive(bytes)
            while let event = wire.next() {
                switch event {
                case .open(let head): self.head = head
                case .refused(let refusal): self.refusal = refusal
                case .text: texts.append(wire.payloadText)
                case .binary: binaries.append(wire.payloadBytes)
                case .ping: controls.append("ping " + wire.payloadText)
                case .pong: controls.append("pong " + wire.payloadText)
                case .closed(let code): closed = (code, wire.payloadText)
                case .failed: break
                }
            }
            flush()
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) { end = reason }
    }

    private final class Stage {
        let world = EmulatorWorld()
        let vendor = Vendor()
        let client: Client
        let front: EmulatorListener
        private let back: any Listener
        final class Records { var all: [UpstreamRecord] = [] }
        let records = Records()

        init(pieceSize: Int = .max, refuses: Bool = false) throws {
            vendor.refuses = refuses
            back = try world.context.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: vendor)
            let records = self.records
            let shape = OpenAIEmulator(
                script: LanguageModelScript(greeting: "", intents: [], fallback: ["Yes."]),
                settings: .init(),
                context: world.context)
            let url = try WireURL("ws://127.0.0.1:\(back.endpoint.port)")
            let service = UpstreamService(
                Upstream(provider: .deepgram, url: url, key: .key("real")), shape: shape,
                context: world.context
            ) { records.all.append($0) }
            front = try EmulatorListener(service, on: .loopback(0), context: world.context)
            client = try Client(world, front.endpoint, pieceSize: pieceSize)
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
        stage.client.act { $0.close(.normal, reason: "done") }
        stage.world.run()
        #expect(stage.vendor.closed?.code == .normal && stage.vendor.closed?.reason == "done")
        #expect(stage.vendor.end != nil && stage.client.end != nil)
    }

    @Test func endsWithoutACloseAreEndsWithoutACloseOnTheOtherSide() throws {
        var stage = try Stage()
        stage.client.reset()
        stage.world.run()
        #expect(stage.vendor.closed == nil && stage.vendor.end != nil)
        stage = try Stage()
        stage.vendor.stream?.reset()
        stage.world.run()
        #expect(stage.client.closed?.code != .normal && stage.client.end != nil)
        #expect(stage.records.all.first?.failure != nil)
    }

    @Test func aRefusalPassesWithItsWords() throws {
        let stage = try Stage(refuses: true)
        #expect(stage.client.refusal?.head.status == 402)
        #expect(stage.client.refusal?.head.headers["dg-error"] == "no money")
        #expect(stage.client.refusal?.body == Array("{\"err\":1}".utf8))
    }
}
