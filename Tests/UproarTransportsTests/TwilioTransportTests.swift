import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarTransports

@Suite struct TwilioTransportTests {
    /// A world with an agent that listens, and a call to it.
    private struct Scene {
        let world = SimulatedWorld()
        let agent: ScriptedAgent
        let caller = NotedCall()
        let transport: TwilioTransport
        let audio: any PreparedAudio
        var call: (any CallMedia)!
        private let listener: any Listener

        init(
            _ answer: ScriptedAgent.Answer = .accept, token: String? = nil,
            setup: CallSetup = CallSetup(
                call: 7, parameters: [HTTPField("session_id", "s-1"), HTTPField("user_id", "Ü")])
        ) throws {
            agent = ScriptedAgent(answer)
            listener = try world.network.listen(
                on: .loopback(9000), options: ListenOptions(), handler: agent)
            var options = TwilioTransport.Options()
            options.authToken = token
            transport = TwilioTransport(
                url: try WireURL("ws://localhost:9000/media"), network: world.network,
                loop: world.loop, seed: Seed(1), options: options)
            audio = transport.prepare(
                [UInt8](repeating: 0xff, count: 160) + [UInt8](repeating: 0x12, count: 160))
            call = transport.dial(setup, handler: caller)
        }

        func run(_ milliseconds: Int64) { world.run(for: .milliseconds(milliseconds)) }
    }

    private let identity = TwilioIdentity(seed: Seed(1), call: 7)

