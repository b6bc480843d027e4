import Glibc
import UproarAudio
import UproarCore
import UproarProviders
import UproarScenario

/// Is every clip of the shipped corpora understood, in every surrounding and format, and what does hearing cost?
///
///     Benchmarks/HearingBenchmark/run [FIXTURES]
@main
enum HearingBenchmark {
    static func main() throws {
        let folder = CommandLine.arguments.dropFirst().first ?? "fixtures"
        var corpus = try load(folder + "/task-manager")
        corpus.clips += try load(folder + "/barge-in").clips
        for variant in NoiseVariant.allCases where variant != .clean { corpus.add(variant) }
        let vocabulary = SpeechVocabulary(corpus)
        var isGood = true
        for format in [
            AudioFormat.telephone, AudioFormat(.alaw, .telephone), .browser,
            AudioFormat(.linear16, Hertz(24_000)), AudioFormat(.linear16, Hertz(48_000)),
        ] {
            isGood = understand(corpus, vocabulary, format) && isGood
        }
        cost(corpus, vocabulary)
        exit(isGood ? EXIT_SUCCESS : EXIT_FAILURE)
    }

    static func load(_ folder: String) throws -> AudioCorpus {
        let path = folder + "/manifest.yaml"
        guard let file = fopen(path, "r") else { throw Missing(path: path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        let manifest = try CorpusManifest.read(bytes, file: path)
        return try AudioCorpus.load(name: folder, folder: folder, manifest.clips)
    }

    struct Missing: Error { var path: String }

    static let references = ReferenceText(key: ReferenceKey(Seed(1)))
    static let reference = TurnReference(call: 77, utterance: 5)

    static func hearing(_ format: AudioFormat, _ vocabulary: SpeechVocabulary) -> SpeechHearing {
        SpeechHearing(format, vocabulary: vocabulary, references: references, isTagging: true)
    }

    static func frames(_ clip: AudioCorpus.Clip, _ format: AudioFormat, tagged: Bool) -> [UInt8] {
        var bytes = PCM.silence(.milliseconds(300), rate: format.rate).encoded(as: format)
        if tagged {
            let tag = AudioTag(wire: references.key.wire(reference))
            bytes += tag.sound(rate: format.rate).encoded(as: format)
        }
        bytes += ClipFrames(clip, as: format).bytes
        return bytes + PCM.silence(.milliseconds(100), rate: format.rate).encoded(as: format)
    }

    /// False when a tagged clip was not understood.
    static func understand(
        _ corpus: AudioCorpus, _ vocabulary: SpeechVocabulary, _ format: AudioFormat
    ) -> Bool {
        var tagged = (right: 0, whole: 0, all: 0)
        var untagged = (right: 0, wrong: 0, all: 0)
        var failures: [String] = []
        var early: [Double] = []
        for clip in corpus.clips {
            let isSpeech = clip.description.kind != .noise
            if isSpeech {
                let result = hear(frames(clip, format, tagged: true), format, vocabulary, clip)
                tagged.all += 1
                if result.text.hasSuffix(clip.description.transcript), result.isTagged {
                    tagged.right += 1
                } else {
                    failures.append("\(clip.description.id): \(result.text)")
                }
                if result.isWhole { tagged.whole += 1 }
                if let share = result.firstWordShare { early.append(share) }
            }
            let result = hear(frames(clip, format, tagged: false), format, vocabulary, clip)
            untagged.all += 1
            let wanted = isSpeech ? clip.description.transcript : ""
            if result.text == wanted {
                untagged.right += 1
            } else if !result.text.isEmpty {
                untagged.wrong += 1
                failures.append("\(clip.description.id) without tag: \(result.text)")
            }
        }
        early.sort()
        let median = early.isEmpty ? 0 : early[early.count / 2]
        print(
            "\(format): tagged \(tagged.right)/\(tagged.all) right (\(tagged.whole) whole before the final), "
                + "untagged \(untagged.right)/\(untagged.all) right, \(untagged.wrong) wrong; "
                + "first words after \(NumberText.fixed(median * 100, 0)) % of the speech")
        for failure in failures.prefix(12) { print("    \(failure)") }
        return tagged.right == tagged.all
    }

    struct Result {
        var text = ""
        var isTagged = false
        var isWhole = false
        /// How much of the speech had been said when the first of its words was known.
        var firstWordShare: Double?
    }

    static func hear(
        _ bytes: [UInt8], _ format: AudioFormat, _ vocabulary: SpeechVocabulary,
        _ clip: AudioCorpus.Clip
    ) -> Result {
        var hearing = hearing(format, vocabulary)
        var result = Result()
        let lead = Duration.milliseconds(300) + AudioTag.duration
        for start in stride(from: 0, to: bytes.count, by: format.bytesPerFrame) {
            bytes.withUnsafeBytes { all in
                let end = min(bytes.count, start + format.bytesPerFrame)
                _ = hearing.feed(
                    RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: all[start..<end])),
                    at: .zero)
            }
            let count = hearing.utterance?.heardCount(at: hearing.position, isOver: false) ?? 0
            if count > 2, result.firstWordShare == nil {
                let speech = clip.description.speech
                result.firstWordShare =
                    (hearing.position - lead - speech.lowerBound)
                    / (speech.upperBound - speech.lowerBound)
            }
        }
        result.isWhole = hearing.utterance?.isWhole(at: hearing.position) ?? false
        hearing.settle()
        guard let utterance = hearing.utterance else { return result }
        let count = utterance.heardCount(at: hearing.position, isOver: true)
        result.text = utterance.results(upTo: count).map(\.written).joined(separator: " ")
        result.isTagged = utterance.reference == reference
        return result
    }

    /// Processor time per 20 ms of one stream.
    static func cost(_ corpus: AudioCorpus, _ vocabulary: SpeechVocabulary) {
        let format = AudioFormat.telephone
        let clip = corpus.clips[0]
        let spoken = frames(clip, format, tagged: true)
        let silent = [UInt8](repeating: format.encoding.silence, count: format.bytesPerFrame * 50)
        for (name, bytes, rounds) in [("silence", silent, 4_000), ("tag and speech", spoken, 400)] {
            var streams = 0
            var frameCount = 0
            let before = clock()
            while streams < rounds {
                var hearing = hearing(format, vocabulary)
                streams += 1
                for start in stride(from: 0, to: bytes.count, by: format.bytesPerFrame) {
                    bytes.withUnsafeBytes { all in
                        let end = min(bytes.count, start + format.bytesPerFrame)
                        _ = hearing.feed(
                            RawSpan(
                                _unsafeBytes: UnsafeRawBufferPointer(rebasing: all[start..<end])),
                            at: .zero)
                    }
                    frameCount += 1
                }
            }
            let micros = Double(clock() - before) / Double(frameCount)
            print(
                "hearing, \(name): \(NumberText.fixed(micros, 2)) µs per 20 ms frame "
                    + "(\(vocabulary.clips.count) clips known; the goal is 2)")
        }
    }
}
