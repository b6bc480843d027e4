import UproarCore
import UproarRuntime
import UproarWire

/// ElevenLabs' voices as our agent speaks through them: one multi-context WebSocket for a call, one context for a reply.
package final class ElevenLabsClient: TextToSpeech {
    private var access: ProviderAccess

    package init(_ access: ProviderAccess) { self.access = access }

    package var provider: ProviderID { access.provider }

    package func open(_ settings: TextToSpeechSettings, handler: any VoiceHandler)
        -> any VoiceStream
    {
        let voice = PercentEncoding.encode(settings.voice)
        let query: FormParameters = [
            "model_id": access.model, "output_format": Self.outputFormat(settings.format),
            "auto_mode": "true", "inactivity_timeout": "180", "sync_alignment": "true",
            "language_code": settings.language,
        ]
        let url = access.base.at("/v1/text-to-speech/\(voice)/multi-stream-input").adding(query)
        let stream = ElevenLabsStream(
            name: access.name(), format: settings.format, loop: access.loop, handler: handler)
        stream.begin(
            on: access.dial(
                url, headers: ["xi-api-key": access.key], deadline: settings.connectDeadline,
                handler: stream))
        return stream
    }

    private static func outputFormat(_ format: AudioFormat) -> String {
        switch format.encoding {
        case .mulaw: "ulaw_\(format.rate.value)"
        case .alaw: "alaw_\(format.rate.value)"
        case .linear16: "pcm_\(format.rate.value)"
        }
    }
}

/// One call's socket to the voice.
private final class ElevenLabsStream: VoiceStream, ProviderSocketHandler, TimerHandler {
    /// The server closes a socket after 180 s without text; an empty text resets that.
    private static let keepAliveInterval = Duration.seconds(60)
    private static let earlyLimit = 256

    private struct Context {
        var reply: Int
        /// The voice's settings stand in the first message only.
        var hasBegun = false
        /// Audio received, which alignments count from.
        var made = Duration.zero
    }

    /// The contexts of this stream are called `NAME-1`, `NAME-2`, …
    private let name: String
    private let format: AudioFormat
    private let loop: EventLoop
    private var handler: (any VoiceHandler)?
    private var socket: ProviderSocket?
    private var isOpen = false
    /// Messages from before the socket was open.
    private var early: [JSONValue] = []
    private var contexts: [Context] = []
    private var audio: [UInt8] = []
    private var timer = TimerID.none

    init(name: String, format: AudioFormat, loop: EventLoop, handler: any VoiceHandler) {
        self.name = name
        self.format = format
        self.loop = loop
        self.handler = handler
    }

    func begin(on socket: ProviderSocket) { self.socket = socket }

    // MARK: VoiceStream

    func speak(_ text: String, reply: Int) {
        let place: Int
        if let known = contexts.firstIndex(where: { $0.reply == reply }) {
            place = known
        } else {
            contexts.append(Context(reply: reply))
            place = contexts.count - 1
        }
        let id = contextID(reply)
        if !contexts[place].hasBegun {
            contexts[place].hasBegun = true
            send([
                "text": " ", "context_id": .string(id),
                "voice_settings": ["stability": 0.5, "similarity_boost": 0.75],
            ])
        }
        // A text ends with a blank: the next piece is another word.
        let text = text.last?.isWhitespace == true ? text : text + " "
        send(ElevenLabsMessage(contextID: id, text: text).json)
    }

    func finishText(reply: Int) {
        guard contexts.contains(where: { $0.reply == reply }) else { return }
        send(ElevenLabsMessage(contextID: contextID(reply), flushes: true).json)
        send(ElevenLabsMessage(contextID: contextID(reply), closesContext: true).json)
    }

    func cancel(reply: Int) {
        guard let place = contexts.firstIndex(where: { $0.reply == reply }) else { return }
        contexts.remove(at: place)
        send(ElevenLabsMessage(contextID: contextID(reply), closesContext: true).json)
    }

    func close() {
        handler = nil
        loop.cancel(timer)
        socket?.send(json: ElevenLabsMessage(closesSocket: true).json)
        socket?.close()
        socket = nil
    }

    private func contextID(_ reply: Int) -> String { "\(name)-\(reply)" }

    private func place(of id: String?) -> Int? {
        guard let id, id.hasPrefix(name + "-"), let reply = Int(id.dropFirst(name.count + 1))
        else { return nil }
        return contexts.firstIndex { $0.reply == reply }
    }

