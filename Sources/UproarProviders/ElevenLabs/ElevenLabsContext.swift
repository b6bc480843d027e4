import UproarCore
import UproarRuntime
import UproarWire

/// One context: text gathered until there is enough to speak, then a reply.
final class ElevenLabsContext: VoiceSink {
    private let id: String
    private var pump: VoicePump!
    /// Kept until it is closed: a cut may end it in the middle of a piece.
    private let session: ElevenLabsSession
    private let writer: ElevenLabsWriter
    private let packer: VoicePacker
    /// Text that waits for more, and how long it must become.
    private var waiting = ""
    private var schedule: ArraySlice<Int>
    /// Length of the audio sent so far.
    private var position = Duration.zero
    private var isOver = false
    private var message: [UInt8] = []

    /// The vendor's, in characters.
    private static let usualSchedule = [120, 160, 250, 290]

    /// - schedule: nil is the vendor's; empty: every text is spoken as it comes.
    init(
        _ id: String, reply: VoiceReply, schedule: [Int]?, pace: VoicePump.Pace, loop: EventLoop,
        session: ElevenLabsSession
    ) {
        self.id = id
        self.session = session
        self.schedule = (schedule ?? Self.usualSchedule)[...]
        writer = ElevenLabsWriter(contextID: session.query.isMultiple ? id : nil)
        let format = session.query.format
        packer = VoicePacker(
            format.voice, format.container.encoder, bitRate: format.bitRate * 1000)
        pump = VoicePump(reply, pace: pace, loop: loop, sink: self)
    }

    var reference: TurnReference? { pump.reply.reference }

    func receive(_ text: String, triggers: Bool, at now: Instant) {
        guard !isOver else { return }
        waiting += text
        // The blank that opens a context is no text.
        guard waiting.contains(where: { !$0.isWhitespace }) else {
            waiting = ""
            return
        }
        if let least = schedule.first {
            guard waiting.unicodeScalars.count >= least else { return }
            if schedule.count > 1 { schedule.removeFirst() }
        }
        speak(at: now)
    }

    private func speak(at now: Instant) {
        let text = waiting
        waiting = ""
        pump.reply.receive(text, at: now)
        pump.pump(at: now)
    }

    func flush(at now: Instant) {
        guard !isOver else { return }
        pump.reply.receive(waiting, at: now)
        waiting = ""
        pump.reply.flush(at: now)
        pump.pump(at: now)
    }

    func finish(at now: Instant) {
        guard !isOver else { return }
        isOver = true
        pump.reply.receive(waiting, at: now)
        waiting = ""
        pump.reply.finishText(at: now)
        pump.pump(at: now)
    }

    func cancel(at now: Instant) { pump.cancel(at: now) }

    // MARK: VoiceSink

    var queuedByteCount: Int { session.connection.queuedByteCount }

    func together(_ body: () -> Void) { session.connection.together(body) }

    func send(audio: RawSpan, words: [SpokenWord], step: Duration) {
        let alignment = ElevenLabsAlignment(words, from: position)
        position += session.query.format.voice.duration(bytes: audio.byteCount)
        guard session.query.format.container.encoder != nil else {
            return put { writer.audio(audio, alignment: alignment, into: &$0) }
        }
        let packed = packer.pack(audio)
        guard !packed.isEmpty || alignment != nil else { return }
        put { writer.audio(packed.span.bytes, alignment: alignment, into: &$0) }
    }

    func caughtUp() {}

    func finished(_ end: VoiceEnd) {
        let rest = packer.finish()
        if !rest.isEmpty { put { writer.audio(rest.span.bytes, alignment: nil, into: &$0) } }
        put { writer.final(into: &$0) }
        session.finished(id)
    }

    private func put(_ write: (inout [UInt8]) -> Void) {
        var bytes: [UInt8] = []
        swap(&bytes, &message)
        bytes.removeAll(keepingCapacity: true)
        write(&bytes)
        session.connection.send(text: bytes.span.bytes)
        swap(&bytes, &message)
    }
}
