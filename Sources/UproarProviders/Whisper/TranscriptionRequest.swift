import UproarCore
import UproarWire

/// The body of `POST /v1/audio/transcriptions`, as far as it changes the answer (platform.openai.com/docs/api-reference/audio).
package struct TranscriptionRequest: Hashable, Sendable {
    package var model: String
    package var language: String?
    package var prompt: String?
    package var format: Format
    package var isStreaming: Bool
    /// `timestamp_granularities[]` names words.
    package var wantsWords: Bool
    package var filename: String
    /// A whole file: WAV, FLAC, Ogg or MP3.
    package var file: [UInt8]

    package enum Format: String, CaseIterable, Sendable {
        case json, text, srt, vtt
        case verboseJSON = "verbose_json"
        case diarizedJSON = "diarized_json"
    }

    /// The vendor's limit for one file.
    package static let fileLimit = 25 << 20

    package init(
        file: [UInt8], filename: String = "audio.wav", model: String = "whisper-1",
        language: String? = "en", format: Format = .json
    ) {
        self.file = file
        self.filename = filename
        self.model = model
        self.language = language
        self.format = format
        isStreaming = false
        wantsWords = false
    }

    /// The usage of a second of audio is told in tokens by these, in seconds by Whisper itself.
    package var isBilledByTokens: Bool { model != "whisper-1" }

    /// As a client sends it: fields first, the file last.
    package var form: MultipartForm {
        var parts = [MultipartForm.Part(name: "model", text: model)]
        if let language { parts.append(.init(name: "language", text: language)) }
        if let prompt { parts.append(.init(name: "prompt", text: prompt)) }
        parts.append(.init(name: "response_format", text: format.rawValue))
        if isStreaming { parts.append(.init(name: "stream", text: "true")) }
        if wantsWords { parts.append(.init(name: "timestamp_granularities[]", text: "word")) }
        parts.append(
            .init(name: "file", filename: filename, contentType: "audio/wav", body: file))
        return MultipartForm(parts: parts)
    }

    package init(parsing body: [UInt8], contentType: String?) throws(OpenAIProblem) {
        let form: MultipartForm
        do { form = try MultipartForm(parsing: body, contentType: contentType ?? "") } catch {
            throw .invalid(
                "Could not parse multipart form: \(error)", parameter: nil, code: nil)
        }
        guard let model = form["model"]?.text, !model.isEmpty else { throw .noModel }
        guard model.hasPrefix("whisper") || model.contains("transcribe") else {
            throw .unknownModel(model)
        }
        guard let part = form["file"] else { throw .missing(parameter: "file") }
        guard part.body.count <= Self.fileLimit else {
            throw OpenAIProblem(
                status: 413,
                message:
                    "Maximum content size limit (\(Self.fileLimit)) exceeded (\(part.body.count) bytes read)",
                type: "server_error")
        }
        self.model = model
        language = form["language"]?.text
        prompt = form["prompt"]?.text
        filename = part.filename ?? ""
        file = part.body
        isStreaming = form["stream"]?.text.lowercased() == "true" && model != "whisper-1"
        wantsWords = form.parts.contains {
            $0.name.hasPrefix("timestamp_granularities") && $0.text == "word"
        }
        let word = form["response_format"]?.text ?? "json"
        guard let format = Format(rawValue: word) else {
            throw .invalid(
                "Invalid value: '\(word)'. Supported values are: 'json', 'text', 'srt', 'verbose_json', 'vtt', and 'diarized_json'.",
                parameter: "response_format", code: "invalid_value")
        }
        let isPlain = format == .json || format == .text
        let isDiarized = model.hasSuffix("diarize") && format == .diarizedJSON
        guard isPlain || model == "whisper-1" && format != .diarizedJSON || isDiarized else {
            throw .invalid(
                "response_format '\(word)' is not compatible with model '\(model)'. Use 'json' or 'text' instead.",
                parameter: "response_format", code: "unsupported_value")
        }
        self.format = format
    }
}
