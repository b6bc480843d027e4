import UproarAudio
import UproarCore
import UproarScenario

/// What callers say who do not want to be recorded.
enum ConsentCorpus {
    static let utterances: [(id: String, text: String)] = [
        ("stop-recording", "Stop recording."),
        ("please-stop", "Please stop recording this call."),
    ]

    static func render(into folder: String) throws -> CorpusManifest {
        var clips: [ClipDescription] = []
        for utterance in utterances {
            for voice in [Voice.slt, .rms, .awb] {
                clips.append(
                    try makeClip(
                        voice.render(utterance.text), id: "\(utterance.id)-\(voice)",
                        transcript: utterance.text, speaker: voice.rawValue, kind: .utterance,
                        shaper: ClipShaper(), folder: folder))
            }
        }
        return CorpusManifest(
            corpus: "consent",
            licence: "Apache-2.0 (synthesised with Flite, voices slt, rms, awb)", clips: clips)
    }
}
