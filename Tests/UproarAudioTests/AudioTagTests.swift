import Testing
import UproarAudio
import UproarCore

@Suite struct AudioTagTests {
    @Test func aTagIsTwentyFramesOfSixteenTones() {
        let symbols = AudioTag.symbols(for: 0x1234_5678)
        #expect(symbols.count == AudioTag.frameCount)
        #expect(symbols.allSatisfy { $0 < 16 })
        #expect(AudioTag.duration == .milliseconds(400))
        #expect(symbols != AudioTag.symbols(for: 0x1234_5679))
        #expect(symbols != AudioTag.symbols(for: 0x1234_5678, kind: .tail))
    }

    @Test(arguments: [8_000, 16_000, 24_000, 48_000])
    func aToneFrameIsOneFrameAndWholeCycles(rate: Int) {
        for tone in 0..<AudioTag.toneCount {
            let frame = AudioTag.toneFrame(tone, rate: Hertz(rate))
            #expect(frame.count == rate / 50)
            #expect(abs(frame.reduce(0) { $0 + Int($1) }) < 40)
            #expect(frame[0] == 0)
            #expect(frame.map { abs(Int($0)) }.max()! < 1_902)
        }
    }

    @Test(arguments: [8_000, 16_000, 24_000, 32_000, 48_000], AudioTag.Kind.allCases)
    func decodesAtEveryRateAndTellsWhereItStarts(rate: Int, kind: AudioTag.Kind) throws {
        let rate = Hertz(rate)
        var random = Seed(5).stream("decode", UInt64(rate.value))
        for lead in [0, 1, 777, 3_000] {
            let wire = UInt32(truncatingIfNeeded: random.next())
            let tag = AudioTag(wire: wire, kind: kind)
            let offset = lead * rate.value / 8_000
            let samples =
                [Int16](repeating: 0, count: offset) + tag.sound(rate: rate).samples
                + (0..<rate.value / 5).map { _ in Int16(random.below(2_000) - 1_000) }
            let sound = PCM(rate: rate, samples: samples)
            let found = try #require(AudioTagDecoder.find(kind, in: sound))
            #expect(found.wire == wire)
            #expect(found.mended == 0)
            #expect(abs(found.start - offset) <= rate.value / 800)
            let other: AudioTag.Kind = kind == .head ? .tail : .head
            #expect(AudioTagDecoder.find(other, in: sound) == nil)
        }
    }

    /// Three neighbouring frames lost, wherever they are: what one lost packet does at worst.
    @Test(arguments: 0..<18)
    func threeLostFramesAreMended(first: Int) {
        var sound = AudioTag(wire: 0xcafe_f00d).sound(rate: .telephone)
        for index in first * 160..<(first + 3) * 160 { sound.samples[index] = 0 }
        sound.samples += [Int16](repeating: 0, count: 800)
        #expect(AudioTagDecoder.find(.head, in: sound)?.wire == 0xcafe_f00d)
    }

    @Test func aTagThatEndsWithTheSoundIsFound() {
        let sound = AudioTag(wire: 99, kind: .tail).sound(rate: .telephone)
        #expect(AudioTagDecoder.find(.tail, in: sound)?.wire == 99)
    }
}
