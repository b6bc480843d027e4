import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

/// `/v1/realtime`: speech to speech, and transcription alone.
struct OpenAIRealtimeTests {
    let reference = TurnReference(call: 7, utterance: 2)
    let auth: HTTPHeaders = ["Authorization": "Bearer sk-test"]
    static let wideband = AudioFormat(.linear16, Hertz(24_000))

    final class Stage {
        let world = EmulatorWorld()
        let listener: EmulatorListener
        let peer: SocketPeer
        private var player: FramePlayer?
        private var plays = 0

        init(_ target: String, headers: HTTPHeaders, limit: Int? = nil) throws {
            let parts = OpenAIEmulator.RealtimeParts(
                vocabulary: SpokenCorpus.vocabulary,
                studio: VoiceStudio(
                    .openai, firstByte: .constant(.zero), pace: .init(), concurrencyLimit: nil,
                    renderer: HummingRenderer(loop: world.context.loop), context: world.context),
                transcriptLatency: .constant(.milliseconds(150)))
            let emulator = OpenAIEmulator(
                script: try OpenAIEmulatorTests.script(),
                settings: .init(
                    firstToken: .constant(.milliseconds(200)),
                    tokenInterval: .constant(.milliseconds(10)), concurrencyLimit: limit),
                context: world.context, realtime: parts)
            listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
            peer = try SocketPeer(world, to: listener.endpoint, target, headers: headers)
            world.run(for: .milliseconds(20))
        }

        /// Instead of what is being played.
        func play(_ bytes: [UInt8], _ format: AudioFormat) {
            plays += 1
            let mine = plays
            player = FramePlayer(bytes, format, world.context.loop) { [unowned self] frame in
                guard plays == mine else { return }
                let text = Base64.encode(frame.withUnsafeBytes { Array($0) })
                peer.send(["type": "input_audio_buffer.append", "audio": .string(text)])
            }
        }

        func say(
            _ id: String, _ reference: TurnReference, as format: AudioFormat = wideband,
            before: Duration = .milliseconds(500)
        ) {
            play(
                SpokenCorpus.frames(
                    SpokenCorpus.clip(id), wire: world.context.references.key.wire(reference),
                    as: format, before: before, after: .milliseconds(600)), format)
        }

        func run(until kind: String) {
            for _ in 0..<1_000 where !kinds.contains(kind) { world.run(for: .milliseconds(20)) }
        }

        var kinds: [String] { peer.messages.compactMap { $0["type"]?.text } }

        /// Without repetitions of the same kind, or of the two that are interleaved.
        var order: [String] {
            var kinds = self.kinds.filter {
                !$0.hasSuffix(".delta") && $0 != "rate_limits.updated"
                    && !$0.contains("transcription")
            }
            kinds.removeAll { $0.hasPrefix("session.") }
            return kinds
        }
    }

    func start(
        _ target: String = "/v1/realtime?model=gpt-realtime", session: JSONValue? = nil,
        limit: Int? = nil
    ) throws -> Stage {
        let stage = try Stage(target, headers: auth, limit: limit)
        if let session { stage.peer.send(["type": "session.update", "session": session]) }
        stage.world.run(for: .milliseconds(20))
        return stage
    }

