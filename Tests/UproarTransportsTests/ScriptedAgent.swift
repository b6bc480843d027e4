import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarTransports

/// An agent's side of a media stream under the test's hand: it writes down what it gets and sends what it is told.
final class ScriptedAgent: ListenerHandler, ByteStreamHandler {
    enum Answer {
        case accept
        case refuse(Int)
        case silence, garbage, close
    }

    private let answer: Answer
    private var connection = ServerConnection()
    private var stream: (any ByteStream)?
    private(set) var head: HTTPRequestHead?
    private(set) var messages: [JSONValue] = []
    private(set) var binary: [[UInt8]] = []
    private(set) var closeCode: WebSocketCloseCode?
    private(set) var isClosed = false

    init(_ answer: Answer = .accept) { self.answer = answer }

    /// As the caller's `start` named it.
    var streamName: String {
        messages.first { $0["event"] == "start" }?["streamSid"]?.text ?? "no stream"
    }

    func send(_ text: String) {
        connection.sendText(text)
        flush()
    }

    func play(_ bytes: [UInt8]) {
        send(
            #"{"event":"media","streamSid":"\#(streamName)","media":{"payload":"\#(Base64.encode(bytes))"}}"#
        )
    }

    func play(binary bytes: [UInt8]) {
        connection.sendBinary(bytes.span.bytes)
        flush()
    }

    func close(_ code: WebSocketCloseCode) {
        connection.close(code)
        flush()
    }

    func cut() { stream?.reset() }

    private func flush() {
        stream?.write(connection.output.span.bytes)
        connection.output.removeAll()
        if connection.shouldClose { stream?.close() }
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        self.stream = stream
        return self
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        while let event = connection.next() {
            switch event {
            case .upgrade(let head):
                self.head = head
                switch answer {
                case .accept: connection.acceptUpgrade()
                case .refuse(let status): connection.respond(status: status)
                case .silence: break
                case .garbage: stream.write(Array("220 mail.example.test\r\n\r\n".utf8).span.bytes)
                case .close: stream.close()
                }
            case .text:
                if let message = try? JSONParser.parse(connection.payloadText) {
                    messages.append(message)
                }
            case .binary: binary.append(connection.payloadBytes)
            case .closed(let code): closeCode = code
            default: break
            }
        }
        flush()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { isClosed = true }
}

/// A caller that writes down what its call does, with the time in milliseconds.
final class NotedCall: CallMediaHandler {
    var log: [String] = []
    /// Called when the call is answered.
    var onAnswer: (() -> Void)?
    var onAudio: (() -> Void)?

    func answered(at now: Instant) {
        log.append("\(now.milliseconds) answered")
        onAnswer?()
    }

    func heard(_ audio: RawSpan, playsAt: Instant, arrivedAt: Instant) {
        log.append(
            "\(arrivedAt.milliseconds) heard \(audio.byteCount) from \(playsAt.milliseconds)")
        onAudio?()
    }

    func cleared(at now: Instant) { log.append("\(now.milliseconds) cleared") }
    func shown(_ text: String, at now: Instant) {
        log.append("\(now.milliseconds) shown \(text)")
    }
    func remarked(_ text: String, at now: Instant) {
        log.append("\(now.milliseconds) remarked \(text)")
    }
    func ended(_ end: CallMediaEnd, at now: Instant) {
        log.append("\(now.milliseconds) ended \(end)")
    }
}
