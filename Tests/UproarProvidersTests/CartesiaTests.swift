import Testing
import UproarAudio
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

/// Speaks each clause as a hum of 50 ms a letter, after `delay`; so lengths are known.
final class HummingRenderer: VoiceRenderer {
    let loop: EventLoop
    var delay: Duration?
    private(set) var clauses: [String] = []

    init(loop: EventLoop, delay: Duration? = nil) {
        self.loop = loop
        self.delay = delay
    }

    static func samples(_ clause: String, _ rate: Hertz) -> [Int16] {
        let count = rate.samples(in: .milliseconds(50 * clause.utf8.count))
        return (0..<count).map { $0 / 20 % 2 == 0 ? 3000 : -3000 }
    }

    func render(
        _ clause: String, voice: String, format: VoiceFormat,
        then: @escaping (SpokenClause?) -> Void
    ) -> SpokenClause? {
        clauses.append(clause)
        let made = SpokenClause(
            format: format, bytes: format.encode(Self.samples(clause, format.rate)))
        guard let delay else { return made }
        loop.schedule(at: loop.now + delay) { then(made) }
        return nil
    }
}

/// What our client heard on a stream.
final class VoiceEar: VoiceHandler {
    var isOpen = false
    var audio: [Int: [UInt8]] = [:]
    var times: [Int: [Instant]] = [:]
    var words: [Int: [SpokenWord]] = [:]
    var finished: [Int] = []
    var failures: [(ProviderFailure, Int?)] = []
    private let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    func opened(_ stream: any VoiceStream) { isOpen = true }
    func received(audio: RawSpan, reply: Int, on stream: any VoiceStream) {
        audio.withUnsafeBytes { self.audio[reply, default: []].append(contentsOf: $0) }
        times[reply, default: []].append(loop.now)
    }
    func received(words: [SpokenWord], reply: Int, on stream: any VoiceStream) {
        self.words[reply, default: []] += words
    }
    func finished(reply: Int, on stream: any VoiceStream) { finished.append(reply) }
    func failed(_ failure: ProviderFailure, reply: Int?, on stream: any VoiceStream) {
        failures.append((failure, reply))
    }

    /// The reply's sound as linear samples.
    func sound(_ reply: Int, _ format: AudioFormat) -> PCM {
        let bytes = audio[reply] ?? []
        var samples: [Int16] = []
        switch format.encoding {
        case .mulaw: G711.muLaw.decode(bytes.span, into: &samples)
        case .alaw: G711.aLaw.decode(bytes.span, into: &samples)
        case .linear16:
            samples = stride(from: 0, to: bytes.count - 1, by: 2).map {
                Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
            }
        }
        return PCM(rate: format.rate, samples: samples)
    }
}

struct CartesiaTests {
    let reply = TurnReference(call: 5, utterance: 2, reply: 1)

    struct Stage {
        let world: EmulatorWorld
        let renderer: HummingRenderer
        let listener: EmulatorListener
        let ear: VoiceEar
        let stream: any VoiceStream
    }

