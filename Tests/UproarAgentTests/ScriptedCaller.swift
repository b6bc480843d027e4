import UproarCore
import UproarRuntime
import UproarWire

/// A caller of the test's: sends a frame every 20 ms, loud where it was told to speak, plays what it hears and returns marks when
/// they have been played.
final class ScriptedCaller: ByteStreamHandler, TimerHandler {
    private let loop: EventLoop
    private var connection: WebSocketClientConnection
    private var stream: (any ByteStream)?
    private let parameters: JSONValue
    /// Speech by its times, in milliseconds of the call.
    private var speech: [Range<Int64>] = []
    private var answeredAt: Instant?
    private var sequence = 0
    private var playsUntil = Instant.zero
    private var marks: [(name: String, due: Instant)] = []

    /// When agent audio became audible after silence, and when it ended, in milliseconds.
    private(set) var heard: [ClosedRange<Int64>] = []
    private(set) var clears: [Int64] = []
    private(set) var refusal: Int?
    private(set) var closeCode: WebSocketCloseCode?
    private(set) var answered: Int64?
    var returnsMarks = true

    init(
        to endpoint: Endpoint, path: String = "/media", parameters: JSONValue = [:],
        loop: EventLoop, network: any Network
    ) {
        self.loop = loop
        self.parameters = parameters
        connection = WebSocketClientConnection(
            url: WireURL(scheme: .ws, host: "localhost", port: endpoint.port, path: path),
            random: RandomStream(state: 1))
        stream = network.connect(to: endpoint, options: ConnectOptions(), handler: self)
    }

    func speak(_ range: Range<Int64>) { speech.append(range) }

    func press(_ digit: String) {
        send(["event": "dtmf", "streamSid": "MZ1", "dtmf": ["digit": .string(digit)]])
    }

    func hangUp() {
        send(["event": "stop", "streamSid": "MZ1", "stop": ["callSid": "CA1"]])
        connection.close(.normal)
        flush()
    }

    func cut() { stream?.reset() }

    private func send(_ message: JSONValue) {
        connection.sendText(message.encoded().span.bytes)
        flush()
    }

    private func flush() {
        stream?.write(connection.output.span.bytes)
        connection.output.removeAll()
    }

    func opened(_ stream: any ByteStream) { flush() }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        while let event = connection.next() {
            switch event {
            case .open: begin(now)
            case .refused(let refusal): self.refusal = refusal.head.status
            case .text:
                if let message = try? JSONParser.parse(connection.payloadText) {
                    take(message, now)
                }
            case .closed(let code): closeCode = code
            default: break
            }
        }
        flush()
        if connection.shouldClose { stream.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { self.stream = nil }

    private func begin(_ now: Instant) {
        answeredAt = now
        answered = now.milliseconds
        send(["event": "connected", "protocol": "Call", "version": "1.0.0"])
        send([
            "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
            "start": [
                "accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"],
                "mediaFormat": ["encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1],
                "customParameters": parameters,
            ],
        ])
        loop.schedule(self, at: now)
    }

    private func take(_ message: JSONValue, _ now: Instant) {
        switch message["event"]?.text {
        case "media":
            let audio = Base64.decode(message["media"]?["payload"]?.text ?? "") ?? []
            let start = max(now, playsUntil)
            playsUntil = start + .microseconds(Int64(audio.count) * 125)
            if let last = heard.last, start.milliseconds - last.upperBound < 20 {
                heard[heard.count - 1] = last.lowerBound...playsUntil.milliseconds
            } else {
                heard.append(start.milliseconds...playsUntil.milliseconds)
            }
        case "mark": marks.append((message["mark"]?["name"]?.text ?? "", max(now, playsUntil)))
        case "clear":
            clears.append(now.milliseconds)
            if let last = heard.last, last.upperBound > now.milliseconds {
                heard[heard.count - 1] = last.lowerBound...max(last.lowerBound, now.milliseconds)
            }
            playsUntil = min(playsUntil, now)
            for index in marks.indices { marks[index].due = min(marks[index].due, now) }
        default: break
        }
    }

    func timerFired(token: UInt64, now: Instant) {
        guard let answeredAt, stream != nil, connection.isOpen else { return }
        while let mark = marks.first, mark.due <= now {
            marks.removeFirst()
            if returnsMarks {
                send(["event": "mark", "streamSid": "MZ1", "mark": ["name": .string(mark.name)]])
            }
        }
        // The frame that is complete now.
        let time = (now - answeredAt).nanoseconds / 1_000_000 - 20
        let isLoud = speech.contains { $0.contains(time) }
        // A tone that swells, so that it is no steady noise.
        let codes: [UInt8] = time / 60 % 2 == 0 ? [0x80, 0x00] : [0x9c, 0x1c]
        let frame =
            isLoud ? (0..<160).map { codes[$0 / 8 % 2] } : [UInt8](repeating: 0xff, count: 160)
        sequence += 1
        send([
            "event": "media", "sequenceNumber": .string(String(sequence + 1)),
            "media": [
                "track": "inbound", "chunk": .string(String(sequence)),
                "timestamp": .string(String((sequence - 1) * 20)),
                "payload": .string(Base64.encode(frame)),
            ], "streamSid": "MZ1",
        ])
        loop.schedule(self, at: answeredAt + .milliseconds(Int64(sequence) * 20))
    }
}
