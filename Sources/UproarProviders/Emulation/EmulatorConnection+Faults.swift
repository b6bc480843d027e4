import UproarCore
import UproarFaults
import UproarRuntime
import UproarWire

/// What goes wrong on purpose with what is open.
extension EmulatorConnection {
    /// Faults were armed, cleared, or this stream turned out to be somebody's.
    func meetFaults(at now: Instant) {
        guard !isClosed, !isFrozen, session != nil, let answered else { return }
        openOutlet()
        guard let interference = context.interference else { return }
        var passage = EmulatorPassage(
            provider: answered.provider, kind: .upgrade, ordinal: answered.ordinal, call: call)
        passage.reference = reference
        passage.fields = fieldsOfRequest(answered.head, nil)
        passage.isWebSocket = true
        switch interference.verdict(onOpen: passage, at: now) {
        case .freeze: freeze()
        case .close(let code, let reason):
            carryOut(.close(WebSocketCloseCode(code), reason: reason))
        default: break
        }
    }

    /// Neither reads nor writes from here on, and answers no ping; the peer learns nothing.
    func freeze() {
        isFrozen = true
        isMute = true
        outlet?.stop()
        stream.pauseReading()
    }

    func refuse(_ head: HTTPRequestHead, _ refusal: EmulatorRefusal, at now: Instant) {
        datesRetry = refusal.isDated
        refuse(head, status: refusal.status, retryAfter: refusal.retryAfter, at: now)
        datesRetry = false
        if !isHandling { handleEvents(at: now) }
    }

    /// Retry-After in seconds becomes an HTTP date where the fault wants one.
    func dated(_ headers: HTTPHeaders) -> HTTPHeaders {
        guard datesRetry, let seconds = headers["retry-after"].flatMap({ Int64($0) }) else {
            return headers
        }
        var headers = headers
        headers["retry-after"] = UnixTime.httpDate(context.unixSeconds + seconds)
        headers["retry-after-ms"] = nil
        return headers
    }

    /// Ends the stream in the middle of whatever it was saying.
    func end() {
        isCut = true
        stream.close()
    }

    func openOutlet() {
        guard outlet == nil, let interference = context.interference, let answered else { return }
        outlet = EmulatorOutlet(
            interference, service: service, request: answered.head, provider: answered.provider,
            ordinal: answered.ordinal, context: context, connection: self)
    }

    func fieldsOfRequest(_ head: HTTPRequestHead, _ body: [UInt8]?)
        -> [FaultScope.Condition]
    {
        var fields: [FaultScope.Condition] = [
            .init("path", head.path), .init("method", head.method),
        ]
        if let body, body.first == UInt8(ascii: "{"),
            let model = (try? JSONParser.parse(body))?["model"]?.text
        {
            fields.append(.init("model", model))
        }
        return fields
    }
}
