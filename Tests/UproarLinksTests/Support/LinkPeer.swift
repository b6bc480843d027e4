import UproarCore
import UproarRuntime

/// One end of a connection that writes down what it hears, and when.
final class LinkPeer: ByteStreamHandler {
    var stream: (any ByteStream)!
    private(set) var bytes: [UInt8] = []
    /// The size of each chunk, and when it came.
    private(set) var chunks: [(count: Int, at: Instant)] = []
    private(set) var reason: CloseReason?
    private(set) var hasEnded = false
    private(set) var endedAt: Instant?
    var closesOnEnd = true
    var onReceived: ((LinkPeer) -> Void)?

    var text: String { String(decoding: bytes, as: UTF8.self) }

    func send(_ text: String) { stream.write(Array(text.utf8).span.bytes) }
    func send(_ bytes: [UInt8]) { stream.write(bytes.span.bytes) }

    func received(_ piece: RawSpan, at: Instant, on stream: any ByteStream) {
        piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        chunks.append((piece.byteCount, at))
        onReceived?(self)
    }

    func ended(_ stream: any ByteStream) {
        hasEnded = true
        if closesOnEnd { stream.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { self.reason = reason }
}
