import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarTransports

@Suite struct TwilioWebhookTests {
    /// A webhook on port 80 and an agent on port 9000.
    private struct Scene {
        let world = SimulatedWorld()
        let hook: ScriptedWebhook
        let agent = ScriptedAgent()
        let caller = NotedCall()
        let transport: TwilioTransport
        var call: (any CallMedia)!
        private let listeners: [any Listener]

        init(
            _ answers: [(Int, String)], locations: [String] = [], stream: String? = nil,
            token: String? = "12345", limit: Duration = .seconds(10)
        ) throws {
            hook = ScriptedWebhook(answers, locations)
            listeners = [
                try world.network.listen(
                    on: .tcp(host: "hook", port: 80), options: ListenOptions(), handler: hook),
                try world.network.listen(
                    on: .loopback(9000), options: ListenOptions(), handler: agent),
            ]
            var options = TwilioTransport.Options()
            options.authToken = token
            transport = TwilioTransport(
                webhook: VoiceWebhook(
                    url: try WireURL("http://hook/voice?a=1"), authToken: token,
                    streamURL: try stream.map { try WireURL($0) }),
                http: SimulatedHTTPClient(loop: world.loop, network: world.network),
                network: world.network, loop: world.loop, seed: Seed(1), options: options)
            call = transport.dial(
                CallSetup(
                    call: 7, limit: limit, parameters: [HTTPField("user_id", "caller-42")]),
                handler: caller)
        }

        func run(_ milliseconds: Int64) { world.run(for: .milliseconds(milliseconds)) }
    }

    private static func connect(_ url: String) -> String {
        "<Response><Connect><Stream url=\"\(url)\"><Parameter name=\"plan\" value=\"gold\"/>"
            + "</Stream></Connect></Response>"
    }

    private let identity = TwilioIdentity(seed: Seed(1), call: 7)

