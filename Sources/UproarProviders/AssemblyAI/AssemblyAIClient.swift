import UproarCore
import UproarRuntime
import UproarWire

/// AssemblyAI's streaming API as our agent hears through it: one WebSocket for each stream; the agent says where turns end.
package final class AssemblyAIClient: SpeechToText {
    private var access: ProviderAccess

    package init(_ access: ProviderAccess) { self.access = access }

    package var provider: ProviderID { access.provider }

    package func open(_ settings: SpeechToTextSettings, handler: any SpeechToTextHandler)
        -> any SpeechToTextStream
    {
        let longest = Duration.seconds(10)
        let query = AssemblyAIQuery(
            format: settings.format, model: access.model,
            minimumSilence: settings.endpointing ?? longest,
            maximumSilence: settings.endpointing ?? longest)
        let stream = AssemblyAIStream(settings, loop: access.loop, handler: handler)
        let socket = access.dial(
            access.base.at("/v3/ws").adding(query.parameters),
            // The key stands alone: this vendor has no scheme word.
            headers: ["Authorization": access.key], deadline: settings.connectDeadline,
            handler: stream)
        stream.begin(on: socket, within: settings.connectDeadline)
        return stream
    }
}

/// One stream of ours to the recogniser.
private final class AssemblyAIStream: SpeechToTextStream, ProviderSocketHandler, TimerHandler {
    /// The server wants 50 to 1000 ms in a message.
    private static let leastPiece = Duration.milliseconds(50)
    private static let queueLimit = 1 << 20

    private let settings: SpeechToTextSettings
    private let loop: EventLoop
    private var handler: (any SpeechToTextHandler)?
    private var socket: ProviderSocket?
    private var timer = TimerID.none
    /// Audio that is too little for a message, or that waits for the session to begin.
    private var pending: [UInt8] = []
    private var hasBegun = false
    private var endsEarly = false
    /// Bytes sent on this stream, and how many had been when the end of the turn was asked for.
    private var sent = 0
    private var asked: Int?
    /// Where the turn in progress begins, in the stream's audio.
    private var turnStart = Duration.zero

    init(_ settings: SpeechToTextSettings, loop: EventLoop, handler: any SpeechToTextHandler) {
        self.settings = settings
        self.loop = loop
        self.handler = handler
    }

    /// - deadline: an accepted socket that has not begun a session by then is none.
    func begin(on socket: ProviderSocket, within deadline: Duration) {
        self.socket = socket
        timer = loop.schedule(self, at: loop.now + deadline)
    }

    func send(audio: RawSpan) {
        audio.withUnsafeBytes { pending.append(contentsOf: $0) }
        // 4 s: older audio is of no use by the time the session begins.
        let limit = settings.format.bytesPerFrame * 200
        if !hasBegun, pending.count > limit { pending.removeFirst(pending.count - limit) }
        flush(isLast: false)
    }

    func finishUtterance() {
        guard hasBegun else {
            endsEarly = true
            return
        }
        flush(isLast: true)
        asked = sent
        socket?.send(json: AssemblyAICommand.forceEndpoint.json)
    }

    func close() {
        handler = nil
        loop.cancel(timer)
        socket?.send(json: AssemblyAICommand.terminate.json)
        socket?.close()
        socket = nil
    }

    private var pieceLimit: Int { settings.format.bytesPerFrame * 50 }

    private func flush(isLast: Bool) {
        guard hasBegun, let socket, !pending.isEmpty else { return }
        guard socket.queuedByteCount < Self.queueLimit else { return fail(.timedOut("stall")) }
        let least =
            settings.format.rate.samples(in: Self.leastPiece)
            * settings.format.encoding.bytesPerSample
        var bytes: [UInt8] = []
        swap(&bytes, &pending)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + pieceLimit)
            if end - start < least {
                guard isLast else { break }
                // A message has to be long enough: silence makes it so.
                let missing = least - (end - start)
                bytes.append(
                    contentsOf: repeatElement(settings.format.encoding.silence, count: missing))
                continue
            }
            socket.send(binary: bytes.span.bytes.extracting(start..<end))
            sent += end - start
            start = end
        }
        bytes.removeFirst(start)
        pending = bytes
    }

    private func fail(_ failure: ProviderFailure) {
        let handler = handler
        self.handler = nil
        loop.cancel(timer)
        socket?.close()
        socket = nil
        handler?.failed(failure, on: self)
    }

    func timerFired(token: UInt64, now: Instant) { fail(.timedOut("connect")) }

    // MARK: ProviderSocketHandler

    func opened(_ headers: HTTPHeaders, on socket: ProviderSocket) {}

    func received(text: RawSpan, on socket: ProviderSocket) {
        let bytes = text.withUnsafeBytes { Array($0) }
        do {
            switch try AssemblyAIMessage(parsing: bytes) {
            case .begin: begin()
            case .turn(let turn): heard(turn)
            case .error(let code, let message): fail(.closed(code: code, reason: message))
            case .malformed(let what): fail(.malformed(what))
            case .speechStarted, .termination, .other: break
            }
        } catch {
            fail(.malformed(error.description))
        }
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        loop.cancel(timer)
        flush(isLast: false)
        handler?.opened(self)
        if endsEarly {
            endsEarly = false
            finishUtterance()
        }
    }

    private func heard(_ turn: AssemblyAIMessage.Turn) {
        let lastWord = turn.words.last?.end ?? turnStart
        if turn.isEnd {
            let end = asked.map { settings.format.duration(bytes: $0) } ?? lastWord
            let start = turnStart
            asked = nil
            turnStart = max(end, turnStart)
            handler?.heard(
                Transcript(
                    text: turn.transcript, isFinal: true, endsUtterance: true,
                    confidence: turn.confidence, start: start,
                    duration: max(end, start) - start), on: self)
        } else {
            handler?.heard(
                Transcript(
                    text: turn.words.map(\.text).joined(separator: " "), isFinal: false,
                    endsUtterance: false, confidence: turn.confidence, start: turnStart,
                    duration: max(lastWord, turnStart) - turnStart), on: self)
        }
    }

    func received(binary: RawSpan, on socket: ProviderSocket) {}

    func failed(_ failure: ProviderFailure, on socket: ProviderSocket) { fail(failure) }
}
