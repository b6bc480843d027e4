import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarTransports

@Suite struct BrowserTransportTests {
    /// A world with an agent that listens, and a call to it.
    private struct Scene {
        let world = SimulatedWorld()
        let agent: ScriptedAgent
        let caller = NotedCall()
        let transport: BrowserTransport
        let audio: any PreparedAudio
        var call: (any CallMedia)!
        private let listener: any Listener

        init(_ answer: ScriptedAgent.Answer = .accept, asks: Bool = true) throws {
            agent = ScriptedAgent(answer)
            listener = try world.network.listen(
                on: .loopback(9000), options: ListenOptions(), handler: agent)
            transport = BrowserTransport(
                urls: [try WireURL("ws://localhost:9000/browser")], network: world.network,
                loop: world.loop, seed: Seed(1))
            audio = transport.prepare(
                [UInt8](repeating: 0, count: 640) + (0..<640).map { UInt8($0 & 0xff) })
            call = transport.dial(
                CallSetup(
                    call: 7, limit: .seconds(3),
                    parameters: [
                        HTTPField("channel", "screen_share"), HTTPField("session_id", "s-1"),
                        HTTPField("event", "not mine to say"),
                    ]), handler: caller)
            run(1)
            if asks, case .accept = answer {
                agent.send(#"{"event":"consent","text":"May I?","recording":false}"#)
            }
            run(1)
        }

        func run(_ milliseconds: Int64) { world.run(for: .milliseconds(milliseconds)) }
    }

    @Test func theStreamBeginsWithWhatTheAudioIs() throws {
        let scene = try Scene()
        let call = TwilioIdentity(seed: Seed(1), call: 7).call
        #expect(scene.agent.head?.path == "/browser")
        #expect(
            scene.agent.messages == [
                [
                    "event": "websocket:connected", "content-type": "audio/l16;rate=16000",
                    "call_id": .string(call), "channel": "screen_share", "session_id": "s-1",
                ], ["event": "consent", "granted": true],
            ])
        #expect(scene.caller.log == ["1 answered"])
    }

    @Test func aRecordingIsAgreedToWhereItIsAskedFor() throws {
        let scene = try Scene(asks: false)
        scene.agent.send(#"{"event":"consent","text":"May I?","recording":true}"#)
        scene.run(1)
        #expect(
            scene.agent.messages.last
                == ["event": "consent", "granted": true, "recording": true])
    }

    @Test func theMicrophoneStaysClosedUntilTheAgentHasAsked() throws {
        let scene = try Scene(asks: false)
        scene.call.send(scene.audio, frame: 1)
        scene.run(500)
        #expect(scene.caller.log == [])
        #expect(scene.agent.binary == [])
        scene.run(3000)
        #expect(scene.caller.log == ["3000 ended noAnswer"])
    }

    @Test func anAgentThatSpeaksBeforeItHasAskedIsLeft() throws {
        let scene = try Scene(asks: false)
        scene.agent.play(binary: [0, 0])
        scene.run(10)
        #expect(scene.agent.closeCode == .protocolError)
        #expect(scene.caller.log.last?.contains("before it has asked") == true)
    }

    @Test func framesAreBinaryMessagesAsPrepared() throws {
        let scene = try Scene()
        scene.call.send(scene.audio, frame: 1)
        scene.call.send(scene.audio, frame: 0)
        scene.run(1)
        #expect(
            scene.agent.binary == [
                (0..<640).map { UInt8($0 & 0xff) }, [UInt8](repeating: 0, count: 640),
            ])
    }

    @Test func audioPlaysInRealTimeAndMarksComeBackWhenItHas() throws {
        let scene = try Scene()
        scene.agent.play(binary: [UInt8](repeating: 1, count: 3200))
        scene.agent.send(#"{"action":"notify","payload":{"mark":"m1"}}"#)
        scene.run(98)
        #expect(scene.agent.messages.count == 2)
        scene.run(5)
        #expect(
            scene.agent.messages.last
                == ["event": "websocket:notify", "payload": ["mark": "m1"]])
        #expect(scene.caller.log.last == "2 heard 3200 from 2")
    }

    @Test func clearEmptiesTheQueueAndIsConfirmed() throws {
        let scene = try Scene()
        scene.agent.play(binary: [UInt8](repeating: 1, count: 32_000))
        scene.agent.send(#"{"action":"notify","payload":{"mark":"m1"}}"#)
        scene.agent.send(#"{"action":"clear"}"#)
        scene.run(1)
        #expect(
            scene.agent.messages.suffix(2) == [
                ["event": "websocket:notify", "payload": ["mark": "m1"]],
                ["event": "websocket:cleared"],
            ])
        #expect(scene.caller.log.last == "2 cleared")
    }

    @Test func digitsPicturesAndTextsHaveTheirEvents() throws {
        let scene = try Scene()
        let picture = Picture(mime: "image/png", bytes: [0x89, 0x50, 0x4e, 0x47])
        scene.call.send(digit: "5")
        scene.call.show(try #require(scene.transport.prepare(picture)))
        scene.agent.send(#"{"event":"fallback_to_text","text":"Type, please."}"#)
        scene.run(1)
        #expect(
            scene.agent.messages.suffix(2) == [
                ["event": "websocket:dtmf", "digit": "5", "duration": 100],
                ["event": "image", "mime": "image/png", "data": "iVBORw=="],
            ])
        #expect(scene.caller.log.last == "2 shown Type, please.")
    }

    @Test(arguments: [
        #"{"action":"dance"}"#, #"{"event":"media"}"#, "[]", "nonsense", #"{"action":"notify"}"#,
        #"{"event":"text"}"#,
    ])
    func whatIsNoMessageEndsTheCall(text: String) throws {
        let scene = try Scene()
        scene.agent.send(text)
        scene.run(1)
        #expect(scene.agent.closeCode == .protocolError)
        #expect(scene.caller.log.last?.contains("browser stream: ") == true)
    }

    @Test func halfASampleEndsTheCall() throws {
        let scene = try Scene()
        scene.agent.play(binary: [1, 2, 3])
        scene.run(1)
        #expect(scene.caller.log.last?.contains("half a sample") == true)
    }

    @Test func hangingUpClosesInOrder() throws {
        let scene = try Scene()
        scene.call.hangUp()
        scene.run(1)
        #expect(scene.agent.closeCode == .normal)
        #expect(scene.caller.log.last == "2 ended hungUp")
    }

    @Test func aRefusalSaysWhy() throws {
        let scene = try Scene(.refuse(415))
        #expect(scene.caller.log.last?.hasPrefix("0 ended refused(status: 415") == true)
    }

    @Test func aCallsNumberPicksItsWorker() throws {
        let world = SimulatedWorld()
        let agents = try (0..<2).map { index in
            let agent = ScriptedAgent()
            _ = try world.network.listen(
                on: .loopback(9000 + UInt16(index)), options: ListenOptions(), handler: agent)
            return agent
        }
        let transport = BrowserTransport(
            urls: try (0..<2).map { try WireURL("ws://localhost:\(9000 + $0)/browser") },
            network: world.network, loop: world.loop, seed: Seed(1))
        let call = transport.dial(CallSetup(call: 5), handler: NotedCall())
        world.run(for: .milliseconds(1))
        #expect(agents[0].head == nil)
        #expect(agents[1].head != nil)
        withExtendedLifetime(call) {}
    }
}
