import UproarCore
import UproarPosix
import UproarRuntime
import UproarWire

/// What the far end does with a frame.
enum FarEnd: String, CaseIterable {
    case answering, listening

    var words: String {
        switch self {
        case .answering: "a frame back for each"
        case .listening: "an agent that only listens"
        }
    }
}

/// The far end of the callers, a process of its own whose processor time does not count: one media frame back for each that
/// comes, as the C floor's far end does. After each utterance the frames are speech for a while, so that there is something
/// to hear; then they are silence.
final class Mirror: ListenerHandler {
    /// Media messages as they go out, WebSocket header included.
    let speech: [[UInt8]]
    let silence: [UInt8]
    let far: FarEnd

    /// - frames: 20 ms of speech each.
    init(_ far: FarEnd, _ frames: [[UInt8]]) {
        self.far = far
        speech = frames.map(Self.message)
        silence = Self.message(
            [UInt8](repeating: AudioEncoding.mulaw.silence, count: frames[0].count))
    }

    /// Where the stream's name stands in each: behind four bytes of frame header.
    static let name: Range<Int> = {
        let start = 4 + #"{"event":"media","streamSid":""#.utf8.count
        return start..<start + 34
    }()

    private static func message(_ frame: [UInt8]) -> [UInt8] {
        let text =
            #"{"event":"media","streamSid":"\#(String(repeating: "0", count: 34))","media":{"payload":"\#(Base64.encode(frame))"}}"#
        var message: [UInt8] = []
        WebSocketFrame.encode(.text, Array(text.utf8).span.bytes, mask: nil, into: &message)
        return message
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { MirrorCall(stream, self) }

    /// Prints its port, then serves until it is killed.
    static func serve(_ far: FarEnd, _ frames: [[UInt8]]) throws {
        DescriptorLimit.raise()
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        var options = ListenOptions()
        options.backlog = 4096
        let listener = try network.listen(
            on: .loopback(0), options: options, handler: Mirror(far, frames))
        print(listener.endpoint.port)
        CallerBenchmark.flush()
        loop.run()
        withExtendedLifetime(listener) {}
    }
}

private final class MirrorCall: ByteStreamHandler {
    private let mirror: Mirror
    private let socket: any ByteStream
    /// The stream's own name, which every message bears.
    private var stream: [UInt8] = []
    private var connection = ServerConnection()
    private var wasVoiced = false
    /// The next frame of speech; beyond the last: silence.
    private var next = Int.max

    init(_ stream: any ByteStream, _ mirror: Mirror) {
        socket = stream
        self.mirror = mirror
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        while let event = connection.next() {
            switch event {
            case .upgrade: connection.acceptUpgrade()
            case .text: heard()
            case .closed, .failed: stream.close()
            default: break
            }
        }
        guard !connection.output.isEmpty else { return }
        stream.write(connection.output.span.bytes)
        connection.output.removeAll(keepingCapacity: true)
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { stream.handler = nil }

    private func heard() {
        guard mirror.far == .answering else { return }
        // Silence in mu-law is 0xff, in Base64 a row of slashes.
        let isVoiced: Bool? = connection.withPayload { message in
            guard let payload = JSONScanner.string(message, at: "media", "payload") else {
                return nil
            }
            return message.unsafeLoadUnaligned(
                fromByteOffset: payload.range.lowerBound + 64, as: UInt64.self)
                != 0x2f2f_2f2f_2f2f_2f2f
        }
        guard let isVoiced else {
            // `start`: the greeting.
            stream =
                connection.withPayload { message in
                    JSONScanner.string(message, at: "streamSid").map { name in
                        message.withUnsafeBytes { Array($0[name.range]) }
                    }
                } ?? stream
            next = 0
            return
        }
        if wasVoiced, !isVoiced { next = 0 }
        wasVoiced = isVoiced
        guard stream.count == Mirror.name.count else { return }
        var frame = next < mirror.speech.count ? mirror.speech[next] : mirror.silence
        frame.replaceSubrange(Mirror.name, with: stream)
        if next < mirror.speech.count { next += 1 }
        socket.write(frame.span.bytes)
    }
}
