import Testing
import UproarAudio
import UproarCore

@testable import UproarAgent

@Suite struct SpeechDetectorTests {
    /// Power of a block at this level below a full-scale sine.
    private func power(_ decibels: Double) -> Float {
        var value = 5.2e8
        for _ in 0..<Int(-decibels) { value /= 1.2589254 }
        return Float(value)
    }

    /// Hears blocks of 10 ms, with a flutter of ±2 dB so that no level is quite steady.
    private func hear(_ detector: inout SpeechDetector, _ decibels: Double?, blocks: Int) {
        for block in 0..<blocks {
            let flutter = [0.0, 1, 2, 1, 0, -1, -2, -1][block % 8]
            detector.hear(power: decibels.map { power($0 + flutter) } ?? 0)
        }
    }

    /// Syllables: 80 ms loud, 40 ms 15 dB lower.
    private func speak(_ detector: inout SpeechDetector, _ decibels: Double, blocks: Int) {
        for block in 0..<blocks {
            detector.hear(power: power(block % 12 < 8 ? decibels : decibels - 15))
        }
    }

    @Test func speechIsFoundWhereItBeginsAndEnds() {
        var detector = SpeechDetector(runEnd: .milliseconds(300))
        hear(&detector, nil, blocks: 50)
        speak(&detector, -20, blocks: 104)
        #expect(detector.isActive)
        #expect(detector.onset == 50 * 80)
        #expect(detector.lastVoiced == 154 * 80)
        hear(&detector, nil, blocks: 29)
        #expect(detector.isActive)
        #expect(detector.silence == 29 * 80)
        hear(&detector, nil, blocks: 2)
        #expect(!detector.isActive)
        #expect(detector.lastVoiced == 154 * 80)
    }

    @Test(arguments: [-30.0, -40, -50])
    func steadyNoiseBecomesTheFloorAndSpeechStandsOutOfIt(noise: Double) {
        var detector = SpeechDetector(runEnd: .milliseconds(300))
        hear(&detector, noise, blocks: 300)
        #expect(!detector.isActive)
        speak(&detector, noise + 18, blocks: 152)
        #expect(detector.isActive)
        // The last loud block, not the noise behind it.
        hear(&detector, noise, blocks: 40)
        #expect(!detector.isActive)
        #expect(abs(detector.lastVoiced - 452 * 80) <= 2 * 80)
    }

    @Test func whoSpeaksLowIsHeardToTheEndOfTheWord() {
        var detector = SpeechDetector(runEnd: .milliseconds(260))
        hear(&detector, nil, blocks: 50)
        speak(&detector, -42, blocks: 24)
        // Weaker than any loud speaker's words, and words all the same.
        hear(&detector, -62, blocks: 24)
        #expect(detector.lastVoiced == 98 * 80)
        hear(&detector, nil, blocks: 30)
        #expect(!detector.isActive)
        #expect(detector.lastVoiced == 98 * 80)
    }

    @Test func whatIsWeakBesideALoudVoiceIsSilence() {
        var detector = SpeechDetector(runEnd: .milliseconds(260))
        hear(&detector, nil, blocks: 50)
        speak(&detector, -15, blocks: 56)
        hear(&detector, -64, blocks: 20)
        #expect(detector.lastVoiced == 106 * 80)
    }

    @Test func moreSilenceIsWaitedForWhereNoiseHidesWords() {
        func hangover(noise: Double?) -> Int {
            var detector = SpeechDetector(runEnd: .milliseconds(260))
            hear(&detector, noise, blocks: 100)
            speak(&detector, -20, blocks: 56)
            hear(&detector, noise, blocks: 20)
            return detector.hangover
        }
        #expect(hangover(noise: nil) == 0)
        // What is lower than any speech hides none.
        #expect(hangover(noise: -70) == 0)
        #expect(hangover(noise: -40) > hangover(noise: -48))
        #expect(hangover(noise: -48) > 0)
        // No more than 300 ms, whatever the noise.
        #expect(hangover(noise: -32) == 2400)
    }

    @Test func noiseThatComesWithTheSpeechDoesNotHideItsEnd() {
        var detector = SpeechDetector(runEnd: .milliseconds(300))
        hear(&detector, nil, blocks: 100)
        hear(&detector, -42, blocks: 20)
        speak(&detector, -20, blocks: 152)
        let end = detector.position
        hear(&detector, -42, blocks: 40)
        #expect(!detector.isActive)
        #expect(abs(detector.lastVoiced - end) <= 3 * 80)
    }

    @Test func aLongVowelStaysVoiced() {
        var detector = SpeechDetector(runEnd: .milliseconds(300))
        hear(&detector, -60, blocks: 100)
        speak(&detector, -22, blocks: 60)
        hear(&detector, -20, blocks: 60)
        #expect(detector.silence == 0)
    }

    @Test func clicksNeitherBeginNorProlongSpeech() {
        var detector = SpeechDetector(runEnd: .milliseconds(300))
        for _ in 0..<20 {
            hear(&detector, -20, blocks: 2)
            hear(&detector, nil, blocks: 8)
        }
        #expect(!detector.isActive)
        speak(&detector, -20, blocks: 56)
        let end = detector.lastVoiced
        hear(&detector, nil, blocks: 10)
        hear(&detector, -20, blocks: 1)
        hear(&detector, nil, blocks: 10)
        #expect(detector.lastVoiced == end)
    }

    @Test func framesMayBeCutAnywhere() {
        let samples = (0..<1600).map { Int16(8000 * ($0 % 32 < 16 ? 1 : -1)) }
        let codes = samples.map { G711.muLaw.encode($0) }
        var whole = SpeechDetector(runEnd: .milliseconds(300))
        whole.hear(mulaw: codes.span.bytes)
        var split = SpeechDetector(runEnd: .milliseconds(300))
        for code in codes { split.hear(mulaw: [code].span.bytes) }
        #expect(whole.position == 1600)
        #expect(whole.isActive && whole.lastVoiced == 1600)
        #expect(split.position == whole.position && split.lastVoiced == whole.lastVoiced)
        #expect(split.voiced == whole.voiced)
    }

    @Test func digitalSilenceHasNoPower() {
        #expect(MulawPower.table[0xff] == 0)
        #expect(MulawPower.table[0x80] > 1e9)
    }
}
