import UproarCore
import UproarRuntime
import UproarWire

/// One request of a client, passed on, and the vendor's answer, passed back piece by piece as it comes.
final class UpstreamExchange: EmulatedReply {
    let connection: EmulatorConnection
    private let service: UpstreamService
    private let request: HTTPRequestHead
    private let bytes: [UInt8]
    private let dialect: AnswerDialect
    private var upstream: UpstreamConnection?
    private var record: UpstreamRecord
    private var head: HTTPResponseHead?
    private var isRetried = false
    private var isOver = false
    private var isPaused = false
    var reference: TurnReference? { didSet { record.reference = reference } }
    private var context: EmulatorContext { service.context }
    /// Of the end of the answer, where vendors say what they counted.
    private var tail: [UInt8] = []
    private static let tailLimit = 4096
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
    }

    private var isModel: Bool { record.provider.role == .languageModel }

    func start() {
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
        if isModel { tail = Array((tail + piece).suffix(Self.tailLimit)) }
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
        if let reference, isModel, head?.status == 200 {
            let usage = UpstreamUsage(in: tail)
            context.state(
                .modelFinished, of: record.provider, at: now, reference: reference,
                value: usage.map { $0.promptTokens << 32 | $0.completionTokens } ?? 0)
        }
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
        record.end = now - record.begunAt
        record.failure = failure
        service.ended(record)
    }
}

/// What a model's vendor says it has counted: the last figures of an answer, streamed or whole.
struct UpstreamUsage: Hashable {
    var promptTokens: Int64
    var completionTokens: Int64

    /// OpenAI's `prompt_tokens`, `completion_tokens`; Anthropic's and the responses' `input_tokens`, `output_tokens`. nil where
    /// the vendor was not asked for them.
    init?(in tail: [UInt8]) {
        func last(_ names: [String]) -> Int64? {
            for name in names {
                let mark = Array("\"\(name)\":".utf8)
                guard tail.count > mark.count else { continue }
                for start in stride(from: tail.count - mark.count, through: 0, by: -1)
                where tail[start..<start + mark.count].elementsEqual(mark) {
                    let digits = tail[(start + mark.count)...].drop { $0 == 0x20 }
                        .prefix { (0x30...0x39).contains($0) }
                    if let value = Int64(String(decoding: digits, as: UTF8.self)) { return value }
                }
            }
            return nil
        }
        guard let completion = last(["completion_tokens", "output_tokens"]) else { return nil }
        promptTokens = last(["prompt_tokens", "input_tokens"]) ?? 0
        completionTokens = completion
        guard (0..<1 << 31).contains(promptTokens), (0..<1 << 31).contains(completionTokens) else {
            return nil
        }
    }
}
