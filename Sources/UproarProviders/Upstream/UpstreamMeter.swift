import UproarAudio
import UproarCore
import UproarWire

/// What a real vendor is paid for, counted from what passes. What cannot be told from it is said to be unknown, never nothing.
///
/// | operation | counted |
/// |---|---|
/// | Deepgram's streams | bytes of audio, by the format that the upgrade names |
/// | AssemblyAI's stream | the time it is open, as it is billed |
/// | audio files | the length that the answer tells, else the file's own WAV head |
/// | voices | characters sent; audio received, where its format has so many bytes a second |
/// | models, but for realtime sessions | the tokens that the vendor says it has counted |
/// | anything else that is asked of these vendors | unknown |
///
/// Nothing is left out: a vendor is paid for references, too.
struct UpstreamMeter {
    enum Kind: Hashable {
        /// A stream of audio; nil: in a format whose length bytes do not tell.
        case hears(AudioFormat?)
        case hearsFile
        /// Paid for by the time it is open.
        case isOpen
        case speaks
        case models
        case unseen
        /// Nothing is paid for.
        case free
    }

    let provider: ProviderID
    let kind: Kind
    private let isSocket: Bool
    private var openedAt: Instant?
    private var statedAt: Instant?
    /// Bytes of audio on their way to the vendor, not yet stated.
    private var heardBytes = 0
    private var fileLength: Duration?
    private var characters: Int64 = 0
    private var sound: SoundCount?
    private var tokens: UpstreamUsage?
    private var answers: Int64 = 0
    private var isUncounted = false
    /// Something was answered whole since the last statement.
    private var hasFinished = false
    /// The end of the text that was to be spoken: words of a reference may come in two messages.
    private var text: [UInt8] = []
    /// Of an answer over HTTP, where vendors say what they have counted.
    private var head: [UInt8] = []
    private var tail: [UInt8] = []

    private static let keptLimit = 4096
    private static let interval = Duration.seconds(10)

    /// - body: nil for an upgrade.
    init(_ request: HTTPRequestHead, body: [UInt8]?, provider: ProviderID) {
        self.provider = provider
        isSocket = body == nil
        kind = Self.kind(of: request, isUpgrade: body == nil, provider)
        guard let body else {
            if provider == .elevenlabs {
                sound = Self.elevenLabs(request).map { .init($0, in: "audio") }
            }
            return
        }
        switch kind {
        case .hearsFile: fileLength = Self.length(ofFileIn: request, body, provider)
        case .speaks: speaks(request, body)
        default: break
        }
    }

    private static func kind(
        of request: HTTPRequestHead, isUpgrade: Bool, _ provider: ProviderID
    ) -> Kind {
        let operation = ProviderOperation.name(
            of: request, isUpgrade: isUpgrade, provider: provider)
        switch (provider, operation) {
        case (.deepgram, "live"), (.deepgram, "flux"):
            return .hears((try? DeepgramQuery(parsing: request.query))?.format)
        case (.assemblyai, "live"): return .isOpen
        case (.deepgram, "file"), (.whisper, "file"): return .hearsFile
        case (.cartesia, "live"), (.cartesia, "bytes"), (.cartesia, "events"),
            (.elevenlabs, "live"), (.elevenlabs, "stream"), (.elevenlabs, "whole"),
            (.openai, "speech"):
            return .speaks
        case (.openai, "chat"), (.openai, "responses"), (.anthropic, "messages"): return .models
        default: break
        }
        switch provider.role {
        case .speechToText, .languageModel, .textToSpeech:
            return isUpgrade || request.method == "POST" ? .unseen : .free
        case .sessionStore, .objectStore, .webhook: return .free
        }
    }

    // MARK: What passes

    mutating func opened(at now: Instant) {
        openedAt = now
        statedAt = now
    }

    mutating func sent(binary count: Int) { heardBytes += count }

