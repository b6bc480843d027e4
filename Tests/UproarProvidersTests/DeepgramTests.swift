import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// What our client heard from the recogniser.
final class SpeechEar: SpeechToTextHandler {
    var isOpen = false
    var transcripts: [(Transcript, Instant)] = []
    var failure: ProviderFailure?
    private let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    func opened(_ stream: any SpeechToTextStream) { isOpen = true }
    func heard(_ transcript: Transcript, on stream: any SpeechToTextStream) {
        transcripts.append((transcript, loop.now))
    }
    func failed(_ failure: ProviderFailure, on stream: any SpeechToTextStream) {
        self.failure = failure
    }

    var interims: [String] { transcripts.filter { !$0.0.isFinal }.map(\.0.text) }
    var finals: [String] { transcripts.filter { $0.0.isFinal && !$0.0.text.isEmpty }.map(\.0.text) }
}

/// Plays bytes into a stream, one frame each 20 ms.
final class FramePlayer: TimerHandler {
    private let bytes: [UInt8]
    private let size: Int
    private let start: Instant
    private let loop: EventLoop
    private let sink: (RawSpan) -> Void
    private var next = 0

    init(
        _ bytes: [UInt8], _ format: AudioFormat, _ loop: EventLoop,
        sink: @escaping (RawSpan) -> Void
    ) {
        self.bytes = bytes
        size = format.bytesPerFrame
        self.loop = loop
        self.sink = sink
        start = loop.now
        loop.schedule(self, at: start)
    }

    func timerFired(token: UInt64, now: Instant) {
        guard next * size < bytes.count else { return }
        let frame = Array(bytes[next * size..<min(bytes.count, (next + 1) * size)])
        sink(frame.span.bytes)
        next += 1
        loop.schedule(self, at: start + .milliseconds(20) * next)
    }
}

struct DeepgramTests {
    let reference = TurnReference(call: 7, utterance: 2)
    let format = AudioFormat.telephone

    struct Stage {
        let world: EmulatorWorld
        let listener: EmulatorListener
        let ear: SpeechEar
        let stream: any SpeechToTextStream

        func play(_ bytes: [UInt8], _ format: AudioFormat = .telephone) -> FramePlayer {
            FramePlayer(bytes, format, world.context.loop) { stream.send(audio: $0) }
        }
    }

