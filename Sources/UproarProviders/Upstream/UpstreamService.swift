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
    /// What is under way, in the order of its beginning.
    private var passages: [UInt64: any UpstreamPassage] = [:]
    private var begun: UInt64 = 0

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

    // MARK: What passes

    /// Answers the number under which it ends.
    func begins(_ passage: any UpstreamPassage) -> UInt64 {
        begun += 1
        passages[begun] = passage
        return begun
    }

    func ended(_ number: UInt64, _ record: UpstreamRecord) {
        passages[number] = nil
        onRecord(record)
    }

    /// The run is over: what is still under way is told of as it stands.
    package func finish(at now: Instant) {
        for number in passages.keys.sorted() {
            guard var record = passages[number]?.standing(at: now) else { continue }
            record.isOpen = true
            record.end = now - record.begunAt
            onRecord(record)
        }
        passages = [:]
    }

    /// What a vendor is paid for, as facts of the run and in the request's line of the log.
    func state(
        _ usage: ProviderUsage, of operation: UpstreamMeter, reference: TurnReference?,
        on connection: EmulatorConnection, at now: Instant
    ) {
        guard usage != ProviderUsage() else { return }
        connection.entry?.add(usage)
        context[operation.provider].usage += usage
        let call = reference?.call ?? connection.call
        func state(_ kind: FactKind, value: Int64 = 0, detail: UInt32 = 0) {
            context.state(
                kind, of: operation.provider, at: now, call: call, reference: reference,
                value: value, detail: detail)
        }
        switch operation.kind {
        case .hears, .hearsFile, .isOpen:
            if usage.audio > .zero {
                state(
                    .speechToTextUsage, value: usage.audio.nanoseconds,
                    detail: UInt32(clamping: usage.audio.nanoseconds / 1_000_000))
            }
        case .speaks:
            if usage.requests > 0 {
                state(
                    .voiceFinished, value: usage.audio.nanoseconds,
                    detail: UInt32(clamping: usage.characters))
            }
        case .models:
            if usage.requests > 0 {
                state(
                    .modelFinished, value: usage.promptTokens << 32 | usage.completionTokens)
            }
        case .unseen, .free: break
        }
        if usage.uncounted > 0 { state(.usageUnknown) }
    }
}

/// A request or WebSocket that is passed on.
protocol UpstreamPassage: AnyObject {
    /// What is known of it so far; what was used and not yet stated is stated.
    func standing(at now: Instant) -> UpstreamRecord
}
