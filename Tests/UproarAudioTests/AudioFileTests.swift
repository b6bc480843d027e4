import Glibc
import Testing
import UproarAudio
import UproarCore

@Suite struct AudioFileTests {
    /// A folder of its own for each test, gone afterwards.
    private func inFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/uproar-audio-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer {
            for name in [
                "a.wav", "a.flac", "a.opus", "three.wav", "nothing.wav", "header.wav", "text.wav",
                "codec.wav", "good.flac", "bad.flac",
            ] {
                unlink("\(folder)/\(name)")
            }
            rmdir(folder)
        }
        try body(folder)
    }

    private func write(_ bytes: [UInt8], to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    private func sine(_ frequency: Int, rate: Int, count: Int) -> [Int16] {
        (0..<count).map {
            Int16(8_000 * sin(2 * Double.pi * Double(frequency * $0) / Double(rate)))
        }
    }

    /// A 16-bit WAV header and these interleaved samples.
    private func wav(rate: Int, channels: Int, _ samples: [Int16]) -> [UInt8] {
        func little(_ value: Int, _ bytes: Int) -> [UInt8] {
            (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let size = samples.count * 2
        return Array("RIFF".utf8) + little(36 + size, 4) + Array("WAVEfmt ".utf8) + little(16, 4)
            + little(1, 2) + little(channels, 2) + little(rate, 4)
            + little(rate * channels * 2, 4) + little(channels * 2, 2) + little(16, 2)
            + Array("data".utf8) + little(size, 4) + samples.flatMap { little(Int($0), 2) }
    }

    @Test(arguments: ["wav", "flac"]) func losslessKindsComeBackExactly(ending: String) throws {
        try inFolder { folder in
            let sound = PCM(rate: .wideband, samples: sine(440, rate: 16_000, count: 5_000))
            try AudioFile.write(sound, to: "\(folder)/a.\(ending)")
            #expect(try AudioFile.read("\(folder)/a.\(ending)") == sound)
        }
    }

    /// No telephone carries an offset, and a level that never falls has no end.
    @Test(arguments: [6_554, -3_000, 82, 81, 0]) func anOffsetIsTakenOff(offset: Int) throws {
        try inFolder { folder in
            var samples = sine(400, rate: 16_000, count: 16_000)
            for index in 0..<4_000 { samples[index] = 0 }
            let moved = samples.map { Int16(Int($0) + offset) }
            try AudioFile.write(PCM(rate: .wideband, samples: moved), to: "\(folder)/a.wav")
            let recording = try AudioFile.recording("\(folder)/a.wav")
            let isKept = abs(offset) < 82
            #expect(recording.offset == (isKept ? 0 : offset))
            #expect(recording.sound.samples == (isKept ? moved : samples))
            let found = try #require(ClipAnnotator.annotate(recording.sound))
            #expect(abs(found.speech.lowerBound.inMilliseconds - 250) <= 1)
        }
    }

    @Test func opusComesBackAlike() throws {
        try inFolder { folder in
            let sound = PCM(rate: Hertz(48_000), samples: sine(440, rate: 48_000, count: 48_000))
            try AudioFile.write(sound, to: "\(folder)/a.opus")
            let back = try AudioFile.read("\(folder)/a.opus")
            #expect(back.rate == Hertz(48_000))
            #expect(abs(back.samples.count - sound.samples.count) < 2_000)
        }
    }

    @Test func channelsAreMixedAndOddRatesKept() throws {
        try inFolder { folder in
            let left = sine(300, rate: 44_100, count: 100)
            let interleaved: [Int16] = left.flatMap { [$0, 0, -$0 / 2] }
            write(wav(rate: 44_100, channels: 3, interleaved), to: "\(folder)/three.wav")
            let sound = try AudioFile.read("\(folder)/three.wav")
            #expect(sound.rate == Hertz(44_100))
            #expect(sound.samples.count == 100)
            for (mixed, sample) in zip(sound.samples, left) {
                #expect(abs(Double(mixed) - Double(sample - sample / 2) / 3) <= 1)
            }
        }
    }

    private func reason(_ path: String) -> AudioFileError.Reason? {
        do throws(AudioFileError) {
            _ = try AudioFile.read(path)
            return nil
        } catch { return error.reason }
    }

    @Test func whatCannotBeReadIsNamed() throws {
        try inFolder { folder in
            #expect(reason("\(folder)/none.wav") == .missing)
            write([], to: "\(folder)/nothing.wav")
            #expect(reason("\(folder)/nothing.wav") == .empty)
            write(wav(rate: 8_000, channels: 1, []), to: "\(folder)/header.wav")
            #expect(reason("\(folder)/header.wav") == .empty)
            write(Array("clips: []\nnothing to hear here".utf8), to: "\(folder)/text.wav")
            guard case .unknownFormat = reason("\(folder)/text.wav") else {
                Issue.record("\(String(describing: reason("\(folder)/text.wav")))")
                return
            }
            var odd = wav(rate: 8_000, channels: 1, [1, 2, 3])
            odd[20] = 0x99
            write(odd, to: "\(folder)/codec.wav")
            guard case .unknownFormat = reason("\(folder)/codec.wav") else {
                Issue.record("\(String(describing: reason("\(folder)/codec.wav")))")
                return
            }
            #expect(reason(folder) != nil)
        }
    }

    @Test func errorsAreSentences() {
        #expect(AudioFileError("a.wav", .missing).description == "a.wav: no such file")
        #expect(
            AudioFileError("a.mp4", .unknownFormat("File contains data in an unknown format.\n"))
                .description.hasPrefix(
                    "a.mp4: not a sound file of a known kind (File contains data in an unknown format); WAV"
                ))
    }

    @Test func brokenBytesNeverCrash() throws {
        try inFolder { folder in
            var random = Seed(1).stream("broken")
            try AudioFile.write(
                PCM(rate: .telephone, samples: sine(500, rate: 8_000, count: 800)),
                to: "\(folder)/good.flac")
            let descriptor = open("\(folder)/good.flac", O_RDONLY)
            var good = [UInt8](repeating: 0, count: 100_000)
            good.removeLast(100_000 - read(descriptor, &good, 100_000))
            close(descriptor)
            for _ in 0..<60 {
                var bytes = good
                for _ in 0..<4 { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
                bytes.removeLast(random.below(bytes.count / 2))
                write(bytes, to: "\(folder)/bad.flac")
                _ = try? AudioFile.read("\(folder)/bad.flac")
            }
        }
    }
}

@Suite struct WAVHeaderTests {
    @Test(arguments: [
        (AudioFormat.telephone, [UInt8](repeating: 0x7f, count: 160), 80),
        (AudioFormat.browser, [UInt8](repeating: 0, count: 640), 160),
        (AudioFormat(.alaw, .telephone), [UInt8](repeating: 0xd5, count: 160), 80),
    ])
    func libsndfileReadsWhatStandsBehindIt(format: AudioFormat, data: [UInt8], samples: Int) throws
    {
        let sound = try AudioFile.read(
            bytes: WAVHeader.bytes(format, channels: 2, dataCount: data.count) + data)
        #expect(sound.rate == format.rate)
        #expect(sound.samples.count == samples)
    }
}