    func start(
        endpointing: Duration? = nil, latency: Duration = .milliseconds(60),
        verdict: EmulatorVerdict = .pass, keys: KeyCheck = .anyKey, limit: Int? = nil
    ) throws -> Stage {
        let world = EmulatorWorld(keys: keys)
        let emulator = DeepgramEmulator(
            vocabulary: SpokenCorpus.vocabulary,
            settings: .init(latency: .constant(latency), concurrencyLimit: limit),
            context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        world.context.interference = FixedVerdict(verdict)
        let client = DeepgramClient(
            ProviderAccess(
                .deepgram, at: try WireURL("ws://\(listener.endpoint)"), key: "key",
                model: "nova-3",
                loop: world.context.loop, network: world.context.network,
                random: world.seed.stream("client")))
        let ear = SpeechEar(world.context.loop)
        let stream = client.open(
            SpeechToTextSettings(format: format, endpointing: endpointing), handler: ear)
        return Stage(world: world, listener: listener, ear: ear, stream: stream)
    }

    func head(_ world: EmulatorWorld) -> String {
        let words = world.words(reference)
        return words.prefix(1).uppercased() + words.dropFirst() + ", "
    }

    /// Frames of a clip with its tag; and where its last voiced sample is in them.
    func frames(_ id: String, _ world: EmulatorWorld, after: Duration = .seconds(2)) -> (
        bytes: [UInt8], end: Duration
    ) {
        let clip = SpokenCorpus.clip(id)
        let bytes = SpokenCorpus.frames(
            clip, wire: world.context.references.key.wire(reference), as: format, after: after)
        return (
            bytes, .milliseconds(500) + AudioTag.duration + clip.description.speech.upperBound
        )
    }

    @Test("A clip is understood however its audio is cut", arguments: [1_000, 12_000, 1_000_000])
    func audioInLargeMessages(size: Int) throws {
        let stage = try start(endpointing: .milliseconds(300))
        stage.world.run(for: .milliseconds(20))
        let (bytes, _) = frames("add-call-slt", stage.world)
        var place = 0
        while place < bytes.count {
            let end = min(place + size, bytes.count)
            stage.stream.send(audio: bytes.span.bytes.extracting(place..<end))
            place = end
        }
        stage.world.run(for: .seconds(6))
        let text = head(stage.world) + "Please add call the dentist tomorrow."
        #expect(stage.ear.finals == [text])
    }

    @Test(
        "Interims grow word by word; the final comes its latency after the voice ended, never before the silence"
    )
    func exchange() throws {
        let stage = try start(endpointing: .milliseconds(300))
        stage.world.run(for: .milliseconds(20))
        #expect(stage.ear.isOpen)
        let (bytes, end) = frames("add-call-slt", stage.world)
        let begin = stage.world.context.now
        let player = stage.play(bytes)
        stage.world.run(for: .seconds(6))
        _ = player
        let text = head(stage.world) + "Please add call the dentist tomorrow."
        #expect(stage.ear.finals == [text])
        let interims = stage.ear.interims
        #expect(interims.count >= 4)
        #expect(interims.last == text)
        #expect(zip(interims, interims.dropFirst()).allSatisfy { $1.hasPrefix($0) && $1 != $0 })
        #expect(interims[0].hasPrefix(head(stage.world) + "Please"))
        let final = try #require(stage.ear.transcripts.first { $0.0.isFinal && !$0.0.text.isEmpty })
        #expect(final.0.endsUtterance)

        let facts = stage.world.facts
        #expect(facts.kinds.prefix(1) == [.speechRecognised])
        #expect(
            facts.kinds.filter { $0 != .speechToTextUsage } == [
                .speechRecognised, .interimSent, .speechEnded, .finalSent,
            ])
        #expect(facts.all.allSatisfy { $0.call == 7 })
        // The frame with the last voiced sample leaves when that frame is due.
        let arrived = begin + .milliseconds(20) * Int((end.nanoseconds - 1) / 20_000_000)
        let ended = try #require(facts.of(.speechEnded).first)
        #expect(Instant(nanoseconds: ended.at) == arrived)
        #expect(abs(ended.value - end.nanoseconds) < 6_000_000)
        let whole = try #require(facts.of(.interimSent).first)
        #expect(Instant(nanoseconds: whole.at) - arrived <= .milliseconds(80))
        #expect(Instant(nanoseconds: whole.at) - arrived >= .milliseconds(60))
        let sent = try #require(facts.of(.finalSent).first)
        let delay = Instant(nanoseconds: sent.at) - arrived
        #expect(delay >= .milliseconds(300) && delay <= .milliseconds(320))
    }

    @Test("Finalize brings the final at once when the latency has passed, and is always answered")
    func finalize() throws {
        let stage = try start(latency: .milliseconds(400))
        stage.world.run(for: .milliseconds(20))
        let (bytes, end) = frames("list-rms", stage.world, after: .milliseconds(100))
        let begin = stage.world.context.now
        let player = stage.play(bytes)
        stage.world.run(for: end + .milliseconds(60))
        stage.stream.finishUtterance()
        stage.world.run(for: .milliseconds(200))
        #expect(stage.ear.finals.isEmpty)
        stage.world.run(for: .milliseconds(300))
        #expect(stage.ear.finals == [head(stage.world) + "What is on my list today?"])
        let at = try #require(stage.ear.transcripts.last).1
        #expect(at - begin <= end + .milliseconds(400))
        #expect(at - begin >= end + .milliseconds(380))
        let count = stage.ear.transcripts.count
        stage.stream.finishUtterance()
        stage.world.run(for: .milliseconds(50))
        #expect(stage.ear.transcripts.count == count + 1)
        #expect(stage.ear.transcripts.last?.0.text == "")
        #expect(stage.ear.transcripts.last?.0.isFinal == true)
        _ = player
    }

    @Test("Without endpointing the next utterance closes the one before it")
    func replaced() throws {
        let stage = try start()
        stage.world.run(for: .milliseconds(20))
        let first = frames("done-slt", stage.world, after: .milliseconds(400)).bytes
        let key = stage.world.context.references.key
        let next = TurnReference(call: 7, utterance: 3)
        let second = SpokenCorpus.frames(
            SpokenCorpus.clip("thanks-slt"), wire: key.wire(next), as: format)
        let player = stage.play(first + second)
        stage.world.run(for: .seconds(8))
        stage.stream.finishUtterance()
        stage.world.run(for: .seconds(1))
        #expect(stage.ear.finals.count == 2)
        #expect(stage.ear.finals[0] == head(stage.world) + "Mark buy milk as done.")
        #expect(stage.ear.finals[1].hasSuffix("Thank you, that is all."))
        #expect(stage.world.facts.of(.finalSent).map(\.turn) == [reference, next])
        _ = player
    }

