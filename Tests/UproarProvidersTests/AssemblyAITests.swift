import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

struct AssemblyAITests {
    let reference = TurnReference(call: 7, utterance: 2)
    let format = AudioFormat.browser
    static let telephone =
        "/v3/ws?sample_rate=16000&encoding=pcm_s16le&format_turns=true&min_turn_silence=300"
    static let newer =
        "/v3/ws?sample_rate=16000&encoding=pcm_s16le&speech_model=universal-3-6-pro&formatted_finals=true&min_turn_silence=100&max_turn_silence=100&continuous_partials=true"

    struct Stage {
        let world: EmulatorWorld
        let peer: SocketPeer
        let listener: EmulatorListener
    }

    func start(
        _ target: String = telephone, keys: KeyCheck = .anyKey, limit: Int? = nil,
        pieceSize: Int = .max, key: String = "key"
    ) throws -> Stage {
        let world = EmulatorWorld(keys: keys)
        var emulation = ProviderEmulation(
            .assemblyai, speed: .speechToText(latency: .constant(.milliseconds(200))))
        emulation.concurrencyLimit = limit
        let emulator = AssemblyAIEmulator(
            emulation, vocabulary: SpokenCorpus.vocabulary, context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let peer = try SocketPeer(
            world, to: listener.endpoint, target, headers: ["Authorization": key],
            pieceSize: pieceSize)
        return Stage(world: world, peer: peer, listener: listener)
    }

    /// Speaks a clip with its tag in messages of 50 ms, and waits until everything has been said.
    func speak(_ id: String, on stage: Stage, after: Duration = .seconds(2)) {
        let bytes = SpokenCorpus.frames(
            SpokenCorpus.clip(id), wire: stage.world.context.references.key.wire(reference),
            as: format, after: after)
        let gap = (1600 - bytes.count % 1600) % 1600
        var rest = (bytes + [UInt8](repeating: 0, count: gap))[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(1600))
            rest = rest.dropFirst(chunk.count)
            stage.peer.send(binary: chunk)
            stage.world.run(for: .milliseconds(50))
        }
    }

    func head(_ world: EmulatorWorld, isWritten: Bool) -> String {
        let words = world.words(reference)
        return isWritten ? words.prefix(1).uppercased() + words.dropFirst() + ", " : words + " "
    }