    @Test func theWebhookIsPostedSignedAndItsStreamIsCalled() throws {
        let scene = try Scene([(200, Self.connect("ws://localhost:9000/media"))])
        #expect(scene.caller.log == [])
        scene.run(5)
        let (head, body) = try #require(scene.hook.requests.first)
        #expect(head.method == "POST" && head.target == "/voice?a=1")
        let form = FormParameters(parsing: body)
        #expect(form["CallSid"] == identity.call && form["AccountSid"] == identity.account)
        #expect(form["From"] == "+15550000042" && form["CallStatus"] == "ringing")
        #expect(form["Direction"] == "inbound" && form["To"] == form["Called"])
        let fields = form.items.map { HTTPField($0.name, $0.value) }
        #expect(
            head.headers[TwilioSignature.header]
                == TwilioSignature.sign(url: "http://hook/voice?a=1", form: fields, token: "12345"))
        #expect(scene.caller.log == ["0 answered"])
        let start = try #require(scene.agent.messages.last?["start"])
        #expect(start["customParameters"] == ["plan": "gold"])
        #expect(start["callSid"]?.text == identity.call)
        #expect(
            scene.agent.head?.headers[TwilioSignature.header]
                == TwilioSignature.sign(url: "ws://localhost:9000/media", token: "12345"))
    }

    @Test func anotherStreamMayTakeItsPlaceAndRedirectsAreFollowed() throws {
        let scene = try Scene(
            [
                (200, "<Response><Redirect>../next</Redirect></Response>"),
                (200, Self.connect("wss://public.example.test/ws")),
            ], stream: "ws://localhost:9000/media", token: nil)
        scene.run(5)
        #expect(scene.hook.requests.map(\.0.target) == ["/voice?a=1", "/../next"])
        #expect(scene.hook.requests[0].0.headers[TwilioSignature.header] == nil)
        #expect(scene.caller.log == ["0 answered"] && scene.agent.head?.path == "/media")
        scene.call.hangUp()
        scene.run(5)
        #expect(scene.caller.log.last?.hasSuffix("ended hungUp") == true)
    }

    @Test(arguments: [
        (404, "", "url: \"http://hook/voice\", status: Optional(404), words: \"\""),
        (500, "<h1>Oops</h1>\r\n\tno\u{7} module", "words: \"<h1>Oops</h1> no module\""),
        (
            500, String(repeating: "a", count: 900),
            "words: \"\(String(repeating: "a", count: 80))…\""
        ),
        (302, "", "status: Optional(302)"), (304, "", "status: Optional(304)"),
        (200, "no", "is no TwiML"), (200, "<Response/>", "has no <Connect><Stream>"),
        (200, "<Response><Redirect>ftp://x</Redirect></Response>", "redirects to \\\"ftp://x\\\""),
    ])
    func aCallThatIsNotAnsweredSaysWhy(_ status: Int, _ text: String, _ reason: String) throws {
        let scene = try Scene([(status, text)])
        scene.run(5)
        #expect(scene.caller.log.count == 1)
        #expect(scene.caller.log[0].contains(reason), "\(scene.caller.log)")
        #expect(scene.agent.head == nil)
    }

    @Test func redirectsHaveAnEndAndSoHasTheTime() throws {
        let again = (200, "<Response><Redirect>/again</Redirect></Response>")
        let scene = try Scene(Array(repeating: again, count: 20))
        scene.run(5)
        #expect(scene.hook.requests.count == 6)
        #expect(scene.caller.log.first?.contains("redirects to") == true)
        let slow = try Scene([], limit: .seconds(3))
        slow.run(2_999)
        #expect(slow.caller.log == [])
        slow.run(2)
        #expect(slow.caller.log.count == 1)
        #expect(slow.caller.log[0].hasPrefix("3000 ended unhooked("))
        #expect(slow.caller.log[0].contains("url: \"http://hook/voice\", status: nil"))
    }

    /// Twilio follows 301, 302, 303 and 307 (its error 11216); only 307 keeps the POST.
    @Test(arguments: [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST")])
    func redirectsOfHTTPAreFollowed(_ status: Int, _ method: String) throws {
        let scene = try Scene(
            [(status, ""), (200, Self.connect("ws://localhost:9000/media"))],
            locations: ["http://hook/new?b=2"])
        scene.run(5)
        #expect(scene.caller.log == ["0 answered"])
        #expect(scene.hook.requests.map(\.0.method) == ["POST", method])
        let (head, body) = try #require(scene.hook.requests.last)
        let query = head.target.split(separator: "?", maxSplits: 1).last.map(String.init) ?? ""
        #expect(head.target.hasPrefix("/new?b=2"))
        let form = FormParameters(parsing: method == "GET" ? Array(query.utf8) : body)
        #expect(form["CallSid"] == identity.call)
        #expect(
            head.headers[TwilioSignature.header]
                == TwilioSignature.sign(
                    url: "http://hook" + head.target,
                    form: method == "GET" ? [] : form.items.map { HTTPField($0.name, $0.value) },
                    token: "12345"))
    }

    @Test func redirectsOfHTTPHaveAnEnd() throws {
        let scene = try Scene(
            Array(repeating: (302, "moved"), count: 20),
            locations: Array(repeating: "/again", count: 20))
        scene.run(50)
        #expect(scene.hook.requests.count == 11)
        #expect(scene.caller.log.first?.contains("status: Optional(302), words: \"moved\"") == true)
    }

    @Test func whoHangsUpWhileTheWebhookThinksIsHeardOnce() throws {
        let scene = try Scene([])
        scene.run(100)
        scene.call.hangUp()
        #expect(scene.caller.log == [])
        scene.run(100_000)
        #expect(scene.caller.log == ["100 ended hungUp"])
    }
}

/// Answers each request with the next of some answers; without any it stays silent.
private final class ScriptedWebhook: ListenerHandler {
    private var answers: [(Int, String)]
    private var locations: [String]
    private(set) var requests: [(HTTPRequestHead, [UInt8])] = []

    init(_ answers: [(Int, String)], _ locations: [String]) {
        self.answers = answers
        self.locations = locations
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { Peer(self) }

    private final class Peer: ByteStreamHandler {
        private let hook: ScriptedWebhook
        private var connection = ServerConnection()
        private var head: HTTPRequestHead?

        init(_ hook: ScriptedWebhook) { self.hook = hook }

        func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
            connection.receive(bytes)
            while let event = connection.next() {
                switch event {
                case .request(let head): self.head = head
                case .requestEnd:
                    guard let head else { continue }
                    hook.requests.append((head, connection.body))
                    guard !hook.answers.isEmpty else { continue }
                    let (status, text) = hook.answers.removeFirst()
                    var headers: HTTPHeaders = ["Content-Type": "text/xml"]
                    if !hook.locations.isEmpty {
                        headers.add("Location", hook.locations.removeFirst())
                    }
                    connection.respond(status: status, headers: headers, body: Array(text.utf8))
                default: break
                }
            }
            stream.write(connection.output.span.bytes)
            connection.output.removeAll()
        }

        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }
}
