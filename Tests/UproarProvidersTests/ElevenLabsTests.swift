import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

struct ElevenLabsTests {
    let reference = TurnReference(call: 5, utterance: 2, reply: 1)
    static let many =
        "/v1/text-to-speech/v1/multi-stream-input?model_id=eleven_flash_v2_5&output_format=pcm_16000&auto_mode=true"
    static let single = "/v1/text-to-speech/v1/stream-input?output_format=ulaw_8000"

    struct Stage {
        let world: EmulatorWorld
        let listener: EmulatorListener

        func dial(
            _ target: String = ElevenLabsTests.many, key: String = "k", pieceSize: Int = .max
        ) throws -> SocketPeer {
            let peer = try SocketPeer(
                world, to: listener.endpoint, target, headers: ["xi-api-key": key],
                pieceSize: pieceSize)
            world.run(for: .milliseconds(1))
            return peer
        }
    }

    func start(keys: KeyCheck = .anyKey, limit: Int? = nil) throws -> Stage {
        let world = EmulatorWorld(keys: keys)
        var emulation = ProviderEmulation(
            .elevenlabs,
            speed: .textToSpeech(firstByte: .constant(.milliseconds(75)), factor: 10))
        emulation.concurrencyLimit = limit
        let emulator = ElevenLabsEmulator(
            emulation, renderer: HummingRenderer(loop: world.context.loop), context: world.context)
        return Stage(
            world: world,
            listener: try EmulatorListener(emulator, on: .loopback(0), context: world.context))
    }

    func audio(_ messages: [JSONValue]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for message in messages {
            guard let text = message["audio"]?.text else { continue }
            let encoded = Array(text.utf8)
            #expect(Base64.decode(encoded.span.bytes, into: &bytes))
        }
        return bytes
    }

