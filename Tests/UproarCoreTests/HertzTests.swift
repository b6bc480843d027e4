import Testing
import UproarCore

@Suite struct HertzTests {
    @Test(arguments: [
        (8_000, 20, 160), (16_000, 20, 320), (44_100, 20, 882), (22_050, 10, 220),
        (48_000, 3_600_000, 172_800_000),
    ])
    func countsSamples(rate: Int, milliseconds: Int, samples: Int) {
        #expect(Hertz(rate).samples(in: .milliseconds(milliseconds)) == samples)
    }

    @Test func samplesAndDurationsAreInverse() {
        for rate in [Hertz.telephone, .wideband, Hertz(24_000)] {
            #expect(rate.samples(in: rate.duration(samples: 123_456_789)) <= 123_456_789)
            #expect(rate.duration(samples: rate.value) == .seconds(1))
            #expect(rate.duration(samples: rate.samplesPerFrame) == .milliseconds(20))
        }
    }
}
