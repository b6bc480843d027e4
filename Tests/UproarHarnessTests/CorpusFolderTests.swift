import Glibc
import Testing
import UproarAudio
import UproarCore
import UproarHarness
import UproarScenario

@Suite struct CorpusFolderTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/uproar-corpus-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
    }

    /// Parts in milliseconds, every other one a noise of this amplitude: `[150, 800, 200]` has one.
    private func samples(_ parts: [Int], rate: Int, amplitude: Int = 6_000) -> [Int16] {
        var random = Seed(3).stream("corpus")
        return parts.enumerated().flatMap { index, length in
            (0..<rate * length / 1_000).map { _ in
                index % 2 == 1 ? Int16(random.below(2 * amplitude) - amplitude) : 0
            }
        }
    }

    /// A stereo WAV whose right channel holds half of the left one.
    private func stereo(_ name: String, _ left: [Int16], rate: Int) throws -> String {
        var bytes: [UInt8] = []
        func put(_ value: Int, _ width: Int) {
            for shift in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
        }
        bytes += "RIFF".utf8
        put(36 + 4 * left.count, 4)
        bytes += "WAVEfmt ".utf8
        for (value, width) in [(16, 4), (1, 2), (2, 2), (rate, 4), (4 * rate, 4), (4, 2), (16, 2)] {
            put(value, width)
        }
        bytes += "data".utf8
        put(4 * left.count, 4)
        for sample in left {
            put(Int(sample), 2)
            put(Int(sample) / 2, 2)
        }
        return try write(bytes, name)
    }

    private func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let path = folder + "/" + name
        let stream = try #require(fopen(path, "wb"))
        defer { fclose(stream) }
        #expect(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
        return path
    }

    private func entry(_ file: String) -> CorpusFolder.Entry {
        CorpusFolder.Entry(file: file, transcript: "Add buy milk.")
    }

    @Test func anOffsetIsToldAndMakesNoSpeech() throws {
        let file = folder + "/moved.flac"
        let moved = samples([200, 600, 200], rate: 16_000).map { $0 + 6_554 }
        try AudioFile.write(PCM(rate: .wideband, samples: moved), to: file)
        var corpus = try CorpusFolder.openOrNew(folder + "/corpus", licence: nil)
        let clip = try #require(try corpus.add([entry(file)]).first)
        #expect(clip.notes.count == 1)
        #expect(clip.notes.first?.hasPrefix("it swings around 20.0% of full scale") == true)
        let speech = clip.description.speech
        #expect(abs(speech.lowerBound.inMilliseconds - 200) <= 2)
        #expect(abs(speech.upperBound.inMilliseconds - 800) <= 2)
    }

    @Test func aRecordingIsTakenInAsItIsAndAnnotated() throws {
        let file = try stereo(
            "My milk.WAV", samples([150, 800, 300, 400, 200], rate: 44_100), rate: 44_100)
        let flac = folder + "/second.flac"
        try AudioFile.write(
            PCM(rate: Hertz(22_050), samples: samples([200, 600, 200], rate: 22_050)), to: flac)
        let path = folder + "/corpus"
        var corpus = try CorpusFolder.openOrNew(path, licence: nil)
        #expect(
            try corpus.add([entry(file), entry(flac)]).map(\.description.id) == [
                "My-milk", "second",
            ])

        let again = try CorpusFolder(path)
        #expect(again.manifest == corpus.manifest)
        #expect(again.manifest.licence == CorpusFolder.ownLicence)
        let clip = again.manifest.clips[0]
        #expect(clip.file == "My-milk.wav" && clip.isAnnotatedByUs)
        #expect(abs(clip.speech.lowerBound.inMilliseconds - 150) <= 2)
        #expect(abs(clip.speech.upperBound.inMilliseconds - 1_650) <= 2)
        #expect(clip.innerPauses.count == 1)
        let kept = try AudioFile.recording(path + "/My-milk.wav")
        #expect(kept.channels == 2 && kept.sound.rate.value == 44_100)
        #expect(again.check().allSatisfy { $0.problems.isEmpty })
    }

    @Test func whatIsOfNoUseIsToldAtOnceAndNothingIsWritten() throws {
        let good = try stereo("good.wav", samples([100, 500, 100], rate: 16_000), rate: 16_000)
        let silent = try stereo("silent.wav", samples([900], rate: 48_000), rate: 48_000)
        let loud = samples([100, 500, 100], rate: 48_000, amplitude: 200_000 / 7).map {
            Int16(clamping: Int($0) * 4)
        }
        let clipped = try stereo("clipped.wav", loud, rate: 48_000)
        let empty = try write([], "empty.wav")
        let text = try write(Array("hello".utf8), "text.mp3")
        var corpus = try CorpusFolder.openOrNew(folder + "/corpus", licence: nil)
        let failure = #expect(throws: ScenarioLoading.Problem.self) {
            try corpus.add(
                [good, silent, clipped, empty, text, folder + "/none.wav"].map(entry))
        }
        let lines = try #require(failure).description.split(separator: "\n")
        #expect(lines.count == 5)
        for (line, words) in zip(
            lines,
            [
                "silent.wav: nothing in it", "clipped.wav: clipped", "empty.wav: holds no sound",
                "text.mp3: not a sound file", "none.wav: no such file",
            ])
        {
            #expect(line.contains(words), "\(line)")
        }
        #expect(access(folder + "/corpus", F_OK) != 0)
    }

    @Test func namesOfFilesBecomePlainIds() throws {
        let sound = samples([100, 500, 100], rate: 16_000)
        let files = try ["ümläut – ß.wav", "a:b#c.wav", "it's \"q\".wav"].map {
            try stereo($0, sound, rate: 16_000)
        }
        var corpus = try CorpusFolder.openOrNew(folder + "/corpus", licence: nil)
        #expect(
            try corpus.add(files.map(entry)).map(\.description.id) == ["ml-ut", "a-b-c", "it-s-q"])
        let japanese = try stereo("日本.wav", sound, rate: 16_000)
        let failure = #expect(throws: ScenarioLoading.Problem.self) {
            try corpus.add([entry(japanese)])
        }
        #expect(failure?.description.contains("--id NAME") == true)
    }

    @Test func anIdStandsOnceAndALicenceForAll() throws {
        let file = try stereo("one.wav", samples([100, 500, 100], rate: 16_000), rate: 16_000)
        let path = folder + "/corpus"
        var corpus = try CorpusFolder.openOrNew(path, licence: "CC0")
        _ = try corpus.add([entry(file)])
        #expect(throws: ScenarioLoading.Problem.self) { try corpus.add([entry(file)]) }
        #expect(throws: ScenarioLoading.Problem.self) {
            try CorpusFolder.openOrNew(path, licence: "CC-BY-4.0")
        }
        var second = entry(file)
        second.id = "other"
        _ = try corpus.add([second])
        #expect(try CorpusFolder(path).manifest.clips.map(\.id) == ["one", "other"])
    }

    @Test func aRecordingThatIsNoLongerWhatItWasIsFound() throws {
        let file = try stereo("one.wav", samples([100, 500, 300], rate: 16_000), rate: 16_000)
        let path = folder + "/corpus"
        var corpus = try CorpusFolder.openOrNew(path, licence: nil)
        _ = try corpus.add([entry(file)])
        _ = try stereo("corpus/one.wav", samples([100, 700, 300], rate: 16_000), rate: 16_000)
        #expect(corpus.check()[0].problems.count == 1)
        #expect(corpus.check()[0].problems[0].contains("the manifest says"))
        unlink(path + "/one.wav")
        #expect(corpus.check()[0].problems[0].contains("no such file"))
    }
}
