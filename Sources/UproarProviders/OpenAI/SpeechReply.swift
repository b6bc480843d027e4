import UproarCore
import UproarRuntime
import UproarWire

/// The answer to `POST /v1/audio/speech`: a file as it is made, or its pieces as events.
final class SpeechReply: EmulatedReply, VoiceSink {
    private let request: SpeechRequest
    private var headers: HTTPHeaders
    private let studio: VoiceStudio
    private let connection: EmulatorConnection
    private let packer: VoicePacker
    private var pump: VoicePump!
    private var hasBegun = false
    private(set) var isOver = false

    init(
        _ request: SpeechRequest, headers: HTTPHeaders, studio: VoiceStudio,
        connection: EmulatorConnection
    ) {
        self.request = request
        self.headers = headers
        self.studio = studio
        self.connection = connection
        packer = VoicePacker(SpeechRequest.voiceFormat, request.format.encoder)
        self.headers["Content-Type"] =
            request.streamsEvents ? "text/event-stream" : request.format.contentType
        let reply = studio.reply(
            SpeechRequest.voiceFormat, voice: request.voice, bufferDelay: .zero,
            entry: connection.exchange(.openai, at: studio.context.now))
        pump = VoicePump(reply, pace: studio.pace, loop: studio.context.loop, sink: self)
    }

    func start(at now: Instant) {
        pump.reply.receive(request.input, at: now)
        pump.reply.finishText(at: now)
        pump.pump(at: now)
    }

    func peerLeft(at instant: Instant) {
        guard !isOver else { return }
        end()
        pump.cancel(at: instant)
    }

    private func end() {
        isOver = true
        studio.leave()
    }

    // MARK: VoiceSink

    var queuedByteCount: Int { connection.queuedByteCount }

    func together(_ body: () -> Void) { connection.together(body) }

    func send(audio: RawSpan, words: [SpokenWord], step: Duration) {
        if let reference = pump.reply.reference { connection.reference = reference }
        put(packer.pack(audio))
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        connection.startBody(status: 200, headers: headers)
        if request.format == .wav { put(WaveHeader.bytes(SpeechRequest.voiceFormat)) }
    }

    private func put(_ bytes: [UInt8]) {
        begin()
        guard !bytes.isEmpty else { return }
        guard request.streamsEvents else { return connection.sendBody(bytes.span.bytes) }
        var event = Array("data: {\"type\":\"speech.audio.delta\",\"audio\":\"".utf8)
        Base64.encode(bytes.span.bytes, into: &event)
        event.append(contentsOf: "\"}\n\n".utf8)
        connection.sendBody(event.span.bytes)
    }

    func caughtUp() {}

    func finished(_ end: VoiceEnd) {
        put(packer.finish())
        begin()
        if request.streamsEvents {
            let input = TokenText.count(studio.context.references.plain(request.input))
            let done: JSONValue = [
                "type": "speech.audio.done",
                "usage": [
                    "input_tokens": JSONValue(input), "output_tokens": JSONValue(input * 10),
                    "total_tokens": JSONValue(input * 11),
                ],
            ]
            let event = Array("data: \(done.text(pretty: false))\n\n".utf8)
            connection.sendBody(event.span.bytes)
        }
        self.end()
        connection.endBody()
    }
}