    @Test("A stimulus without a tag gives its words and no fact; noise gives nothing")
    func stimuli() throws {
        let stage = try start(endpointing: .milliseconds(300))
        stage.world.run(for: .milliseconds(20))
        let bytes =
            frames("thanks-slt", stage.world, after: .seconds(1)).bytes
            + SpokenCorpus.frames(SpokenCorpus.clip("wait-slt"), wire: nil, as: format)
            + SpokenCorpus.frames(SpokenCorpus.clip("cough"), wire: nil, as: format)
        let player = stage.play(bytes)
        stage.world.run(for: .seconds(10))
        #expect(stage.ear.finals == [head(stage.world) + "Thank you, that is all.", "Wait, stop."])
        #expect(stage.world.facts.of(.finalSent).count == 1)
        _ = player
    }

    @Test("Usage leaves the tags out and says what was received")
    func usage() throws {
        let stage = try start(endpointing: .milliseconds(300))
        stage.world.run(for: .milliseconds(20))
        let (bytes, _) = frames("thanks-rms", stage.world, after: .seconds(12))
        let player = stage.play(bytes)
        stage.world.run(for: .seconds(30))
        stage.stream.close()
        stage.world.run(for: .seconds(1))
        let facts = stage.world.facts.of(.speechToTextUsage)
        let total = format.duration(bytes: bytes.count)
        #expect(facts.count == 2)
        #expect(facts.map(\.value).reduce(0, +) == total.nanoseconds)
        let billed = total - AudioTag.duration
        #expect(facts.map(\.detail).reduce(0, +) == UInt32(billed.nanoseconds / 1_000_000))
        #expect(facts.allSatisfy { $0.call == 7 })
        #expect(stage.world.context[.deepgram].active == 0)
        _ = player
    }

    @Test(
        "A client that sends nothing lives on its keep-alives; a mute one is closed with 1011 after 10 s"
    )
    func idle() throws {
        let stage = try start()
        stage.world.run(for: .seconds(60))
        #expect(stage.ear.failure == nil)
        let socket = RawSocket(stage.world, to: stage.listener.endpoint, query: RawSocket.telephone)
        stage.world.run(for: .seconds(20))
        #expect(socket.closed?.0 == .internalError)
        #expect(socket.closed?.1.contains("NET-0001") == true)
    }

