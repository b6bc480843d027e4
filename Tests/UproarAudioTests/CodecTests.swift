import Glibc
import Testing
import UproarAudio
import UproarCore

@Suite struct CodecTests {
    private func sine(_ frequency: Int, _ rate: Hertz, _ count: Int) -> [Int16] {
        (0..<count).map {
            Int16(8_000 * sin(2 * Double.pi * Double(frequency * $0) / Double(rate.value)))
        }
    }

    /// The amplitude of `frequency` in the middle half of `sound`.
    private func amplitude(_ frequency: Int, _ sound: PCM) -> Double {
        let range = sound.samples.count / 4..<sound.samples.count * 3 / 4
        var real = 0.0
        var imaginary = 0.0
        for index in range {
            let turn = 2 * Double.pi * Double(frequency * index) / Double(sound.rate.value)
            real += Double(sound.samples[index]) * cos(turn)
            imaginary += Double(sound.samples[index]) * sin(turn)
        }
        return 2 * (real * real + imaginary * imaginary).squareRoot() / Double(range.count)
    }

    @Test(arguments: [(8_000, 16_000), (16_000, 8_000), (44_100, 8_000), (8_000, 24_000)])
    func resamplingKeepsLengthAndTone(from: Int, to: Int) {
        let sound = PCM(rate: Hertz(from), samples: sine(1_000, Hertz(from), from))
        let other = sound.resampled(to: Hertz(to))
        #expect(other.rate == Hertz(to))
        #expect(other.samples.count == to)
        #expect(abs(amplitude(1_000, other) - 8_000) < 40)
        // Nothing is delayed: the first zero crossing stays where it was.
        #expect(abs(Int(other.samples[0])) < 800)
    }

    @Test func resamplingTakesOutWhatTheTargetCannotCarry() {
        let sound = PCM(rate: .wideband, samples: sine(6_000, .wideband, 16_000))
        let rest = sound.resampled(to: .telephone).samples[400..<7_600]
        #expect(rest.map { abs(Int($0)) }.max()! < 10)
    }

    @Test func aStreamInPiecesIsTheStreamInOne() {
        let samples = sine(700, .wideband, 10_000)
        var whole: [Int16] = []
        var resampler = Resampler(from: .wideband, to: Hertz(24_000))
        resampler.process(samples.span, into: &whole)
        resampler.finish(into: &whole)
        var pieces: [Int16] = []
        var other = Resampler(from: .wideband, to: Hertz(24_000))
        var random = Seed(2).stream("pieces")
        var start = 0
        while start < samples.count {
            let end = min(samples.count, start + 1 + random.below(700))
            other.process(samples[start..<end].span, into: &pieces)
            start = end
        }
        other.finish(into: &pieces)
        #expect(whole == pieces)
        #expect(abs(whole.count - 15_000) <= 2)
    }

    @Test func opusCarriesAToneAndConcealsALoss() throws {
        var encoder = try OpusFrameEncoder(rate: .wideband, bitsPerSecond: 24_000)
        var decoder = try OpusFrameDecoder(rate: .wideband)
        var heard: [Int16] = []
        for frame in 0..<50 {
            let samples = (0..<320).map {
                Int16(8_000 * sin(2 * Double.pi * 1_000 * Double(frame * 320 + $0) / 16_000))
            }
            var packet: [UInt8] = []
            try encoder.encode(samples.span, into: &packet)
            #expect(packet.count > 10 && packet.count < 200)
            if frame == 20 {
                try decoder.conceal(into: &heard)
            } else {
                try decoder.decode(packet.span, into: &heard)
            }
        }
        #expect(heard.count == 16_000)
        #expect(abs(amplitude(1_000, PCM(rate: .wideband, samples: heard)) - 8_000) < 1_600)
    }

    @Test func opusRefusesWhatIsNoPacket() throws {
        var decoder = try OpusFrameDecoder(rate: .wideband)
        var samples: [Int16] = []
        #expect(throws: OpusError.self) { try decoder.decode(Span(), into: &samples) }
        var random = Seed(4).stream("packets")
        for _ in 0..<200 {
            let packet = (0..<1 + random.below(60)).map { _ in UInt8(random.below(256)) }
            try? decoder.decode(packet.span, into: &samples)
            samples.removeAll(keepingCapacity: true)
        }
        #expect(throws: OpusError.self) {
            _ = try OpusFrameEncoder(rate: Hertz(44_100), bitsPerSecond: 24_000)
        }
    }

    @Test(arguments: Voice.allCases) func voicesSpeakTheSameEachTime(voice: Voice) {
        let sound = voice.render("Add buy milk to my list.")
        #expect(sound.rate == .wideband)
        #expect(sound.duration > .milliseconds(800) && sound.duration < .seconds(5))
        #expect(sound.samples.map { abs(Int($0)) }.max()! > 3_000)
        let isSame = voice.render("Add buy milk to my list.") == sound
        #expect(isSame)
        let saysNothing = voice.render("").duration < .milliseconds(500)
        #expect(saysNothing)
    }
}
