import Glibc
import UproarCore
import UproarRuntime
import UproarWire

/// A WebSocket to a provider: dials, sends, and says in `ProviderFailure` how it ended.
final class ProviderSocket: ByteStreamHandler, TimerHandler {
    struct Address {
        var url: WireURL
        var headers: HTTPHeaders
        /// From the dial to the accepted upgrade, TLS included.
        var deadline: Duration
        var trust: ProviderTrust
    }

    /// A message of a vendor is a few KB of audio or words; more than this (also the default of Python's `websockets`) is no answer, and
    /// must not fill the memory.
    private static let messageLimit = 1 << 20

    private let loop: EventLoop
    private let deadline: Duration
    private var handler: (any ProviderSocketHandler)?
    private var stream: (any ByteStream)?
    private var wire: WebSocketClientConnection
    private var timer = TimerID.none
    private var isHandling = false
    private(set) var isOpen = false
    private var isOver = false
    private var message: [UInt8] = []

    /// - handler: held until `close` or `failed`, one of which must come. It hears nothing before this returns.
    init(
        _ address: Address, loop: EventLoop, network: any Network, random: RandomStream,
        handler: any ProviderSocketHandler
    ) {
        self.loop = loop
        self.handler = handler
        deadline = address.deadline
        wire = WebSocketClientConnection(
            url: address.url, headers: address.headers, random: random,
            messageLimit: Self.messageLimit)
        var options = ConnectOptions()
        options.timeout = address.deadline
        if address.url.scheme.isSecure { options.tls = address.trust.options(for: address.url) }
        stream = network.connect(
            to: .tcp(host: address.url.host, port: address.url.port), options: options,
            handler: self)
        timer = loop.schedule(self, at: loop.now + deadline)
    }

    /// Bytes that wait for a peer that reads slowly.
    var queuedByteCount: Int { stream?.queuedByteCount ?? 0 }

    // MARK: Verbs

    /// Dropped before the socket is open, and after it closed.
    func send(text: RawSpan) { act { $0.sendText(text) } }
    func send(binary: RawSpan) { act { $0.sendBinary(binary) } }
    func send(json: JSONValue) {
        let bytes = json.encoded()
        send(text: bytes.span.bytes)
    }

    /// Ends it in order; the handler hears no more.
    func close() {
        guard !isOver else { return }
        isOver = true
        handler = nil
        loop.cancel(timer)
        wire.close(.normal)
        flush()
        // A peer that does not answer the close must not hold the stream.
        timer = loop.schedule(self, token: 1, at: loop.now + .seconds(2))
        if !isOpen { stream?.close() }
    }

    private func act(_ body: (inout WebSocketClientConnection) -> Void) {
        guard !isOver, isOpen else { return }
        body(&wire)
        if !isHandling { flush() }
    }

    private func flush() {
        guard !wire.output.isEmpty else { return }
        stream?.write(wire.output.span.bytes)
        wire.output.removeAll(keepingCapacity: wire.output.capacity <= 64 << 10)
    }

    private func fail(_ failure: ProviderFailure) {
        guard !isOver else { return }
        isOver = true
        loop.cancel(timer)
        let handler = handler
        self.handler = nil
        stream?.close()
        handler?.failed(failure, on: self)
    }

    func timerFired(token: UInt64, now: Instant) {
        if token == 0 { fail(.timedOut("connect")) } else { stream?.reset() }
    }

    // MARK: ByteStreamHandler

    func opened(_ stream: any ByteStream) { flush() }

    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        var rest = bytes
        isHandling = true
        while let payload = wire.wholeText(rest) {
            handler?.received(text: rest.extracting(payload), on: self)
            rest = rest.extracting(droppingFirst: payload.upperBound)
        }
        if !rest.isEmpty { wire.receive(rest) }
        handleEvents()
    }

    func ended(_ stream: any ByteStream) {
        wire.streamEnded()
        handleEvents()
        stream.close()
        fail(.cut)
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        loop.cancel(timer)
        self.stream = nil
        fail(isOpen ? .cut : Self.failure(of: reason))
        stream.handler = nil
    }

    private static func failure(of reason: CloseReason) -> ProviderFailure {
        switch reason {
        case .unreachable(let errno) where errno == ETIMEDOUT: .timedOut("connect")
        case .unreachable(let errno): .unreachable(String(cString: strerror(errno)))
        case .unknownHost: .unreachable("the name does not resolve")
        case .tls(let words), .untrusted(let words): .unreachable("TLS: " + words)
        case .closed, .ended, .failed, .queueOverflow: .cut
        }
    }

    private func handleEvents() {
        isHandling = true
        while let event = wire.next() { handle(event) }
        isHandling = false
        flush()
        if wire.shouldClose { stream?.close() }
    }

    private func handle(_ event: WebSocketClientEvent) {
        switch event {
        case .open(let head):
            guard !isOver else { return }
            isOpen = true
            loop.cancel(timer)
            handler?.opened(head.headers, on: self)
        case .refused(let refusal):
            fail(
                .refused(
                    status: refusal.head.status,
                    body: String(decoding: refusal.body, as: UTF8.self),
                    retryAfter: RetryAfter.read(
                        refusal.head.headers.fields.map { HTTPField($0.name, $0.value) })))
        case .text, .binary: deliver(isText: event == .text)
        case .closed(let code) where code == .abnormal: fail(.cut)
        case .closed(let code):
            fail(.closed(code: Int(code.rawValue), reason: wire.payloadText))
        case .failed(let error): fail(.malformed(error.description))
        case .ping, .pong: break
        }
    }

    /// The message is copied out, so that its receiver may send.
    private func deliver(isText: Bool) {
        var bytes: [UInt8] = []
        swap(&bytes, &message)
        bytes.removeAll(keepingCapacity: bytes.capacity <= 256 << 10)
        wire.withPayload { payload in payload.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        if isText {
            handler?.received(text: bytes.span.bytes, on: self)
        } else {
            handler?.received(binary: bytes.span.bytes, on: self)
        }
        swap(&bytes, &message)
    }
}

protocol ProviderSocketHandler: AnyObject {
    func opened(_ headers: HTTPHeaders, on socket: ProviderSocket)
    func received(text: RawSpan, on socket: ProviderSocket)
    func received(binary: RawSpan, on socket: ProviderSocket)
    /// Called once, last; not after `close`.
    func failed(_ failure: ProviderFailure, on socket: ProviderSocket)
}

/// Whose certificates a provider's client trusts.
package struct ProviderTrust: Hashable, Sendable {
    /// PEM file of further authorities (the run's own).
    package var authorityFile: String?
    /// False only by the person's own word (`--insecure`).
    package var verifies: Bool

    package init(authorityFile: String? = nil, verifies: Bool = true) {
        self.authorityFile = authorityFile
        self.verifies = verifies
    }

    func options(for url: WireURL) -> TLSClientOptions {
        var options = TLSClientOptions(serverName: url.host)
        options.authorityFile = authorityFile
        options.verifies = verifies
        return options
    }
}
