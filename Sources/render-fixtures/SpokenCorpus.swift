import UproarAudio
import UproarCore
import UproarScenario

/// Sentences spoken by three voices: the common ones by all, the others by one each.
enum SpokenCorpus {
    static let voices: [Voice] = [.slt, .rms, .awb]

    struct Utterance {
        var id: String
        var text: String
        /// Said in nearly every conversation, hence by each voice.
        var isCommon = false

        init(_ id: String, _ text: String, isCommon: Bool = false) {
            self.id = id
            self.text = text
            self.isCommon = isCommon
        }
    }

    static func render(_ utterances: [Utterance], name: String, into folder: String) throws
        -> CorpusManifest
    {
        var clips: [ClipDescription] = []
        for (index, utterance) in utterances.enumerated() {
            let speakers = utterance.isCommon ? voices : [voices[index % voices.count]]
            for voice in speakers {
                clips.append(
                    try makeClip(
                        voice.render(utterance.text), id: "\(utterance.id)-\(voice)",
                        transcript: utterance.text, speaker: voice.rawValue, kind: .utterance,
                        shaper: ClipShaper(), folder: folder))
            }
        }
        return CorpusManifest(
            corpus: name, licence: "Apache-2.0 (synthesised with Flite, voices slt, rms, awb)",
            clips: clips)
    }
}
