import UproarCore
import UproarRuntime

/// An accepted connection that has not said yet whether it speaks TLS. Its first byte does: a TLS client begins with a
/// handshake record (22, RFC 8446 §5.1), and no request of HTTP can.
///
/// ```
///   undecided ── 22 ──► TLSStream over the inner stream
///       └── any other ──► the inner stream itself
/// ```
/// A peer that says nothing is as cheap as an idle plain one; once it has begun with TLS, the handshake's time limit holds.
final class EitherStream: ByteStream {
    var handler: (any ByteStreamHandler)?
    let remote: Endpoint

    private let acceptor: TLSLayer.Acceptor
    /// What verbs go to: the inner stream, then perhaps TLS over it.
    private var below: any ByteStream
    private var isDecided = false
    /// Written before the peer has shown what it speaks.
    private var early = ByteQueue()

    private static let handshakeRecord: UInt8 = 22

    init(_ inner: any ByteStream, _ acceptor: TLSLayer.Acceptor) {
        below = inner
        remote = inner.remote
        self.acceptor = acceptor
    }

    var queuedByteCount: Int { early.count + below.queuedByteCount }

    func write(_ bytes: RawSpan) {
        if isDecided { below.write(bytes) } else { early.append(bytes) }
    }

    func pauseReading() { below.pauseReading() }
    func resumeReading() { below.resumeReading() }
    func closeWriting() { below.closeWriting() }
    func close() { below.close() }
    func reset() { below.reset() }

    private func decide(_ bytes: RawSpan, at instant: Instant, on inner: any ByteStream) {
        isDecided = true
        let isTLS = bytes.unsafeLoad(as: UInt8.self) == Self.handshakeRecord
        let tls = isTLS ? acceptor.stream(over: inner) : nil
        if let tls {
            below = tls
            tls.handler = self
            inner.handler = tls
        }
        if early.count > 0 {
            below.write(early.unsafeBytes.bytes)
            early.removeAll()
        }
        if let tls {
            tls.received(bytes, at: instant, on: inner)
        } else {
            handler?.received(bytes, at: instant, on: self)
        }
    }
}

extension EitherStream: ByteStreamHandler {
    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        guard isDecided else {
            if bytes.byteCount > 0 { decide(bytes, at: instant, on: stream) }
            return
        }
        handler?.received(bytes, at: instant, on: self)
    }

    func drained(_ stream: any ByteStream) { handler?.drained(self) }

    func ended(_ stream: any ByteStream) { handler?.ended(self) }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        let last = handler
        handler = nil
        last?.closed(self, reason: reason)
    }
}

/// Accepts for a listener that takes plain connections, too.
final class EitherAcceptor: ListenerHandler {
    private let acceptor: TLSLayer.Acceptor

    init(_ acceptor: TLSLayer.Acceptor) { self.acceptor = acceptor }

    func accepted(_ inner: any ByteStream) -> any ByteStreamHandler {
        let stream = EitherStream(inner, acceptor)
        stream.handler = acceptor.handler.accepted(stream)
        return stream
    }
}
