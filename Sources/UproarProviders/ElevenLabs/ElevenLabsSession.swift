import UproarCore
import UproarRuntime
import UproarWire

/// One socket: contexts that text is added to, each spoken in order, ended by the client.
final class ElevenLabsSession: EmulatedSession, TimerHandler {
    let query: ElevenLabsQuery
    let connection: EmulatorConnection
    private let emulator: ElevenLabsEmulator
    private var contexts = OrderedTable<String, ElevenLabsContext>()
    private var needsKey: Bool
    private var lastActivity: Instant
    private var timer = TimerID.none
    private var isClosing = false
    private var isClosed = false
    /// What earlier contexts told about this connection.
    private var call: UInt32?
    private var lastReference: TurnReference?

    /// Contexts open at once on one socket (elevenlabs.io/docs, "Multi-context WebSocket").
    private static let contextLimit = 5
    /// The name of the only context of `stream-input`, and of messages that name none.
    private static let onlyContext = ""

    init(
        _ query: ElevenLabsQuery, needsKey: Bool, emulator: ElevenLabsEmulator,
        connection: EmulatorConnection, at now: Instant
    ) {
        self.query = query
        self.needsKey = needsKey
        self.emulator = emulator
        self.connection = connection
        lastActivity = now
        timer = loop.schedule(self, at: now + query.inactivityLimit)
    }

    private var loop: EventLoop { emulator.context.loop }

    func received(binary: RawSpan, at now: Instant) { received(text: binary, at: now) }

    func received(text: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        lastActivity = now
        do throws(ElevenLabsProblem) {
            let message = try ElevenLabsMessage(parsing: text.withUnsafeBytes { Array($0) })
            if needsKey {
                guard emulator.context.keys.accepts(message.key) else { throw .wrongKey }
                needsKey = false
            }
            try take(message, at: now)
        } catch {
            refuse(error)
        }
    }

    private func take(_ message: ElevenLabsMessage, at now: Instant) throws(ElevenLabsProblem) {
        if message.closesSocket {
            isClosing = true
            for context in contexts.values { context.finish(at: now) }
            if contexts.isEmpty { connection.close(.normal) }
            return
        }
        let id = query.isMultiple ? message.contextID ?? Self.onlyContext : Self.onlyContext
        guard let context = try context(id, for: message, at: now) else { return }
        if let text = message.text {
            if text.isEmpty, !query.isMultiple {
                // An empty text is the end of the only context.
                isClosing = true
                return context.finish(at: now)
            }
            context.receive(text, triggers: message.triggers, at: now)
        }
        if message.flushes { context.flush(at: now) }
        if message.closesContext { context.finish(at: now) }
        learn(context)
    }

    /// The context of this name, begun when need be; nil when the message says nothing to one that is not there.
    private func context(_ id: String, for message: ElevenLabsMessage, at now: Instant)
        throws(ElevenLabsProblem) -> ElevenLabsContext?
    {
        if let known = contexts[id] {
            guard !message.hasVoiceSettings else {
                throw ElevenLabsProblem(
                    1008, "invalid_voice_settings",
                    "voice_settings may only be sent in the first message of a context.")
            }
            return known
        }
        // A keep-alive, or the end of what is over already.
        guard let text = message.text, !text.isEmpty else { return nil }
        guard contexts.count < Self.contextLimit else {
            throw ElevenLabsProblem(
                1008, "max_active_conversations",
                "Maximum simultaneous contexts per WebSocket connection exceeded (\(Self.contextLimit)). Please close existing contexts before opening new ones."
            )
        }
        guard emulator.studio.enter() else { throw .tooMany(emulator.studio.limit ?? 0) }
        let reply = emulator.studio.reply(
            query.format.voice, voice: query.voice, bufferDelay: .zero, call: call,
            earlier: lastReference,
            entry: connection.exchange(.elevenlabs, at: emulator.context.now))
        let context = ElevenLabsContext(
            id, reply: reply, schedule: query.speaksAtOnce ? [] : message.schedule,
            pace: emulator.studio.pace, loop: loop, session: self)
        contexts[id] = context
        return context
    }

    private func learn(_ context: ElevenLabsContext) {
        guard let reference = context.reference else { return }
        call = reference.call
        connection.reference = reference
        lastReference = reference
    }

    /// All of a context has been sent.
    func finished(_ id: String) {
        guard contexts[id] != nil else { return }
        contexts[id] = nil
        emulator.studio.leave()
        if isClosing, contexts.isEmpty { connection.close(.normal) }
    }

    private func refuse(_ problem: ElevenLabsProblem) {
        isClosing = true
        emulator.stateRefusal(problem.status, call: call)
        connection.send(json: problem.socketJSON)
        connection.close(.policyViolation, reason: problem.message)
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        guard !isClosed else { return }
        isClosing = true
        isClosed = true
        loop.cancel(timer)
        let open = contexts.values
        contexts = OrderedTable()
        for context in open {
            context.cancel(at: now)
            emulator.studio.leave()
        }
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isClosed, !isClosing else { return }
        let limit = lastActivity + query.inactivityLimit
        guard now >= limit else {
            timer = loop.schedule(self, at: limit)
            return
        }
        let seconds = query.inactivityLimit.nanoseconds / 1_000_000_000
        refuse(
            ElevenLabsProblem(
                1008, "input_timeout_exceeded",
                "Have not received a new text input within the timeout of \(seconds) seconds. Streaming input terminated. Please make sure to send multiple messages within the timeout."
            ))
    }
}
