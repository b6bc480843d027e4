import Testing
import UproarCore
import UproarCrypto
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarProviders

/// Requests that are passed on to a vendor, which is here a server that does as it is told.
@Suite struct UpstreamTests {
    /// Keeps what came, and answers with the bytes it is given, in these pieces.
    private final class Vendor: ListenerHandler, ByteStreamHandler {
        var heard: [UInt8] = []
        var pieces: [[UInt8]] = []
        var streams: [any ByteStream] = []
        var then: ((any ByteStream) -> Void)?
        var connections: Int { streams.count }
        private let loop: EventLoop
        init(_ loop: EventLoop) { self.loop = loop }

        func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
            streams.append(stream)
            return self
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) {}

        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            bytes.withUnsafeBytes { heard.append(contentsOf: $0) }
            guard String(decoding: heard, as: UTF8.self).hasSuffix("END") else { return }
            for (index, piece) in pieces.enumerated() {
                loop.schedule(at: loop.now + .milliseconds(100 * (index + 1))) {
                    [weak stream] in stream?.write(piece.span.bytes)
                }
            }
            let last = loop.now + .milliseconds(100 * (pieces.count + 1))
            loop.schedule(at: last) { [weak self, weak stream] in
                if let stream { self?.then?(stream) }
            }
        }
    }

    private final class World {
        let emulators = EmulatorWorld()
        let vendor: Vendor
        let front: EmulatorListener
        let records: Records
        private let back: any Listener

        final class Records { var all: [UpstreamRecord] = [] }

        init(_ provider: ProviderID = .openai, key: UpstreamKey = .key("real-key")) throws {
            let context = emulators.context
            let vendor = Vendor(emulators.world.loop)
            self.vendor = vendor
            back = try emulators.world.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: vendor)
            let records = Records()
            self.records = records
            let url = try WireURL("http://127.0.0.1:\(back.endpoint.port)")
            let shape = OpenAIEmulator(
                script: LanguageModelScript(greeting: "Hello.", intents: [], fallback: ["Yes."]),
                settings: .init(),
                context: context)
            let service = UpstreamService(
                Upstream(provider: provider, url: url, key: key), shape: shape, context: context
            ) { records.all.append($0) }
            front = try EmulatorListener(service, on: .loopback(0), context: context)
        }
    }

    private static func chunked(_ text: String) -> [UInt8] {
        Array("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n".utf8)
    }

    @Test func anAnswerPassesPieceByPieceAndUnchanged() throws {
        let world = try World()
        let pieces = ["data: {\"a\":1}\n\n", "data: \u{e9}\n", "\ndata: [DONE]\n\n"]
        world.vendor.pieces =
            [
                Array(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Request-ID: r1\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\n\r\n"
                        .utf8)
            ] + pieces.map(Self.chunked) + [Array("0\r\n\r\n".utf8)]
        let client = HTTPPeer(world.emulators, to: world.front.endpoint)
        client.send(
            "POST", "/v1/chat/completions?x=%20y",
            headers: [
                "Authorization": "Bearer theirs", "X-Own": "a,b", "Accept-Encoding": "gzip",
                "Connection": "X-Hop", "X-Hop": "1",
            ], body: Array("{}END".utf8))
        world.emulators.run()
        let answer = try #require(client.answers.first)
        #expect(answer.isWhole && answer.head.status == 200)
        #expect(answer.body == Array(pieces.joined().utf8))
        // Each piece arrives when the vendor sends it: nothing waits for the whole.
        #expect(answer.pieces.count == 3 && Set(answer.pieces).count == 3)
        #expect(answer.head.headers["X-Request-ID"] == "r1")
        #expect(answer.head.headers["Keep-Alive"] == nil)
        let heard = String(decoding: world.vendor.heard, as: UTF8.self)
        #expect(heard.hasPrefix("POST /v1/chat/completions?x=%20y HTTP/1.1\r\n"))
        #expect(heard.contains("Authorization: Bearer real-key\r\n") && !heard.contains("theirs"))
        #expect(heard.contains("X-Own: a,b\r\n") && heard.contains("Accept-Encoding: gzip\r\n"))
        #expect(!heard.contains("X-Hop") && heard.contains("Host: 127.0.0.1:"))
        #expect(heard.hasSuffix("\r\n\r\n{}END"))
        let record = try #require(world.records.all.first)
        #expect(record.status == 200 && record.failure == nil && record.received == 3)
        #expect(record.firstByte == .milliseconds(100) && record.end == .milliseconds(500))
        #expect(record.longestGap == .milliseconds(100))
        let line = String(decoding: record.json { _ in "" }.encoded(), as: UTF8.self)
        #expect(!line.contains("real-key") && !line.contains("%20y"))
    }

    @Test func connectionsAreKeptAndAStaleOneCostsNobodyAnAnswer() throws {
        let world = try World()
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)
        world.vendor.pieces = [answer]
        let client = HTTPPeer(world.emulators, to: world.front.endpoint)
        for _ in 0..<3 {
            client.send("POST", "/v1/x", body: Array("END".utf8))
            world.emulators.run(for: .seconds(1))
        }
        #expect(client.answers.filter(\.isWhole).count == 3 && world.vendor.connections == 1)
        #expect(world.records.all.map { $0.connect == nil } == [false, true, true])
        world.vendor.streams[0].reset()
        client.send("POST", "/v1/x", body: Array("END".utf8))
        world.emulators.run(for: .seconds(1))
        #expect(client.answers.filter(\.isWhole).count == 4 && world.vendor.connections == 2)
    }

    @Test func aCutAnswerIsCutAndAVendorThatIsNotThereIsAGatewaysError() throws {
        let world = try World()
        world.vendor.pieces = [Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8)]
        world.vendor.then = { $0.close() }
        let client = HTTPPeer(world.emulators, to: world.front.endpoint)
        client.send("POST", "/v1/x", body: Array("END".utf8))
        world.emulators.run()
        #expect(client.answers.first?.body == Array("half".utf8))
        #expect(client.answers.first?.isWhole == false && client.closeReason != nil)
        #expect(world.records.all.first?.failure != nil)

        let nobody = UpstreamService(
            Upstream(
                provider: .openai, url: try WireURL("http://127.0.0.1:9"), key: .key("k")),
            shape: OpenAIEmulator(
                script: LanguageModelScript(greeting: "", intents: [], fallback: ["Yes."]),
                settings: .init(),
                context: world.emulators.context), context: world.emulators.context
        ) { _ in }
        let front = try EmulatorListener(
            nobody, on: .loopback(0), context: world.emulators.context)
        let other = HTTPPeer(world.emulators, to: front.endpoint)
        other.send("POST", "/v1/chat/completions", body: Array("END".utf8))
        world.emulators.run()
        #expect(other.answers.first?.head.status == 502)
        #expect(other.answers.first?.json?["error"] != nil)
    }

    @Test func faultsMeetWhatIsPassedOn() throws {
        let world = try World()
        world.vendor.pieces = [Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)]
        world.emulators.context.interference = KeyFaults()
        for (key, status) in [("fault-status-503", 503), ("fault-delay-1500", 200)] {
            let client = HTTPPeer(world.emulators, to: world.front.endpoint)
            client.send(
                "POST", "/v1/chat/completions", headers: ["Authorization": "Bearer \(key)"],
                body: Array("END".utf8))
            world.emulators.run()
            #expect(client.answers.first?.head.status == status)
        }
        #expect(world.vendor.connections == 1)
    }

    // MARK: Keys

    private func request(_ fields: HTTPHeaders, _ target: String = "/v1/x") -> HTTPRequestHead {
        HTTPRequestHead(method: "POST", target: target, headers: fields)
    }

    private func passed(
        _ provider: ProviderID, _ fields: HTTPHeaders, _ target: String = "/v1/x",
        key: UpstreamKey = .key("K")
    ) throws -> HTTPRequestHead {
        Upstream(provider: provider, url: try WireURL("https://v.test/base"), key: key)
            .rewritten(request(fields, target), bodyCount: 0)
    }

    @Test func theKeyTakesThePlaceOfTheClients() throws {
        #expect(
            try passed(.openai, ["authorization": "Bearer x"]).headers["Authorization"]
                == "Bearer K")
        #expect(
            try passed(.deepgram, ["Authorization": "Bearer x"]).headers["Authorization"]
                == "Token K")
        #expect(try passed(.assemblyai, ["Authorization": "x"]).headers["Authorization"] == "K")
        #expect(try passed(.anthropic, ["x-api-key": "x"]).headers["x-api-key"] == "K")
        #expect(try passed(.elevenlabs, ["xi-api-key": "x"]).headers["xi-api-key"] == "K")
        let query = try passed(.cartesia, [:], "/tts?api_key=x&model=a%20b")
        #expect(query.target == "/base/tts?api_key=K&model=a%20b")
        let token = try passed(.assemblyai, [:], "/v3/ws?token=x")
        #expect(token.target == "/base/v3/ws" && token.headers["Authorization"] == "K")
        // Who shows none gets none.
        #expect(try passed(.openai, [:]).headers["Authorization"] == nil)
        let sms = try passed(
            .sms, ["Authorization": "Basic x"], "/2010-04-01/Accounts/AC000/Messages.json",
            key: .account("AC9", token: "t"))
        #expect(sms.target == "/base/2010-04-01/Accounts/AC9/Messages.json")
        #expect(sms.headers["Authorization"] == "Basic " + Base64.encode(Array("AC9:t".utf8)))
        let own = UpstreamKey.key("K")
        #expect(own.subprotocols(["token", "x"]) == ["token", "K"])
        #expect(
            own.subprotocols(["realtime", "openai-insecure-api-key.x"])
                == ["realtime", "openai-insecure-api-key.K"])
    }

    @Test func aSignedRequestIsSignedAgain() throws {
        let date = "20260102T030405Z"
        var fields: HTTPHeaders = ["Host": "127.0.0.1", "x-amz-date": date]
        fields["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
        fields["Authorization"] =
            "AWS4-HMAC-SHA256 Credential=old/20260102/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=00"
        let upstream = Upstream(
            provider: .objectStore, url: try WireURL("https://s3.eu-west-1.amazonaws.com"),
            key: .signature(accessKey: "AK", secretKey: "SK", sessionToken: nil))
        let head = upstream.rewritten(request(fields, "/b/a%20b?x=1"), bodyCount: nil)
        let signed = try #require(head.headers["Authorization"].flatMap(SigV4Authorization.init))
        #expect(signed.accessKey == "AK" && signed.region == "eu-west-1")
        let check = SigV4.Request(
            method: "POST", path: "/b/a b", query: [.init("x", "1")],
            headers: head.headers.fields.map { .init($0.name, $0.value) },
            payloadHash: "UNSIGNED-PAYLOAD")
        #expect(head.headers["Host"] == "s3.eu-west-1.amazonaws.com")
        #expect(signed.fits(check, secretKey: "SK", date: date))
    }

    @Test func aMissingKeyIsNamedAndNoKeyIsShown() {
        let missing = #expect(throws: UpstreamKey.Missing.self) {
            try UpstreamKey.read(of: .sms) { $0 == "TWILIO_ACCOUNT_SID" ? "AC1" : nil }
        }
        #expect(missing?.names == ["TWILIO_AUTH_TOKEN"])
        #expect(throws: UpstreamKey.Missing.self) { try UpstreamKey.read(of: .openai) { _ in "" } }
        for key in [UpstreamKey.key("secret"), .account("a", token: "secret")] {
            #expect(!"\(key)".contains("secret") && !String(reflecting: key).contains("secret"))
        }
    }

    @Test(arguments: [
        (#"{"usage":{"prompt_tokens": 12,"completion_tokens":3}}"#, 12, 3),
        (#"data: {"usage":{"output_tokens":7,"input_tokens":5}}"#, 5, 7),
    ])
    func whatAVendorCountsIsRead(_ text: String, _ prompt: Int64, _ completion: Int64) {
        let usage = UpstreamUsage(in: Array(text.utf8))
        #expect(usage?.promptTokens == prompt && usage?.completionTokens == completion)
        #expect(UpstreamUsage(in: Array("{}".utf8)) == nil)
    }
}
