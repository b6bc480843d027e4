import UproarCore
import UproarRuntime
import UproarWire

/// The known quantity: answers each utterance after a set time, and stamps the read of its last voiced frame and the write of
/// the first audible one. What the callers measure must be the difference of the stamps.
///
/// Voice is whatever is not digital silence: calibration clips have no other.
package final class CalibrationTarget: ListenerHandler {
    let loop: EventLoop
    let facts: any FactSink
    let delay: Duration
    /// 200 ms of tone in the telephone format, as Base64.
    let answer: [UInt8]

    package init(loop: EventLoop, facts: any FactSink, delay: Duration) {
        self.loop = loop
        self.facts = facts
        self.delay = delay
        var payload: [UInt8] = []
        let tones = ToneFrames.all(.telephone)
        let frame = AudioFormat.telephone.bytesPerFrame
        for _ in 0..<10 { payload += tones[(3 * frame)..<(4 * frame)] }
        var text: [UInt8] = []
        Base64.encode(payload.span.bytes, into: &text)
        answer = text
    }

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        CalibrationCall(stream, target: self)
    }
}

/// One call to the target.
private final class CalibrationCall: ByteStreamHandler, TimerHandler {
    private let target: CalibrationTarget
    private var stream: (any ByteStream)?
    private var connection = ServerConnection()
    private var reply: [UInt8] = []
    private var audio: [UInt8] = []
    private var call: UInt32?
    private var utterance: UInt32 = 0
    /// When the last voiced frame of the utterance in progress was read.
    private var lastVoiced: Instant?
    private var owed: Instant?

    init(_ stream: any ByteStream, target: CalibrationTarget) {
        self.stream = stream
        self.target = target
        audio.reserveCapacity(320)
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        while let event = connection.next() {
            switch event {
            case .upgrade: connection.acceptUpgrade()
            case .request:
                connection.respond(
                    HTTPResponseHead(status: 404), body: [UInt8]().span.bytes)
            case .text: heard(at: now)
            case .closed, .failed: stream.close()
            case .requestEnd, .body, .binary, .ping, .pong: break
            }
        }
        flush()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { self.stream = nil }

    private func flush() {
        guard !connection.output.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &connection.output)
        stream?.write(bytes.span.bytes)
        bytes.removeAll(keepingCapacity: true)
        swap(&bytes, &connection.output)
    }

    private func heard(at now: Instant) {
        audio.removeAll(keepingCapacity: true)
        let isMedia = connection.withPayload { message in
            guard let payload = JSONScanner.string(message, at: "media", "payload") else {
                return false
            }
            return Base64.decode(message.extracting(payload.range), into: &audio)
        }
        guard isMedia else { return started() }
        if audio.contains(where: { $0 != AudioFormat.telephone.encoding.silence }) {
            lastVoiced = now
            return
        }
        guard let read = lastVoiced, owed == nil else { return }
        owed = read
        lastVoiced = nil
        target.loop.schedule(self, token: 0, at: read + target.delay)
    }

    private func started() {
        guard let json = try? JSONParser.parse(connection.payloadBytes),
            let start = json["start"], let stream = start["streamSid"]?.text
        else { return }
        // `session_id` is call-SEED-NUMBER.
        call = start["customParameters"]?["session_id"]?.text?.split(separator: "-").last
            .flatMap { UInt32($0) }
        reply = Array(
            "{\"event\":\"media\",\"streamSid\":\"\(stream)\",\"media\":{\"payload\":\"".utf8)
        reply += target.answer
        reply += Array("\"}}".utf8)
    }

    func timerFired(token: UInt64, now: Instant) {
        guard let read = owed, stream != nil, let call else { return }
        owed = nil
        utterance += 1
        let reply = reply
        connection.sendText(reply.span.bytes)
        let written = target.loop.now
        flush()
        guard utterance < TurnReference.utteranceLimit else { return }
        target.facts.state(
            Fact(
                .latencyClaimed, at: written,
                reference: TurnReference(call: call, utterance: utterance),
                value: (written - read).nanoseconds, origin: .agent))
    }
}
