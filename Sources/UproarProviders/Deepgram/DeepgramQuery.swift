import UproarCore
import UproarWire

/// The query of `GET /v1/listen`, as far as it changes the answers (developers.deepgram.com/reference, "Live Audio").
package struct DeepgramQuery: Hashable, Sendable {
    package var model: String
    package var language: String
    package var format: AudioFormat
    package var sendsInterims: Bool
    /// Silence that ends an utterance; nil: only `Finalize` and the end of the stream close a window.
    package var endpointing: Duration?
    /// Gap between words after which `UtteranceEnd` is sent.
    package var utteranceEnd: Duration?
    package var sendsSpeechStarted: Bool
    package var punctuates: Bool

    package init(
        format: AudioFormat, model: String = "nova-3", language: String = "en",
        sendsInterims: Bool = false, endpointing: Duration? = .milliseconds(10),
        utteranceEnd: Duration? = nil, sendsSpeechStarted: Bool = false, punctuates: Bool = false
    ) {
        self.format = format
        self.model = model
        self.language = language
        self.sendsInterims = sendsInterims
        self.endpointing = endpointing
        self.utteranceEnd = utteranceEnd
        self.sendsSpeechStarted = sendsSpeechStarted
        self.punctuates = punctuates
    }

    /// What a query holds that this API does not know or cannot do.
    package struct Problem: Error, Hashable, Sendable {
        package var message: String
        package init(_ message: String) { self.message = message }
    }

    private static let rates = [8_000, 16_000, 24_000, 32_000, 48_000]
    private static let otherEncodings = [
        "linear32", "flac", "amr-nb", "amr-wb", "opus", "ogg-opus", "speex", "g729",
    ]

    package init(parsing parameters: FormParameters) throws(Problem) {
        model = parameters["model"] ?? "base"
        language = parameters["language"] ?? "en"
        guard let word = parameters["encoding"] else {
            throw Problem(
                "Containers are not supported here: give encoding=linear16, mulaw or alaw and sample_rate."
            )
        }
        guard let encoding = AudioEncoding(rawValue: word) else {
            throw Problem(
                Self.otherEncodings.contains(word)
                    ? "Encoding \(word) is not supported here: use linear16, mulaw or alaw."
                    : "Unknown encoding: \(word)")
        }
        guard let text = parameters["sample_rate"] else {
            throw Problem("sample_rate is required when encoding is specified")
        }
        guard let rate = Int(text), Self.rates.contains(rate) else {
            throw Problem("Unsupported sample_rate: \(text)")
        }
        format = AudioFormat(encoding, Hertz(rate))
        guard try Self.integer(parameters, "channels", default: 1) == 1,
            try !Self.flag(parameters, "multichannel")
        else { throw Problem("More than one channel is not supported here.") }
        sendsInterims = try Self.flag(parameters, "interim_results")
        sendsSpeechStarted = try Self.flag(parameters, "vad_events")
        let formats = try Self.flag(parameters, "smart_format")
        punctuates = try Self.flag(parameters, "punctuate") || formats
        for name in ["numerals", "dictation", "diarize", "filler_words", "profanity_filter"] {
            _ = try Self.flag(parameters, name)
        }
        switch parameters["endpointing"] {
        case "false"?: endpointing = nil
        case "true"?, nil: endpointing = .milliseconds(10)
        default:
            let silence = try Self.integer(parameters, "endpointing", default: 10)
            guard silence >= 0 else { throw Problem("endpointing must not be negative") }
            endpointing = .milliseconds(silence)
        }
        if parameters["utterance_end_ms"] != nil {
            let gap = try Self.integer(parameters, "utterance_end_ms", default: 0)
            guard gap >= 1000 else { throw Problem("utterance_end_ms must be 1000 or more") }
            guard sendsInterims else {
                throw Problem("utterance_end_ms requires interim_results=true")
            }
            utteranceEnd = .milliseconds(gap)
        }
    }

    static func flag(_ parameters: FormParameters, _ name: String) throws(Problem) -> Bool {
        switch parameters[name] {
        case nil, "false"?: return false
        case "true"?, ""?: return true
        case let word?: throw Problem("Invalid value for \(name): \(word)")
        }
    }

    private static func integer(_ parameters: FormParameters, _ name: String, default: Int)
        throws(Problem) -> Int
    {
        guard let text = parameters[name] else { return `default` }
        guard let value = Int(text) else { throw Problem("Invalid value for \(name): \(text)") }
        return value
    }
}
