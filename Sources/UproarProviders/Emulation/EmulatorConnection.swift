import UproarCore
import UproarFaults
import UproarRuntime
import UproarWire

/// One connection to an emulator: HTTP requests one after the other, or a WebSocket once a request became one.
///
/// What verbs put out inside an event goes out when the event has been handled; outside of one it goes out at once.
package final class EmulatorConnection: ByteStreamHandler, TimerHandler {
    let context: EmulatorContext
    let service: any EmulatedService
    let stream: any ByteStream
    private weak var listener: EmulatorListener?
    private var wire = ServerConnection(limits: EmulatorConnection.limits)
    private var head: HTTPRequestHead?
    private var reply: (any EmulatedReply)?
    var session: (any EmulatedSession)?
    var isHandling = false
    /// A request or upgrade that takes its time to be looked at.
    private var pending: (head: HTTPRequestHead, body: [UInt8]?)?
    /// Where answers pass when things go wrong on purpose.
    var outlet: EmulatorOutlet?
    private var isRefusing = false
    /// A refusal that takes its time.
    private var refusing: (head: HTTPRequestHead, refusal: EmulatorRefusal)?
    var datesRetry = false
    private var closeTimer = TimerID.none
    private var admissionTimer = TimerID.none
    /// Of an answer too long to be handed over at once, and how much of it is.
    private var backlog: [UInt8] = []
    private var poured = 0
    var isMute = false
    var isClosed = false
    /// The message in work, copied out so that its receiver may send.
    private var message: [UInt8] = []
    /// In the order of accepting.
    let place: UInt64
    /// What is being answered.
    var answered: (head: HTTPRequestHead, provider: ProviderID, ordinal: UInt64)?
    var isFrozen = false

    // For sessions that pass on what another says.

    /// Whether pings and pongs go to the session, which answers for them.
    var passesPings = false {
        didSet { wire.answersPings = !passesPings }
    }
    /// The peer's own words with its close.
    private(set) var closeReason = ""
    /// What had to wait for the peer has left.
    var onDrained: (() -> Void)?
    /// Of the request in work, or of the WebSocket: its line in the request log.
    var entry: RequestEntry?
    /// Exchanges that are over but for content that a fault holds back.
    var unsettled: [RequestEntry] = []
    /// Reset or ended in the middle on purpose.
    var isCut = false
    private var hasKnocked = false
    /// The call that this request, or this WebSocket, has been said to carry.
    var toldCall: UInt32?

    /// A conversation's history and tool declarations fit; an upload of audio too.
    private static let limits = HTTPLimits()
    /// How long a peer may take to answer our close.
    private static let closeLimit = Duration.seconds(5)
    private static let sliceSize = 1 << 20

    init(
        _ stream: any ByteStream, service: any EmulatedService, context: EmulatorContext,
        listener: EmulatorListener, place: UInt64
    ) {
        self.place = place
        self.stream = stream
        self.service = service
        self.context = context
        self.listener = listener
    }

    /// Bytes that wait for a peer that reads slowly.
    package var queuedByteCount: Int { stream.queuedByteCount + backlog.count - poured }

    var requests: RequestLog { context.requests }

    /// What it says from here on does not leave, or not whole.
    var isSpoilt: Bool { isMute || isFrozen || isCut || outlet?.isBroken == true }

    /// The call it belongs to, once references have told: what faults are aimed with.
    package var call: UInt32? {
        didSet {
            tellUse(at: context.now)
            if let call, call != oldValue, context.interference != nil {
                meetFaults(at: context.now)
            }
        }
    }

    /// The API key of the request in work, while somebody asks for it.
    private(set) var key: String?

    /// `path`, `method` and `model` of the latest request or upgrade, for faults that ask for some; empty where none are planned.
    private(set) var fields: [FaultScope.Condition] = []

    /// The utterance in work, once it is known: each has an answer of its own to faults.
    package var reference: TurnReference? {
        didSet {
            guard let reference, reference != oldValue else { return }
            if call == reference.call {
                if context.interference != nil { meetFaults(at: context.now) }
            } else {
                call = reference.call
            }
        }
    }

    // MARK: Answers

    package func respond(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        reply = nil
        put(.answer(status: status, headers: dated(headers), body: body))
        tellAnswered(at: context.now)
    }

    package func respond(status: Int, headers: HTTPHeaders = [:], json: JSONValue) {
        var headers = headers
        headers["Content-Type"] = "application/json"
        respond(status: status, headers: headers, body: json.encoded())
    }

    package func startBody(status: Int, headers: HTTPHeaders) {
        guard outlet == nil else { return put(.bodyStart(status: status, headers: headers)) }
        entry?.answered(status: status)
        act { $0.startBody(HTTPResponseHead(status: status, headers: headers)) }
    }

    package func sendBody(_ bytes: RawSpan) {
        guard outlet == nil else { return put(.body(bytes.withUnsafeBytes { Array($0) })) }
        context.releaseClaims()
        entry?.sends(at: context.now)
        act { $0.sendBody(bytes) }
    }

    package func endBody() {
        reply = nil
        defer { tellAnswered(at: context.now) }
        guard outlet == nil else { return put(.bodyEnd) }
        act { $0.endBody() }
        entry?.close(.answered, at: context.now)
    }

    package func acceptUpgrade(subprotocol: String? = nil, headers: HTTPHeaders = [:]) {
        entry?.answered(status: 101)
        act { $0.acceptUpgrade(subprotocol: subprotocol, headers: headers) }
    }

    package func send(text: RawSpan) {
        guard outlet == nil else { return put(.text(text.withUnsafeBytes { Array($0) })) }
        context.releaseClaims()
        act { $0.sendText(text) }
    }

    package func send(binary: RawSpan) {
        guard outlet == nil else { return put(.binary(binary.withUnsafeBytes { Array($0) })) }
        context.releaseClaims()
        act { $0.sendBinary(binary) }
    }

    package func send(json: JSONValue) {
        let bytes = json.encoded()
        send(text: bytes.span.bytes)
    }

    /// Starts the WebSocket's closing handshake. A peer that does not answer it is left after `closeLimit`.
    package func close(_ code: WebSocketCloseCode, reason: String = "") {
        guard outlet == nil else { return put(.close(code, reason: reason)) }
        carryOut(.close(code, reason: reason))
    }

    /// Breaks the connection (RST).
    package func reset() {
        isCut = true
        stream.reset()
    }

    /// Reads everything from now on and answers nothing.
    package func mute() { isMute = true }

    private func put(_ action: EmulatorOutlet.Action) {
        if let outlet, !isRefusing {
            outlet.offer(action, at: context.now)
        } else {
            context.releaseClaims()
            carryOut(action)
        }
    }

    /// Sends what an outlet has let through.
    func carryOut(_ action: EmulatorOutlet.Action) {
        switch action {
        case .text(let bytes): act { $0.sendText(bytes.span.bytes) }
        case .binary(let bytes): act { $0.sendBinary(bytes.span.bytes) }
        case .body(let bytes):
            entry?.sends(at: context.now)
            act { $0.sendBody(bytes.span.bytes) }
        case .bodyStart(let status, let headers):
            entry?.answered(status: status)
            act { $0.startBody(HTTPResponseHead(status: status, headers: headers)) }
        case .bodyEnd:
            act { $0.endBody() }
            entry?.close(.answered, at: context.now)
        case .answer(let status, let headers, let body):
            entry?.answered(status: status)
            act { $0.respond(status: status, headers: headers, body: body) }
            entry?.sendsWhole(body.count, at: context.now)
        case .ping:
            let nothing: [UInt8] = []
            act { $0.ping(nothing.span.bytes) }
        case .close(let code, let reason):
            entry?.closes(code)
            act { $0.close(code, reason: reason) }
            guard !isClosed, closeTimer == .none else { return }
            closeTimer = context.loop.schedule(self, at: context.now + Self.closeLimit)
        }
    }

    /// The answer in work is over for its maker, by a fault.
    func cutShort(at instant: Instant) { leave(.abnormal, at: instant) }

    /// Refuses in the vendor's shape what is being answered or admitted.
    func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant
    ) {
        isRefusing = true
        service.refuse(
            request, status: status, retryAfter: retryAfter, at: instant, on: self)
        isRefusing = false
    }

    package func timerFired(token: UInt64, now: Instant) {
        guard !isClosed else { return }
        if token == 1 { return admitted(at: now) }
        if token == 2 {
            if let (head, refusal) = refusing { refuse(head, refusal, at: now) }
            refusing = nil
            return
        }
        stream.reset()
    }

    /// What `body` puts out leaves in one write: outside of an event each message would be one of its own.
    package func together(_ body: () -> Void) {
        guard !isHandling else { return body() }
        isHandling = true
        body()
        isHandling = false
        if !isClosed { handleEvents(at: context.now) }
    }

    func act(_ body: (inout ServerConnection) -> Void) {
        guard !isClosed, !isFrozen else { return }
        body(&wire)
        if !isHandling { handleEvents(at: context.now) }
    }

    private func flush() {
        if !wire.output.isEmpty {
            context[service.provider].bytesSent += Int64(wire.output.count)
            if backlog.isEmpty, wire.output.count <= Self.sliceSize {
                stream.write(wire.output.span.bytes)
            } else {
                backlog += wire.output
                pour()
            }
            wire.output.removeAll(keepingCapacity: wire.output.capacity <= 64 << 10)
        }
        if wire.shouldClose, backlog.isEmpty { stream.close() }
    }

    /// A long answer leaves as fast as the peer takes it: the stream's own queue is bounded.
    private func pour() {
        while poured < backlog.count, stream.queuedByteCount < Self.sliceSize {
            let slice = Array(backlog[poured..<min(backlog.count, poured + Self.sliceSize)])
            poured += slice.count
            stream.write(slice.span.bytes)
        }
        guard poured == backlog.count else { return }
        backlog = []
        poured = 0
        if wire.shouldClose { stream.close() }
    }

    package func drained(_ stream: any ByteStream) {
        if !backlog.isEmpty { pour() }
        if backlog.isEmpty { onDrained?() }
    }

    // MARK: ByteStreamHandler

    package func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        context[service.provider].bytesReceived += Int64(bytes.byteCount)
        guard !isMute else { return }
        let taken = session == nil ? 0 : hearWholeMessages(bytes, at: instant)
        guard taken < bytes.byteCount else { return flush() }
        wire.receive(bytes.extracting(droppingFirst: taken))
        handleEvents(at: instant)
    }

    /// Hears the messages that lie whole at the front of what came, as nearly all do; returns how many bytes they are.
    private func hearWholeMessages(_ bytes: RawSpan, at instant: Instant) -> Int {
        // The buffer is taken out while the session looks at what is in it.
        var buffer: [UInt8] = []
        swap(&buffer, &context.unmasked)
        defer { swap(&buffer, &context.unmasked) }
        var taken = 0
        isHandling = true
        while !isMute,
            let message = wire.wholeMessage(
                bytes.extracting(droppingFirst: taken), into: &buffer)
        {
            taken += message.taken
            let payload = buffer.span.bytes.extracting(first: message.count)
            if message.isText {
                session?.received(text: payload, at: instant)
            } else {
                session?.received(binary: payload, at: instant)
            }
        }
        isHandling = false
        return taken
    }

    package func ended(_ stream: any ByteStream) {
        // A client that says it will send no more has gone: those of our vendors close both ways at once.
        guard !isMute, !isClosed else { return stream.close() }
        wire.streamEnded()
        handleEvents(at: context.now)
        leave(.abnormal, at: context.now)
        stream.close()
    }

    package func closed(_ stream: any ByteStream, reason: CloseReason) {
        isClosed = true
        context.loop.cancel(closeTimer)
        context.loop.cancel(admissionTimer)
        outlet?.stop()
        leave(.abnormal, at: context.now)
        context[service.provider].active -= 1
        if case .tls(let words) = reason {
            context[service.provider].tlsFailures += 1
            context.onTLSFailure?(service.provider, words)
        }
        for exchange in unsettled { exchange.settle(at: context.now) }
        unsettled = []
        listener?.closed(self)
        stream.handler = nil
    }

    private func leave(_ code: WebSocketCloseCode, at instant: Instant) {
        let (reply, session) = (reply, session)
        (self.reply, self.session) = (nil, nil)
        reply?.peerLeft(at: instant)
        session?.closed(code, at: instant)
        entry?.close(code == .abnormal ? .cancelled : .answered, at: instant)
    }

    // MARK: Events

    func handleEvents(at instant: Instant) {
        isHandling = true
        while !isMute, let event = wire.next() { handle(event, at: instant) }
        isHandling = false
        flush()
    }

    /// A request (with its body) or an upgrade: admitted, or its fate carried out.
    private func knock(_ head: HTTPRequestHead, body: [UInt8]?, at instant: Instant) {
        let provider = service.provider(of: head)
        context[provider].requests += 1
        let kind: EmulatorPassage.Kind = body == nil ? .upgrade : .request
        toldCall = nil
        fields = context.interference == nil ? [] : fieldsOfRequest(head, body)
        if let body, context.interference != nil || context.tellsStreams,
            let found = service.reference(of: head, body: body)
        {
            reference = found
            tellUse(at: instant)
        }
        key = context.interference == nil ? nil : head.apiKey
        let operation = beginEntry(head, isUpgrade: body == nil, provider, at: instant)
        let isFirst = !hasKnocked
        hasKnocked = true
        let (verdict, ordinal) = context.admit(
            kind, to: provider, operation: operation, isNewConnection: isFirst, call: call,
            key: key, reference: body == nil ? nil : reference,
            fields: fields, at: instant)
        answered = (head, provider, ordinal)
        outlet = nil
        openOutlet()
        if let reference, body != nil, verdict.refuses {
            service.missed(head, reference: reference, at: instant)
        }
        switch verdict {
        case .refuse(let status, let retryAfter):
            refuse(head, status: status, retryAfter: retryAfter, at: instant)
        case .reset: reset()
        case .mute, .stall, .keepAlive:
            if body == nil { acceptUpgrade() }
            mute()
        case .delay(let wait):
            pending = (head, body)
            admissionTimer = context.loop.schedule(self, token: 1, at: instant + wait)
        case .close(let code, let reason):
            guard body == nil else { return reset() }
            acceptUpgrade()
            carryOut(.close(WebSocketCloseCode(code), reason: reason))
        case .empty where body != nil:
            service.answerEmpty(head, body: body ?? [], at: instant, on: self)
        case .fail(let status): refuse(head, status: status, retryAfter: nil, at: instant)
        case .refusal(let refusal):
            guard refusal.after > .zero else { return refuse(head, refusal, at: instant) }
            refusing = (head, refusal)
            admissionTimer = context.loop.schedule(
                self, token: 2, at: instant + refusal.after)
        case .hang: mute()
        case .freeze: freeze()
        case .cut: end()
        case .pass, .empty, .garble, .drop, .replace, .twice, .slip:
            serve(head, body: body, at: instant)
        }
    }

    private func admitted(at now: Instant) {
        guard let (head, body) = pending else { return }
        pending = nil
        serve(head, body: body, at: now)
        if !isHandling { handleEvents(at: now) }
    }

    private func serve(_ head: HTTPRequestHead, body: [UInt8]?, at instant: Instant) {
        if let body {
            reply = service.answer(head, body: body, at: instant, on: self)
        } else {
            session = service.upgrade(head, at: instant, on: self)
        }
    }

    private func handle(_ event: ServerEvent, at instant: Instant) {
        switch event {
        case .request(let head): self.head = head
        case .requestEnd:
            guard let head else { return }
            self.head = nil
            knock(head, body: wire.body, at: instant)
        case .upgrade(let head): knock(head, body: nil, at: instant)
        case .text, .binary:
            var bytes: [UInt8] = []
            swap(&bytes, &message)
            bytes.removeAll(keepingCapacity: bytes.capacity <= 256 << 10)
            wire.withPayload { payload in payload.withUnsafeBytes { bytes.append(contentsOf: $0) } }
            if event == .text {
                session?.received(text: bytes.span.bytes, at: instant)
            } else {
                session?.received(binary: bytes.span.bytes, at: instant)
            }
            swap(&bytes, &message)
        case .closed(let code):
            context.loop.cancel(closeTimer)
            closeReason = wire.payloadText
            leave(code, at: instant)
        case .failed: leave(.abnormal, at: instant)
        case .ping where passesPings:
            session?.received(ping: wire.payloadBytes, at: instant)
        case .pong where passesPings:
            session?.received(pong: wire.payloadBytes, at: instant)
        case .body, .ping, .pong: break
        }
    }
}
