import UproarCore
import UproarWire

/// The query of `GET /v3/ws`, as far as it changes the answers (assemblyai.com/docs, "Universal-Streaming").
package struct AssemblyAIQuery: Hashable, Sendable {
    package var model: String
    package var format: AudioFormat
    /// A second end-of-turn message with punctuation (`format_turns`), where the model does not write so anyhow.
    package var formatsTurns: Bool
    /// Silence that ends a turn the model is sure of, and one it is not.
    package var minimumSilence: Duration
    package var maximumSilence: Duration
    /// Models that speak at silences only, unless this asks for more.
    package var sendsContinuousPartials: Bool
    /// Without any message for so long the session is over; nil: for as long as it may last.
    package var inactivityLimit: Duration?

    package struct Problem: Error, Hashable, Sendable {
        package var message: String
        package init(_ message: String) { self.message = message }
    }

    package init(
        format: AudioFormat, model: String = "universal-streaming-english",
        formatsTurns: Bool = false, minimumSilence: Duration = .milliseconds(400),
        maximumSilence: Duration = .milliseconds(1280), sendsContinuousPartials: Bool = false,
        inactivityLimit: Duration? = nil
    ) {
        self.format = format
        self.model = model
        self.formatsTurns = formatsTurns
        self.minimumSilence = minimumSilence
        self.maximumSilence = maximumSilence
        self.sendsContinuousPartials = sendsContinuousPartials
        self.inactivityLimit = inactivityLimit
    }

    /// The models of the Universal-3 family write formatted text from the first partial on.
    package var writesFormatted: Bool {
        model.hasPrefix("u3") || model.hasPrefix("universal-3") || model.hasPrefix("whisper")
    }

    package init(parsing parameters: FormParameters) throws(Problem) {
        model = parameters["speech_model"] ?? "universal-streaming-english"
        guard let rate = Int(parameters["sample_rate"] ?? "16000"), (8_000...48_000).contains(rate)
        else { throw Problem("Invalid sample_rate: \(parameters["sample_rate"] ?? "")") }
        let encoding: AudioEncoding
        switch parameters["encoding"] ?? "pcm_s16le" {
        case "pcm_s16le": encoding = .linear16
        case "pcm_mulaw": encoding = .mulaw
        case let word:
            throw Problem("Unsupported encoding: \(word). Use pcm_s16le or pcm_mulaw here.")
        }
        format = AudioFormat(encoding, Hertz(rate))
        formatsTurns = try Self.flag(parameters, "format_turns")
        sendsContinuousPartials = try Self.flag(parameters, "continuous_partials")
        minimumSilence =
            try Self.milliseconds(
                parameters,
                parameters["min_turn_silence"] == nil
                    ? "min_end_of_turn_silence_when_confident" : "min_turn_silence")
            ?? .milliseconds(400)
        maximumSilence =
            try Self.milliseconds(parameters, "max_turn_silence") ?? .milliseconds(1280)
        if let text = parameters["inactivity_timeout"] {
            guard let seconds = Int(text), (5...3600).contains(seconds) else {
                throw Problem("inactivity_timeout must be from 5 to 3600 seconds")
            }
            inactivityLimit = .seconds(seconds)
        }
        for name in [
            "language_detection", "speaker_labels", "filter_profanity", "formatted_finals",
        ] {
            _ = try Self.flag(parameters, name)
        }
    }

    /// As a client asks for it.
    package var parameters: FormParameters {
        var all: FormParameters = [
            "sample_rate": String(format.rate.value),
            "encoding": format.encoding == .mulaw ? "pcm_mulaw" : "pcm_s16le",
            "speech_model": model, "format_turns": String(formatsTurns),
            "min_turn_silence": String(minimumSilence.nanoseconds / 1_000_000),
            "max_turn_silence": String(maximumSilence.nanoseconds / 1_000_000),
        ]
        if sendsContinuousPartials { all.add("continuous_partials", "true") }
        if let inactivityLimit {
            all.add("inactivity_timeout", String(inactivityLimit.nanoseconds / 1_000_000_000))
        }
        return all
    }

    private static func flag(_ parameters: FormParameters, _ name: String) throws(Problem) -> Bool {
        switch parameters[name]?.lowercased() {
        case nil, "false"?, "0"?: return false
        case "true"?, "1"?: return true
        case let word?: throw Problem("Invalid value for \(name): \(word)")
        }
    }

    private static func milliseconds(_ parameters: FormParameters, _ name: String)
        throws(Problem) -> Duration?
    {
        guard let text = parameters[name] else { return nil }
        guard let value = Int(text), (0...60_000).contains(value) else {
            throw Problem("Invalid value for \(name): \(text)")
        }
        return .milliseconds(value)
    }
}
