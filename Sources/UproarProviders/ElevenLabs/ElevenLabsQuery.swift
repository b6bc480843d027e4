import UproarCore
import UproarWire

/// The query of a socket, as far as it changes the answers.
package struct ElevenLabsQuery: Hashable, Sendable {
    package var voice: String
    /// `multi-stream-input`: several contexts, told apart by ids.
    package var isMultiple: Bool
    package var model: String
    package var format: ElevenLabsFormat
    /// `auto_mode`: every text is spoken as it comes.
    package var speaksAtOnce: Bool
    /// Without any message for so long the socket is closed.
    package var inactivityLimit: Duration

    package init(
        voice: String, format: ElevenLabsFormat, model: String = "eleven_flash_v2_5",
        isMultiple: Bool = true, speaksAtOnce: Bool = true,
        inactivityLimit: Duration = .seconds(20)
    ) {
        self.voice = voice
        self.format = format
        self.model = model
        self.isMultiple = isMultiple
        self.speaksAtOnce = speaksAtOnce
        self.inactivityLimit = inactivityLimit
    }

    package init(parsing parameters: FormParameters, voice: String, isMultiple: Bool)
        throws(ElevenLabsProblem)
    {
        self.voice = voice
        self.isMultiple = isMultiple
        model = parameters["model_id"] ?? "eleven_multilingual_v2"
        format = try ElevenLabsFormat(parsing: parameters["output_format"])
        speaksAtOnce = parameters["auto_mode"]?.lowercased() == "true"
        let text = parameters["inactivity_timeout"] ?? "20"
        guard let seconds = Int(text), (1...180).contains(seconds) else {
            throw .invalid("inactivity_timeout must be from 1 to 180 seconds")
        }
        inactivityLimit = .seconds(seconds)
    }

    /// As a client asks for it.
    package var parameters: FormParameters {
        [
            "model_id": model, "output_format": format.name,
            "auto_mode": String(speaksAtOnce),
            "inactivity_timeout": String(inactivityLimit.nanoseconds / 1_000_000_000),
        ]
    }
}