    @Test("A spoken turn comes in the vendor's order, its reference said and heard first and last")
    func turn() throws {
        let stage = try start(
            session: [
                "type": "realtime",
                "audio": ["input": ["transcription": ["model": "gpt-4o-mini-transcribe"]]],
            ])
        #expect(stage.kinds == ["session.created", "session.updated"])
        stage.say("add-milk-slt", reference)
        stage.world.run(for: .seconds(20))
        #expect(
            stage.order == [
                "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed", "conversation.item.added",
                "conversation.item.done", "response.created", "response.output_item.added",
                "conversation.item.added", "response.content_part.added",
                "response.output_audio.done", "response.output_audio_transcript.done",
                "response.content_part.done", "conversation.item.done",
                "response.output_item.done", "response.done",
            ])
        let peer = stage.peer
        #expect(peer.messages.allSatisfy { $0["event_id"]?.text != nil })
        let transcript = peer.of(
            "type", "conversation.item.input_audio_transcription.completed")
        let words = stage.world.words(reference)
        #expect(
            transcript.first?["transcript"]?.text
                == words.prefix(1).uppercased() + words.dropFirst() + ", Add buy milk to my list.")
        let said = peer.of("type", "response.output_audio_transcript.delta").compactMap {
            $0["delta"]?.text
        }.joined()
        #expect(said.lowercased().hasPrefix(stage.world.words(reference.with(reply: 1))))
        let audio = peer.of("type", "response.output_audio.delta").flatMap {
            Base64.decode($0["delta"]?.text ?? "") ?? []
        }
        #expect(
            Self.tags(audio, stage.world) == [reference.with(reply: 1), reference.with(reply: 1)])
        let usage = try #require(peer.of("type", "response.done").first?["response"]?["usage"])
        #expect((usage["output_token_details"]?["audio_tokens"]?.int ?? 0) * 50 * 48 <= audio.count)
        #expect((usage["input_token_details"]?["audio_tokens"]?.int ?? 0) > 10)
        for kind in [
            FactKind.speechRecognised, .speechEnded, .finalSent, .modelRequested,
            .modelFirstContent, .modelFinished, .voiceFirstAudio, .voiceFinished,
        ] {
            #expect(stage.world.facts.of(kind).count == 1, "\(kind)")
        }
    }

    /// The references whose tags are in it.
    static func tags(_ audio: [UInt8], _ world: EmulatorWorld) -> [TurnReference] {
        var scanner = TagScanner(wideband)
        var found: [TurnReference] = []
        // The tail tag ends the sound; the ear's filters need some silence after it.
        let heard =
            audio + PCM.silence(.milliseconds(300), rate: wideband.rate).encoded(as: wideband)
        scanner.feed(heard.span.bytes) {
            if case .tagDecoded(let wire, _, _, _) = $0,
                let reference = world.context.references.reference(ofWire: wire)
            {
                found.append(reference)
            }
        }
        return found
    }

    @Test("Who speaks into an answer cancels it, and is answered")
    func bargeIn() throws {
        let stage = try start()
        stage.say("list-slt", reference)
        stage.run(until: "response.output_audio.delta")
        #expect(!stage.kinds.contains("response.done"))
        stage.say("done-slt", TurnReference(call: 7, utterance: 3), before: .zero)
        stage.world.run(for: .seconds(20))
        let done = stage.peer.of("type", "response.done").compactMap { $0["response"] }
        #expect(done.map { $0["status"]?.text } == ["cancelled", "completed"])
        #expect(done.first?["status_details"]?["reason"]?.text == "turn_detected")
        #expect(
            stage.world.facts.of(.modelFinished).count + stage.world.facts.of(.modelCancelled).count
                == 2)
        let item = try #require(done.first?["output"]?[0]?["id"])
        stage.peer.send([
            "type": "conversation.item.truncate", "item_id": item, "content_index": 0,
            "audio_end_ms": 120,
        ])
        stage.world.run()
        #expect(stage.kinds.last == "conversation.item.truncated")
    }

    @Test("Without turn detection the client commits and asks; G.711 in and out")
    func manual() throws {
        let stage = try start(
            session: [
                "type": "realtime",
                "audio": [
                    "input": ["format": ["type": "audio/pcmu"], "turn_detection": nil],
                    "output": ["format": ["type": "audio/pcmu"]],
                ],
            ])
        stage.peer.send(["type": "input_audio_buffer.commit"])
        stage.say("add-milk-slt", reference, as: .telephone)
        stage.world.run(for: .seconds(6))
        #expect(
            stage.peer.messages.last?["error"]?["code"]?.text == "input_audio_buffer_commit_empty")
        stage.peer.send(["type": "input_audio_buffer.commit"])
        stage.peer.send([
            "type": "response.create",
            "response": ["metadata": ["client_event_id": "x1"], "output_modalities": ["text"]],
        ])
        stage.world.run(for: .seconds(10))
        let done = try #require(stage.peer.of("type", "response.done").first?["response"])
        #expect(done["metadata"]?["client_event_id"]?.text == "x1")
        let text = done["output"]?[0]?["content"]?[0]?["text"]?.text ?? ""
        #expect(text.lowercased().hasPrefix(stage.world.words(reference.with(reply: 1))))
        #expect(!stage.kinds.contains("response.output_audio.delta"))
        stage.peer.send(["type": "response.create"])
        stage.world.run(for: .seconds(10))
        let audio = stage.peer.of("type", "response.output_audio.delta").flatMap {
            Base64.decode($0["delta"]?.text ?? "") ?? []
        }
        #expect(audio.count > 8_000)
    }

    @Test("A function is called, its output is answered; a response too many is refused")
    func tools() throws {
        let stage = try start(
            session: [
                "type": "realtime", "output_modalities": ["text"],
                "tools": [["type": "function", "name": "add_task", "parameters": [:]]],
            ])
        stage.peer.send([
            "type": "conversation.item.create",
            "item": [
                "id": "mine", "type": "message", "role": "user",
                "content": [["type": "input_text", "text": "add eggs to my list"]],
            ],
        ])
        stage.peer.send(["type": "response.create"])
        stage.peer.send(["type": "response.create", "event_id": "second"])
        stage.world.run()
        let error = try #require(stage.peer.of("type", "error").first?["error"])
        #expect(error["code"]?.text == "conversation_already_has_active_response")
        #expect(error["event_id"]?.text == "second")
        let call = try #require(
            stage.peer.of("type", "response.function_call_arguments.done").first)
        #expect(call["name"]?.text == "add_task" && call["arguments"]?.text == #"{"title":"eggs"}"#)
        stage.peer.send([
            "type": "conversation.item.create",
            "item": [
                "type": "function_call_output", "call_id": call["call_id"] ?? .null,
                "output": "{}",
            ],
        ])
        stage.peer.send(["type": "response.create"])
        stage.world.run()
        #expect(
            stage.peer.of("type", "response.output_text.done").last?["text"]?.text
                == "Done, eggs is on your list.")
        stage.peer.send(["type": "conversation.item.retrieve", "item_id": "mine"])
        stage.peer.send(["type": "conversation.item.delete", "item_id": "mine"])
        stage.peer.send(["type": "conversation.item.delete", "item_id": "mine"])
        stage.peer.send(["type": "response.cancel"])
        stage.world.run()
        #expect(stage.kinds.contains("conversation.item.retrieved"))
        #expect(stage.kinds.contains("conversation.item.deleted"))
        #expect(
            stage.peer.of("type", "error").suffix(2).map { $0["error"]?["code"]?.text }
                == ["item_delete_invalid_item_id", "response_cancel_not_active"])
    }

    @Test("A transcription session transcribes and never answers; its usage is Whisper's")
    func transcription() throws {
        let stage = try start(
            "/v1/realtime?intent=transcription",
            session: [
                "type": "transcription",
                "audio": [
                    "input": [
                        "format": ["type": "audio/pcm", "rate": 24_000],
                        "transcription": ["model": "gpt-realtime-whisper"],
                        "turn_detection": nil,
                    ]
                ],
            ])
        stage.say("add-call-slt", reference)
        stage.world.run(for: .seconds(6))
        stage.peer.send(["type": "input_audio_buffer.commit"])
        stage.world.run()
        let done = stage.peer.of(
            "type", "conversation.item.input_audio_transcription.completed")
        #expect(
            done.first?["transcript"]?.text?.hasSuffix("Please add call the dentist tomorrow.")
                == true)
        #expect(!stage.kinds.contains("response.created"))
        stage.peer.close()
        stage.world.run()
        #expect(stage.world.context[.whisper].usage.audio > .seconds(2))
        #expect(stage.world.facts.of(.finalSent).last?.origin == ProviderID.whisper.rawValue)
    }

    @Test(
        "What is wrong is an error event, and the session goes on",
        arguments: [
            (#"{"type":"session.update","session":{"modalities":["text"]}}"#, "unknown_parameter"),
            (
                #"{"type":"session.update","session":{"audio":{"input":{"format":{"type":"mp3"}}}}}"#,
                "invalid_value"
            ),
            (
                #"{"type":"session.update","session":{"audio":{"input":{"turn_detection":{"type":"psychic"}}}}}"#,
                "invalid_value"
            ),
            (#"{"type":"input_audio_buffer.append","audio":"%%"}"#, "invalid_value"),
            (#"{"type":"dance"}"#, "invalid_value"), (#"{"#, "invalid_json"),
            (
                #"{"type":"conversation.item.truncate","item_id":"x","audio_end_ms":1}"#,
                "item_truncate_invalid_item_id"
            ),
        ])
    func problems(text: String, code: String) throws {
        let stage = try start()
        stage.peer.send(text: text)
        stage.peer.send(["type": "session.update", "session": ["instructions": "Be brief."]])
        stage.world.run()
        #expect(stage.peer.of("type", "error").first?["error"]?["code"]?.text == code)
        #expect(stage.peer.messages.last?["session"]?["instructions"]?.text == "Be brief.")
    }

    @Test(
        "Keys stand in a header or a subprotocol; one session too many is 429; a model must be named"
    )
    func handshake() throws {
        let stage = try start(limit: 1)
        let second = try SocketPeer(
            stage.world, to: stage.listener.endpoint, "/v1/realtime?model=m", headers: auth)
        let nameless = try SocketPeer(
            stage.world, to: stage.listener.endpoint, "/v1/realtime", headers: auth)
        let keyless = try SocketPeer(
            stage.world, to: stage.listener.endpoint, "/v1/realtime?model=m")
        stage.world.run()
        #expect(second.refusal?.head.status == 429)
        #expect(nameless.refusal?.head.status == 400)
        #expect(keyless.refusal?.head.status == 401)
        stage.peer.close()
        stage.world.run()
        let browser = try SocketPeer(
            stage.world, to: stage.listener.endpoint, "/v1/realtime?model=m",
            headers: ["Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.ek_1"])
        stage.world.run()
        #expect(browser.refusal?.head.status != 401)
    }
}
