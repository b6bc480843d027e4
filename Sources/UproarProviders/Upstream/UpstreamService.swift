import UproarCore
import UproarRuntime
import UproarWire

/// A provider whose requests are passed on to the real vendor. What goes wrong on purpose has the vendor's shape all the same:
/// the emulator that would be here makes it.
package final class UpstreamService: EmulatedService {
    let upstream: Upstream
    let context: EmulatorContext
    private let shape: any EmulatedService
    /// Whose certificates are trusted beyond the system's.
    let trust: ProviderTrust
    private let onRecord: (UpstreamRecord) -> Void
    /// Connections that wait for a request; the last used is the first taken.
    private var idle: [UpstreamConnection] = []
    private var dialled: UInt64 = 0

    /// More than so many close.
    private static let idleLimit = 64

    /// - onRecord: hears of every exchange when it is over.
    package init(
        _ upstream: Upstream, shape: any EmulatedService, context: EmulatorContext,
        trust: ProviderTrust = ProviderTrust(), onRecord: @escaping (UpstreamRecord) -> Void
    ) {
        self.upstream = upstream
        self.shape = shape
        self.context = context
        self.trust = trust
        self.onRecord = onRecord
    }

    package var provider: ProviderID { shape.provider }
    package func provider(of request: HTTPRequestHead) -> ProviderID {
        shape.provider(of: request)
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        let exchange = UpstreamExchange(
            request, body: body, at: instant, service: self, connection: connection)
        exchange.reference = shape.reference(of: request, body: body)
        exchange.start()
        return exchange
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        dialled += 1
        return UpstreamSession(
            request, at: instant, service: self, connection: connection,
            random: context.seed.stream(
                "upstream", UInt64(provider.rawValue), dialled))
    }

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        shape.refuse(
            request, status: status, retryAfter: retryAfter, at: instant, on: connection)
    }

    package func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) {
        shape.answerEmpty(request, body: body, at: instant, on: connection)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] {
        shape.failure(request, status: status)
    }

    package func dialect(of request: HTTPRequestHead) -> AnswerDialect {
        shape.dialect(of: request)
    }

    package func reference(of request: HTTPRequestHead, body: [UInt8]) -> TurnReference? {
        shape.reference(of: request, body: body)
    }

    // MARK: Connections

    var connectOptions: ConnectOptions {
        var options = ConnectOptions()
        // As patient as the clients in front (the longest is 15 s), with room for whole uploads.
        options.timeout = .seconds(15)
        options.queueLimit = 128 << 20
        if upstream.url.scheme.isSecure { options.tls = trust.options(for: upstream.url) }
        return options
    }

    var endpoint: Endpoint { .tcp(host: upstream.url.host, port: upstream.url.port) }

    func connection(for exchange: UpstreamExchange, isFresh: Bool = false) -> UpstreamConnection {
        if !isFresh, let known = idle.popLast() {
            known.begin(exchange)
            return known
        }
        return UpstreamConnection(service: self, exchange: exchange)
    }

    func isFree(_ connection: UpstreamConnection) {
        guard idle.count < Self.idleLimit else { return connection.close() }
        idle.append(connection)
    }

    func isGone(_ connection: UpstreamConnection) { idle.removeAll { $0 === connection } }

    func ended(_ record: UpstreamRecord) { onRecord(record) }
}
