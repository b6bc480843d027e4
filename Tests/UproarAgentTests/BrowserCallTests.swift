import Testing
import UproarAudio
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarAgent

/// Browsers and pressed keys around the real agent, in virtual time.
@Suite struct BrowserCallTests {
    /// A browser of the test's: says what it is told, writes down what it gets.
    private final class Browser: ByteStreamHandler {
        private var connection: WebSocketClientConnection
        private var stream: (any ByteStream)?
        private(set) var messages: [JSONValue] = []
        private(set) var heard = 0
        private(set) var refusal: WebSocketRefusal?
        private(set) var closeCode: WebSocketCloseCode?

        init(to endpoint: Endpoint, network: any Network) {
            connection = WebSocketClientConnection(
                url: WireURL(
                    scheme: .ws, host: "localhost", port: endpoint.port, path: "/browser"),
                random: RandomStream(state: 1))
            stream = network.connect(to: endpoint, options: ConnectOptions(), handler: self)
        }

        func say(_ message: JSONValue) {
            connection.sendText(message.encoded().span.bytes)
            flush()
        }

        func play(_ bytes: [UInt8]) {
            connection.sendBinary(bytes.span.bytes)
            flush()
        }

        func close() {
            connection.close(.normal)
            flush()
        }

        private func flush() {
            stream?.write(connection.output.span.bytes)
            connection.output.removeAll()
        }