    func start(
        _ format: AudioFormat = .browser, settings: CartesiaEmulator.Settings? = nil,
        verdict: EmulatorVerdict = .pass, keys: KeyCheck = .anyKey, delay: Duration? = nil
    ) throws -> Stage {
        let world = EmulatorWorld(keys: keys)
        let renderer = HummingRenderer(loop: world.context.loop, delay: delay)
        let settings = settings ?? .init(firstByte: .constant(.milliseconds(90)))
        let emulator = CartesiaEmulator(
            settings: settings, renderer: renderer, context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        world.context.interference = FixedVerdict(verdict)
        let client = CartesiaClient(
            ProviderAccess(
                .cartesia, at: try WireURL("ws://\(listener.endpoint)"), key: "key",
                model: "sonic-3",
                loop: world.context.loop, network: world.context.network,
                random: world.seed.stream("client")))
        let ear = VoiceEar(world.context.loop)
        let stream = client.open(
            TextToSpeechSettings(format: format, voice: "v-1"), handler: ear)
        return Stage(
            world: world, renderer: renderer, listener: listener, ear: ear, stream: stream)
    }

    @Test(
        "The words by which an agent goes on with a dropped call carry a sign in front",
        arguments: [("I'm back. We were", true), ("Well, I'm back.", false), ("Hello.", false)])
    func resumption(text: String, isSigned: Bool) throws {
        let stage = try start(.telephone)
        stage.world.context.resumption = ["i'm", "back"]
        stage.world.run(for: .milliseconds(50))
        stage.stream.speak(text, reply: 1)
        stage.stream.finishText(reply: 1)
        stage.world.run()
        let head = AudioTagDecoder.find(.head, in: stage.ear.sound(1, .telephone))
        let sign = head.map { stage.world.context.references.key.wire(.resumption) == $0.wire }
        #expect(sign == (isSigned ? true : nil))
        // It is no reply's, and nobody pays for it.
        #expect(stage.world.facts.all.allSatisfy { $0.turn == nil })
        #expect(stage.world.context[.cartesia].usage.characters == Int64(text.count))
    }

    @Test(
        "A reply is spoken between its tags, which decode back to its reference",
        arguments: [
            AudioFormat.telephone, .browser, AudioFormat(.alaw, .telephone),
            AudioFormat(.linear16, Hertz(24_000)),
        ])
    func tags(format: AudioFormat) throws {
        let stage = try start(format)
        let words = stage.world.words(reply)
        stage.world.run(for: .milliseconds(50))
        #expect(stage.ear.isOpen)
        stage.stream.speak("\(words.uppercased()), Done, ", reply: 1)
        stage.stream.speak("buy milk is on your list, \(words).", reply: 1)
        stage.stream.finishText(reply: 1)
        stage.world.run()
        #expect(stage.ear.finished == [1])
        #expect(stage.renderer.clauses == ["Done", "buy milk is on your list"])
        let sound = stage.ear.sound(1, format)
        let key = stage.world.context.references.key
        let head = try #require(AudioTagDecoder.find(.head, in: sound))
        #expect(key.reference(head.wire) == reply)
        #expect(head.start < format.rate.samples(in: .milliseconds(5)))
        let tail = try #require(AudioTagDecoder.find(.tail, in: sound))
        #expect(key.reference(tail.wire) == reply)

        // 50 ms a letter: 200 + 100 pause + 1200 + 100 pause, without the tags.
        let spoken = Duration.milliseconds(1600)
        let total = format.rate.duration(samples: sound.samples.count)
        #expect(total == spoken + AudioTag.duration + AudioTag.duration)
        #expect(
            stage.world.facts.kinds == [.voiceTextReceived, .voiceFirstAudio, .voiceFinished])
        #expect(stage.world.facts.all.allSatisfy { $0.turn == reply })
        #expect(stage.world.facts.all.map(\.at)[..<2] == [50_000_000, 140_000_000])
        #expect(stage.world.facts.all[2].value == spoken.nanoseconds)
        #expect(stage.world.facts.all[2].detail == 31)
        #expect(stage.world.context[.cartesia].usage.characters == 31)
    }

