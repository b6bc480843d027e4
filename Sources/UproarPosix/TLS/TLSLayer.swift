import Glibc
import UproarCore
import UproarRuntime

/// Puts TLS on the streams of any network of one loop.
package final class TLSLayer {
    let loop: EventLoop
    /// Shared by all sessions of the loop: each uses them only within a call, and the plaintext is lent to one handler at a time.
    let cipherBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 << 10, alignment: 16)
    let plainBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private var clientContexts: [ClientKey: TLSContext] = [:]

    private struct ClientKey: Hashable {
        var verifies: Bool
        var authorityFile: String?
    }

    /// How long an accepted connection may take for its handshake.
    private static let acceptLimit = Duration.seconds(10)

    package init(loop: EventLoop) { self.loop = loop }

    deinit {
        cipherBuffer.deallocate()
        plainBuffer.deallocate()
    }

    /// Connects with TLS over `network`; `options.tls` must be set.
    package func connect(
        over network: any Network, to endpoint: Endpoint, options: ConnectOptions,
        handler: any ByteStreamHandler
    ) -> any ByteStream {
        guard let wanted = options.tls else {
            preconditionFailure("a TLS connection without TLS options")
        }
        do {
            let context = try clientContext(wanted)
            let stream = TLSStream(
                layer: self, session: TLSSession(context, serverName: wanted.serverName),
                isClient: true, remote: endpoint, queueLimit: options.queueLimit,
                timeout: options.timeout)
            stream.handler = handler
            var plain = options
            plain.tls = nil
            stream.run(over: network.connect(to: endpoint, options: plain, handler: stream))
            return stream
        } catch {
            return UnmadeStream(
                remote: endpoint, reason: .tls(error.words), loop: loop, handler: handler)
        }
    }

    /// Who takes a listener's connections when it has been told to serve TLS. The files are read here.
    package func serving(
        _ options: TLSServerOptions, _ listening: ListenOptions, handler: any ListenerHandler
    )
        throws(NetworkError) -> any ListenerHandler
    {
        do {
            let acceptor = Acceptor(
                layer: self, context: try TLSContext(options.identity),
                queueLimit: listening.queueLimit, handler: handler)
            return options.takesPlain ? EitherAcceptor(acceptor) : acceptor
        } catch {
            throw NetworkError(errno: EINVAL, description: error.words)
        }
    }

    private func clientContext(_ options: TLSClientOptions) throws(TLSError) -> TLSContext {
        let key = ClientKey(verifies: options.verifies, authorityFile: options.authorityFile)
        if let known = clientContexts[key] { return known }
        let context = try TLSContext(
            verifies: options.verifies, authorityFile: options.authorityFile)
        clientContexts[key] = context
        return context
    }

    final class Acceptor: ListenerHandler {
        private let layer: TLSLayer
        private let context: TLSContext
        private let queueLimit: Int
        let handler: any ListenerHandler

        init(
            layer: TLSLayer, context: TLSContext, queueLimit: Int, handler: any ListenerHandler
        ) {
            self.layer = layer
            self.context = context
            self.queueLimit = queueLimit
            self.handler = handler
        }

        func accepted(_ inner: any ByteStream) -> any ByteStreamHandler {
            let stream = stream(over: inner)
            stream.handler = handler.accepted(stream)
            return stream
        }

        /// The server's end over `inner`, whose events it has to get.
        func stream(over inner: any ByteStream) -> TLSStream {
            let stream = TLSStream(
                layer: layer, session: TLSSession(serving: context), isClient: false,
                remote: inner.remote, queueLimit: queueLimit, timeout: TLSLayer.acceptLimit)
            stream.run(over: inner)
            return stream
        }
    }
}

/// A stream that could not even be started: it says `closed` in the next turn.
private final class UnmadeStream: ByteStream, TimerHandler {
    var handler: (any ByteStreamHandler)?
    let remote: Endpoint
    private let reason: CloseReason

    init(
        remote: Endpoint, reason: CloseReason, loop: EventLoop, handler: any ByteStreamHandler
    ) {
        self.remote = remote
        self.reason = reason
        self.handler = handler
        loop.schedule(self, at: loop.now)
    }

    var queuedByteCount: Int { 0 }
    func write(_ bytes: RawSpan) {}
    func pauseReading() {}
    func resumeReading() {}
    func closeWriting() {}
    func close() {}
    func reset() {}

    func timerFired(token: UInt64, now: Instant) {
        let last = handler
        handler = nil
        last?.closed(self, reason: reason)
    }
}