    @Test(
        "A context speaks what it is given, with tags for references, and is final once it is closed",
        arguments: pieceSizes)
    func exchange(pieceSize: Int) throws {
        let stage = try start()
        let peer = try stage.dial(pieceSize: pieceSize)
        let words = stage.world.words(reference)
        peer.send([
            "text": " ", "context_id": "c1", "voice_settings": ["stability": 0.5],
        ])
        stage.world.run(for: .milliseconds(500))
        let asked = stage.world.context.now
        peer.send(["text": .string("\(words), Done, it is there, \(words). "), "context_id": "c1"])
        peer.send(["context_id": "c1", "flush": true])
        stage.world.run(for: .seconds(2))
        #expect(!peer.messages.contains { $0["isFinal"]?.isTrue == true })
        peer.send(["context_id": "c1", "close_context": true])
        stage.world.run(for: .seconds(1))

        let last = try #require(peer.messages.last)
        #expect(last["isFinal"]?.isTrue == true)
        #expect(last["contextId"]?.text == "c1")
        #expect(last["context_id"]?.text == "c1")
        // The first audio counts from the text, not from the blank that opened the context.
        #expect(peer.times.first == asked + .milliseconds(75))
        let sound = try audio(peer.messages)
        var tags: [AudioTag.Kind] = []
        var scanner = TagScanner(.browser)
        let tail = sound + [UInt8](repeating: 0, count: 32_000)
        scanner.feed(tail.span.bytes) { event in
            if case .tagDecoded(let wire, let kind, _, _) = event {
                #expect(wire == stage.world.context.references.key.wire(reference))
                tags.append(kind)
            }
        }
        #expect(tags == [.head, .tail])
        #expect(
            stage.world.facts.kinds == [.voiceTextReceived, .voiceFirstAudio, .voiceFinished])
        #expect(stage.world.context[.elevenlabs].usage.characters == 18)
    }

    @Test("Alignments restart with every message and spell both of the vendor's names")
    func alignment() throws {
        let stage = try start()
        let peer = try stage.dial()
        peer.send(["text": "Hello there my friend. ", "context_id": "a"])
        stage.world.run(for: .seconds(3))
        var text = ""
        for message in peer.messages {
            guard let alignment = message["alignment"], !alignment.isNull else { continue }
            let chars = alignment["chars"]?.items ?? []
            let starts = (alignment["charStartTimesMs"]?.items ?? []).compactMap(\.int)
            #expect(chars.count == starts.count)
            #expect(alignment["charDurationsMs"] == alignment["charsDurationsMs"])
            #expect(message["normalizedAlignment"] == alignment)
            #expect(starts == starts.sorted())
            #expect((starts.first ?? 0) < 200)
            text += chars.compactMap(\.text).joined()
        }
        #expect(text == "Hello there my friend. ")
    }

    @Test(
        "On stream-input text waits for the schedule, an empty one ends it, and the socket closes")
    func single() throws {
        let stage = try start()
        let peer = try stage.dial(Self.single)
        peer.send([
            "text": " ", "generation_config": ["chunk_length_schedule": [50]],
        ])
        peer.send(["text": "Hello there. "])
        stage.world.run(for: .seconds(1))
        #expect(peer.messages.isEmpty)
        peer.send(["text": "This is long enough to be spoken at once, I think. "])
        stage.world.run(for: .milliseconds(200))
        #expect(!peer.messages.isEmpty)
        peer.send(["text": ""])
        stage.world.run(for: .seconds(3))
        #expect(peer.messages.last?["isFinal"]?.isTrue == true)
        #expect(peer.messages.last?["context_id"] == nil)
        #expect(peer.closed?.code == .normal)
    }

    @Test("A sixth context, late voice settings and silence close the socket with 1008 and say why")
    func limits() throws {
        let stage = try start()
        let full = try stage.dial()
        for index in 0..<6 {
            full.send(["text": "Hi. ", "context_id": .string("c\(index)")])
        }
        stage.world.run(for: .milliseconds(50))
        #expect(full.messages.last?["error"]?.text == "max_active_conversations")
        #expect(full.closed?.code == .policyViolation)

        let late = try stage.dial()
        late.send(["text": "Hi. ", "context_id": "c"])
        late.send([
            "text": "Hi. ", "context_id": "c", "voice_settings": ["stability": 1],
        ])
        let idle = try stage.dial(Self.many + "&inactivity_timeout=30")
        stage.world.run(for: .seconds(29))
        #expect(late.closed?.code == .policyViolation)
        idle.send(["text": ""])
        stage.world.run(for: .seconds(29))
        #expect(idle.closed == nil)
        stage.world.run(for: .seconds(2))
        #expect(idle.closed?.reason.hasPrefix("Have not received a new text input") == true)
        #expect(stage.world.context[.elevenlabs].active == 0)
    }

    @Test("Over HTTP: whole, streamed, with times, and refusals in the vendor's shape")
    func http() throws {
        let stage = try start(keys: .only(["k"]))
        func post(_ path: String, _ body: String, key: String = "k") throws -> HTTPPeer.Answer {
            let peer = HTTPPeer(stage.world, to: stage.listener.endpoint)
            peer.send("POST", path, headers: ["xi-api-key": key], body: Array(body.utf8))
            stage.world.run()
            return try #require(peer.answers.first)
        }
        let base = "/v1/text-to-speech/voice"
        let text = "{\"text\":\"Hello there.\"}"
        let stream = try post(base + "/stream?output_format=pcm_16000", text)
        #expect(stream.head.headers["Content-Type"] == "audio/pcm")
        let whole = try post(base + "?output_format=pcm_16000", text)
        #expect(whole.body == stream.body)
        #expect(stream.pieces.count > 1)
        let wave = try post(base + "?output_format=wav_16000", text)
        #expect(wave.body.starts(with: Array("RIFF".utf8)))
        let timed = try post(base + "/with-timestamps?output_format=pcm_16000", text)
        let alignment = timed.json?["alignment"]
        #expect(
            alignment?["characters"]?.items?.compactMap(\.text).joined() == "Hello there. ")
        let lines = try post(base + "/stream/with-timestamps?output_format=pcm_16000", text)
        let count = lines.body.split(separator: UInt8(ascii: "\n")).count
        #expect(count == stream.pieces.count)

        #expect(
            try post(base, text, key: "x").json?["detail"]?["status"]?.text == "invalid_api_key")
        #expect(try post(base, "{}").head.status == 422)
        #expect(try post(base + "?output_format=aac_44100", text).head.status == 400)
        #expect(try post("/v1/nothing", text).head.status == 404)
    }

    @Test("One more than the plan allows is refused with 429, on a socket with 1008")
    func concurrency() throws {
        let stage = try start(limit: 1)
        let first = try stage.dial()
        first.send(["text": "This takes a while to say. ", "context_id": "a"])
        let second = try stage.dial()
        second.send(["text": "Hi. ", "context_id": "a"])
        let http = HTTPPeer(stage.world, to: stage.listener.endpoint)
        http.send(
            "POST", "/v1/text-to-speech/v?output_format=pcm_16000", headers: ["xi-api-key": "k"],
            body: Array("{\"text\":\"Hi.\"}".utf8))
        stage.world.run(for: .milliseconds(50))
        #expect(second.closed?.code == .policyViolation)
        #expect(http.answers.first?.head.status == 429)
        #expect(
            http.answers.first?.json?["detail"]?["status"]?.text == "too_many_concurrent_requests")
        first.reset()
        stage.world.run(for: .milliseconds(50))
        #expect(stage.world.facts.of(.voiceCancelled).count == 1)
    }
}
