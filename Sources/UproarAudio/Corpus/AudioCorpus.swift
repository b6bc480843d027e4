package import UproarCore

/// A folder of recordings, loaded: what each clip says and how it sounds.
package struct AudioCorpus: Sendable {
    package struct Clip: Sendable {
        package var description: ClipDescription
        package var sound: PCM

        package init(description: ClipDescription, sound: PCM) {
            self.description = description
            self.sound = sound
        }
    }

    package var name: String
    package var clips: [Clip]

    package init(name: String, clips: [Clip]) {
        self.name = name
        self.clips = clips
    }

    /// Reads every file of a manifest in `folder`, and adds each clean clip in each of `variants` beside `clean`.
    ///
    /// The id of a variant is the clean id, a point and the variant: `add-milk-slt.cafe`. Throws for the first file that cannot
    /// be used.
    package static func load(
        name: String, folder: String, _ descriptions: [ClipDescription],
        variants: [NoiseVariant] = []
    ) throws(AudioFileError) -> AudioCorpus {
        var clips: [Clip] = []
        for description in descriptions {
            let path =
                description.file.hasPrefix("/") ? description.file : folder + "/" + description.file
            clips.append(Clip(description: description, sound: try AudioFile.read(path)))
        }
        var corpus = AudioCorpus(name: name, clips: clips)
        for variant in variants where variant != .clean { corpus.add(variant) }
        return corpus
    }

    /// Adds every clean clip in another surrounding; its annotation stays that of the clean one.
    package mutating func add(_ variant: NoiseVariant) {
        for clip in clips where clip.description.variant == NoiseVariant.clean.rawValue {
            var other = clip
            other.description.id += "." + variant.rawValue
            other.description.variant = variant.rawValue
            other.sound = variant.applied(to: clip.sound, clip: clip.description.id)
            clips.append(other)
        }
    }

    /// The longest silence inside any utterance: no endpointing may be shorter.
    package var longestPause: Duration {
        clips.filter { $0.description.kind == .utterance }
            .flatMap { $0.description.innerPauses }
            .map { $0.upperBound - $0.lowerBound }.max() ?? .zero
    }

    /// One clip from a person's own file, annotated here; nil when nothing in it is loud enough to be speech.
    package static func annotated(_ sound: PCM, file: String, id: String, transcript: String)
        -> Clip?
    {
        guard let annotation = ClipAnnotator.annotate(sound) else { return nil }
        return Clip(
            description: ClipDescription(
                id: id, file: file, transcript: transcript, speech: annotation.speech,
                innerPauses: annotation.innerPauses), sound: sound)
    }
}
