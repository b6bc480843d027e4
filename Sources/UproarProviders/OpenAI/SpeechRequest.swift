import UproarAudio
import UproarCore

/// The body of `POST /v1/audio/speech` (platform.openai.com/docs/api-reference/audio/createSpeech).
package struct SpeechRequest: Hashable, Sendable {
    package var model: String
    package var input: String
    package var voice: String
    package var format: Format
    /// `stream_format: sse`.
    package var streamsEvents: Bool

    package enum Format: String, CaseIterable, Sendable {
        case mp3, opus, aac, flac, wav, pcm

        var contentType: String {
            switch self {
            case .mp3: "audio/mpeg"
            case .opus: "audio/opus"
            case .aac: "audio/aac"
            case .flac: "audio/flac"
            case .wav: "audio/wav"
            case .pcm: "audio/pcm"
            }
        }

        /// What compresses it; nil for samples as they are.
        var encoder: SoundEncoder.Kind? {
            switch self {
            case .mp3: .mp3
            case .opus: .opus
            case .flac: .flac
            case .aac, .wav, .pcm: nil
            }
        }
    }

    /// The vendor's limit of `input`, in characters.
    package static let inputLimit = 4096
    /// All of the vendor's voices are made at this rate.
    package static let voiceFormat = VoiceFormat(.linear16, Hertz(24_000))

    package init(parsing body: [UInt8]) throws(OpenAIProblem) {
        let json: JSONValue
        do { json = try JSONParser.parse(body) } catch { throw .notJSON }
        guard json.members != nil else { throw .notJSON }
        guard let model = json["model"]?.text, !model.isEmpty else { throw .noModel }
        guard model.contains("tts") else { throw .unknownModel(model) }
        guard let input = json["input"]?.text, !input.isEmpty else {
            throw .missing(parameter: "input")
        }
        guard input.unicodeScalars.count <= Self.inputLimit else {
            throw .invalid(
                "Invalid 'input': string too long. Expected a string with maximum length \(Self.inputLimit).",
                parameter: "input", code: "string_above_max_length")
        }
        guard let voice = json["voice"]?.text ?? json["voice"]?["id"]?.text else {
            throw .missing(parameter: "voice")
        }
        let word = json["response_format"]?.text ?? "mp3"
        guard let format = Format(rawValue: word) else {
            throw .invalid(
                "Invalid value: '\(word)'. Supported values are: 'mp3', 'opus', 'aac', 'flac', 'wav', and 'pcm'.",
                parameter: "response_format", code: "invalid_value")
        }
        guard format != .aac else {
            throw .invalid(
                "response_format 'aac' is not made by this server: no free encoder. Use 'mp3', 'opus', 'flac', 'wav' or 'pcm'.",
                parameter: "response_format", code: "unsupported_value")
        }
        self.model = model
        self.input = input
        self.voice = voice
        self.format = format
        streamsEvents = json["stream_format"]?.text == "sse"
        if let speed = json["speed"]?.double, !(0.25...4).contains(speed) {
            throw .invalid(
                "Invalid 'speed': expected a value between 0.25 and 4.0.", parameter: "speed",
                code: nil)
        }
    }
}
