import UproarCore
import UproarRuntime
import UproarWire

/// One request of a client, passed on, and the vendor's answer, passed back piece by piece as it comes.
final class UpstreamExchange: EmulatedReply, UpstreamPassage {
    let connection: EmulatorConnection
    private let service: UpstreamService
    private let request: HTTPRequestHead
    private let bytes: [UInt8]
    private let dialect: AnswerDialect
    private var upstream: UpstreamConnection?
    private var record: UpstreamRecord
    private var meter: UpstreamMeter
    private var number: UInt64 = 0
    private var head: HTTPResponseHead?
    private var isRetried = false
    private var isOver = false
    private var isPaused = false
    private let reference: TurnReference?
    private var context: EmulatorContext { service.context }
    /// More than so much waits for the client before the vendor is left waiting.
    private static let waitingLimit = 1 << 20

    init(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant, service: UpstreamService,
        connection: EmulatorConnection
    ) {
        self.request = request
        self.service = service
        self.connection = connection
        dialect = service.dialect(of: request)
        var bytes: [UInt8] = []
        service.upstream.rewritten(request, bodyCount: body.count).write(into: &bytes)
        self.bytes = bytes + body
        record = UpstreamRecord(
            provider: service.provider(of: request), isWebSocket: false, path: request.path,
            begunAt: instant)
        record.bytesSent = body.count
        record.sent = 1
        meter = UpstreamMeter(request, body: body, provider: record.provider)
        reference =
            service.reference(of: request, body: body)
            ?? meter.reference(
                in: service.context.references, isTagging: service.context.isTagging)
        record.reference = reference
    }

    private var isModel: Bool { meter.kind == .models }

    func start() {
        number = service.begins(self)
        connection.entry?.reference = reference
        if let reference, isModel {
            context.state(
                .modelRequested, of: record.provider, at: record.begunAt, reference: reference)
        }
        dial(isFresh: false)
    }

    private func dial(isFresh: Bool) {
        let upstream = service.connection(for: self, isFresh: isFresh)
        self.upstream = upstream
        if upstream.isOpen { upstream.send(bytes, method: request.method) }
    }

    func connected(after time: Duration) {
        record.connect = time
        upstream?.send(bytes, method: request.method)
    }

    func answered(_ head: HTTPResponseHead, at now: Instant) {
        self.head = head
        record.firstByte = now - record.begunAt
        record.status = head.status
        guard head.status != 101 else { return }
        connection.startBody(status: head.status, headers: Upstream.endToEnd(head.headers))
    }

    func received(_ piece: [UInt8], at now: Instant) {
        record.took(piece.count, at: now)
        if record.firstContent == nil, dialect.contentCount(in: piece) > 0 {
            record.firstContent = now - record.begunAt
            if let reference, isModel, head?.status == 200 {
                context.state(
                    .modelFirstContent, of: record.provider, at: now, reference: reference)
            }
        }
        meter.received(piece)
        connection.sendBody(piece.span.bytes)
        guard !isPaused, connection.queuedByteCount > Self.waitingLimit else { return }
        isPaused = true
        upstream?.pauseReading()
        connection.onDrained = { [weak self] in
            guard let self, isPaused else { return }
            isPaused = false
            upstream?.resumeReading()
        }
    }

    /// Whether the connection may take another request.
    func finished(at now: Instant) -> Bool {
        upstream = nil
        end(nil, at: now)
        guard let head, head.status != 101 else {
            connection.reset()
            return false
        }
        connection.endBody()
        return head.keepsAlive
    }

    /// A connection that had been idle may have been on its way out: then the request is made once more. Otherwise the client meets
    /// what the relay has met: a gateway's error where nothing was said yet, a cut where something was.
    func failed(_ reason: String, wasReused: Bool, at now: Instant) {
        upstream = nil
        guard !isOver else { return }
        if head == nil, wasReused, !isRetried {
            isRetried = true
            return dial(isFresh: true)
        }
        end(reason, at: now)
        if head == nil {
            service.refuse(request, status: 502, retryAfter: nil, at: now, on: connection)
        } else {
            connection.end()
        }
    }

    func peerLeft(at instant: Instant) {
        guard !isOver else { return }
        end("the client went away", at: instant)
        upstream?.abandon()
        upstream = nil
    }

    private func end(_ failure: String?, at now: Instant) {
        guard !isOver else { return }
        isOver = true
        connection.onDrained = nil
        stateUsage(at: now)
        record.end = now - record.begunAt
        record.failure = failure
        service.ended(number, record)
    }

    func standing(at now: Instant) -> UpstreamRecord {
        stateUsage(at: now)
        return record
    }

    /// A vendor asks nothing for what it refuses.
    private func stateUsage(at now: Instant) {
        guard let head, (200..<300).contains(head.status) else { return }
        service.state(
            meter.take(at: now, isEnd: true), of: meter, reference: reference, on: connection,
            at: now)
    }
}
