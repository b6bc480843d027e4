import Glibc
import UproarAudio
import UproarCore
import UproarScenario

/// Renders the committed corpora: `render-fixtures (task-manager | barge-in | screen-share | consent | human-speech) FOLDER`.
///
/// The same sources give the same bytes. `scripts/render-fixtures` runs it for all of `fixtures/`.
@main
struct RenderFixtures {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count == 2, let corpus = Corpus(rawValue: arguments[0]) else {
            fail(
                "usage: render-fixtures (task-manager | barge-in | screen-share | consent | human-speech) FOLDER",
                code: 2)
        }
        let folder = arguments[1]
        do {
            let manifest = try corpus.render(into: folder)
            try write(manifest.text, to: folder + "/manifest.yaml")
            print(summary(manifest))
        } catch {
            fail("\(error)", code: 1)
        }
    }

    enum Corpus: String {
        case taskManager = "task-manager"
        case bargeIn = "barge-in"
        case screenShare = "screen-share"
        case consent
        case humanSpeech = "human-speech"

        func render(into folder: String) throws -> CorpusManifest {
            switch self {
            case .taskManager: try TaskManagerCorpus.render(into: folder)
            case .bargeIn: try BargeInCorpus.render(into: folder)
            case .screenShare: try ScreenShareCorpus.render(into: folder)
            case .consent: try ConsentCorpus.render(into: folder)
            case .humanSpeech: try HumanSpeechCorpus.describe()
            }
        }
    }

    private static func summary(_ manifest: CorpusManifest) -> String {
        let speech = manifest.clips.reduce(Duration.zero) {
            $0 + ($1.speech.upperBound - $1.speech.lowerBound)
        }
        let pause =
            manifest.clips.flatMap(\.innerPauses).map { $0.upperBound - $0.lowerBound }.max()
            ?? .zero
        return "\(manifest.corpus): \(manifest.clips.count) clips, "
            + "\(NumberText.duration(speech)) of speech, "
            + "longest inner pause \(NumberText.duration(pause))"
    }

    private static func write(_ text: String, to path: String) throws {
        guard let stream = fopen(path, "wb") else {
            throw AudioFileError(path, .unwritable(String(cString: strerror(errno))))
        }
        let isWritten = fputs(text, stream) >= 0
        guard fclose(stream) == 0, isWritten else {
            throw AudioFileError(path, .unwritable(String(cString: strerror(errno))))
        }
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        _ = Glibc.write(STDERR_FILENO, message + "\n", message.utf8.count + 1)
        exit(code)
    }
}

/// A clip that came out other than a corpus can use.
struct FixtureError: Error, CustomStringConvertible {
    var clip: String
    var reason: String
    var description: String { "\(clip): \(reason)" }
}

/// Shapes, writes and describes one clip.
func makeClip(
    _ sound: PCM, id: String, transcript: String, speaker: String, kind: ClipDescription.Kind,
    shaper: ClipShaper, folder: String
) throws -> ClipDescription {
    guard let shaped = shaper.shape(sound) else {
        throw FixtureError(clip: id, reason: "nothing in it is loud enough to be speech")
    }
    if let longest = shaper.longestPause, shaped.annotation.longestPause > longest {
        throw FixtureError(clip: id, reason: "an inner pause is still too long")
    }
    let file = id + ".flac"
    try AudioFile.write(shaped.sound, to: folder + "/" + file)
    return ClipDescription(
        id: id, file: file, transcript: transcript, speaker: speaker, kind: kind,
        speech: shaped.annotation.speech, innerPauses: shaped.annotation.innerPauses)
}
