import UproarCore
import UproarRuntime
import UproarWire

/// The way out of one request or WebSocket on which faults act: every piece is judged, then sent, held, spoilt or left out.
///
/// ```
///  reply, session ──offer──► verdict ──► [held, in order] ──carryOut──► connection
/// ```
/// Nothing overtakes: what follows a delayed piece waits behind it.
final class EmulatorOutlet: TimerHandler {
    enum Action {
        case text([UInt8])
        case binary([UInt8])
        case bodyStart(status: Int, headers: HTTPHeaders)
        case body([UInt8])
        case bodyEnd
        case answer(status: Int, headers: HTTPHeaders, body: [UInt8])
        case close(WebSocketCloseCode, reason: String)
        case ping

        /// The bytes that can be spoilt; nil for what has none.
        var payload: [UInt8]? {
            switch self {
            case .text(let bytes), .binary(let bytes), .body(let bytes), .answer(_, _, let bytes):
                bytes
            case .bodyStart, .bodyEnd, .close, .ping: nil
            }
        }

        func with(_ payload: [UInt8]) -> Action {
            switch self {
            case .text: .text(payload)
            case .binary: .binary(payload)
            case .body: .body(payload)
            case .answer(let status, let headers, _):
                .answer(status: status, headers: headers, body: payload)
            case .bodyStart, .bodyEnd, .close, .ping: self
            }
        }
    }

    /// An action with what was claimed about its content.
    private struct Held {
        var action: Action
        var claims: [EmulatorContext.Claim]
    }

    private let interference: any EmulatorInterference
    private let service: any EmulatedService
    private let request: HTTPRequestHead
    private let provider: ProviderID
    private let ordinal: UInt64
    private let context: EmulatorContext
    private weak var connection: EmulatorConnection?
    private var held = DueQueue<Held>()
    private var heldBytes = 0
    private var timer = TimerID.none
    private var pieces = 0
    private var hasBegunBody = false
    /// Nothing leaves any more, but signs of life at this interval.
    private var isStalled = false
    private var keepAlive: Duration?
    private var isOver = false

    /// Nothing more of the answer leaves, whatever is offered.
    var isBroken: Bool { isStalled }

    /// What delays may hold back; more breaks the connection, as a full buffer would.
    private static let heldLimit = 8 << 20

    init(
        _ interference: any EmulatorInterference, service: any EmulatedService,
        request: HTTPRequestHead, provider: ProviderID, ordinal: UInt64,
        context: EmulatorContext, connection: EmulatorConnection
    ) {
        self.interference = interference
        self.service = service
        self.request = request
        self.provider = provider
        self.ordinal = ordinal
        self.context = context
        self.connection = connection
    }

    func stop() {
        isOver = true
        context.loop.cancel(timer)
        held.removeAll { _, _ in true }
    }

    func offer(_ action: Action, at now: Instant) {
        guard !isOver, !isStalled, let connection else {
            // Nothing of it leaves.
            _ = context.takeClaims()
            return
        }
        guard let payload = action.payload else { return pass(action, due: now, at: now) }
        var passage = EmulatorPassage(
            provider: provider, kind: .piece(pieces), ordinal: ordinal, call: connection.call,
            key: connection.key)
        passage.reference = connection.reference
        passage.payload = payload
        passage.dialect = service.dialect(of: request)
        switch action {
        case .text, .binary: passage.isWebSocket = true
        default: break
        }
        pieces += 1
        // A head claims nothing: what is claimed is about the content behind it.
        let hasContent = passage.dialect.contentCount(in: payload) > 0
        let claims = hasContent ? context.takeClaims() : []
        switch interference.verdict(on: passage, at: now) {
        case .pass, .empty: pass(action, claims, due: now, at: now)
        case .delay(let wait): pass(action, claims, due: now + wait, at: now)
        case .drop: if case .answer = action { pass(action.with([]), due: now, at: now) }
        case .garble: pass(action.with(Self.spoilt(payload, action)), due: now, at: now)
        case .replace(let bytes):
            guard bytes.isEmpty else { return pass(action.with(bytes), due: now, at: now) }
            if case .answer = action { pass(action.with([]), due: now, at: now) }
        case .twice:
            pass(action, claims, due: now, at: now)
            if case .answer = action { return }
            pass(action, due: now, at: now)
        case .cut:
            stop()
            connection.end()
        case .freeze:
            stop()
            connection.freeze()
        case .slip(let status):
            pass(action.with(service.failure(request, status: status)), due: now, at: now)
        case .stall, .mute, .hang, .refusal: isStalled = true
        case .keepAlive(let interval):
            isStalled = true
            keepAlive = max(interval, .milliseconds(1))
            timerFired(token: 1, now: now)
        case .reset: breakOff(action, payload)
        case .close(let code, let reason):
            endEarly(action, with: [], code: WebSocketCloseCode(code), reason: reason, at: now)
        case .fail(let status), .refuse(let status, _):
            if case .answer = action {
                connection.refuse(request, status: status, retryAfter: nil, at: now)
                return
            }
            endEarly(
                action, with: service.failure(request, status: status), code: .internalError,
                reason: "", at: now)
        }
    }

