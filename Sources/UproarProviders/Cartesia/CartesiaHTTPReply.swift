import UproarAudio
import UproarCore
import UproarRuntime
import UproarWire

/// The answer to `POST /tts/bytes` (raw audio, or a WAV file without length) or `/tts/sse` (the socket's messages as events).
final class CartesiaHTTPReply: EmulatedReply, VoiceSink {
    private let request: CartesiaRequest
    private let streamsEvents: Bool
    private let emulator: CartesiaEmulator
    private let connection: EmulatorConnection
    private let writer = CartesiaWriter(contextID: nil)
    private let packer: VoicePacker
    private var pump: VoicePump!
    private var hasBegun = false
    private(set) var isOver = false

    init(
        _ request: CartesiaRequest, streamsEvents: Bool, reply: VoiceReply,
        emulator: CartesiaEmulator, connection: EmulatorConnection
    ) {
        self.request = request
        self.streamsEvents = streamsEvents
        self.emulator = emulator
        self.connection = connection
        packer = VoicePacker(
            request.format, request.container == .mp3 ? .mp3 : nil, bitRate: request.bitRate)
        pump = VoicePump(
            reply, pace: emulator.settings.pace, loop: emulator.context.loop, sink: self)
    }

    func start(at now: Instant) {
        pump.reply.receive(request.transcript, at: now)
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
        emulator.leave()
    }

    private static func contentType(_ container: CartesiaRequest.Container) -> String {
        switch container {
        case .raw: "audio/pcm"
        case .wav: "audio/wav"
        case .mp3: "audio/mpeg"
        }
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        let kind =
            streamsEvents
            ? "text/event-stream" : Self.contentType(request.container)
        connection.startBody(status: 200, headers: ["Content-Type": kind])
        if !streamsEvents, request.container == .wav {
            let header = WaveHeader.bytes(request.format)
            connection.sendBody(header.span.bytes)
        }
    }

    // MARK: VoiceSink

    var queuedByteCount: Int { connection.queuedByteCount }

    func together(_ body: () -> Void) { connection.together(body) }

    func send(audio: RawSpan, words: [SpokenWord], step: Duration) {
        begin()
        guard streamsEvents else {
            let packed = packer.pack(audio)
            if !packed.isEmpty { connection.sendBody(packed.span.bytes) }
            return
        }
        event("chunk") { writer.chunk(audio, step: step, flushID: nil, into: &$0) }
        if request.addsTimestamps, !words.isEmpty {
            event("timestamps") { writer.timestamps(words, flushID: nil, into: &$0) }
        }
    }

    func caughtUp() {}

    func finished(_ end: VoiceEnd) {
        begin()
        if streamsEvents {
            event("done") { writer.done(into: &$0) }
        } else {
            let rest = packer.finish()
            if !rest.isEmpty { connection.sendBody(rest.span.bytes) }
        }
        self.end()
        connection.endBody()
    }

    private func event(_ name: StaticString, _ body: (inout [UInt8]) -> Void) {
        var bytes = Array("event: \(name)\ndata: ".utf8)
        body(&bytes)
        bytes.append(contentsOf: "\n\n".utf8)
        connection.sendBody(bytes.span.bytes)
    }
}

/// The head of a WAV file whose length is not known yet: both lengths say "until the end" (0xFFFFFFFF), as streaming
/// encoders write it.
enum WaveHeader {
    static func bytes(_ format: VoiceFormat) -> [UInt8] {
        var bytes: [UInt8] = []
        func put(_ text: String) { bytes.append(contentsOf: text.utf8) }
        func put(_ value: UInt32) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        func put(_ value: UInt16) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let width = format.encoding.bytesPerSample
        put("RIFF")
        put(UInt32.max)
        put("WAVEfmt ")
        put(UInt32(16))
        // The codes of RFC 2361: PCM, IEEE float, A-law, mu-law.
        let code: UInt16 =
            switch format.encoding {
            case .linear16: 1
            case .float32: 3
            case .alaw: 6
            case .mulaw: 7
            }
        put(code)
        put(UInt16(1))
        put(UInt32(format.rate.value))
        put(UInt32(format.rate.value * width))
        put(UInt16(width))
        put(UInt16(width * 8))
        put("data")
        put(UInt32.max)
        return bytes
    }
}
