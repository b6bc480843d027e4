import UproarAudio
import UproarCore
import UproarProviders

/// A small corpus that Flite speaks, with the variants that runs use: made once for all tests.
enum SpokenCorpus {
    static let sentences: [(id: String, text: String, kind: ClipDescription.Kind)] = [
        ("add-milk", "Add buy milk to my list.", .utterance),
        ("add-eggs", "Add buy eggs to my list.", .utterance),
        ("add-call", "Please add call the dentist tomorrow.", .utterance),
        ("list", "What is on my list today?", .utterance),
        ("done", "Mark buy milk as done.", .utterance),
        ("thanks", "Thank you, that is all.", .utterance),
        ("wait", "Wait, stop.", .interruption),
        ("mhm", "Mm hm.", .backchannel),
    ]

    static let shared: AudioCorpus = {
        var clips: [AudioCorpus.Clip] = []
        for voice in [Voice.slt, .rms] {
            for sentence in sentences {
                let sound = voice.render(sentence.text)
                let id = "\(sentence.id)-\(voice.rawValue)"
                guard
                    var clip = AudioCorpus.annotated(
                        sound, file: id + ".flac", id: id, transcript: sentence.text)
                else { continue }
                clip.description.kind = sentence.kind
                clip.description.speaker = voice.rawValue
                clips.append(clip)
            }
        }
        // A cough is noise without words.
        var random = Seed(3).stream("cough")
        let cough = PCM(
            rate: .wideband,
            samples: (0..<8_000).map { index in
                let fade = Double(min(index, 8_000 - index)) / 4_000
                return Int16(12_000 * fade * (random.unit() * 2 - 1))
            })
        if var clip = AudioCorpus.annotated(cough, file: "cough.flac", id: "cough", transcript: "")
        {
            clip.description.kind = .noise
            clips.append(clip)
        }
        var corpus = AudioCorpus(name: "test", clips: clips)
        for variant in NoiseVariant.allCases where variant != .clean { corpus.add(variant) }
        return corpus
    }()

    static let vocabulary = SpeechVocabulary(shared)

    static func clip(_ id: String) -> AudioCorpus.Clip {
        shared.clips.first { $0.description.id == id }!
    }

    /// What a caller plays: silence, a tag when there is a reference, the clip, silence.
    static func frames(
        _ clip: AudioCorpus.Clip, wire: UInt32?, as format: AudioFormat,
        before: Duration = .milliseconds(500), after: Duration = .seconds(1)
    ) -> [UInt8] {
        var bytes = PCM.silence(before, rate: format.rate).encoded(as: format)
        if let wire { bytes += AudioTag(wire: wire).sound(rate: format.rate).encoded(as: format) }
        bytes += ClipFrames(clip, as: format).bytes
        return bytes + PCM.silence(after, rate: format.rate).encoded(as: format)
    }
}