    @Test("The wire is the vendor's: metadata at the end, close 1000, results with words")
    func wire() throws {
        let stage = try start()
        let socket = RawSocket(
            stage.world, to: stage.listener.endpoint,
            query: RawSocket.telephone
                + "&interim_results=true&vad_events=true&utterance_end_ms=1000&endpointing=200&punctuate=true"
        )
        stage.world.run(for: .milliseconds(10))
        #expect(socket.headers?["dg-request-id"]?.count == 36)
        socket.send(text: "{\"type\":\"KeepAlive\"}")
        let (bytes, _) = frames("done-rms", stage.world)
        let player = FramePlayer(bytes, format, stage.world.context.loop) {
            socket.send(binary: $0)
        }
        stage.world.run(for: .seconds(5))
        socket.send(text: "{\"type\":\"CloseStream\"}")
        stage.world.run(for: .seconds(1))
        let types = socket.messages.compactMap { $0["type"]?.text }
        #expect(types.first == "SpeechStarted")
        #expect(types.filter { $0 == "UtteranceEnd" }.count == 1)
        #expect(types.last == "Metadata")
        #expect(socket.closed?.0 == .normal)
        let final = try #require(
            socket.messages.first {
                $0["is_final"]?.isTrue == true && $0["speech_final"]?.isTrue == true
            })
        let alternative = final["channel"]?["alternatives"]?[0]
        #expect(alternative?["transcript"]?.text == head(stage.world) + "Mark buy milk as done.")
        let words = alternative?["words"]?.items ?? []
        #expect(words.count == 7)
        #expect(words.last?["word"]?.text == "done")
        #expect(words.last?["punctuated_word"]?.text == "done.")
        let times = words.compactMap { $0["start"]?.double }
        #expect(times == times.sorted())
        #expect(final["metadata"]?["model_info"]?["name"]?.text == "general-nova-3")
        _ = player
    }

    @Test("Containers where samples were promised are refused with 1008, bad text is answered")
    func badInput() throws {
        let stage = try start()
        let socket = RawSocket(stage.world, to: stage.listener.endpoint, query: RawSocket.telephone)
        stage.world.run(for: .milliseconds(10))
        socket.send(text: "{\"type\":")
        socket.send(text: "{\"type\":\"Dance\"}")
        let wave = Array("RIFF....WAVEfmt ".utf8)
        socket.send(binary: wave.span.bytes)
        stage.world.run(for: .seconds(1))
        #expect(socket.messages.map { $0["type"]?.text } == ["Error", "Error"])
        #expect(socket.closed?.0 == .policyViolation)
        #expect(socket.closed?.1.contains("DATA-0000") == true)
    }

    @Test("A refused upgrade is an ordinary answer with the reason in a header too")
    func refusals() throws {
        for (query, key, status) in [
            (RawSocket.telephone, "", 401), ("encoding=mp3&sample_rate=8000", "k", 400),
            ("encoding=mulaw", "k", 400), (RawSocket.telephone + "&endpointing=soon", "k", 400),
            (RawSocket.telephone + "&utterance_end_ms=1000", "k", 400),
            (RawSocket.telephone + "&channels=2", "k", 400),
        ] {
            let stage = try start()
            let socket = RawSocket(stage.world, to: stage.listener.endpoint, query: query, key: key)
            stage.world.run(for: .seconds(1))
            let refusal = try #require(socket.refusal, "\(query)")
            #expect(refusal.head.status == status)
            #expect(refusal.head.headers["dg-error"] != nil)
            let body = try JSONParser.parse(refusal.body)
            #expect(body["err_code"] != nil)
        }
        let busy = try start(verdict: .refuse(status: 503, retryAfter: nil))
        busy.world.run(for: .seconds(1))
        guard case .refused(503, let body, nil)? = busy.ear.failure else {
            Issue.record("no 503: \(String(describing: busy.ear.failure))")
            return
        }
        #expect(body.contains("error_code"))
        let limited = try start(limit: 1)
        limited.world.run(for: .milliseconds(10))
        let second = RawSocket(
            limited.world, to: limited.listener.endpoint, query: RawSocket.telephone)
        limited.world.run(for: .seconds(1))
        #expect(second.refusal?.head.status == 429)
        let mute = try start(verdict: .mute)
        mute.world.run(for: .seconds(1))
        #expect(mute.ear.isOpen)
        mute.stream.finishUtterance()
        mute.world.run(for: .seconds(30))
        #expect(mute.ear.transcripts.isEmpty)
    }
}

/// A WebSocket peer that keeps all it hears.
final class RawSocket: ByteStreamHandler {
    static let telephone = "model=nova-3&encoding=mulaw&sample_rate=8000"
    private var wire: WebSocketClientConnection
    private var stream: (any ByteStream)?
    private(set) var headers: HTTPHeaders?
    private(set) var messages: [JSONValue] = []
    private(set) var closed: (WebSocketCloseCode, String)?
    private(set) var refusal: WebSocketRefusal?

    init(_ world: EmulatorWorld, to endpoint: Endpoint, query: String, key: String = "k") {
        let url = WireURL(
            scheme: .ws, host: "127.0.0.1", port: endpoint.port, path: "/v1/listen", query: query)
        wire = WebSocketClientConnection(
            url: url, headers: ["Authorization": "Token " + key], random: RandomStream(state: 9))
        stream = world.context.network.connect(to: endpoint, options: .init(), handler: self)
    }

    func send(text: String) {
        wire.sendText(text)
        flush()
    }

    func send(binary: RawSpan) {
        wire.sendBinary(binary)
        flush()
    }

    private func flush() {
        let bytes = wire.output
        wire.output = []
        stream?.write(bytes.span.bytes)
        if wire.shouldClose { stream?.close() }
    }

    func opened(_ stream: any ByteStream) { flush() }

    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        wire.receive(bytes)
        while let event = wire.next() {
            switch event {
            case .open(let head): headers = head.headers
            case .refused(let refusal): self.refusal = refusal
            case .text: messages.append((try? JSONParser.parse(wire.payloadText)) ?? .null)
            case .closed(let code): closed = (code, wire.payloadText)
            case .binary, .ping, .pong, .failed: break
            }
        }
        flush()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}
