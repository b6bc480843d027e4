import UproarCore
import UproarRuntime
import UproarWire

/// One WebSocket of `/tts/websocket`: several contexts, told apart by their ids.
final class CartesiaSession: EmulatedSession, TimerHandler {
    private let emulator: CartesiaEmulator
    let connection: EmulatorConnection
    private let version: CartesiaVersion
    private var contexts = OrderedTable<String, CartesiaContext>()
    private var lastActivity: Instant
    private var idleTimer = TimerID.none
    private var isClosed = false
    /// What earlier contexts told about this connection.
    private var call: UInt32?
    private var lastReference: TurnReference?

    /// The vendor closes an idle socket after five minutes (docs.cartesia.ai, "Concurrency and timeouts").
    private static let idleLimit = Duration.seconds(300)
    /// Open at once on one socket, whatever the plan allows: a client that never ends its contexts must not fill the memory.
    private static let contextLimit = 256

    init(
        emulator: CartesiaEmulator, connection: EmulatorConnection, version: CartesiaVersion,
        at now: Instant
    ) {
        self.emulator = emulator
        self.connection = connection
        self.version = version
        lastActivity = now
        idleTimer = emulator.context.loop.schedule(self, at: now + Self.idleLimit)
    }

    private var loop: EventLoop { emulator.context.loop }

    func received(text: RawSpan, at now: Instant) {
        lastActivity = now
        let bytes = text.withUnsafeBytes { Array($0) }
        do throws(CartesiaProblem) {
            switch try CartesiaRequest.message(parsing: bytes) {
            case .generate(let request): try generate(request, at: now)
            case .cancel(let id):
                contexts[id]?.pump.cancel(at: now)
                remove(id)
            }
        } catch {
            emulator.refused(error, at: now)
            connection.send(json: error.message(version, requestID: emulator.requestID()))
        }
    }

    func received(binary: RawSpan, at now: Instant) {
        received(text: binary, at: now)
    }

    private func generate(_ request: CartesiaRequest, at now: Instant) throws(CartesiaProblem) {
        guard let id = request.contextID else { return }
        if let known = contexts[id] {
            known.receive(request, at: now)
            return learn(known)
        }
        // The end of a context that expired, or was never begun.
        guard !request.transcript.isEmpty || request.continues else {
            var bytes: [UInt8] = []
            CartesiaWriter(contextID: id).done(into: &bytes)
            return connection.send(text: bytes.span.bytes)
        }
        guard contexts.count < Self.contextLimit else {
            throw CartesiaProblem.concurrencyLimited.inContext(id)
        }
        do { try emulator.admit() } catch { throw error.inContext(id) }
        let reply = emulator.reply(
            to: request, call: call, earlier: lastReference,
            entry: connection.exchange(.cartesia, at: now))
        let context = CartesiaContext(
            request, reply: reply, pace: emulator.settings.pace, loop: loop, session: self)
        contexts[id] = context
        context.receive(request, at: now)
        learn(context)
    }

    private func learn(_ context: CartesiaContext) {
        guard let reference = context.pump.reply.reference else { return }
        call = reference.call
        lastReference = reference
        connection.reference = reference
    }

    func remove(_ id: String) {
        guard contexts[id] != nil else { return }
        contexts[id] = nil
        emulator.leave()
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        isClosed = true
        loop.cancel(idleTimer)
        for context in contexts.values {
            context.pump.cancel(at: now)
            emulator.leave()
        }
        contexts = OrderedTable()
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isClosed else { return }
        if now >= lastActivity + Self.idleLimit, contexts.isEmpty {
            connection.close(.normal, reason: "idle for five minutes")
        } else {
            idleTimer = loop.schedule(
                self, at: max(lastActivity, now - Self.idleLimit / 2) + Self.idleLimit)
        }
    }
}

/// One context: a reply, spoken as its text comes.
final class CartesiaContext: VoiceSink {
    let id: String
    private(set) var pump: VoicePump!
    /// Kept until it is closed: a cut may end it in the middle of a piece.
    private let session: CartesiaSession
    private let writer: CartesiaWriter
    private let addsTimestamps: Bool
    /// Where a flush (or, without buffering, each text) ends, in units of the reply.
    private var flushMarks: [Int] = []
    private var flushCount = 0
    private var message: [UInt8] = []

    init(
        _ request: CartesiaRequest, reply: VoiceReply, pace: VoicePump.Pace, loop: EventLoop,
        session: CartesiaSession
    ) {
        id = request.contextID ?? ""
        self.session = session
        writer = CartesiaWriter(contextID: id)
        addsTimestamps = request.addsTimestamps
        pump = VoicePump(reply, pace: pace, loop: loop, sink: self)
    }

    func receive(_ request: CartesiaRequest, at now: Instant) {
        let reply = pump.reply
        reply.receive(request.transcript, at: now)
        if request.flushes { reply.flush(at: now) }
        if !request.continues { reply.finishText(at: now) }
        let hasText = request.transcript.contains { !$0.isWhitespace }
        if request.flushes || reply.settings.bufferDelay == .zero && hasText {
            flushMarks.append(reply.unitCount)
        }
        pump.pump(at: now)
    }

    // MARK: VoiceSink

    var queuedByteCount: Int { session.connection.queuedByteCount }

    func together(_ body: () -> Void) { session.connection.together(body) }

    func send(audio: RawSpan, words: [SpokenWord], step: Duration) {
        put { writer.chunk(audio, step: step, flushID: flushCount + 1, into: &$0) }
        if addsTimestamps, !words.isEmpty {
            put { writer.timestamps(words, flushID: flushCount + 1, into: &$0) }
        }
        sendFlushes()
    }

    func caughtUp() { sendFlushes() }

    private func sendFlushes() {
        while let mark = flushMarks.first, pump.reply.spokenUnitCount >= mark {
            flushMarks.removeFirst()
            flushCount += 1
            put { writer.flushDone(flushCount, into: &$0) }
        }
    }

    /// An expired context ends without a word: text that comes later under its id begins a new one.
    func finished(_ end: VoiceEnd) {
        if end == .whole { put { writer.done(into: &$0) } }
        session.remove(id)
    }

    private func put(_ write: (inout [UInt8]) -> Void) {
        var bytes: [UInt8] = []
        swap(&bytes, &message)
        bytes.removeAll(keepingCapacity: true)
        write(&bytes)
        session.connection.send(text: bytes.span.bytes)
        swap(&bytes, &message)
    }
}
