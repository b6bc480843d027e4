import UproarCore
import UproarFaults
import UproarWire

/// A request that is not over: filled in by whoever knows, written once.
///
/// An HTTP request has one, which its connection opens and closes. A WebSocket has one of its own and one for each exchange on it
/// (`EmulatorConnection.exchange`), which whoever answers the exchange closes.
package final class RequestEntry {
    private(set) var request: ProviderRequest
    /// What the operation's own settings say of its times.
    let timing: OperationTiming?
    /// What faults may ask of it.
    let fields: [FaultScope.Condition]
    private let log: RequestLog
    /// Until it is over.
    private var connection: EmulatorConnection?
    private(set) var isOver = false
    /// Whoever answers it says when its content begins: other bytes of the answer do not count.
    var hasAnswerer = false
    /// Content was claimed that a fault may hold back.
    var awaitsContent = false
    /// How it ended, while its content is held back.
    private var ending: (outcome: ProviderRequest.Outcome, at: Instant)?

    init(
        _ request: ProviderRequest, timing: OperationTiming?, log: RequestLog,
        connection: EmulatorConnection?
    ) {
        self.request = request
        self.timing = timing
        self.log = log
        self.connection = connection
        fields = connection?.fields ?? []
    }

    deinit { log.forget(request.number) }

    /// As it stands, of one that is not over.
    func unfinished(at instant: Instant) -> ProviderRequest {
        var request = request
        request.end = instant
        request.outcome = .open
        request.call = request.reference?.call ?? connection?.call
        return request
    }

    /// The utterance or reply it is about; what is known is never forgotten.
    var reference: TurnReference? {
        get { request.reference }
        set { request.reference = newValue ?? request.reference }
    }

    /// It began at another time than it was opened.
    func began(at instant: Instant) { request.at = instant }

    func add(_ usage: ProviderUsage) { request.usage += usage }

    /// Its content begins to leave.
    func answers(at instant: Instant) {
        awaitsContent = false
        if request.first == nil { request.first = instant }
        if let ending { close(ending.outcome, at: max(ending.at, instant)) }
    }

    // MARK: What the connection sees

    func answered(status: Int) { if request.status == nil { request.status = status } }

    /// Bytes of the body leave.
    func sends(at instant: Instant) { if !hasAnswerer { answers(at: instant) } }

    /// The answer leaves whole: its content begins now, whatever was ready before.
    func sendsWhole(_ byteCount: Int, at instant: Instant) {
        awaitsContent = false
        let isRefusal = (request.status ?? 200) >= 400
        request.first = byteCount > 0 && !isRefusal ? instant : nil
        close(.answered, at: instant)
    }

    /// A WebSocket is closed by the emulator.
    func closes(_ code: WebSocketCloseCode) {
        if request.kind == .socket, request.closeCode == nil {
            request.closeCode = Int(code.rawValue)
        }
    }

    // MARK: The end

    /// The same, by whoever answers: a request is over only when its connection has sent the answer.
    func closeExchange(_ outcome: ProviderRequest.Outcome, at instant: Instant) {
        if request.kind == .exchange { close(outcome, at: instant) }
    }

    /// Over. What follows is of no account.
    func close(_ outcome: ProviderRequest.Outcome, at instant: Instant) {
        guard !isOver else { return }
        if awaitsContent, request.kind == .exchange, let connection {
            if ending == nil { connection.unsettled.append(self) }
            ending = (outcome, instant)
            return
        }
        isOver = true
        request.end = instant
        request.outcome = word(outcome)
        request.call = request.reference?.call ?? connection?.call
        log.forget(request.number)
        if request.kind == .request { reference = request.reference ?? connection?.reference }
        connection = nil
        log.finished(request)
    }

    /// What was held back never left.
    func settle(at instant: Instant) {
        awaitsContent = false
        close(.broken, at: instant)
    }

    private func word(_ outcome: ProviderRequest.Outcome) -> ProviderRequest.Outcome {
        if let status = request.status, status >= 400 { return .refused }
        // An answer that is stalled or cut ends only for us.
        if connection?.isSpoilt == true { return .broken }
        // Going away and normal ends are nobody's refusal (RFC 6455 §7.4.1).
        if let code = request.closeCode, ![1000, 1001].contains(code) { return .refused }
        return outcome
    }
}

/// How one operation answers where its provider's own settings do not hold.
package struct OperationTiming: Hashable, Sendable {
    /// To the final result, the first token, the first audio or the answer, by the operation's role.
    package var first: Distribution?
    package var tokenInterval: Distribution?
    /// Seconds of audio in a second.
    package var factor: Double?

    package init(
        first: Distribution? = nil, tokenInterval: Distribution? = nil, factor: Double? = nil
    ) {
        self.first = first
        self.tokenInterval = tokenInterval
        self.factor = factor
    }
}

extension EmulatorConnection {
    /// Opens the log's line of a request or upgrade; answers its operation.
    func beginEntry(
        _ head: HTTPRequestHead, isUpgrade: Bool, _ provider: ProviderID, at now: Instant
    ) -> String {
        let operation = ProviderOperation.name(
            of: head, isUpgrade: isUpgrade, provider: provider)
        // Of a request that was never answered.
        entry?.close(.broken, at: now)
        entry = requests.open(
            provider, operation, isUpgrade ? .socket : .request, on: self, at: now)
        return operation
    }

    /// The line of what is being answered: the HTTP request's own, or a new one for an exchange on a WebSocket.
    func exchange(_ provider: ProviderID, at now: Instant) -> RequestEntry {
        if let entry, entry.request.kind == .request, !entry.isOver {
            entry.hasAnswerer = true
            return entry
        }
        return requests.open(
            provider, entry?.request.operation ?? ProviderOperation.other, .exchange, on: self,
            at: now)
    }
}
