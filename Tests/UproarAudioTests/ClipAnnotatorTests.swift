import Testing
import UproarAudio
import UproarCore

@Suite struct ClipAnnotatorTests {
    /// Bursts of noise of these lengths in milliseconds, silence between: `[100, 500, 200, 300, 100]` starts silent.
    private func sound(
        _ lengths: [Int], rate: Hertz = .wideband, amplitude: Int = 4_000, ambience: Int = 0
    ) -> PCM {
        var random = Seed(6).stream("bursts")
        var samples: [Int16] = []
        for (index, length) in lengths.enumerated() {
            let loud = index % 2 == 1 ? amplitude : 0
            for _ in 0..<rate.value * length / 1_000 {
                samples.append(
                    Int16(
                        (loud > 0 ? random.below(2 * loud) - loud : 0)
                            + (ambience > 0 ? random.below(2 * ambience) - ambience : 0)))
            }
        }
        return PCM(rate: rate, samples: samples)
    }

    private func milliseconds(_ range: Range<Duration>) -> [Int64] {
        [range.lowerBound.nanoseconds / 1_000_000, range.upperBound.nanoseconds / 1_000_000]
    }

    @Test(arguments: [8_000, 16_000, 22_050, 44_100, 48_000])
    func findsSpeechAndItsPausesAtAnyRate(rate: Int) throws {
        let found = try #require(
            ClipAnnotator.annotate(sound([123, 500, 250, 300, 60, 400, 140], rate: Hertz(rate))))
        let speech = milliseconds(found.speech)
        #expect(abs(speech[0] - 123) <= 1)
        #expect(abs(speech[1] - 1_633) <= 2)
        #expect(found.innerPauses.count == 1)
        let pause = milliseconds(found.innerPauses[0])
        #expect(abs(pause[0] - 623) <= 10 && abs(pause[1] - 873) <= 10)
        #expect(
            found.longestPause >= .milliseconds(230) && found.longestPause <= .milliseconds(250))
    }

    /// −20 dB, café-like noise 15 dB below the speech, and a recording without any silence at all.
    @Test(arguments: [(400, 0), (4_000, 700), (8_000, 30)])
    func findsQuietAndNoisySpeech(amplitude: Int, ambience: Int) throws {
        let found = try #require(
            ClipAnnotator.annotate(
                sound([300, 900, 400], amplitude: amplitude, ambience: ambience)))
        let speech = milliseconds(found.speech)
        #expect(abs(speech[0] - 300) <= 10)
        #expect(abs(speech[1] - 1_200) <= 10)
    }

    @Test func speechFromEndToEndIsFound() throws {
        let found = try #require(ClipAnnotator.annotate(sound([0, 1_000])))
        #expect(milliseconds(found.speech) == [0, 1_000])
        #expect(found.innerPauses.isEmpty)
    }

    @Test func clicksBeforeAndAfterAreNotSpeech() throws {
        let found = try #require(ClipAnnotator.annotate(sound([100, 20, 300, 600, 300, 20, 100])))
        #expect(milliseconds(found.speech) == [420, 1_020])
    }

    /// The *k* of "task" comes 110 ms after the *s* and lasts 20 ms; a click half as late again is none of it.
    @Test func theReleaseOfAFinalStopIsSpeech() throws {
        let word = try #require(ClipAnnotator.annotate(sound([100, 600, 110, 20, 300])))
        #expect(milliseconds(word.speech) == [100, 830])
        #expect(word.innerPauses == [.milliseconds(700)..<(.milliseconds(810))])
        let click = try #require(ClipAnnotator.annotate(sound([100, 600, 170, 20, 300])))
        #expect(milliseconds(click.speech) == [100, 700])
    }

    /// A word that ends in a tone of 6 kHz, as an *s* does, ends sooner for who hears it by telephone.
    @Test func whatATelephoneCutsOffIsNotSpeech() throws {
        var clip = sound([100, 500, 400])
        for index in 0..<3_200 {
            clip.samples[9_600 + index] = Int16(
                2_000 * [0, 0.707, -1, 0.707, 0, -0.707, 1, -0.707][index % 8])
        }
        let wide = try #require(ClipAnnotator.annotate(clip, carriedAt: .wideband))
        #expect(milliseconds(wide.speech) == [100, 800])
        let phone = try #require(ClipAnnotator.annotate(clip, carriedAt: .telephone))
        let speech = milliseconds(phone.speech)
        #expect(speech[0] == 100 && (600...610).contains(speech[1]))
    }

    /// 80 ms of silence in a second are too little to learn a floor from: it must not become the speech itself.
    @Test func shortMarginsDoNotRaiseTheFloor() throws {
        var clip = sound([40, 860, 80])
        for index in 13_600..<14_400 { clip.samples[index] /= 10 }
        let found = try #require(ClipAnnotator.annotate(clip))
        #expect(milliseconds(found.speech) == [40, 900])
    }

    @Test func silenceHoldsNoSpeech() {
        #expect(ClipAnnotator.annotate(.silence(.seconds(1), rate: .telephone)) == nil)
        #expect(ClipAnnotator.annotate(PCM(rate: .telephone, samples: [])) == nil)
        #expect(ClipAnnotator.annotate(PCM(rate: .telephone, samples: [9_000])) == nil)
        #expect(ClipAnnotator.annotate(sound([500, 30, 500])) == nil)
    }
}
