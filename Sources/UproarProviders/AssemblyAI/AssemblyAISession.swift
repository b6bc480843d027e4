import UproarCore
import UproarRuntime
import UproarWire

/// One session of `/v3/ws`: the vendor's turns around a `SpeechStream`.
///
/// ```
///  Begin ─► (SpeechStarted ─►) Turn partial* ─► Turn end_of_turn (─► the same, formatted) ─► … ─► Termination, close 1000
/// ```
final class AssemblyAISession: EmulatedSession, SpeechStreamSink, TimerHandler {
    private let query: AssemblyAIQuery
    private let emulator: AssemblyAIEmulator
    private let connection: EmulatorConnection
    private var stream: SpeechStream!
    private let begunAt: Instant
    private var lastActivity: Instant
    private var timer = TimerID.none
    private var minimumSilence: Duration
    private var maximumSilence: Duration
    private var turn = 0
    private var hasAnnouncedTurn = false
    private var isClosing = false
    private var isClosed = false
    /// The latest message was shorter than allowed: only the last one may be.
    private var hasShortAudio = false

    /// A session's longest life (close code 3008).
    private static let lifetime = Duration.seconds(3 * 3600)
    private static let audioLimits = Duration.milliseconds(50)...Duration.milliseconds(1000)

    init(
        _ query: AssemblyAIQuery, ordinal: UInt64, emulator: AssemblyAIEmulator,
        connection: EmulatorConnection, at now: Instant
    ) {
        self.query = query
        self.emulator = emulator
        self.connection = connection
        begunAt = now
        lastActivity = now
        minimumSilence = query.minimumSilence
        maximumSilence = max(query.minimumSilence, query.maximumSilence)
        let context = emulator.context
        var settings = SpeechStream.Settings(
            provider: .assemblyai, format: query.format, ordinal: ordinal,
            latency: connection.entry?.timing?.first ?? emulator.emulation.latency,
            latencyLabel: "assemblyai latency")
        settings.endpointing = minimumSilence
        settings.pauseLimit = maximumSilence
        settings.sendsInterims = true
        settings.announcesSpeech = query.writesFormatted
        // Sessions are billed for as long as they are open (assemblyai.com/pricing).
        settings.billedSince = now
        stream = SpeechStream(
            settings, vocabulary: emulator.vocabulary, context: context, sink: self,
            on: connection)
        send(
            .begin(
                id: context.uuid("assemblyai session", ordinal),
                expiresAt: context.unixSeconds + Self.lifetime.nanoseconds / 1_000_000_000))
        watch(at: now)
    }

    private var context: EmulatorContext { emulator.context }

    // MARK: EmulatedSession

    func received(text: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        lastActivity = now
        let command: AssemblyAICommand
        do { command = try AssemblyAICommand(parsing: text.withUnsafeBytes { Array($0) }) } catch {
            return close(AssemblyAIEmulator.badMessage, "Invalid JSON: \(error)", at: now)
        }
        switch command {
        case .keepAlive: break
        case .forceEndpoint: stream.finish(at: now)
        case .updateConfiguration(let minimum, let maximum):
            minimumSilence = minimum ?? minimumSilence
            maximumSilence = max(minimumSilence, maximum ?? maximumSilence)
            stream.setEndpointing(minimumSilence, pauseLimit: maximumSilence)
        case .terminate:
            isClosing = true
            stream.end(at: now)
        case .unknown(let kind):
            close(AssemblyAIEmulator.badMessage, "Invalid message type: \(kind)", at: now)
        }
    }

    func received(binary: RawSpan, at now: Instant) {
        guard !isClosing else { return }
        lastActivity = now
        let duration = query.format.duration(bytes: binary.byteCount)
        guard !hasShortAudio, duration <= Self.audioLimits.upperBound else {
            return close(
                AssemblyAIEmulator.badAudio,
                "Input Duration Violation: \(duration.inMilliseconds) ms. Expected between 50 and 1000 ms",
                at: now)
        }
        hasShortAudio = duration < Self.audioLimits.lowerBound
        stream.receive(binary, at: now)
        connection.reference = stream.reference
    }

    func closed(_ code: WebSocketCloseCode, at now: Instant) {
        guard !isClosed else { return }
        isClosing = true
        isClosed = true
        context.loop.cancel(timer)
        stream.close(at: now)
        emulator.left()
    }

    private func close(_ code: WebSocketCloseCode, _ reason: String, at now: Instant) {
        isClosing = true
        emulator.stateRefusal(Int(code.rawValue), call: stream.call, at: now)
        send(.error(code: Int(code.rawValue), message: reason))
        connection.close(code, reason: reason)
    }

    // MARK: Saying

    func say(_ message: SpeechStream.Message, at now: Instant) {
        switch message {
        case .interim(let result, let isWhole):
            guard !query.writesFormatted || query.sendsContinuousPartials || isWhole else {
                return
            }
            send(.turn(turn(result, isEnd: false, isFormatted: false)))
        case .final(let result):
            guard !result.words.isEmpty else { return }
            if !query.writesFormatted {
                send(.turn(turn(result, isEnd: true, isFormatted: false)))
            }
            if query.writesFormatted || query.formatsTurns {
                send(.turn(turn(result, isEnd: true, isFormatted: true)))
            }
            turn += 1
            hasAnnouncedTurn = false
        case .speechStarted(let time):
            // Once for a turn, however often its speaker pauses.
            guard !hasAnnouncedTurn else { return }
            hasAnnouncedTurn = true
            send(.speechStarted(at: time))
        case .utteranceEnd: break
        case .over(let audio):
            send(.termination(audio: audio, session: now - begunAt))
            connection.close(.normal)
        }
    }

    /// In a partial the last word may still change.
    private func turn(_ result: SpeechStream.Result, isEnd: Bool, isFormatted: Bool)
        -> AssemblyAIMessage.Turn
    {
        let isWritten = isFormatted || query.writesFormatted
        let words = result.words.enumerated().map { index, word in
            AssemblyAIMessage.Word(
                text: isWritten ? word.written : word.plain, start: word.start, end: word.end,
                confidence: result.confidence, isFinal: isEnd || index < result.words.count - 1)
        }
        let shown = isWritten || isEnd ? words : words.filter(\.isFinal)
        return AssemblyAIMessage.Turn(
            order: turn, isEnd: isEnd, isFormatted: isFormatted,
            confidence: isEnd ? (query.writesFormatted ? 1 : 0.9) : 0.1,
            transcript: shown.map(\.text).joined(separator: " "), words: words)
    }

    private func send(_ message: AssemblyAIMessage) { connection.send(json: message.json) }

    // MARK: Limits

    private func watch(at now: Instant) {
        let end = begunAt + Self.lifetime
        let idle = query.inactivityLimit.map { lastActivity + $0 } ?? end
        timer = context.loop.schedule(self, at: max(min(end, idle), now + .milliseconds(1)))
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isClosing else { return }
        if now >= begunAt + Self.lifetime {
            return close(
                AssemblyAIEmulator.expired, "Session Expired: Maximum session duration exceeded",
                at: now)
        }
        if let limit = query.inactivityLimit, now >= lastActivity + limit {
            return close(
                AssemblyAIEmulator.serverError, "Session Cancelled: no activity", at: now)
        }
        watch(at: now)
    }
}