        func opened(_ stream: any ByteStream) { flush() }
        func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
            connection.receive(bytes)
            while let event = connection.next() {
                switch event {
                case .text:
                    if let message = try? JSONParser.parse(connection.payloadText) {
                        messages.append(message)
                    }
                case .binary: heard += connection.payloadBytes.count
                case .refused(let refusal): self.refusal = refusal
                case .closed(let code): closeCode = code
                default: break
                }
            }
            flush()
        }
        func closed(_ stream: any ByteStream, reason: CloseReason) { self.stream = nil }
    }

    private struct Scene {
        let world = SimulatedWorld()
        let model: ScriptedModel
        let voice: ScriptedVoice
        let sessions: MemorySessions
        let server: AgentServer
        let endpoint: Endpoint

        init(
            says answers: [String] = ["Fine."], _ change: (inout AgentSettings) -> Void = { _ in }
        ) throws {
            model = ScriptedModel(answers, loop: world.loop)
            voice = ScriptedVoice(loop: world.loop)
            sessions = MemorySessions(loop: world.loop)
            var settings = AgentSettings()
            settings.greeting = "Hello."
            settings.holdPhrase = ""
            settings.preparesPhrases = false
            change(&settings)
            var parts = AgentParts(loop: world.loop, network: world.network)
            parts.recognisers = [
                ("deepgram", ScriptedRecogniser(["add milk"], loop: world.loop))
            ]
            parts.models = [ModelCandidate(model, model: "first")]
            parts.voices = [("cartesia", VoiceCandidate(voice, voice: "one"))]
            parts.sessions = sessions
            server = AgentServer(settings, parts: parts)
            endpoint = try server.start()
        }

        func run(_ milliseconds: Int64) { world.run(for: .milliseconds(milliseconds)) }

        func connect(_ contentType: String = "audio/l16;rate=16000") -> Browser {
            let browser = Browser(to: endpoint, network: world.network)
            run(1)
            browser.say([
                "event": "websocket:connected", "content-type": .string(contentType),
                "call_id": "c-1", "channel": "screen_share", "session_id": "s", "user_id": "u",
            ])
            run(1)
            return browser
        }

        func agree() -> Browser {
            let browser = connect()
            browser.say(["event": "consent", "granted": true])
            run(1)
            return browser
        }
    }

    private static let picture: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 7]

    @Test func nothingIsHeardBeforeThePersonHasAgreed() throws {
        let scene = try Scene()
        let browser = scene.connect()
        #expect(browser.messages.map { $0["event"]?.text } == ["consent"])
        browser.play([UInt8](repeating: 1, count: 640))
        scene.run(500)
        #expect(browser.heard == 0)
        #expect(scene.server.metrics.value(.errors, ["before_consent", "media"]) == 1)
        #expect(scene.server.metrics.value(.sessions) == 0)
        browser.say(["event": "consent", "granted": true])
        scene.run(1000)
        #expect(browser.heard > 0)
    }

    @Test func whoDoesNotAgreeIsLetGo() throws {
        let scene = try Scene()
        let browser = scene.connect()
        browser.say(["event": "consent", "granted": false])
        scene.run(10)
        #expect(browser.closeCode == .normal)
        #expect(scene.server.metrics.value(.sessions) == 0)
        #expect(scene.server.activeCalls == 0)
    }

    @Test func anotherRateIsRefusedNamingBothSides() throws {
        let scene = try Scene()
        let browser = scene.connect("audio/l16;rate=48000")
        #expect(browser.closeCode == .unsupported)
        #expect(scene.server.metrics.value(.errors, ["encoding_mismatch", "media"]) == 1)
    }

    @Test func aChannelThatFitsNoProviderIsRefusedAtTheUpgrade() throws {
        let scene = try Scene { $0.hearingFormat = "mulaw 8000" }
        let browser = Browser(to: scene.endpoint, network: scene.world.network)
        scene.run(1)
        #expect(browser.refusal?.head.status == 415)
        #expect(
            browser.refusal.map { String(decoding: $0.body, as: UTF8.self) }
                == "browser carries linear16 16000 Hz mono, deepgram hears mulaw 8000 Hz mono, and no converter between them is declared\n"
        )
    }

    @Test func typedWordsAreAnswered() throws {
        let scene = try Scene(says: ["Milk it is."])
        let browser = scene.agree()
        scene.run(3000)
        browser.say(["event": "text", "text": "add milk"])
        scene.run(3000)
        #expect(scene.model.requests.last?.messages.last == .caller("add milk"))
    }

    @Test func theLatestScreenGoesWithTheWordsAndNeverIntoTheHistory() throws {
        let scene = try Scene(says: ["Bread, I see.", "Fine.", "Still bread."])
        let browser = scene.agree()
        scene.run(3000)
        browser.say([
            "event": "image", "mime": "image/png", "data": .string(Base64.encode(Self.picture)),
        ])
        browser.say(["event": "text", "text": "add that"])
        scene.run(4000)
        let picture = Picture(mime: "image/png", bytes: Self.picture)
        #expect(scene.model.requests.last?.messages.last == .callerShowing("add that", picture))
        // Seen once, it is shown again only when the words speak of it.
        browser.say(["event": "text", "text": "what are my tasks"])
        scene.run(4000)
        #expect(scene.model.requests.last?.messages.last == .caller("what are my tasks"))
        #expect(scene.model.requests.last?.messages.contains(.caller("add that")) == true)
        browser.say(["event": "text", "text": "what do you see here"])
        scene.run(4000)
        #expect(
            scene.model.requests.last?.messages.last
                == .callerShowing("what do you see here", picture))
    }

    @Test func whereVisionIsOffNoPictureIsShown() throws {
        let scene = try Scene { $0.sees = false }
        let browser = scene.agree()
        scene.run(3000)
        browser.say([
            "event": "image", "mime": "image/png", "data": .string(Base64.encode(Self.picture)),
        ])
        browser.say(["event": "text", "text": "what do you see"])
        scene.run(3000)
        #expect(scene.model.requests.last?.messages.last == .caller("what do you see"))
    }

    @Test func closingInOrderEndsTheSession() throws {
        let scene = try Scene()
        let browser = scene.agree()
        scene.run(2000)
        browser.say(["event": "text", "text": "add milk"])
        scene.run(3000)
        #expect(scene.sessions.values["voice:session:s"] != nil)
        browser.close()
        scene.run(10)
        #expect(scene.sessions.values["voice:session:s"] == nil)
    }

    // MARK: Keys

    private func phone(_ scene: Scene) -> ScriptedCaller {
        ScriptedCaller(
            to: scene.endpoint, parameters: ["session_id": "s", "user_id": "u"],
            loop: scene.world.loop, network: scene.world.network)
    }

    @Test func zeroPassesTheCallerOnWithWhatWasSaid() throws {
        let scene = try Scene(says: ["Fine."])
        let caller = phone(scene)
        scene.run(2000)
        caller.press("0")
        scene.run(8000)
        #expect(scene.model.requests.isEmpty)
        #expect(scene.voice.spoken.contains { $0.contains("person") })
        #expect(scene.sessions.values["voice:handoff:s"].flatMap { SessionRecord($0) } != nil)
        #expect(caller.closeCode == .normal)
        #expect(scene.server.metrics.value(.handOffs, ["phone"]) == 1)
    }

    @Test func theStarSaysTheLastAnswerAgain() throws {
        let scene = try Scene(says: ["Milk it is."])
        let caller = phone(scene)
        scene.run(2000)
        caller.press("5")
        scene.run(6000)
        let before = caller.heard.count
        caller.press("*")
        scene.run(4000)
        #expect(caller.heard.count == before + 1)
        #expect(scene.model.requests.count == 1)
        #expect(scene.model.requests.last?.messages.last == .caller("I pressed 5."))
    }
}

@Suite struct CallMarkupTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func onlyACallThatWasHandedOffIsDialledOn() {
        var settings = AgentSettings()
        settings.handOffNumber = "+15550001111"
        let form = Array("CallSid=CA1&From=%2B1555".utf8)
        #expect(
            text(CallMarkup.after(form, settings) { $0 == "CA1" }).contains(
                "<Dial>+15550001111</Dial>"))
        #expect(text(CallMarkup.after(form, settings) { _ in false }).contains("<Hangup/>"))
        #expect(text(CallMarkup.after([], settings) { _ in true }).contains("<Hangup/>"))
        settings.handOffNumber = ""
        #expect(text(CallMarkup.after(form, settings) { _ in true }).contains("<Hangup/>"))
    }
}
