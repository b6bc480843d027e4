import Testing
import UproarAudio
import UproarCore

@Suite struct FrameLibraryTests {
    private func clip(_ id: String, milliseconds: Int, rate: Hertz = .wideband) -> AudioCorpus.Clip
    {
        var random = Seed(1).stream(text: id)
        let samples = (0..<rate.value * milliseconds / 1_000).map { _ in
            Int16(random.below(8_000) - 4_000)
        }
        return AudioCorpus.Clip(
            description: ClipDescription(
                id: id, file: id + ".flac", transcript: "Words.",
                speech: .milliseconds(105)..<Duration.milliseconds(305),
                innerPauses: [.milliseconds(150)..<Duration.milliseconds(251)]),
            sound: PCM(rate: rate, samples: samples))
    }

    private var corpus: AudioCorpus {
        AudioCorpus(
            name: "test", clips: [clip("a", milliseconds: 390), clip("b", milliseconds: 400)])
    }

    @Test(arguments: [
        (AudioFormat.telephone, 160), (.browser, 640), (AudioFormat(.alaw, .telephone), 160),
        (AudioFormat(.linear16, Hertz(24_000)), 960),
    ])
    func framesAreWholeAndFilledUpWithSilence(format: AudioFormat, size: Int) throws {
        let library = FrameLibrary(corpus, as: format)
        #expect(library.silence == [UInt8](repeating: format.encoding.silence, count: size))
        #expect(library.tones.count == 16 * size)
        let index = try #require(library.index(of: "a"))
        let frames = library.clips[index]
        #expect(frames.frameCount == 20)
        #expect(frames.bytes.count == 20 * size)
        #expect(
            frames.bytes[frames.range(ofFrame: 19)].suffix(size / 2 - 8).allSatisfy {
                $0 == format.encoding.silence
            })
        #expect(library.clips[1].frameCount == 20)
        #expect(library.index(of: "c") == nil)
        #expect(library.byteCount == (40 + 17) * size)
    }

    /// ```
    /// frame    5   6   7   8   9  10  11  12  13  14  15
    ///        |105………………150……………………………251………………305|
    ///         ████████████·············██████████████
    /// ```
    @Test func framesOfAPauseAreNotVoiced() {
        let frames = ClipFrames(clip("a", milliseconds: 390), as: .telephone)
        let voiced = frames.isVoiced.indices.filter { frames.isVoiced[$0] }
        #expect(voiced == [5, 6, 7, 12, 13, 14, 15])
    }

    @Test(arguments: [AudioFormat.telephone, .browser, AudioFormat(.alaw, .wideband)])
    func tagsPlayedFromTheLibraryDecode(format: AudioFormat) {
        let library = FrameLibrary(corpus, as: format)
        var bytes = library.silence + library.silence
        for tone in AudioTag.symbols(for: 0xfeed_beef) {
            bytes += library.tones[library.range(ofTone: tone)]
        }
        for _ in 0..<5 { bytes += library.silence }
        let sound = PCM(bytes.span, as: format)
        let find = AudioTagDecoder.find(.head, in: sound)
        #expect(find?.wire == 0xfeed_beef)
        #expect(abs((find?.start ?? 0) - 2 * format.rate.samplesPerFrame) <= 20)
    }

    @Test func encodingAndDecodingAreInverse() {
        let sound = clip("x", milliseconds: 100).sound
        #expect(PCM(sound.encoded(as: .browser).span, as: .browser) == sound)
        let phone = sound.resampled(to: .telephone)
        let back = PCM(phone.encoded(as: .telephone).span, as: .telephone)
        for (a, b) in zip(phone.samples, back.samples) {
            #expect(abs(Int(a) - Int(b)) <= max(8, abs(Int(a)) / 25))
        }
        #expect(PCM([1, 2, 3].span, as: .browser).samples == [0x0201])
    }

    @Test func variantsKeepTheAnnotationAndChangeTheSound() throws {
        var corpus = corpus
        for variant in NoiseVariant.allCases where variant != .clean { corpus.add(variant) }
        #expect(
            corpus.clips.map(\.description.id) == [
                "a", "b", "a.cafe", "b.cafe", "a.street", "b.street", "a.low", "b.low",
            ])
        for clip in corpus.clips {
            #expect(clip.description.speech == corpus.clips[0].description.speech)
        }
        #expect(corpus.longestPause == .milliseconds(101))
    }

    private func power(_ samples: some Collection<Int16>) -> Double {
        samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count)
    }

    /// The noise alone is heard by taking the clean sound away; 15 and 12 dB are factors of 32 and 16 in power.
    @Test(arguments: [(NoiseVariant.cafe, 31.6), (.street, 15.8)])
    func noiseIsAsFarBelowTheSpeechAsItSays(variant: NoiseVariant, factor: Double) {
        let clean = clip("n", milliseconds: 3_000).sound
        let noisy = variant.applied(to: clean, clip: "n")
        #expect(noisy == variant.applied(to: clean, clip: "n"))
        #expect(noisy != variant.applied(to: clean, clip: "m"))
        let noise = zip(noisy.samples, clean.samples).map { $0 &- $1 }
        let ratio = power(clean.samples) / power(noise)
        #expect(ratio > factor * 0.8 && ratio < factor * 1.25)
        #expect(noise[0] == 0)
    }

    @Test func lowIsTwentyDecibelsQuieter() {
        let clean = clip("n", milliseconds: 500).sound
        let low = NoiseVariant.low.applied(to: clean, clip: "n")
        #expect(abs(power(clean.samples) / power(low.samples) - 100) < 2)
    }
}
