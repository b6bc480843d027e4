import UproarCore

/// One two-way stream of bytes: a TCP or TLS connection, a Unix socket, or their like in simulation. Loop-owned.
///
/// This is the seam between the worlds: everything above it runs unchanged in real and in virtual time.
package protocol ByteStream: AnyObject {
    var handler: (any ByteStreamHandler)? { get set }
    var remote: Endpoint { get }
    /// The port at this end, as its peer sees it: what tells one connection of a run from another. 0 where there is none (yet).
    var localPort: UInt16 { get }
    /// Bytes written but not yet taken by the network.
    var queuedByteCount: Int { get }

    /// Takes all of `bytes`, at once or queued; never blocks. After `close` or a failure it does nothing.
    ///
    /// A queue over `queueLimit` closes the stream with `.queueOverflow`: a sender that must not lose bytes watches
    /// `queuedByteCount` and waits for `drained`.
    func write(_ bytes: RawSpan)
    /// Stops `received`, so that the peer's bytes wait in the network (back-pressure).
    func pauseReading()
    func resumeReading()
    /// Sends what is queued, then FIN; reading goes on.
    func closeWriting()
    /// Sends what is queued, then closes both ways. `closed` follows.
    func close()
    /// Drops what is queued and resets the connection (RST). `closed` follows.
    func reset()
    /// Says what memory the handler needs when bytes come, so that it can be fetched while others are read: two parts at most
    /// are kept in mind. Not every stream cares.
    func handlerNeeds(_ parts: [MemoryPart])
}

/// Takes what happens on a stream. Calls come on the loop, never from within a verb of the stream itself.
package protocol ByteStreamHandler: AnyObject {
    /// The connection stands (TLS handshake included). Not called for an accepted stream, which is open already.
    func opened(_ stream: any ByteStream)
    /// `at` is when the bytes were read (kernel receive time where there is one).
    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream)
    /// The write queue became empty after having been non-empty.
    func drained(_ stream: any ByteStream)
    /// The peer will send no more (FIN). The stream stays open for writing.
    func ended(_ stream: any ByteStream)
    /// The stream is gone. Called exactly once, last.
    func closed(_ stream: any ByteStream, reason: CloseReason)
}

extension ByteStream {
    package var localPort: UInt16 { 0 }
    package func handlerNeeds(_ parts: [MemoryPart]) {}
}

extension ByteStreamHandler {
    package func opened(_ stream: any ByteStream) {}
    package func drained(_ stream: any ByteStream) {}
    package func ended(_ stream: any ByteStream) { stream.close() }
}

package enum CloseReason: Hashable, Sendable {
    /// This side closed it.
    case closed
    /// Both sides ended it in order.
    case ended
    /// The peer reset it, or it broke; the `errno` behind it.
    case failed(errno: Int32)
    /// The connection was never made; the `errno` behind it (ECONNREFUSED, ETIMEDOUT, …).
    case unreachable(errno: Int32)
    /// The name did not resolve.
    case unknownHost
    /// TLS failed, in OpenSSL's words.
    case tls(String)
    /// The peer's certificate did not pass the check, in the check's own words.
    case untrusted(String)
    /// The write queue passed its limit.
    case queueOverflow
}

/// Where a stream or a listener is.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// `host` is a name or an address (IPv6 without brackets). Port 0 asks for an ephemeral one.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    package static func loopback(_ port: UInt16) -> Endpoint { .tcp(host: "127.0.0.1", port: port) }
    package var port: UInt16 { if case .tcp(_, let port) = self { port } else { 0 } }
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
