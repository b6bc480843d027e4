import UproarCore
import UproarRuntime
import UproarWire

/// One stream to a vendor that carries HTTP requests one after the other.
final class UpstreamConnection: ByteStreamHandler {
    private unowned let service: UpstreamService
    private var stream: (any ByteStream)?
    private var decoder = HTTPResponseDecoder(limits: .init(bodyBytes: .max))
    private var exchange: UpstreamExchange?
    private(set) var isOpen = false
    private(set) var hasServed = false
    private let begunAt: Instant

    init(service: UpstreamService, exchange: UpstreamExchange) {
        self.service = service
        self.exchange = exchange
        begunAt = service.context.now
        stream = service.context.network.connect(
            to: service.endpoint, options: service.connectOptions, handler: self)
    }

    /// Takes up another request; only when it is idle.
    func begin(_ exchange: UpstreamExchange) {
        precondition(self.exchange == nil && isOpen, "a connection in use")
        self.exchange = exchange
    }

    /// Sends the exchange's request.
    func send(_ bytes: [UInt8], method: String) {
        decoder.requestSent(method: method)
        stream?.write(bytes.span.bytes)
    }

    func pauseReading() { stream?.pauseReading() }
    func resumeReading() { stream?.resumeReading() }

    func close() {
        exchange = nil
        service.isGone(self)
        stream?.close()
    }

    /// Nobody waits for the answer any more.
    func abandon() {
        exchange = nil
        stream?.reset()
    }

    func opened(_ stream: any ByteStream) {
        isOpen = true
        exchange?.connected(after: service.context.now - begunAt)
    }

    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        guard let exchange else { return close() }
        decoder.receive(bytes)
        exchange.connection.together { self.readEvents(at: instant) }
    }

    private func readEvents(at instant: Instant) {
        while let exchange, let event = decoder.next() {
            switch event {
            case .informational: break
            case .head(let head):
                hasServed = true
                exchange.answered(head, at: instant)
            case .body: exchange.received(decoder.payloadBytes, at: instant)
            case .end:
                self.exchange = nil
                let keeps = exchange.finished(at: instant)
                if keeps { service.isFree(self) } else { close() }
            case .failed(let error): fail(error.description)
            }
        }
    }

    private func fail(_ reason: String) {
        let last = exchange
        exchange = nil
        service.isGone(self)
        stream?.close()
        last?.failed(reason, wasReused: hasServed, at: service.context.now)
    }

    func ended(_ stream: any ByteStream) {
        decoder.streamEnded()
        if let exchange {
            exchange.connection.together { self.readEvents(at: self.service.context.now) }
        }
        if exchange != nil { fail("the vendor closed the connection before the answer was whole") }
        service.isGone(self)
        stream.close()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        if exchange != nil { fail(Self.words(reason)) }
        service.isGone(self)
        stream.handler = nil
    }

    static func words(_ reason: CloseReason) -> String {
        switch reason {
        case .unreachable(let errno), .failed(let errno): "the vendor's address: errno \(errno)"
        case .unknownHost: "the vendor's name does not resolve"
        case .tls(let words), .untrusted(let words): "TLS with the vendor: \(words)"
        case .queueOverflow: "the vendor does not read"
        case .closed, .ended: "the vendor closed the connection before the answer was whole"
        }
    }
}
