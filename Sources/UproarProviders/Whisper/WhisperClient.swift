import UproarAudio
import UproarCore
import UproarRuntime
import UproarWire

/// Whisper over OpenAI's API as our agent hears through it: one request for each utterance, which is sent whole.
package final class WhisperClient: SpeechToText {
    package let provider: ProviderID
    package let hearsWholeUtterances = true
    private let url: String
    private let key: String
    private let model: String
    private let http: any HTTPClient
    private let loop: EventLoop
    private var random: RandomStream

    /// - base: with its version, as the vendor's SDK takes it: `https://api.openai.com/v1`.
    package init(
        base: String, key: String, model: String = "whisper-1", loop: EventLoop,
        http: any HTTPClient, random: RandomStream, provider: ProviderID = .whisper
    ) {
        url = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/audio/transcriptions"
        self.key = key
        self.model = model
        self.http = http
        self.loop = loop
        self.random = random
        self.provider = provider
    }

    package func open(_ settings: SpeechToTextSettings, handler: any SpeechToTextHandler)
        -> any SpeechToTextStream
    {
        let stream = WhisperStream(settings, client: self, handler: handler)
        // There is nothing to connect to yet; a handler hears of it when this has returned.
        loop.schedule(at: loop.now) { stream.open() }
        return stream
    }

    fileprivate func request(_ audio: [UInt8], _ settings: SpeechToTextSettings) -> HTTPRequest {
        // 64 random bits: no recording holds them by chance.
        let boundary = "uproar" + EmulatorContext.hex(random.next())
        let transcription = TranscriptionRequest(
            file: file(audio, settings.format), model: model,
            language: settings.language)
        var body: [UInt8] = []
        transcription.form.write(boundary: boundary, into: &body)
        var request = HTTPRequest(
            method: "POST", url: url,
            headers: [
                HTTPField("Authorization", "Bearer " + key),
                HTTPField("Content-Type", MultipartForm.contentType(boundary: boundary)),
            ], body: body)
        request.deadlines.connect = settings.connectDeadline
        return request
    }

    /// Every decoder reads 16-bit samples; not every one reads G.711 in a WAV file.
    private func file(_ audio: [UInt8], _ format: AudioFormat) -> [UInt8] {
        var samples: [UInt8] = []
        switch format.encoding {
        case .linear16: samples = audio
        case .mulaw: samples = Self.linear(audio) { G711.muLaw.decode($0) }
        case .alaw: samples = Self.linear(audio) { G711.aLaw.decode($0) }
        }
        let header = WaveFileHeader.bytes(
            of: AudioFormat(.linear16, format.rate), dataByteCount: samples.count)
        return header + samples
    }

    private static func linear(_ audio: [UInt8], _ decode: (UInt8) -> Int16) -> [UInt8] {
        var samples: [UInt8] = []
        samples.reserveCapacity(audio.count * 2)
        for byte in audio {
            let sample = UInt16(bitPattern: decode(byte))
            samples.append(UInt8(truncatingIfNeeded: sample))
            samples.append(UInt8(truncatingIfNeeded: sample >> 8))
        }
        return samples
    }

    fileprivate func send(_ request: HTTPRequest, handler: any HTTPExchangeHandler)
        -> any HTTPExchange
    { http.send(request, handler: handler) }
}

/// One utterance.
private final class WhisperStream: SpeechToTextStream, HTTPExchangeHandler {
    /// A minute: an agent asks long before.
    private static let longest = Duration.seconds(60)
    private static let answerLimit = 256 << 10

    private let settings: SpeechToTextSettings
    private let client: WhisperClient
    private var handler: (any SpeechToTextHandler)?
    private var audio: [UInt8] = []
    /// Bytes of the stream before the first one of `audio`, and before the end of what was asked about.
    private var start = 0
    private var asked = 0
    private var exchange: (any HTTPExchange)?
    private var answer = HTTPAnswer(limit: WhisperStream.answerLimit)

    init(
        _ settings: SpeechToTextSettings, client: WhisperClient,
        handler: any SpeechToTextHandler
    ) {
        self.settings = settings
        self.client = client
        self.handler = handler
    }

    func open() { handler?.opened(self) }

    func send(audio bytes: RawSpan) {
        bytes.withUnsafeBytes { audio.append(contentsOf: $0) }
        let limit = settings.format.bytesPerFrame * Int(Self.longest.inSeconds * 50)
        if audio.count > limit {
            start += audio.count - limit
            audio.removeFirst(audio.count - limit)
        }
    }

    func finishUtterance() {
        guard handler != nil, exchange == nil, !audio.isEmpty else { return }
        asked = start + audio.count
        answer = HTTPAnswer(limit: Self.answerLimit)
        exchange = client.send(client.request(audio, settings), handler: self)
    }

    func close() {
        handler = nil
        exchange?.cancel()
        exchange = nil
    }

    private func fail(_ failure: ProviderFailure) {
        let handler = handler
        self.handler = nil
        exchange = nil
        handler?.failed(failure, on: self)
    }

    // MARK: HTTPExchangeHandler

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        answer.begin(status: status, headers: headers)
    }

    func received(body: RawSpan, on exchange: any HTTPExchange) { answer.receive(body) }

    func finished(_ exchange: any HTTPExchange) {
        self.exchange = nil
        guard answer.status == 200 else { return fail(answer.refusal) }
        guard let json = try? JSONParser.parse(answer.body), let text = json["text"]?.text else {
            return fail(.malformed("a transcription without a text"))
        }
        let from = settings.format.duration(bytes: start)
        let to = settings.format.duration(bytes: asked)
        audio.removeFirst(asked - start)
        start = asked
        handler?.heard(
            Transcript(
                text: text.trimmingBlanks, isFinal: true, endsUtterance: true,
                start: from, duration: to - from), on: self)
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        self.exchange = nil
        fail(ProviderFailure(failure))
    }
}

extension String {
    /// Whisper begins with a blank.
    fileprivate var trimmingBlanks: String {
        let start = drop(while: \.isWhitespace)
        return String(
            start[
                ..<(start.lastIndex { !$0.isWhitespace }.map { start.index(after: $0) }
                    ?? start.startIndex)])
    }
}
