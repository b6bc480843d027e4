import UproarCore
import UproarRuntime
import UproarWire

/// Cartesia's voices as our agent speaks through them: one WebSocket for a call, one context for a reply.
package final class CartesiaClient: TextToSpeech {
    private var access: ProviderAccess

    package init(_ access: ProviderAccess) { self.access = access }

    package var provider: ProviderID { access.provider }

    package func open(_ settings: TextToSpeechSettings, handler: any VoiceHandler)
        -> any VoiceStream
    {
        let stream = CartesiaStream(
            settings, model: access.model, name: access.name(), handler: handler)
        stream.begin(
            on: access.dial(
                access.base.at("/tts/websocket"),
                headers: ["X-API-Key": access.key, "Cartesia-Version": "2026-03-01"],
                deadline: settings.connectDeadline, handler: stream))
        return stream
    }
}

/// One call's socket to the voice.
private final class CartesiaStream: VoiceStream, ProviderSocketHandler {
    private let request: [JSONValue.Member]
    /// The contexts of this stream are called `NAME-1`, `NAME-2`, …
    private let name: String
    private var handler: (any VoiceHandler)?
    private var socket: ProviderSocket?
    private var isOpen = false
    /// Messages from before the socket was open.
    private var early: [JSONValue] = []
    /// Begun and neither finished nor cancelled.
    private var underWay: [Int] = []
    private var audio: [UInt8] = []

    /// A reply has some ten clauses; more than this before the socket opens is a stream nobody reads.
    private static let earlyLimit = 256

    init(
        _ settings: TextToSpeechSettings, model: String, name: String, handler: any VoiceHandler
    ) {
        self.name = name
        self.handler = handler
        let encoding =
            switch settings.format.encoding {
            case .linear16: "pcm_s16le"
            case .mulaw: "pcm_mulaw"
            case .alaw: "pcm_alaw"
            }
        request = [
            .init("model_id", .string(model)),
            .init("voice", ["mode": "id", "id": .string(settings.voice)]),
            .init(
                "output_format",
                [
                    "container": "raw", "encoding": .string(encoding),
                    "sample_rate": JSONValue(settings.format.rate.value),
                ]), .init("language", .string(settings.language)), .init("add_timestamps", true),
            .init("max_buffer_delay_ms", 0),
        ]
    }

    func begin(on socket: ProviderSocket) { self.socket = socket }

    // MARK: VoiceStream

    func speak(_ text: String, reply: Int) {
        if !underWay.contains(reply) { underWay.append(reply) }
        generate(text, reply, continues: true)
    }

    func finishText(reply: Int) {
        guard underWay.contains(reply) else { return }
        generate("", reply, continues: false)
    }

    func cancel(reply: Int) {
        guard let place = underWay.firstIndex(of: reply) else { return }
        underWay.remove(at: place)
        send(["context_id": .string(contextID(reply)), "cancel": true])
    }

    func close() {
        handler = nil
        socket?.close()
        socket = nil
    }

    private func generate(_ text: String, _ reply: Int, continues: Bool) {
        send(
            .object(
                [
                    .init("context_id", .string(contextID(reply))),
                    .init("transcript", .string(text)), .init("continue", .bool(continues)),
                ] + request))
    }

    private func contextID(_ reply: Int) -> String { "\(name)-\(reply)" }

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
        underWay = []
        socket?.close()
        socket = nil
        handler?.failed(failure, reply: nil, on: self)
    }

    // MARK: ProviderSocketHandler

    func opened(_ headers: HTTPHeaders, on socket: ProviderSocket) {
        isOpen = true
        for message in early { socket.send(json: message) }
        early = []
        handler?.opened(self)
    }

    func received(text: RawSpan, on socket: ProviderSocket) {
        let whole = text.withUnsafeBytes { Array($0) }
        // The audio is by far the most of all bytes: its messages are not made into values. They are proven JSON all the same: what
        // only looks like audio must not be spoken.
        if JSONScanner.holds(text, at: "type", "chunk"),
            let data = JSONScanner.string(text, at: "data"), !data.hasEscapes,
            let id = JSONScanner.string(text, at: "context_id"),
            let reply = reply(JSONScanner.unescaped(text, id))
        {
            do { try JSONParser.check(whole) } catch { return fail(.malformed(error.description)) }
            var bytes: [UInt8] = []
            swap(&bytes, &audio)
            bytes.removeAll(keepingCapacity: true)
            guard Base64.decode(text.extracting(data.range), into: &bytes) else {
                return fail(.malformed("a chunk whose audio is not Base64"))
            }
            handler?.received(audio: bytes.span.bytes, reply: reply, on: self)
            swap(&bytes, &audio)
            return
        }
        let message: JSONValue
        do { message = try JSONParser.parse(whole) } catch {
            return fail(.malformed(error.description))
        }
        receive(message)
    }

    private func receive(_ message: JSONValue) {
        let reply = reply(message["context_id"]?.text)
        guard let type = message["type"]?.text else {
            return fail(.malformed("a message without a type"))
        }
        switch type {
        case "chunk":
            // One of a cancelled reply may come late; one of a reply of ours has no audio, or it had been spoken.
            if reply != nil { fail(.malformed("a chunk without audio")) }
        case "timestamps":
            guard let reply, let times = message["word_timestamps"] else { return }
            handler?.received(words: Self.words(times), reply: reply, on: self)
        case "done":
            guard let reply else { return }
            underWay.removeAll { $0 == reply }
            handler?.finished(reply: reply, on: self)
        case "error":
            let failure = Self.failure(message)
            guard message["context_id"]?.text != nil else { return fail(failure) }
            guard let reply else { return }
            underWay.removeAll { $0 == reply }
            handler?.failed(failure, reply: reply, on: self)
        default: break
        }
    }

    /// The reply a context belongs to; nil when it was cancelled or is none of ours.
    private func reply(_ id: String?) -> Int? {
        guard let id, id.hasPrefix(name + "-"), let reply = Int(id.dropFirst(name.count + 1)),
            underWay.contains(reply)
        else { return nil }
        return reply
    }

    private static func words(_ times: JSONValue) -> [SpokenWord] {
        let words = times["words"]?.items ?? []
        let starts = times["start"]?.items ?? []
        let ends = times["end"]?.items ?? []
        return zip(words, zip(starts, ends)).compactMap { word, time in
            guard let text = word.text, let start = time.0.double, let end = time.1.double,
                abs(start) < 1e6, abs(end) < 1e6
            else { return nil }
            return SpokenWord(text: text, start: .fromSeconds(start), end: .fromSeconds(end))
        }
    }

    private static func failure(_ message: JSONValue) -> ProviderFailure {
        let words =
            message["message"]?.text ?? message["error"]?.text ?? message.text(pretty: false)
        guard let status = message["status_code"]?.int else { return .reported(words) }
        return .refused(status: status, body: words, retryAfter: nil)
    }

    func received(binary: RawSpan, on socket: ProviderSocket) {}

    func failed(_ failure: ProviderFailure, on socket: ProviderSocket) { fail(failure) }
}
