import UproarCore
import UproarRuntime
import UproarWire

/// The answer to a request over HTTP: sound as it is made, or whole, alone or with the times of its characters.
final class ElevenLabsHTTPReply: EmulatedReply, VoiceSink {
    enum Shape: Hashable {
        case whole, stream, wholeWithTimes, streamWithTimes

        /// - path: what follows the voice.
        init?(path: [String]) {
            switch path {
            case []: self = .whole
            case ["stream"]: self = .stream
            case ["with-timestamps"]: self = .wholeWithTimes
            case ["stream", "with-timestamps"]: self = .streamWithTimes
            default: return nil
            }
        }

        var hasTimes: Bool { self == .wholeWithTimes || self == .streamWithTimes }
        var isStream: Bool { self == .stream || self == .streamWithTimes }
    }

    private let text: String
    private let format: ElevenLabsFormat
    private let shape: Shape
    private var headers: HTTPHeaders
    private let emulator: ElevenLabsEmulator
    private let connection: EmulatorConnection
    private let packer: VoicePacker
    private var pump: VoicePump!
    private var position = Duration.zero
    private var hasBegun = false
    /// What is kept for an answer that goes out whole.
    private var audio: [UInt8] = []
    private var words: [SpokenWord] = []
    private(set) var isOver = false

    init(
        _ reply: VoiceReply, text: String, format: ElevenLabsFormat, shape: Shape,
        headers: HTTPHeaders, emulator: ElevenLabsEmulator, connection: EmulatorConnection
    ) {
        self.text = text
        self.format = format
        self.shape = shape
        self.headers = headers
        self.emulator = emulator
        self.connection = connection
        packer = VoicePacker(
            format.voice, format.container.encoder, bitRate: format.bitRate * 1000)
        self.headers["Content-Type"] = shape.hasTimes ? "application/json" : format.contentType
        pump = VoicePump(
            reply, pace: emulator.studio.pace, loop: emulator.context.loop, sink: self)
    }

    func start(at now: Instant) {
        pump.reply.receive(text, at: now)
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
        emulator.studio.leave()
    }

    // MARK: VoiceSink

    var queuedByteCount: Int { connection.queuedByteCount }

    func together(_ body: () -> Void) { connection.together(body) }

    func send(audio: RawSpan, words: [SpokenWord], step: Duration) {
        connection.call = pump.reply.reference?.call ?? connection.call
        let start = position
        position += format.voice.duration(bytes: audio.byteCount)
        let packed = packer.pack(audio)
        guard shape.isStream else {
            self.audio += packed
            self.words += words
            return
        }
        stream(packed, ElevenLabsAlignment(words, from: start))
    }

    private func stream(_ bytes: [UInt8], _ alignment: ElevenLabsAlignment?) {
        begin()
        guard !bytes.isEmpty || alignment != nil else { return }
        guard shape.hasTimes else {
            if !bytes.isEmpty { connection.sendBody(bytes.span.bytes) }
            return
        }
        let line = line(bytes.span.bytes, alignment) + [UInt8(ascii: "\n")]
        connection.sendBody(line.span.bytes)
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        connection.startBody(status: 200, headers: headers)
        if format.container == .wav, !shape.hasTimes {
            let header = WaveHeader.bytes(format.voice)
            connection.sendBody(header.span.bytes)
        }
    }

    private func line(_ audio: RawSpan, _ alignment: ElevenLabsAlignment?) -> [UInt8] {
        var bytes = Array("{\"audio_base64\":\"".utf8)
        Base64.encode(audio, into: &bytes)
        let json = alignment?.json ?? .null
        bytes.append(contentsOf: "\",\"alignment\":".utf8)
        json.write(into: &bytes)
        bytes.append(contentsOf: ",\"normalized_alignment\":".utf8)
        json.write(into: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    func caughtUp() {}

    func finished(_ end: VoiceEnd) {
        self.end()
        if shape.isStream {
            stream(packer.finish(), nil)
            return connection.endBody()
        }
        audio += packer.finish()
        guard shape.hasTimes else {
            let head = format.container == .wav ? WaveHeader.bytes(format.voice) : []
            return connection.respond(status: 200, headers: headers, body: head + audio)
        }
        let audio = audio
        let body = line(audio.span.bytes, ElevenLabsAlignment(words, from: .zero))
        connection.respond(status: 200, headers: headers, body: body)
    }
}
