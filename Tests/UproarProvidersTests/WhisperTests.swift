import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

struct WhisperTests {
    let reference = TurnReference(call: 9, utterance: 3)

    func start(keys: KeyCheck = .anyKey) throws -> (EmulatorWorld, EmulatorListener) {
        let world = EmulatorWorld(keys: keys)
        let whisper = WhisperEmulator(
            ProviderEmulation(
                .whisper, speed: .speechToText(latency: .constant(.milliseconds(400)))),
            vocabulary: SpokenCorpus.vocabulary, worker: InlineWorker(loop: world.context.loop),
            context: world.context)
        // Behind OpenAI's own address, as unmodified clients ask.
        let openai = OpenAIEmulator(
            script: try OpenAIEmulatorTests.script(), settings: .init(), context: world.context,
            transcriptions: whisper)
        return (world, try EmulatorListener(openai, on: .loopback(0), context: world.context))
    }

    func wave(_ world: EmulatorWorld, _ id: String, as format: AudioFormat) -> [UInt8] {
        let bytes = SpokenCorpus.frames(
            SpokenCorpus.clip(id), wire: world.context.references.key.wire(reference), as: format)
        return Self.wave(bytes, format)
    }

    static func wave(_ bytes: [UInt8], _ format: AudioFormat) -> [UInt8] {
        func little(_ value: Int, _ width: Int) -> [UInt8] {
            (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let width = format.encoding.bytesPerSample
        let code = format.encoding == .linear16 ? 1 : 7
        return Array("RIFF".utf8) + little(36 + bytes.count, 4) + Array("WAVEfmt ".utf8)
            + little(16, 4) + little(code, 2) + little(1, 2) + little(format.rate.value, 4)
            + little(format.rate.value * width, 4) + little(width, 2) + little(8 * width, 2)
            + Array("data".utf8) + little(bytes.count, 4) + bytes
    }

    func post(
        _ world: EmulatorWorld, _ listener: EmulatorListener, _ request: TranscriptionRequest,
        pieceSize: Int = .max
    ) throws -> HTTPPeer.Answer {
        let peer = HTTPPeer(world, to: listener.endpoint, pieceSize: pieceSize)
        var body: [UInt8] = []
        request.form.write(boundary: "b0undary", into: &body)
        peer.send(
            "POST", "/v1/audio/transcriptions",
            headers: [
                "Authorization": "Bearer k",
                "Content-Type": MultipartForm.contentType(boundary: "b0undary"),
            ], body: body)
        world.run()
        return try #require(peer.answers.first)
    }

    func text(_ world: EmulatorWorld, _ said: String) -> String {
        let words = world.words(reference)
        return words.prefix(1).uppercased() + words.dropFirst() + ", " + said
    }

    @Test(
        "A file's words come after the vendor's time, at every rate and codec that files have",
        arguments: pieceSizes,
        [
            AudioFormat.browser, .telephone, AudioFormat(.linear16, Hertz(44_100)),
            AudioFormat(.linear16, Hertz(24_000)),
        ])
    func transcription(pieceSize: Int, format: AudioFormat) throws {
        guard pieceSize == .max || format == .telephone else { return }
        let (world, listener) = try start()
        let answer = try post(
            world, listener, .init(file: wave(world, "add-milk-slt", as: format)),
            pieceSize: pieceSize)
        #expect(answer.head.status == 200)
        #expect(answer.json?["text"]?.text == text(world, "Add buy milk to my list."))
        #expect(answer.json?["usage"]?["type"]?.text == "duration")
        #expect(
            world.facts.kinds == [
                .speechRecognised, .speechEnded, .speechToTextUsage, .finalSent,
            ])
        #expect(world.facts.all.allSatisfy { $0.call == 9 })
        #expect(world.facts.all[3].at - world.facts.all[0].at == 400_000_000)
        #expect(world.context[.whisper].requests == 1)
        #expect(world.context[.openai].requests == 0)
    }

    @Test("Each format of an answer is the vendor's")
    func formats() throws {
        let (world, listener) = try start()
        let file = wave(world, "list-slt", as: .browser)
        func answer(_ format: TranscriptionRequest.Format, model: String = "whisper-1") throws
            -> HTTPPeer.Answer
        {
            var request = TranscriptionRequest(file: file, model: model, format: format)
            request.wantsWords = true
            return try post(world, listener, request)
        }
        let said = text(world, "What is on my list today?")
        #expect(String(decoding: try answer(.text).body, as: UTF8.self) == said + "\n")
        let verbose = try answer(.verboseJSON)
        #expect(verbose.json?["segments"]?[0]?["text"]?.text == " " + said)
        #expect(verbose.json?["words"]?.items?.count == 8)
        #expect(verbose.json?["language"]?.text == "english")
        let srt = String(decoding: try answer(.srt).body, as: UTF8.self)
        #expect(srt.hasPrefix("1\n00:00:00,"))
        let vtt = String(decoding: try answer(.vtt).body, as: UTF8.self)
        #expect(vtt.hasPrefix("WEBVTT\n\n00:00:00."))
        let tokens = try answer(.json, model: "gpt-4o-transcribe")
        #expect(tokens.json?["usage"]?["type"]?.text == "tokens")
        #expect(try answer(.srt, model: "gpt-4o-transcribe").head.status == 400)
    }

    @Test("A stream gives the words one by one, then the whole, then [DONE]")
    func streaming() throws {
        let (world, listener) = try start()
        var request = TranscriptionRequest(
            file: wave(world, "done-slt", as: .browser), model: "gpt-4o-mini-transcribe")
        request.isStreaming = true
        let answer = try post(world, listener, request)
        let events = try answer.events.dropLast().map { try JSONParser.parse($0) }
        #expect(answer.events.last == "[DONE]")
        let deltas = events.compactMap { $0["delta"]?.text }.joined()
        #expect(deltas == text(world, "Mark buy milk as done."))
        #expect(events.last?["text"]?.text == deltas)
    }

    @Test("Two utterances in one file are both heard")
    func twoUtterances() throws {
        let (world, listener) = try start()
        let second = TurnReference(call: 9, utterance: 4)
        let key = world.context.references.key
        let bytes =
            SpokenCorpus.frames(
                SpokenCorpus.clip("add-milk-slt"), wire: key.wire(reference), as: .browser)
            + SpokenCorpus.frames(
                SpokenCorpus.clip("list-slt"), wire: key.wire(second), as: .browser)
        let answer = try post(world, listener, .init(file: Self.wave(bytes, .browser)))
        let heard = answer.json?["text"]?.text ?? ""
        #expect(
            world.context.references.references(in: heard.utf8).map(\.reference) == [
                reference, second,
            ])
        #expect(world.facts.of(.finalSent).count == 2)
    }

    @Test("What is no sound, no model, no form is refused in the vendor's words; silence has none")
    func refusals() throws {
        let (world, listener) = try start()
        let nonsense = try post(world, listener, .init(file: Array("not a sound".utf8)))
        #expect(nonsense.head.status == 400)
        #expect(nonsense.json?["error"]?["message"]?.text?.hasPrefix("Invalid file format") == true)
        let unknown = try post(world, listener, .init(file: [1], model: "gpt-4.1"))
        #expect(unknown.head.status == 404)
        let silence = Self.wave([UInt8](repeating: 0, count: 32_000), .browser)
        let answer = try post(world, listener, .init(file: silence))
        #expect(answer.json?["text"]?.text == "")
        let peer = HTTPPeer(world, to: listener.endpoint)
        peer.send(
            "POST", "/v1/audio/transcriptions",
            headers: ["Authorization": "Bearer k", "Content-Type": "text/plain"], body: [1])
        world.run()
        #expect(peer.answers[0].head.status == 400)
    }
}
