import UproarAudio
import UproarCore
import UproarScenario

/// The clips of a run with their sound, annotated as they are heard at the other end.
package struct CorpusAudio {
    package var clips: [ClipDescription]
    package var sounds: [PCM]

    /// - rate: of the transport. What it cannot carry is no speech: manifests say where a clip's speech lies in the file itself,
    ///   and where we found it ourselves it is found again in what is sent. Annotations by hand stand.
    package static func load(_ source: Scenario.AudioSource, rate: Hertz) throws -> CorpusAudio {
        switch source {
        case .corpora(let corpora):
            var sounds: [PCM] = []
            var clips: [ClipDescription] = []
            for corpus in corpora {
                let noise =
                    corpus.isVariantMade
                    ? corpus.variant.flatMap(NoiseVariant.init(rawValue:)) : nil
                for clip in corpus.clips {
                    do {
                        let sound = try AudioFile.read(clip.file)
                        sounds.append(noise?.applied(to: sound, clip: clip.id) ?? sound)
                        clips.append(carried(clip, sound, rate))
                    } catch {
                        throw ScenarioLoading.Problem("audio of clip \(clip.id): \(error)")
                    }
                }
            }
            return CorpusAudio(clips: clips, sounds: sounds)
        case .file(let path):
            let sound: PCM
            guard !ShareFolder.isFolder(path) else {
                throw ScenarioLoading.Problem(
                    "audio: \(path) is a folder without manifest.yaml; uproar audio add FILE… --corpus \(path) writes one"
                )
            }
            do { sound = try AudioFile.read(path) } catch {
                throw ScenarioLoading.Problem("audio: \(error)")
            }
            guard let annotation = ClipAnnotator.annotate(sound, carriedAt: rate) else {
                throw ScenarioLoading.Problem(
                    "audio: no speech was found in \(path): it is silent, or too short")
            }
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let clip = ClipDescription(
                id: name.split(separator: ".").first.map(String.init) ?? name, file: path,
                transcript: "", speech: annotation.speech, innerPauses: annotation.innerPauses)
            return CorpusAudio(clips: [clip], sounds: [sound])
        }
    }

    private static func carried(_ clip: ClipDescription, _ sound: PCM, _ rate: Hertz)
        -> ClipDescription
    {
        guard clip.isAnnotatedByUs, rate.value < sound.rate.value,
            let annotation = ClipAnnotator.annotate(sound, carriedAt: rate)
        else { return clip }
        var clip = clip
        clip.speech = annotation.speech
        clip.innerPauses = annotation.innerPauses
        return clip
    }
}

extension FrameBytes {
    /// Whole 20 ms frames of a clip in a transport's format; the last one is filled with silence.
    static func frames(_ sound: PCM, _ format: AudioFormat) -> [UInt8] {
        let sound = sound.rate == format.rate ? sound : sound.resampled(to: format.rate)
        var bytes = encode(sound.samples, format)
        let missing = bytes.count % format.bytesPerFrame
        if missing > 0 || bytes.isEmpty {
            bytes.append(
                contentsOf: repeatElement(
                    format.encoding.silence, count: format.bytesPerFrame - missing))
        }
        return bytes
    }
}
