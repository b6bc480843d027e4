import UproarAgent
import UproarCore
import UproarRuntime
import UproarTransports
import UproarWire

/// A call's two ends on streams that go nowhere, in a world whose clock is turned by hand.
final class Bench {
    private let clock = StoppedClock()
    private let network = NullNetwork()
    private let loop: EventLoop

    init() { loop = EventLoop(driver: clock) }

    func run() throws {
        try caller()
        try agent()
    }

    // MARK: The caller's side

    private func caller() throws {
        let transport = TwilioTransport(
            url: try WireURL("ws://localhost:1/media"), network: network, loop: loop,
            seed: Seed(1))
        let frames = [UInt8]((0..<160 * 50).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        let audio = transport.prepare(frames)
        let ear = CountingEar()
        let call = transport.dial(CallSetup(call: 1), handler: ear)
        let stream = network.latest
        stream.handler?.opened(stream)
        answerUpgrade(stream)
        let before = call.sentByteCount
        call.send(audio, frame: 0)
        let bytes = call.sentByteCount - before
        MediaBenchmark.measure("caller: send one frame", bytes: bytes, count: 50) {
            for frame in 0..<50 { call.send(audio, frame: frame) }
        }

        // What an agent sends: 200 ms in one message.
        var message: [UInt8] = []
        let payload = Base64.encode([UInt8](repeating: 0x55, count: 1600))
        let sid = TwilioIdentity(seed: Seed(1), call: 1).stream
        let text = #"{"event":"media","streamSid":"\#(sid)","media":{"payload":"\#(payload)"}}"#
        WebSocketFrame.encode(.text, Array(text.utf8).span.bytes, mask: nil, into: &message)
        MediaBenchmark.measure(
            "caller: hear one frame (of a 200 ms message)", bytes: message.count / 10, count: 1000
        ) {
            for _ in 0..<100 {
                stream.handler?.received(message.span.bytes, at: clock.now, on: stream)
            }
        }
        precondition(ear.heard > 0, "nothing was heard")
    }

    private func answerUpgrade(_ stream: NullStream) {
        var server = ServerConnection()
        let request = stream.written
        server.receive(request.span.bytes)
        while let event = server.next() {
            if case .upgrade = event { server.acceptUpgrade() }
        }
        stream.handler?.received(server.output.span.bytes, at: clock.now, on: stream)
        stream.isKeeping = false
    }

    // MARK: The agent's side

    private func agent() throws {
        var settings = AgentSettings()
        settings.greeting = ""
        let recogniser = CountingRecogniser()
        settings.preparesPhrases = false
        var parts = AgentParts(loop: loop, network: network)
        parts.recognisers = [("counting", recogniser)]
        parts.models = [ModelCandidate(SilentModel(), model: "silent")]
        parts.voices = [("silent", VoiceCandidate(SilentVoice(), voice: "none"))]
        let server = AgentServer(settings, parts: parts)
        for isLoud in [true, false] {
            let (stream, handler) = try call(server)
            recogniser.answer()
            let frames = (0..<50).map { frame(isLoud: isLoud, index: $0) }
            MediaBenchmark.measure(
                isLoud ? "agent: hear one frame of speech" : "agent: hear one frame of silence",
                bytes: frames[0].count, count: 50
            ) {
                for frame in frames {
                    handler.received(frame.span.bytes, at: clock.now, on: stream)
                    clock.now += .milliseconds(20)
                }
            }
        }
        precondition(recogniser.stream.heard > 0, "nothing was heard")
    }

    /// An answered call: its stream, and who hears its bytes.
    private func call(_ server: AgentServer) throws -> (NullStream, any ByteStreamHandler) {
        let stream = NullStream()
        stream.isKeeping = true
        let handler = server.accepted(stream)
        var client = WebSocketClientConnection(
            url: try WireURL("ws://localhost/media"), random: RandomStream(state: 1))
        handler.received(client.output.span.bytes, at: clock.now, on: stream)
        client.output.removeAll()
        let answer = stream.written
        client.receive(answer.span.bytes)
        _ = client.next()
        stream.isKeeping = false
        client.sendText(#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#)
        client.sendText(
            #"{"event":"start","start":{"streamSid":"MZ","callSid":"CA","customParameters":{}}}"#)
        handler.received(client.output.span.bytes, at: clock.now, on: stream)
        return (stream, handler)
    }

    /// A media message as the caller sends it, masked.
    private func frame(isLoud: Bool, index: Int) -> [UInt8] {
        let level: UInt8 = index / 3 % 2 == 0 ? 0x80 : 0x9c
        let audio = (0..<160).map { isLoud ? level | ($0 & 8 == 0 ? 0 : 0x80) : UInt8(0xff) }
        let text =
            #"{"event":"media","sequenceNumber":"1234","media":{"track":"inbound","chunk":"1233","timestamp":"24640","payload":"\#(Base64.encode(audio))"},"streamSid":"MZ0123456789abcdef0123456789abcdef"}"#
        var message: [UInt8] = []
        WebSocketFrame.encode(
            .text, Array(text.utf8).span.bytes, mask: 0x1234_5678, into: &message)
        return message
    }
}