    @Test func theStreamBeginsAsTwiliosDoes() throws {
        let scene = try Scene()
        #expect(scene.caller.log == [])
        scene.run(1)
        #expect(scene.caller.log == ["0 answered"])
        #expect(scene.agent.head?.path == "/media")
        #expect(scene.agent.head?.headers["X-Twilio-Signature"] == nil)
        let connected: JSONValue = ["event": "connected", "protocol": "Call", "version": "1.0.0"]
        let stream = JSONValue.string(identity.stream)
        let start: JSONValue = [
            "event": "start", "sequenceNumber": "1",
            "start": [
                "accountSid": .string(identity.account), "streamSid": stream,
                "callSid": .string(identity.call), "tracks": ["inbound"],
                "mediaFormat": ["encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1],
                "customParameters": ["session_id": "s-1", "user_id": "Ü"],
            ],
            "streamSid": stream,
        ]
        #expect(scene.agent.messages == [connected, start])
    }

    @Test func framesDigitsAndStopAreNumberedInOneSequence() throws {
        let scene = try Scene()
        scene.run(1)
        scene.call.send(scene.audio, frame: 0)
        scene.call.send(digit: "#")
        scene.call.send(scene.audio, frame: 1)
        scene.call.hangUp()
        scene.run(1)
        let messages = scene.agent.messages.dropFirst(2)
        let kinds = messages.map { $0["event"]?.text }
        let numbers = messages.map { $0["sequenceNumber"]?.text }
        #expect(kinds == ["media", "dtmf", "media", "stop"])
        #expect(numbers == ["2", "3", "4", "5"])
        #expect(messages.compactMap { $0["media"]?["chunk"]?.text } == ["1", "2"])
        #expect(messages.compactMap { $0["media"]?["timestamp"]?.text } == ["0", "20"])
        #expect(messages.compactMap { $0["dtmf"]?["digit"]?.text } == ["#"])
        #expect(scene.agent.closeCode == .normal)
        #expect(scene.caller.log == ["0 answered", "1 ended hungUp"])
        #expect(scene.agent.isClosed)
    }

    @Test func everyByteOfTheStreamIsCounted() throws {
        let scene = try Scene()
        scene.run(1)
        let before = scene.call.sentByteCount
        scene.call.send(scene.audio, frame: 0)
        let message =
            #"{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"\#(String(repeating: "/", count: 216))"},"streamSid":"\#(identity.stream)"}"#
        // 160 bytes are 213⅓ letters: 216 with the padding. The header takes 8.
        #expect(scene.call.sentByteCount - before == message.utf8.count + 8)
        #expect(scene.call.receivedByteCount > 100)
    }

    @Test func agentAudioPlaysOneAfterTheOtherAndMarksComeBackWhenItHasPlayed() throws {
        let scene = try Scene()
        scene.run(100)
        scene.agent.play([UInt8](repeating: 1, count: 1600))
        scene.agent.send(
            #"{"event":"mark","streamSid":"\#(scene.agent.streamName)","mark":{"name":"a \"b\""}}"#)
        scene.run(50)
        scene.agent.play([UInt8](repeating: 1, count: 800))
        scene.agent.send(
            #"{"event":"mark","streamSid":"\#(scene.agent.streamName)","mark":{"name":"c"}}"#)
        scene.run(149)
        #expect(scene.agent.messages.count == 2)
        scene.run(1)
        #expect(scene.agent.messages.count == 3)
        #expect(scene.agent.messages[2]["mark"]?["name"] == #"a "b""#)
        #expect(scene.agent.messages[2]["sequenceNumber"] == "2")
        scene.run(100)
        #expect(scene.agent.messages[3]["mark"]?["name"] == "c")
        #expect(
            scene.caller.log == [
                "0 answered", "100 heard 1600 from 100", "150 heard 800 from 300",
            ])
    }

    @Test func clearEmptiesTheQueueAndReturnsEveryMarkAtOnce() throws {
        let scene = try Scene()
        scene.run(100)
        scene.agent.play([UInt8](repeating: 1, count: 8000))
        scene.agent.send(
            #"{"event":"mark","mark":{"name":"a"},"streamSid":"\#(scene.agent.streamName)"}"#)
        scene.run(100)
        scene.agent.send(#"{"event":"clear","streamSid":"\#(scene.agent.streamName)"}"#)
        scene.agent.play([UInt8](repeating: 1, count: 160))
        scene.run(1)
        #expect(scene.agent.messages.last?["mark"]?["name"] == "a")
        #expect(
            scene.caller.log.dropFirst(1) == [
                "100 heard 8000 from 100", "200 cleared", "200 heard 160 from 200",
            ])
        scene.run(2000)
        #expect(scene.agent.messages.count == 3)
    }

    @Test(arguments: [
        (
            #"{"event":"speak","streamSid":"MZ"}"#,
            "unknown event 'speak'; media, mark and clear are allowed"
        ),
        (#"{"event":"media","media":{}}"#, "media without a payload"),
        (
            #"{"event":"media","streamSid":"STREAM","media":{"payload":"***"}}"#,
            "a payload that is no Base64"
        ),
        (#"{"event":"mark","mark":{}}"#, "a mark without a name"),
        ("hello", "a message that is no event"),
    ])
    func whatTwilioDoesNotKnowStopsTheStream(message: String, problem: String) throws {
        let scene = try Scene()
        scene.run(10)
        let parts = message.split(separator: "STREAM")
        scene.agent.send(parts.joined(separator: scene.agent.streamName))
        scene.run(1)
        #expect(scene.agent.messages.last?["event"] == "stop")
        #expect(scene.agent.closeCode == .protocolError)
        let end = CallMediaEnd.broken("31924 stream protocol error: \(problem)")
        #expect(scene.caller.log.last == "10 ended \(end)")
    }

    @Test(arguments: ["", #""streamSid":"MZ0123456789abcdef0123456789abcdef","#])
    func messagesThatAreNotForTheStreamAreNotPlayed(name: String) throws {
        let scene = try Scene()
        scene.run(10)
        let sound = Base64.encode([UInt8](repeating: 1, count: 800))
        for _ in 0..<2 {
            scene.agent.send(#"{"event":"media",\#(name)"media":{"payload":"\#(sound)"}}"#)
        }
        scene.agent.send(#"{\#(name)"event":"mark","mark":{"name":"a"}}"#)
        scene.agent.play([UInt8](repeating: 1, count: 800))
        scene.agent.send(#"{\#(name)"event":"clear"}"#)
        scene.run(200)
        let what = name.isEmpty ? "without a streamSid" : "with the streamSid of another stream"
        #expect(
            scene.caller.log.dropFirst() == [
                "10 remarked the agent sent messages \(what): not played (Twilio 31951)",
                "10 heard 800 from 10",
            ])
        #expect(scene.agent.messages.allSatisfy { $0["event"] != "mark" })
    }

    /// By the shape of messages before, and by a look at all of it.
    @Test(arguments: [
        #"{"event":"media","streamSid":"STREAM","media":{"payload":"SOUND"}}"#,
        #"{ "event" : "media" , "streamSid" : "STREAM", "media" : { "payload" : "SOUND" } }"#,
        #"{"event":"media","media":{"payload":"SOUND"},"streamSid":"STREAM"}"#,
        #"{"event":"media","media":{"payload":"SOUND","track":"outbound"}, "streamSid" :  "STREAM"}"#,
    ])
    func theStreamMayBeNamedAnywhere(shape: String) throws {
        let scene = try Scene()
        scene.run(10)
        let sound = Base64.encode([UInt8](repeating: 1, count: 80))
        func message(_ stream: String) -> String {
            shape.split(separator: "STREAM").joined(separator: stream)
                .split(separator: "SOUND").joined(separator: sound)
        }
        for _ in 0..<2 { scene.agent.send(message(scene.agent.streamName)) }
        scene.agent.send(message("MZ" + String(repeating: "0", count: 32)))
        scene.run(1)
        #expect(
            scene.caller.log.dropFirst().map { $0.prefix(11) } == [
                "10 heard 80", "10 heard 80", "10 remarked",
            ])
    }

    @Test func theUpgradeIsSignedWhenThereIsAToken() throws {
        let scene = try Scene(token: "12345")
        scene.run(1)
        #expect(
            scene.agent.head?.headers["X-Twilio-Signature"]
                == TwilioSignature.sign(url: "ws://localhost:9000/media", token: "12345"))
    }

    // MARK: Ends

    @Test(arguments: [
        (ScriptedAgent.Answer.refuse(503), "0 ended refused(status: 503"),
        (.silence, "10000 ended noAnswer"),
        (
            .garbage,
            "0 ended unreachable(\"the answer is no WebSocket: the first line is not HTTP/1.1\")"
        ),
        (.close, "0 ended unreachable("),
    ])
    func aCallThatIsNotAnsweredSaysWhy(answer: ScriptedAgent.Answer, end: String) throws {
        let scene = try Scene(answer)
        scene.run(20_000)
        #expect(scene.caller.log.count == 1)
        #expect(scene.caller.log.first?.hasPrefix(end) == true, "\(scene.caller.log)")
        // Frames of a caller that does not know yet go nowhere.
        scene.call.send(scene.audio, frame: 0)
        scene.call.hangUp()
        #expect(scene.caller.log.count == 1)
    }

    @Test func nothingListens() throws {
        let world = SimulatedWorld()
        let transport = TwilioTransport(
            url: try WireURL("ws://localhost:9000/media"), network: world.network,
            loop: world.loop, seed: Seed(1))
        let caller = NotedCall()
        _ = transport.dial(CallSetup(call: 1), handler: caller)
        #expect(caller.log == [])
        world.run(for: .seconds(1))
        #expect(
            caller.log == ["0 ended unreachable(\"cannot connect: Connection refused\")"])
    }

    @Test func theAgentMayCloseInOrderOrBreak() throws {
        let orderly = try Scene()
        orderly.run(10)
        orderly.agent.close(.normal)
        orderly.run(10)
        #expect(orderly.caller.log.last == "10 ended closedByAgent(code: 1000)")
        let broken = try Scene()
        broken.run(10)
        broken.agent.cut()
        broken.run(10)
        #expect(broken.caller.log.last?.contains("ended broken") == true)
    }

    @Test func hangingUpEndsTheCallInEveryPhase() throws {
        let early = try Scene(.silence)
        early.call.hangUp()
        early.run(10)
        #expect(early.caller.log == ["0 ended hungUp"])
        let waiting = try Scene(.silence)
        waiting.run(10)
        waiting.call.hangUp()
        waiting.run(10)
        #expect(waiting.caller.log == ["10 ended hungUp"])
        let late = try Scene()
        late.run(10)
        late.call.hangUp()
        late.call.hangUp()
        late.run(10)
        #expect(late.caller.log.count == 2)
    }

    @Test func aCallerMaySpeakAndHangUpFromWithinItsHandler() throws {
        let scene = try Scene()
        scene.caller.onAnswer = { scene.call.send(scene.audio, frame: 0) }
        scene.caller.onAudio = { scene.call.hangUp() }
        scene.run(10)
        scene.agent.play([UInt8](repeating: 1, count: 160))
        scene.run(10)
        #expect(
            scene.agent.messages.map { $0["event"]?.text } == [
                "connected", "start", "media", "stop",
            ])
        #expect(scene.caller.log.last == "10 ended hungUp")
    }

    @Test func callsOfOneSeedAreTheSameAndOfAnotherNot() {
        #expect(TwilioIdentity(seed: Seed(1), call: 7) == identity)
        #expect(TwilioIdentity(seed: Seed(2), call: 7) != identity)
        let other = TwilioIdentity(seed: Seed(1), call: 8)
        #expect(other.stream != identity.stream && other.call != identity.call)
        #expect(other.account == identity.account)
        #expect(identity.stream.hasPrefix("MZ") && identity.stream.count == 34)
    }
}
