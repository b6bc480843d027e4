import Glibc
import UproarCore
import UproarRuntime
import UproarWire

/// One connection of the client: carries one exchange at a time.
final class SimulatedHTTPConnection: ByteStreamHandler {
    let place: SimulatedHTTPClient.Place
    /// Weak: kept connections do not keep their client.
    private weak var client: SimulatedHTTPClient?
    private var stream: (any ByteStream)?
    private var decoder = HTTPResponseDecoder()
    private var exchange: SimulatedHTTPExchange?
    /// An answer has been read from it before.
    private var isUsed = false
    private var keepsAlive = false
    private var isAnswerBegun = false

    init(client: SimulatedHTTPClient, place: SimulatedHTTPClient.Place) {
        self.client = client
        self.place = place
    }

    func dial(_ options: ConnectOptions) {
        var options = options
        if place.isSecure { options.tls = TLSClientOptions(serverName: place.host) }
        stream = client?.network.connect(
            to: .tcp(host: place.host, port: place.port), options: options, handler: self)
    }

    func carry(_ exchange: SimulatedHTTPExchange, method: String, bytes: [UInt8]) {
        self.exchange = exchange
        isAnswerBegun = false
        decoder.requestSent(method: method)
        stream?.write(bytes.span.bytes)
    }

    /// Closes the connection; nobody hears of it.
    func abandon() {
        exchange = nil
        client?.forget(self)
        stream?.close()
    }

    private func readAnswer() {
        while exchange != nil, let event = decoder.next() {
            switch event {
            case .informational: continue
            case .head(let head):
                keepsAlive = head.keepsAlive && head.status != 101
                exchange?.answered(head)
            case .body:
                decoder.withPayload { exchange?.received($0) }
            case .end:
                let done = exchange
                exchange = nil
                isUsed = true
                if keepsAlive, let client { client.keep(self) } else { stream?.close() }
                done?.finished()
            case .failed(.truncated): return fail(.cut)
            case .failed(let error): return fail(.malformed(error.description))
            }
        }
    }

    private func fail(_ failure: HTTPFailure) {
        let failed = exchange
        exchange = nil
        stream?.close()
        guard let failed else { return }
        if failure == .cut, isUsed, !isAnswerBegun, failed.startsAnew() { return }
        failed.failed(failure)
    }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        // A server that speaks without being asked cannot be trusted with the next request.
        guard exchange != nil else { return abandon() }
        isAnswerBegun = true
        decoder.receive(bytes)
        readAnswer()
    }

    func ended(_ stream: any ByteStream) {
        client?.forget(self)
        decoder.streamEnded()
        readAnswer()
        stream.close()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        client?.forget(self)
        switch reason {
        case .unreachable(errno: ETIMEDOUT): fail(.timedOut("connect"))
        case .unreachable(let errno): fail(.unreachable(String(cString: strerror(errno))))
        case .unknownHost: fail(.unreachable("no host is named \(place.host)"))
        case .tls(let words): fail(.tls(words))
        case .untrusted(let words): fail(.untrusted(words))
        case .closed, .ended, .failed, .queueOverflow: fail(.cut)
        }
    }
}
