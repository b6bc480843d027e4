import UproarCore
import UproarRuntime
import UproarWire

/// Deepgram's live API as our agent hears through it: one WebSocket for each stream.
package final class DeepgramClient: SpeechToText {
    private var access: ProviderAccess

    package init(_ access: ProviderAccess) { self.access = access }

    package var provider: ProviderID { access.provider }

    package func open(_ settings: SpeechToTextSettings, handler: any SpeechToTextHandler)
        -> any SpeechToTextStream
    {
        let stream = DeepgramStream(settings, loop: access.loop, handler: handler)
        stream.begin(
            on: access.dial(
                access.base.at("/v1/listen").adding(query(settings)),
                headers: ["Authorization": "Token " + access.key],
                deadline: settings.connectDeadline, handler: stream))
        return stream
    }

    private func query(_ settings: SpeechToTextSettings) -> FormParameters {
        var query: FormParameters = [
            ("model", access.model), ("language", settings.language),
            ("encoding", settings.format.encoding.rawValue),
            ("sample_rate", String(settings.format.rate.value)), ("channels", "1"),
            ("interim_results", "true"), ("punctuate", "true"), ("smart_format", "false"),
        ].reduce(into: FormParameters()) { $0.add($1.0, $1.1) }
        query.add(
            "endpointing",
            settings.endpointing.map { String($0.nanoseconds / 1_000_000) } ?? "false")
        return query
    }
}

/// One stream of ours to the recogniser.
private final class DeepgramStream: SpeechToTextStream, ProviderSocketHandler, TimerHandler {
    private let settings: SpeechToTextSettings
    private let loop: EventLoop
    private var handler: (any SpeechToTextHandler)?
    private var socket: ProviderSocket?
    private var timer = TimerID.none
    private var lastSent = Instant.zero
    /// Audio and commands from before the socket was open, in order.
    private var early: [UInt8] = []
    private var finishesEarly = false

    /// The server closes after 10 s without audio (developers.deepgram.com, "Audio Keep Alive").
    private static let keepAliveInterval = Duration.seconds(5)
    /// What may wait for the connection: 4 s of audio; older audio is of no use by then.
    private var earlyLimit: Int { settings.format.bytesPerFrame * 200 }
    /// What may wait for a peer that does not read.
    private static let queueLimit = 1 << 20

    init(_ settings: SpeechToTextSettings, loop: EventLoop, handler: any SpeechToTextHandler) {
        self.settings = settings
        self.loop = loop
        self.handler = handler
    }

    func begin(on socket: ProviderSocket) { self.socket = socket }

    func send(audio: RawSpan) {
        guard let socket else { return }
        guard socket.isOpen else {
            audio.withUnsafeBytes { early.append(contentsOf: $0) }
            if early.count > earlyLimit { early.removeFirst(early.count - earlyLimit) }
            return
        }
        guard socket.queuedByteCount < Self.queueLimit else {
            return fail(.timedOut("stall"))
        }
        lastSent = loop.now
        socket.send(binary: audio)
    }

    func finishUtterance() {
        guard let socket, socket.isOpen else {
            finishesEarly = true
            return
        }
        socket.send(json: ["type": "Finalize"])
    }

    func close() {
        handler = nil
        loop.cancel(timer)
        // What is still to be said is not waited for: the call is over.
        socket?.send(json: ["type": "CloseStream"])
        socket?.close()
        socket = nil
    }

    private func fail(_ failure: ProviderFailure) {
        let handler = handler
        self.handler = nil
        loop.cancel(timer)
        socket?.close()
        socket = nil
        handler?.failed(failure, on: self)
    }

    func timerFired(token: UInt64, now: Instant) {
        guard let socket else { return }
        if now - lastSent >= Self.keepAliveInterval {
            socket.send(json: ["type": "KeepAlive"])
            lastSent = now
        }
        timer = loop.schedule(self, at: lastSent + Self.keepAliveInterval)
    }

    // MARK: ProviderSocketHandler

    func opened(_ headers: HTTPHeaders, on socket: ProviderSocket) {
        let waiting = early
        early = []
        if !waiting.isEmpty { socket.send(binary: waiting.span.bytes) }
        if finishesEarly { socket.send(json: ["type": "Finalize"]) }
        lastSent = loop.now
        timer = loop.schedule(self, at: lastSent + Self.keepAliveInterval)
        handler?.opened(self)
    }

    func received(text: RawSpan, on socket: ProviderSocket) {
        let bytes = text.withUnsafeBytes { Array($0) }
        do {
            switch try DeepgramMessage(parsing: bytes) {
            case .transcript(let transcript): handler?.heard(transcript, on: self)
            case .failure(let words): fail(.reported(words))
            case .malformed(let what): fail(.malformed(what))
            case .other: break
            }
        } catch {
            fail(.malformed(error.description))
        }
    }

    func received(binary: RawSpan, on socket: ProviderSocket) {}

    func failed(_ failure: ProviderFailure, on socket: ProviderSocket) { fail(failure) }
}

/// What a server of `/v1/listen` says, as far as a client needs it.
package enum DeepgramMessage: Hashable, Sendable {
    case transcript(Transcript)
    case failure(String)
    /// JSON, but not what this vendor says.
    case malformed(String)
    /// `SpeechStarted`, `UtteranceEnd`, `Metadata` and kinds yet to come.
    case other

    /// Most of a result, and of no interest: when each word was said, and by which model it was heard.
    private static let bulk: [StaticString] = ["words", "metadata"]

    package init(parsing bytes: [UInt8]) throws(JSONError) {
        let json = try JSONParser.parse(bytes, without: Self.bulk)
        switch json["type"]?.text {
        case "Results":
            let alternative = json["channel"]?["alternatives"]?[0]
            guard let text = alternative?["transcript"]?.text else {
                self = .malformed("a result without a transcript")
                return
            }
            let isFinal = json["is_final"]?.isTrue ?? false
            self = .transcript(
                Transcript(
                    text: text, isFinal: isFinal,
                    endsUtterance: isFinal
                        && (json["speech_final"]?.isTrue == true
                            || json["from_finalize"]?.isTrue == true),
                    confidence: alternative?["confidence"]?.double ?? 0,
                    start: .fromSeconds(Self.time(json["start"])),
                    duration: .fromSeconds(Self.time(json["duration"]))))
        case "Error":
            let words = json["description"]?.text ?? json["message"]?.text
            self = .failure(words ?? json.text(pretty: false))
        case nil: self = .malformed("a message without a type")
        default: self = .other
        }
    }

    /// Numbers from outside: what no stream can be as long as reads as 0.
    private static func time(_ value: JSONValue?) -> Double {
        guard let seconds = value?.double, abs(seconds) < 1e8 else { return 0 }
        return seconds
    }
}
