import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// Deepgram's files (`POST /v1/listen`) and Flux (`/v2/listen`).
struct DeepgramFileTests {
    let reference = TurnReference(call: 9, utterance: 3)
    let auth: HTTPHeaders = ["Authorization": "Token k"]

    func start(limit: Int? = nil) throws -> (EmulatorWorld, EmulatorListener) {
        let world = EmulatorWorld()
        let emulator = DeepgramEmulator(
            vocabulary: SpokenCorpus.vocabulary,
            settings: .init(latency: .constant(.milliseconds(300)), concurrencyLimit: limit),
            context: world.context, worker: InlineWorker(loop: world.context.loop))
        return (world, try EmulatorListener(emulator, on: .loopback(0), context: world.context))
    }

    func frames(_ world: EmulatorWorld, _ id: String, as format: AudioFormat = .telephone)
        -> [UInt8]
    {
        SpokenCorpus.frames(
            SpokenCorpus.clip(id), wire: world.context.references.key.wire(reference), as: format)
    }

    @Test(
        "A file is heard with its reference, word times, sentences and utterances",
        arguments: [true, false])
    func file(isWave: Bool) throws {
        let (world, listener) = try start()
        let peer = HTTPPeer(world, to: listener.endpoint)
        let bare = frames(world, "add-milk-slt")
        let body = isWave ? WhisperTests.wave(bare, .telephone) : bare
        let bareness = isWave ? "" : "&encoding=mulaw&sample_rate=8000"
        peer.send(
            "POST",
            "/v1/listen?model=nova-3&smart_format=true&utterances=true&detect_language=true\(bareness)",
            headers: auth, body: body)
        world.run()
        let json = try #require(peer.answers.first?.json)
        #expect(peer.answers.first?.head.status == 200)
        #expect(
            peer.answers.first?.head.headers["dg-request-id"]
                == json["metadata"]?["request_id"]?.text)
        let best = try #require(json["results"]?["channels"]?[0]?["alternatives"]?[0])
        let words = world.words(reference)
        let text = words.prefix(1).uppercased() + words.dropFirst() + ", Add buy milk to my list."
        #expect(best["transcript"]?.text == text)
        #expect(best["words"]?.items?.count == 8)
        #expect(best["paragraphs"]?["paragraphs"]?[0]?["num_words"]?.int == 8)
        #expect(json["results"]?["utterances"]?[0]?["transcript"]?.text?.hasSuffix("list.") == true)
        #expect(json["results"]?["channels"]?[0]?["detected_language"]?.text == "en")
        #expect(json["metadata"]?["sha256"]?.text?.count == 64)
        #expect(world.facts.of(.finalSent).count == 1)
        let seconds = json["metadata"]?["duration"]?.double ?? 0
        // The reference's own 400 ms are nobody's speech.
        #expect(
            world.context[.deepgram].usage.audio.inMilliseconds
                == (seconds * 1000 - 400).rounded())
    }

    @Test(
        "What is no sound, an address, a wrong key or one too many is refused in the vendor's shape"
    )
    func refusals() throws {
        let (world, listener) = try start(limit: 1)
        func post(_ target: String, _ headers: HTTPHeaders, _ text: String) -> HTTPPeer {
            let peer = HTTPPeer(world, to: listener.endpoint)
            peer.send("POST", target, headers: headers, body: Array(text.utf8))
            return peer
        }
        let slow = post("/v1/listen?encoding=mulaw&sample_rate=8000", auth, "xxxxxxxx")
        let second = post("/v1/listen?encoding=mulaw&sample_rate=8000", auth, "xxxxxxxx")
        world.run()
        #expect(slow.answers.first?.head.status == 200)
        #expect(second.answers.first?.json?["err_code"]?.text == "TOO_MANY_REQUESTS")
        let noise = post("/v1/listen", auth, "no sound")
        world.run()
        var json = auth
        json["Content-Type"] = "application/json"
        let address = post("/v1/listen", json, #"{"url":"https://example.com/a.wav"}"#)
        let keyless = post("/v1/listen", [:], "x")
        let odd = post("/v1/listen?punctuate=maybe", auth, "x")
        world.run()
        #expect(noise.answers.first?.json?["err_code"]?.text == "Bad Request")
        #expect(address.answers.first?.json?["err_code"]?.text == "REMOTE_CONTENT_ERROR")
        #expect(keyless.answers.first?.head.status == 401)
        #expect(odd.answers.first?.head.status == 400)
    }

    func flux(_ world: EmulatorWorld, _ listener: EmulatorListener, _ more: String = "") throws
        -> SocketPeer
    {
        let peer = try SocketPeer(
            world, to: listener.endpoint,
            "/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000\(more)",
            headers: auth)
        world.run(for: .milliseconds(20))
        return peer
    }

    @Test("Flux tells of a turn's start, its growth, its likely and its certain end, all numbered")
    func flux() throws {
        let (world, listener) = try start()
        let peer = try flux(world, listener, "&eager_eot_threshold=0.4")
        #expect(peer.messages.first?["type"]?.text == "Connected")
        let player = FramePlayer(frames(world, "add-call-slt"), .telephone, world.context.loop) {
            peer.send(binary: $0.withUnsafeBytes { Array($0) })
        }
        world.run(for: .seconds(8))
        withExtendedLifetime(player) {}
        peer.send(["type": "CloseStream"])
        world.run()
        #expect(peer.messages.map { $0["sequence_id"]?.int } == peer.messages.indices.map { $0 })
        let turns = peer.of("type", "TurnInfo")
        let events = turns.compactMap { $0["event"]?.text }
        #expect(events.filter { $0 == "StartOfTurn" }.count == 1)
        #expect(events.filter { $0 == "EndOfTurn" }.count == 1)
        let eager = try #require(events.lastIndex(of: "EagerEndOfTurn"))
        let end = try #require(events.firstIndex(of: "EndOfTurn"))
        #expect(eager < end && turns[eager]["transcript"] == turns[end]["transcript"])
        #expect(
            turns[end]["transcript"]?.text?.hasSuffix("Please add call the dentist tomorrow.")
                == true)
        #expect(turns[end]["words"]?.items?.allSatisfy { $0["confidence"]?.double != nil } == true)
        #expect(turns.last?["turn_index"]?.int == 1)
        #expect(peer.closed?.code == .normal)
    }

    @Test(
        "Flux is configured in the middle, is forced to end a turn, and fails on what it does not know"
    )
    func fluxCommands() throws {
        let (world, listener) = try start()
        let peer = try flux(world, listener)
        let frames = frames(world, "add-call-slt")
        peer.send(binary: Array(frames.prefix(8_000 * 2)))
        world.run(for: .seconds(1))
        peer.send(["type": "ForceEndTurn"])
        peer.send(["type": "Configure", "thresholds": ["eot_threshold": 0.8], "keyterms": ["milk"]])
        peer.send(["type": "Configure", "thresholds": ["eot_threshold": 7]])
        world.run()
        let end = try #require(peer.of("event", "EndOfTurn").first)
        #expect(end["trigger"]?.text == "manual")
        #expect(
            peer.of("type", "ConfigureSuccess").first?["thresholds"]?["eot_threshold"]?.double
                == 0.8)
        #expect(peer.of("type", "ConfigureFailure").count == 1)
        peer.send(["type": "KeepAlive"])
        world.run()
        #expect(peer.messages.last?["type"]?.text == "Error")
        #expect(peer.closed?.code == .policyViolation)
        let refused = try SocketPeer(
            world, to: listener.endpoint, "/v2/listen?model=nova-3", headers: auth)
        world.run()
        #expect(refused.refusal?.head.status == 400)
    }
}
