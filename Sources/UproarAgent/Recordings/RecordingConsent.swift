/// Whether a call may be recorded, and on what grounds.
///
/// | channel | grounds |
/// |---|---|
/// | phone | implied: it is announced, and "stop recording" ends it; or opt-in, where the setting says so |
/// | browser, screen share | opt-in: given before the microphone or the screen opens |
///
/// Opt-in reaches the agent as the custom parameter `recording_consent` = `yes`.
enum RecordingConsent: String, Hashable {
    case implied
    case optIn = "opt_in"

    /// Nil: the call may not be recorded.
    static func of(_ introduction: CallIntroduction, phone: RecordingConsent) -> RecordingConsent? {
        if introduction.parameter("recording_consent") == "yes" { return .optIn }
        return introduction.channel == "phone" && phone == .implied ? .implied : nil
    }

    /// Whether these words ask to stop the recording.
    static func isWithdrawn(by words: String) -> Bool {
        let spoken = words.lowercased().split { !$0.isLetter && $0 != "'" }.map(String.init)
        return phrases.contains { phrase in
            spoken.indices.contains { spoken[$0...].starts(with: phrase) }
        }
    }

    private static let phrases: [[String]] = [
        ["stop", "recording"], ["stop", "the", "recording"], ["stop", "this", "recording"],
        ["disable", "recording"], ["disable", "the", "recording"], ["don't", "record"],
        ["do", "not", "record"],
    ]
}
