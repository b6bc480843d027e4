import Glibc
import Testing
import UproarAudio
import UproarCore

@Suite struct FixtureTests {
    /// The committed folder of a corpus.
    private func folder(_ corpus: String) -> String {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/") + "/fixtures/" + corpus
    }

    private func files(_ corpus: String) throws -> [String] {
        let stream = try #require(opendir(folder(corpus)))
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".flac") { names.append(name) }
        }
        return names.sorted()
    }

    private func manifest(_ corpus: String) throws -> String {
        let stream = try #require(fopen(folder(corpus) + "/manifest.yaml", "rb"))
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, stream)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// What callers say is what the files hold, sample by sample.
    @Test(arguments: ["task-manager", "barge-in", "consent", "human-speech"])
    func noShippedRecordingHasAnOffset(corpus: String) throws {
        for file in try files(corpus) {
            let offset = try AudioFile.recording(folder(corpus) + "/" + file).offset
            #expect(offset == 0, "\(file)")
        }
    }

    /// The manifest says of each clip what annotating it again says.
    @Test(arguments: ["task-manager", "barge-in"])
    func theManifestTellsTheTruth(corpus: String) throws {
        let manifest = try manifest(corpus)
        let files = try files(corpus)
        #expect(files.count >= (corpus == "task-manager" ? 50 : 20))
        for file in files {
            let sound = try AudioFile.read(folder(corpus) + "/" + file)
            #expect(sound.rate == .wideband)
            let found = try #require(ClipAnnotator.annotate(sound))
            func milliseconds(_ range: Range<Duration>) -> String {
                let times = [range.lowerBound, range.upperBound].map { $0.nanoseconds / 1_000_000 }
                return "{start: \(times[0])ms, end: \(times[1])ms}"
            }
            let entry = try #require(
                manifest.split(separator: "  - id: ").first { $0.contains("\"\(file)\"") })
            #expect(entry.contains("speech: \(milliseconds(found.speech))"))
            #expect(found.innerPauses.allSatisfy { entry.contains(milliseconds($0)) })
            if corpus == "task-manager" {
                #expect(found.longestPause <= .milliseconds(250))
                #expect(found.speech.lowerBound <= .milliseconds(120))
                #expect(sound.duration - found.speech.upperBound <= .milliseconds(200))
            }
        }
    }

    @Test func everyVoiceSpeaksInTheTaskManager() throws {
        let files = try files("task-manager")
        for voice in ["slt", "rms", "awb"] {
            #expect(files.count { $0.hasSuffix("-\(voice).flac") } >= 15)
        }
    }
}

@Suite struct ClipShaperTests {
    private func sound(_ lengths: [Int], amplitude: Int = 2_000) -> PCM {
        var random = Seed(8).stream("shaper")
        let samples = lengths.enumerated().flatMap { index, length in
            (0..<16 * length).map { _ in
                index % 2 == 1 ? Int16(random.below(2 * amplitude) - amplitude) : 0
            }
        }
        return PCM(rate: .wideband, samples: samples)
    }

    @Test func longPausesBecomeShortAndMarginsEven() throws {
        let shaped = try #require(ClipShaper().shape(sound([40, 400, 900, 300, 240, 200, 700])))
        #expect(shaped.annotation.speech.lowerBound == .milliseconds(100))
        let end = shaped.sound.duration - shaped.annotation.speech.upperBound
        #expect(abs(end.inMilliseconds - 100) <= 1)
        let pauses = shaped.annotation.innerPauses.map { $0.upperBound - $0.lowerBound }
        #expect(pauses.count == 2)
        // Cut as the telephone hears it, judged at 16 kHz: two grids of 10 ms.
        #expect(abs(pauses[0].inMilliseconds - 200) <= 20)
        #expect(abs(pauses[1].inMilliseconds - 240) <= 20)
    }

    @Test func everyClipIsAsLoudAsTheOthers() throws {
        for amplitude in [300, 3_000, 30_000] {
            let shaped = try #require(
                ClipShaper().shape(sound([200, 800, 200], amplitude: amplitude)))
            let speech = shaped.sound.cut(shaped.annotation.speech)
            let power = speech.samples.reduce(0.0) { $0 + Double($1) * Double($1) }
            let level = (power / Double(speech.samples.count)).squareRoot() / 32_768
            #expect(abs(level - 0.1) < 0.005)
        }
    }

    @Test func silenceCannotBeShaped() {
        #expect(ClipShaper().shape(.silence(.seconds(1), rate: .wideband)) == nil)
        #expect(ClipShaper().shape(PCM(rate: .wideband, samples: [])) == nil)
    }
}