    private func send(_ message: JSONValue) {
        guard let socket else { return }
        if isOpen {
            socket.send(json: message)
        } else if early.count < Self.earlyLimit {
            early.append(message)
        } else {
            fail(.timedOut("connect"))
        }
    }

    private func fail(_ failure: ProviderFailure) {
        let handler = handler
        self.handler = nil
        contexts = []
        loop.cancel(timer)
        socket?.close()
        socket = nil
        handler?.failed(failure, reply: nil, on: self)
    }

    func timerFired(token: UInt64, now: Instant) {
        send(["text": ""])
        timer = loop.schedule(self, at: now + Self.keepAliveInterval)
    }

    // MARK: ProviderSocketHandler

    func opened(_ headers: HTTPHeaders, on socket: ProviderSocket) {
        isOpen = true
        for message in early { socket.send(json: message) }
        early = []
        timer = loop.schedule(self, at: loop.now + Self.keepAliveInterval)
        handler?.opened(self)
    }

    func received(text: RawSpan, on socket: ProviderSocket) {
        var audio = JSONScanner.string(text, at: "audio")
        if audio?.hasEscapes == true { audio = nil }
        // Audio aside, which is read where it stands, a message is small: its alignment, or the end.
        let message: JSONValue
        do {
            message = try JSONParser.parse(
                text.withUnsafeBytes { Array($0) }, without: audio == nil ? [] : ["audio"])
        } catch { return fail(.malformed(error.description)) }
        if let audio { receive(audio: text, audio) }
        if let words = message["error"]?.text {
            return fail(
                .closed(
                    code: message["code"]?.int ?? 1008,
                    reason: message["message"]?.text ?? words))
        }
        guard let place = place(of: Self.id(message)) else { return }
        let reply = contexts[place].reply
        guard audio != nil || message["audio"] != nil || message["isFinal"]?.isTrue == true else {
            return fail(.malformed("a message with neither audio nor an end"))
        }
        if let alignment = message["alignment"], !alignment.isNull {
            let start = contexts[place].made - lastPiece
            let words = Self.words(alignment, from: start)
            if !words.isEmpty { handler?.received(words: words, reply: reply, on: self) }
        }
        if message["isFinal"]?.isTrue == true {
            contexts.removeAll { $0.reply == reply }
            handler?.finished(reply: reply, on: self)
        }
    }

    /// The length of the audio of the message in hand: its alignment counts from its beginning.
    private var lastPiece = Duration.zero

    private func receive(audio text: RawSpan, _ data: JSONScanner.Text) {
        guard
            let id = JSONScanner.string(text, at: "contextId")
                ?? JSONScanner.string(text, at: "context_id"),
            let place = place(of: JSONScanner.unescaped(text, id))
        else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &audio)
        bytes.removeAll(keepingCapacity: true)
        guard Base64.decode(text.extracting(data.range), into: &bytes) else {
            return fail(.malformed("a chunk whose audio is not Base64"))
        }
        lastPiece = format.duration(bytes: bytes.count)
        contexts[place].made += lastPiece
        handler?.received(audio: bytes.span.bytes, reply: contexts[place].reply, on: self)
        swap(&bytes, &audio)
    }

    /// The vendor has spelt it both ways.
    private static func id(_ message: JSONValue) -> String? {
        message["contextId"]?.text ?? message["context_id"]?.text
    }

    /// Words of an alignment by characters: what lies between blanks.
    private static func words(_ alignment: JSONValue, from start: Duration) -> [SpokenWord] {
        let characters = alignment["chars"]?.items ?? []
        let starts = alignment["charStartTimesMs"]?.items ?? []
        let lengths =
            (alignment["charDurationsMs"] ?? alignment["charsDurationsMs"])?.items ?? []
        var words: [SpokenWord] = []
        var word = ""
        var began = Duration.zero
        var ended = Duration.zero
        func end() {
            if !word.isEmpty {
                words.append(SpokenWord(text: word, start: start + began, end: start + ended))
            }
            word = ""
        }
        for (character, (from, length)) in zip(characters, zip(starts, lengths)) {
            guard let text = character.text, let from = from.double, let length = length.double,
                abs(from) < 1e8, abs(length) < 1e8
            else { return words }
            if text.allSatisfy(\.isWhitespace) {
                end()
                continue
            }
            if word.isEmpty { began = .fromSeconds(from / 1000) }
            word += text
            ended = .fromSeconds((from + length) / 1000)
        }
        end()
        return words
    }

    func received(binary: RawSpan, on socket: ProviderSocket) {}

    func failed(_ failure: ProviderFailure, on socket: ProviderSocket) { fail(failure) }
}