    @Test(
        "Begin, partials that grow, the turn's end plain and then formatted, Termination, close 1000",
        arguments: pieceSizes)
    func exchange(pieceSize: Int) throws {
        let stage = try start(pieceSize: pieceSize)
        stage.world.run(for: .milliseconds(20))
        let begin = try #require(stage.peer.messages.first)
        #expect(begin["type"]?.text == "Begin")
        #expect(begin["id"]?.text?.count == 36)
        #expect(begin["expires_at"] == .integer(1_767_225_600 + 10_800))
        speak("add-call-slt", on: stage)
        stage.peer.send(AssemblyAICommand.terminate.json)
        stage.world.run(for: .seconds(1))

        let turns = stage.peer.of("type", "Turn")
        let ends = turns.filter { $0["end_of_turn"]?.isTrue == true }
        #expect(ends.count == 2)
        #expect(ends.map { $0["turn_is_formatted"]?.isTrue } == [false, true])
        #expect(
            ends.map { $0["transcript"]?.text } == [
                head(stage.world, isWritten: false) + "please add call the dentist tomorrow",
                head(stage.world, isWritten: true) + "Please add call the dentist tomorrow.",
            ])
        #expect(turns.allSatisfy { $0["turn_order"]?.int == 0 })
        let partials = turns.dropLast(2)
        #expect(partials.count >= 3)
        for partial in partials {
            let words = partial["words"]?.items ?? []
            #expect(words.last?["word_is_final"]?.isTrue == false)
            let finals = words.filter { $0["word_is_final"]?.isTrue == true }
                .compactMap { $0["text"]?.text }
            #expect(partial["transcript"]?.text == finals.joined(separator: " "))
        }
        let termination = try #require(stage.peer.messages.last)
        #expect(termination["type"]?.text == "Termination")
        #expect(stage.peer.closed?.code == .normal)
        // The whole session is billed, without the reference's own 400 ms.
        let usage = stage.world.facts.of(.speechToTextUsage)
        #expect(usage.allSatisfy { $0.call == 7 })
        let total = usage.reduce(0) { $0 + $1.value }
        let billed = stage.world.context[.assemblyai].usage.audio
        #expect(total - billed.nanoseconds == 400_000_000)
        #expect(
            stage.world.facts.kinds.filter { $0 != .speechToTextUsage } == [
                .speechRecognised, .interimSent, .speechEnded, .finalSent,
            ])
    }

    @Test("The newer models write every partial formatted and end a turn with one message")
    func newerModel() throws {
        let stage = try start(Self.newer)
        speak("add-milk-slt", on: stage)
        let turns = stage.peer.of("type", "Turn")
        let text = head(stage.world, isWritten: true) + "Add buy milk to my list."
        #expect(turns.last?["transcript"]?.text == text)
        #expect(turns.last?["turn_is_formatted"]?.isTrue == true)
        #expect(turns.filter { $0["end_of_turn"]?.isTrue == true }.count == 1)
        #expect(turns.dropLast().allSatisfy { text.hasPrefix($0["transcript"]?.text ?? "-") })
        #expect(stage.peer.of("type", "SpeechStarted").count == 1)
    }

    @Test("ForceEndpoint ends the turn before its silence; a configuration changes the silence")
    func commands() throws {
        let stage = try start(
            "/v3/ws?sample_rate=16000&min_turn_silence=3000&max_turn_silence=3000")
        speak("list-slt", on: stage, after: .milliseconds(200))
        #expect(!stage.peer.of("type", "Turn").contains { $0["end_of_turn"]?.isTrue == true })
        stage.peer.send(["type": "ForceEndpoint"])
        stage.world.run(for: .milliseconds(300))
        #expect(stage.peer.of("type", "Turn").last?["end_of_turn"]?.isTrue == true)

        stage.peer.send(
            AssemblyAICommand.updateConfiguration(
                minimumSilence: .milliseconds(200), maximumSilence: nil
            ).json)
        speak("done-slt", on: stage, after: .milliseconds(700))
        let last = try #require(stage.peer.of("type", "Turn").last)
        #expect(last["end_of_turn"]?.isTrue == true)
        #expect(last["turn_order"]?.int == 1)
    }

    @Test(
        "What the vendor refuses it refuses by close code",
        arguments: [
            ("", 1008 as UInt16), ("wrong", 1008), ("bad-json", 3006), ("bad-type", 3006),
            ("bad-query", 3006), ("long", 3007), ("short", 3007), ("limit", 3009),
        ])
    func refusals(what: String, code: UInt16) throws {
        let stage = try start(
            what == "bad-query" ? "/v3/ws?encoding=opus" : Self.telephone,
            keys: .only(["right"]), limit: what == "limit" ? 0 : nil,
            key: what == "wrong" || what.isEmpty ? what : "right")
        stage.world.run(for: .milliseconds(20))
        switch what {
        case "bad-json": stage.peer.send(text: "{\"type\":")
        case "bad-type": stage.peer.send(["type": "Sing"])
        case "long": stage.peer.send(binary: [UInt8](repeating: 0, count: 64_000))
        case "short":
            for _ in 0..<2 { stage.peer.send(binary: [UInt8](repeating: 0, count: 640)) }
        default: break
        }
        stage.world.run(for: .milliseconds(100))
        #expect(stage.peer.closed?.code.rawValue == code)
        #expect(stage.peer.closed?.reason.isEmpty == false)
        #expect(stage.world.facts.of(.providerRefused).map(\.detail) == [UInt32(code)])
        #expect(stage.world.context[.assemblyai].active == 0)
    }

    @Test("Messages read back as they were written, and nonsense is no crash")
    func messages() throws {
        let all: [AssemblyAIMessage] = [
            .begin(id: "x", expiresAt: 5), .speechStarted(at: .milliseconds(640)),
            .turn(
                .init(
                    order: 3, isEnd: true, isFormatted: false, confidence: 0.5, transcript: "a",
                    words: [
                        .init(
                            text: "a", start: .milliseconds(10), end: .milliseconds(20),
                            confidence: 0.9, isFinal: true)
                    ])),
            .termination(audio: .seconds(3), session: .seconds(4)),
            .error(code: 3005, message: "m"),
        ]
        for message in all {
            #expect(try AssemblyAIMessage(parsing: message.json.encoded()) == message)
        }
        #expect(try AssemblyAIMessage(parsing: Array("{\"type\":\"New\"}".utf8)) == .other("New"))
        #expect(
            try AssemblyAIMessage(parsing: Array("{\"type\":7}".utf8))
                == .malformed("a message without a type"))
        #expect(
            try AssemblyAIMessage(
                parsing: Array("{\"type\":\"SpeechStarted\",\"timestamp\":1e300}".utf8))
                == .speechStarted(at: .zero))
    }
}