    mutating func sent(text message: RawSpan) {
        guard kind == .speaks,
            let json = try? JSONParser.parse(message.withUnsafeBytes { Array($0) })
        else { return }
        say(json[provider == .cartesia ? "transcript" : "text"]?.text ?? "")
        if provider == .cartesia, let request = try? CartesiaRequest(json) {
            let bytes = Self.bytesPerSecond(request)
            if sound?.bytesPerSecond != bytes {
                let before = sound?.take() ?? .zero
                sound = bytes.map { .init($0, in: "data") }
                sound?.add(before)
            }
        }
    }

    mutating func received(_ bytes: [UInt8]) {
        switch kind {
        case .speaks:
            sound?.take(bytes[...])
            guard isSocket else { return }
            hasFinished =
                hasFinished || Self.holds(bytes, #""done":true"#)
                || Self.holds(bytes, #""isFinal":true"#)
        case .models where isSocket:
            guard Self.holds(bytes[..<min(200, bytes.count)], "response.completed") else { return }
            answers += 1
            hasFinished = true
            guard let found = UpstreamUsage(in: bytes) else {
                isUncounted = true
                return
            }
            tokens = UpstreamUsage(
                promptTokens: found.promptTokens + (tokens?.promptTokens ?? 0),
                completionTokens: found.completionTokens + (tokens?.completionTokens ?? 0))
        case .models, .hearsFile:
            head += bytes.prefix(Self.keptLimit - head.count)
            tail = Array((tail + bytes).suffix(Self.keptLimit))
        default: break
        }
    }

    /// The last reference in the text that is to be spoken.
    func reference(in references: ReferenceText, isTagging: Bool) -> TurnReference? {
        guard isTagging, !text.isEmpty else { return nil }
        return references.references(in: text).last?.reference
    }

    // MARK: What it comes to

    /// Whether it is time to state what was used.
    func isDue(at now: Instant) -> Bool {
        switch kind {
        case .hears, .isOpen: statedAt.map { now - $0 >= Self.interval } ?? false
        case .speaks, .models: hasFinished
        case .hearsFile, .unseen, .free: false
        }
    }

    /// What was used since the last time of asking.
    mutating func take(at now: Instant, isEnd: Bool) -> ProviderUsage {
        var usage = ProviderUsage()
        switch kind {
        case .hears(let format):
            if let format {
                let whole =
                    heardBytes / format.encoding.bytesPerSample * format.encoding.bytesPerSample
                usage.audio = format.duration(bytes: whole)
                heardBytes -= whole
            } else if isEnd, heardBytes > 0 {
                usage.uncounted = 1
            }
        case .isOpen: usage.audio = statedAt.map { now - $0 } ?? .zero
        case .hearsFile:
            if let length = Self.toldLength(head) ?? Self.toldLength(tail) ?? fileLength {
                usage.audio = length
            } else {
                usage.uncounted = 1
            }
        case .speaks: takeSpeech(&usage)
        case .models: takeTokens(&usage)
        case .unseen: usage.uncounted = isEnd ? 1 : 0
        case .free: break
        }
        statedAt = now
        hasFinished = false
        return usage
    }

    private mutating func takeSpeech(_ usage: inout ProviderUsage) {
        usage.characters = characters
        usage.audio = sound?.take() ?? .zero
        guard usage.characters > 0 || usage.audio > .zero else { return }
        usage.requests = 1
        usage.uncounted = sound == nil ? 1 : 0
        characters = 0
    }

    private mutating func takeTokens(_ usage: inout ProviderUsage) {
        if !isSocket {
            answers = 1
            tokens = UpstreamUsage(in: tail.count < Self.keptLimit ? tail : head + tail)
            isUncounted = tokens == nil
        }
        guard answers > 0 else { return }
        usage.requests = 1
        usage.promptTokens = tokens?.promptTokens ?? 0
        usage.completionTokens = tokens?.completionTokens ?? 0
        usage.uncounted = isUncounted ? 1 : 0
        (answers, tokens, isUncounted) = (0, nil, false)
    }

    // MARK: Voices

    private mutating func say(_ words: String) {
        characters += Int64(words.unicodeScalars.count)
        text = Array(text.suffix(32)) + words.utf8
    }

    private mutating func speaks(_ request: HTTPRequestHead, _ body: [UInt8]) {
        let json = (try? JSONParser.parse(body)) ?? .null
        switch provider {
        case .cartesia:
            say(json["transcript"]?.text ?? "")
            guard let wanted = try? CartesiaRequest(json) else { return }
            let isEvents = request.segments.last == "sse"
            sound = Self.bytesPerSecond(wanted).map {
                isEvents
                    ? .init($0, in: "data")
                    : .init($0, header: wanted.container == .wav ? WaveFileHeader.byteCount : 0)
            }
        case .elevenlabs:
            say(json["text"]?.text ?? "")
            let isTimed = request.segments.last == "with-timestamps"
            let isWave = request.query["output_format"]?.hasPrefix("wav") ?? false
            sound = Self.elevenLabs(request).map {
                isTimed
                    ? .init($0, in: "audio_base64")
                    : .init($0, header: isWave ? WaveFileHeader.byteCount : 0)
            }
        default:
            say(json["input"]?.text ?? "")
            let format = json["response_format"]?.text
            guard json["stream_format"]?.text != "sse", format == "pcm" || format == "wav" else {
                return
            }
            let voice = SpeechRequest.voiceFormat
            sound = .init(
                voice.bytes(in: .seconds(1)),
                header: format == "wav" ? WaveFileHeader.byteCount : 0)
        }
    }

    /// Nil where samples are packed at no fixed rate.
    private static func bytesPerSecond(_ request: CartesiaRequest) -> Int? {
        switch request.container {
        case .raw, .wav: request.format.bytes(in: .seconds(1))
        case .mp3: request.bitRate.map { $0 / 8 }
        }
    }

    private static func elevenLabs(_ request: HTTPRequestHead) -> Int? {
        guard let format = try? ElevenLabsFormat(parsing: request.query["output_format"]) else {
            return nil
        }
        switch format.container {
        case .raw, .wav: return format.voice.bytes(in: .seconds(1))
        case .mp3: return format.bitRate * 1000 / 8
        case .opus: return nil
        }
    }

    // MARK: Files

    private static func length(
        ofFileIn request: HTTPRequestHead, _ body: [UInt8], _ provider: ProviderID
    ) -> Duration? {
        guard provider == .whisper else { return WaveFileHeader.length(of: body) }
        let form = try? TranscriptionRequest(
            parsing: body, contentType: request.headers["Content-Type"])
        return form.flatMap { WaveFileHeader.length(of: $0.file) }
    }

    /// Deepgram's `metadata.duration`, Whisper's `duration` and `usage.seconds`.
    private static func toldLength(_ answer: [UInt8]) -> Duration? {
        for name in ["duration", "seconds"] {
            guard let start = place(of: "\"\(name)\":", in: answer[...]) else { continue }
            let number = answer[start...].drop { $0 == 0x20 }
                .prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
            if let seconds = Double(String(decoding: number, as: UTF8.self)), seconds < 1e6 {
                return .fromSeconds(seconds)
            }
        }
        return nil
    }

    private static func holds(_ bytes: some RandomAccessCollection<UInt8>, _ mark: String) -> Bool {
        place(of: mark, in: bytes) != nil
    }

    /// After the first `mark`.
    private static func place<Bytes: RandomAccessCollection<UInt8>>(
        of mark: String, in bytes: Bytes
    ) -> Bytes.Index? {
        let mark = Array(mark.utf8)
        var rest = bytes[...]
        while rest.count >= mark.count, let start = rest.firstIndex(of: mark[0]) {
            rest = rest[start...]
            if rest.starts(with: mark) { return rest.index(start, offsetBy: mark.count) }
            rest = rest.dropFirst()
        }
        return nil
    }
}