    private func pass(
        _ action: Action, _ claims: [EmulatorContext.Claim] = [], due: Instant, at now: Instant
    ) {
        if due <= now, held.count == 0 { return carryOut(action, claims, at: now) }
        heldBytes += action.payload?.count ?? 0
        guard heldBytes <= Self.heldLimit else {
            stop()
            connection?.reset()
            return
        }
        held.append(Held(action: action, claims: claims), due: due)
        release(at: now)
    }

    private func release(at now: Instant) {
        while !isOver, let next = held.popDue(at: now) {
            heldBytes -= next.action.payload?.count ?? 0
            carryOut(next.action, next.claims, at: now)
        }
        context.loop.cancel(timer)
        if !isOver, let due = held.firstDue { timer = context.loop.schedule(self, at: due) }
    }

    private func carryOut(_ action: Action, _ claims: [EmulatorContext.Claim], at now: Instant) {
        carryOut(action)
        context.redeem(claims, at: now)
    }

    private func carryOut(_ action: Action) {
        if case .bodyStart = action { hasBegunBody = true }
        connection?.carryOut(action)
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isOver else { return }
        guard token == 1, let keepAlive else { return release(at: now) }
        if hasBegunBody {
            connection?.carryOut(.body(Array(": keep-alive\n\n".utf8)))
        } else {
            connection?.carryOut(.ping)
        }
        timer = context.loop.schedule(self, token: 1, at: now + keepAlive)
    }

    /// Half of the piece leaves, then the connection is reset.
    private func breakOff(_ action: Action, _ payload: [UInt8]) {
        let half = Array(payload.prefix(payload.count / 2))
        switch action {
        case .body: carryOut(.body(half))
        case .answer(let status, let headers, _):
            var headers = headers
            headers["Content-Length"] = String(payload.count)
            carryOut(.bodyStart(status: status, headers: headers))
            carryOut(.body(half))
        default: break
        }
        stop()
        connection?.reset()
    }

    /// The stream ends in order before its time; `words` are the vendor's.
    private func endEarly(
        _ action: Action, with words: [UInt8], code: WebSocketCloseCode, reason: String,
        at now: Instant
    ) {
        isStalled = true
        switch action {
        case .text, .binary:
            if !words.isEmpty { carryOut(.text(words)) }
            carryOut(.close(code, reason: reason))
        case .body:
            if !words.isEmpty { carryOut(.body(words)) }
            carryOut(.bodyEnd)
        case .answer(let status, let headers, _):
            carryOut(.answer(status: status, headers: headers, body: words))
        case .bodyStart, .bodyEnd, .close, .ping: break
        }
        connection?.cutShort(at: now)
    }

    /// Text loses its last third, so that no JSON in it is whole; other bytes become noise.
    private static func spoilt(_ payload: [UInt8], _ action: Action) -> [UInt8] {
        if case .text = action { return cutAtCharacter(payload) }
        if payload.allSatisfy({ $0 >= 0x20 && $0 < 0x7f || $0 == 0x0a || $0 == 0x0d }) {
            return cutAtCharacter(payload) + Array("\n\n".utf8)
        }
        return payload.map { $0 ^ 0x55 }
    }

    private static func cutAtCharacter(_ text: [UInt8]) -> [UInt8] {
        var end = text.count * 2 / 3
        while end > 0, text[end] & 0xc0 == 0x80 { end -= 1 }
        return Array(text.prefix(end))
    }
}
