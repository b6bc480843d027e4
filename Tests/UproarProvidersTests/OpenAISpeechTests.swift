import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// `/v1/audio/speech`, and what chat completions may be asked for besides text.
struct OpenAISpeechTests {
    func start() throws -> (EmulatorWorld, EmulatorListener) {
        let world = EmulatorWorld()
        let emulator = OpenAIEmulator(
            ProviderEmulation(.openai), script: try OpenAIEmulatorTests.script(),
            context: world.context, renderer: HummingRenderer(loop: world.context.loop))
        return (world, try EmulatorListener(emulator, on: .loopback(0), context: world.context))
    }

    func post(_ path: String, _ body: JSONValue) throws -> HTTPPeer.Answer {
        let (world, listener) = try start()
        let peer = HTTPPeer(world, to: listener.endpoint, pieceSize: 900)
        peer.send(
            "POST", path, headers: ["Authorization": "Bearer k"], body: body.encoded())
        world.run(for: .seconds(20))
        return try #require(peer.answers.first)
    }

    func speech(_ format: String, events: Bool = false) throws -> HTTPPeer.Answer {
        try post(
            "/v1/audio/speech",
            [
                "model": "gpt-4o-mini-tts", "input": "Hello there.", "voice": "alloy",
                "response_format": .string(format),
                "stream_format": events ? "sse" : "audio",
            ])
    }

    @Test(
        "Every format reads back as the sound it should be, for as long",
        arguments: ["mp3", "flac", "opus", "wav"])
    func formats(format: String) throws {
        let answer = try speech(format)
        #expect(answer.head.status == 200)
        #expect(answer.head.headers["Content-Type"]?.hasPrefix("audio/") == true)
        let sound = try AudioFile.read(bytes: answer.body)
        let plain = try speech("pcm").body.count / 2
        let length = Duration.nanoseconds(Int64(plain) * 1_000_000_000 / 24_000)
        let lacking = abs(sound.duration.nanoseconds - length.nanoseconds)
        #expect(lacking < 120_000_000)
        #expect(sound.samples.contains { abs(Int($0)) > 1000 })
    }

    @Test("As events the same bytes come in Base64, then the usage")
    func events() throws {
        let answer = try speech("pcm", events: true)
        let events = try answer.events.map { try JSONParser.parse($0) }
        var bytes: [UInt8] = []
        for event in events.dropLast() {
            bytes += Base64.decode(event["audio"]?.text ?? "-") ?? []
        }
        #expect(bytes == (try speech("pcm")).body)
        #expect(events.last?["type"]?.text == "speech.audio.done")
        #expect(events.last?["usage"]?["input_tokens"]?.int == 3)
    }

    @Test("AAC has no free encoder and is refused in the vendor's shape, as are unknown words")
    func refusals() throws {
        #expect(try speech("aac").json?["error"]?["param"]?.text == "response_format")
        #expect(try speech("midi").head.status == 400)
        #expect(try post("/v1/audio/speech", ["model": "gpt-4.1"]).head.status == 404)
    }

    func complete(_ more: [JSONValue.Member]) throws -> HTTPPeer.Answer {
        try post(
            "/v1/chat/completions",
            .object(
                [
                    .init("model", "gpt-4.1"),
                    .init("messages", [["role": "user", "content": "add eggs to my list"]]),
                ] + more))
    }

    @Test("n answers, a stop, JSON by a schema")
    func shapes() throws {
        let many = try complete([.init("n", 3)])
        #expect(many.json?["choices"]?.items?.count == 3)
        #expect(many.json?["choices"]?[2]?["index"]?.int == 2)
        let stopped = try complete([.init("stop", [" on"])])
        #expect(stopped.json?["choices"]?[0]?["message"]?["content"]?.text == "Done, eggs is")
        let shaped = try complete([
            .init(
                "response_format",
                [
                    "type": "json_schema",
                    "json_schema": [
                        "name": "x",
                        "schema": [
                            "type": "object",
                            "properties": [
                                "answer": ["type": "string"], "count": ["type": "integer"],
                                "kind": ["enum": ["a", "b"]],
                                "list": ["type": "array", "items": ["type": "string"]],
                            ],
                        ],
                    ],
                ])
        ])
        let text = shaped.json?["choices"]?[0]?["message"]?["content"]?.text ?? ""
        #expect(
            try JSONParser.parse(text) == [
                "answer": "Done, eggs is on your list.", "count": 0, "kind": "a", "list": [],
            ])
        #expect(try complete([.init("n", 0)]).head.status == 400)
    }
}