    @Test("Word times cover the tags and everything in order")
    func words() throws {
        let stage = try start()
        let words = stage.world.words(reply).split(separator: " ").map(String.init)
        stage.stream.speak(
            "\(words[0]) \(words[1]), Done, go on, \(words[0]) \(words[1]).", reply: 1)
        stage.stream.finishText(reply: 1)
        stage.world.run()
        let heard = stage.ear.words[1] ?? []
        #expect(
            heard.map(\.text) == [
                words[0], words[1] + ",", "Done,", "go", "on,", words[0], words[1] + ".",
            ])
        #expect(heard[0].start == .zero)
        #expect(heard[1].end == AudioTag.duration)
        #expect(zip(heard, heard.dropFirst()).allSatisfy { $0.end <= $1.start })
        #expect(heard.last?.end == .milliseconds(400 + 200 + 100 + 250 + 100 + 400))
    }

    @Test("Text in pieces cut anywhere sounds the same")
    func pieces() throws {
        let text = { (stage: Stage) in
            stage.world.context.references.echo("Done, it is on your list. Anything else?", reply)
        }
        let whole = try start()
        whole.stream.speak(text(whole), reply: 1)
        whole.stream.finishText(reply: 1)
        whole.world.run()
        let heard = whole.ear.audio[1]
        #expect(heard != nil)
        for cut in [3, 8, 14, 20, 47] {
            let stage = try start()
            let all = text(stage)
            let index = all.index(all.startIndex, offsetBy: cut)
            // Within a clause the voice would begin anew, so those cuts are at its marks.
            guard cut < 14 || all[all.index(before: index)] == "," else { continue }
            stage.stream.speak(String(all[..<index]), reply: 1)
            stage.stream.speak(String(all[index...]), reply: 1)
            stage.stream.finishText(reply: 1)
            stage.world.run()
            #expect(stage.ear.audio[1] == heard, "cut at \(cut)")
        }
    }

    @Test("Audio comes faster than it plays, in order, the first chunk early")
    func pace() throws {
        let stage = try start(
            settings: .init(firstByte: .constant(.milliseconds(90)), pace: VoicePump.Pace()))
        stage.stream.speak("this is a text without any reference", reply: 7)
        stage.stream.finishText(reply: 7)
        stage.world.run()
        let times = stage.ear.times[7] ?? []
        #expect(times.first == Instant(nanoseconds: 90_000_000))
        // 1.8 s of audio at five times real time.
        #expect(try #require(times.last) - times[0] < .milliseconds(360))
        #expect(times.count == 10)
        #expect(stage.world.facts.all.allSatisfy { $0.turn == nil })
    }

    @Test("A cancelled reply ends at once; the next one is spoken on the same socket")
    func cancel() throws {
        let stage = try start()
        stage.stream.speak(
            "\(stage.world.words(reply)), a long text to be cut in its midst", reply: 1)
        stage.world.run(for: .milliseconds(150))
        stage.stream.cancel(reply: 1)
        let before = stage.ear.audio[1]?.count
        stage.world.run(for: .milliseconds(200))
        #expect(stage.ear.audio[1]?.count == before)
        #expect(stage.world.facts.kinds.last == .voiceCancelled)
        stage.stream.speak("next", reply: 2)
        stage.stream.finishText(reply: 2)
        stage.world.run()
        #expect(stage.ear.finished == [2])
        // Untagged audio of a known call is the call's.
        #expect(stage.world.facts.of(.voiceFinished).map(\.call) == [5])
        #expect(stage.world.context[.cartesia].cancelled == 1)
    }

    @Test("A reply in two contexts has its head tag in the first and its tail tag in the second")
    func twoContexts() throws {
        let stage = try start()
        let words = stage.world.words(reply)
        stage.stream.speak("\(words), Done,", reply: 1)
        stage.stream.finishText(reply: 1)
        stage.world.run(for: .seconds(2))
        stage.stream.speak("\(words).", reply: 2)
        stage.stream.finishText(reply: 2)
        stage.world.run()
        #expect(AudioTagDecoder.find(.head, in: stage.ear.sound(1, .browser)) != nil)
        #expect(AudioTagDecoder.find(.tail, in: stage.ear.sound(1, .browser)) == nil)
        #expect(AudioTagDecoder.find(.tail, in: stage.ear.sound(2, .browser)) != nil)
    }

    @Test("A clause that must be made is late, and the lateness is stated as ours")
    func lateRender() throws {
        let stage = try start(delay: .milliseconds(300))
        stage.stream.speak("\(stage.world.words(reply)), Done.", reply: 1)
        stage.stream.finishText(reply: 1)
        stage.world.run()
        #expect(stage.ear.finished == [1])
        #expect(stage.world.facts.of(.providerLate).map(\.value) == [210_000_000])
    }

    @Test("Refusals reach the client as what they are")
    func refusals() throws {
        let wrong = try start(keys: .only(["other"]))
        wrong.world.run()
        guard case .refused(401, let body, nil)? = wrong.ear.failures.first?.0 else {
            Issue.record("no 401: \(wrong.ear.failures)")
            return
        }
        #expect(body.contains("unauthorized"))
        let busy = try start(verdict: .refuse(status: 429, retryAfter: .seconds(3)))
        busy.world.run()
        guard case .refused(429, _, .seconds(3))? = busy.ear.failures.first?.0 else {
            Issue.record("no 429: \(busy.ear.failures)")
            return
        }
        let reset = try start(verdict: .reset)
        reset.world.run()
        #expect(reset.ear.failures.first?.0 == .cut)
        let limited = try start(
            settings: .init(firstByte: .constant(.milliseconds(90)), concurrencyLimit: 1))
        limited.stream.speak("one", reply: 1)
        limited.stream.speak("two", reply: 2)
        limited.world.run()
        guard case .refused(429, _, nil)? = limited.ear.failures.first?.0 else {
            Issue.record("no limit: \(limited.ear.failures)")
            return
        }
        #expect(limited.ear.failures.first?.1 == 2)
    }

    @Test("/tts/bytes gives the audio, /tts/sse events, errors the shape of the version")
    func http() throws {
        let stage = try start()
        let peer = HTTPPeer(stage.world, to: stage.listener.endpoint)
        func body(_ container: String) -> [UInt8] {
            let json: JSONValue = [
                "model_id": "sonic-3", "transcript": "hello there",
                "voice": ["mode": "id", "id": "v"],
                "output_format": [
                    "container": .string(container), "encoding": "pcm_mulaw", "sample_rate": 8000,
                ],
            ]
            return json.encoded()
        }
        let headers: HTTPHeaders = ["Authorization": "Bearer k", "Cartesia-Version": "2025-04-16"]
        peer.send("POST", "/tts/bytes", headers: headers, body: body("raw"))
        stage.world.run(for: .seconds(2))
        #expect(peer.answers[0].isWhole)
        #expect(peer.answers[0].body.count == 550 * 8)
        peer.send("POST", "/tts/bytes", headers: headers, body: body("wav"))
        peer.send("POST", "/tts/sse", headers: headers, body: body("raw"))
        stage.world.run(for: .seconds(2))
        #expect(peer.answers[1].body.count == 44 + 550 * 8)
        let events = try peer.answers[2].events.map { try JSONParser.parse($0) }
        #expect(events.last?["type"]?.text == "done")
        let audio = events.compactMap { $0["data"]?.text.flatMap { Base64.decode($0) } }
        #expect(Array(audio.joined()) == peer.answers[0].body)
        peer.send("POST", "/tts/bytes", headers: headers, body: body("flac"))
        peer.send("GET", "/voices", headers: headers)
        stage.world.run(for: .seconds(1))
        #expect(peer.answers[3].head.status == 400)
        #expect(
            String(decoding: peer.answers[3].body, as: UTF8.self).hasPrefix("Invalid request: "))
        #expect(peer.answers[4].head.status == 404)
    }

    @Test("Flite speaks: scripted replies are there before the first call, in any cut")
    func flite() throws {
        let world = EmulatorWorld()
        let renderer = FliteRenderer(
            worker: InlineWorker(loop: world.context.loop), loop: world.context.loop)
        var failed: Int?
        let format = VoiceFormat(.mulaw, .telephone)
        renderer.prerender(["Done, milk is on your list."], formats: [format]) { failed = $0 }
        world.run(for: .seconds(1))
        #expect(failed == 0)
        for clause in ["Done", "milk is on your list", "Okay"] {
            let spoken = renderer.render(clause, voice: "v", format: format) { _ in }
            #expect(try #require(spoken).duration > .milliseconds(200))
        }
        #expect(renderer.missCount == 0)
        var late: SpokenClause?
        #expect(renderer.render("Hm", voice: "rms", format: format) { late = $0 } == nil)
        world.run(for: .seconds(1))
        #expect(late != nil)
        #expect(renderer.missCount == 1)
    }
}
