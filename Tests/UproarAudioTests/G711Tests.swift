import Testing
import UproarAudio

@Suite struct G711Tests {
    /// G.191's `ulaw_compress`, restated by search: the segment's end points of G.711 table 2a, in 14-bit units.
    private func expectedMuLaw(_ sample: Int16) -> UInt8 {
        let size = sample < 0 ? -Int(sample) - 1 : Int(sample)
        let ends = [31, 95, 223, 479, 991, 2015, 4063, 8159]
        let value = min(size / 4, 8158)
        var segment = 0
        while value >= ends[segment] { segment += 1 }
        let start = segment == 0 ? -1 : ends[segment - 1]
        let step = 2 << segment
        let place = (value - start) / step
        return ~UInt8((sample < 0 ? 128 : 0) + segment * 16 + place)
    }

    private func expectedALaw(_ sample: Int16) -> UInt8 {
        let size = (sample < 0 ? -Int(sample) - 1 : Int(sample)) / 16
        let starts = [0, 32, 64, 128, 256, 512, 1024]
        let steps = [1, 2, 4, 8, 16, 32, 64]
        let row = starts.lastIndex { size >= $0 }!
        let code = row * 16 + (row == 0 ? 0 : 16) + (size - starts[row]) / steps[row]
        return (UInt8(code) | (sample < 0 ? 0 : 128)) ^ 0x55
    }

    @Test func everySampleGetsTheCodeOfTheITUDecisionValues() {
        var wrongMu = 0
        var wrongA = 0
        for sample in Int16.min...Int16.max {
            if G711.muLaw.encode(sample) != expectedMuLaw(sample) { wrongMu += 1 }
            if G711.aLaw.encode(sample) != expectedALaw(sample) { wrongA += 1 }
        }
        #expect(wrongMu == 0)
        #expect(wrongA == 0)
    }

    /// Column "value at decoder output" of G.711 tables 2a and 1a, scaled to 16 bits (× 4 and × 8).
    @Test(arguments: [
        (G711.muLaw, 0x80, 8031 * 4), (.muLaw, 0x00, -8031 * 4), (.muLaw, 0x8f, 4191 * 4),
        (.muLaw, 0x9f, 2079 * 4), (.muLaw, 0xaf, 1023 * 4), (.muLaw, 0xbf, 495 * 4),
        (.muLaw, 0xcf, 231 * 4), (.muLaw, 0xdf, 99 * 4), (.muLaw, 0xef, 33 * 4),
        (.muLaw, 0xfe, 2 * 4), (.muLaw, 0xff, 0), (.muLaw, 0x7f, 0), (.muLaw, 0x7e, -2 * 4),
        (.aLaw, 0xaa, 4032 * 8), (.aLaw, 0x2a, -4032 * 8), (.aLaw, 0xa5, 2112 * 8),
        (.aLaw, 0xd5, 1 * 8), (.aLaw, 0x55, -1 * 8), (.aLaw, 0xd4, 3 * 8), (.aLaw, 0xc5, 33 * 8),
    ])
    func knownValues(law: G711, code: Int, sample: Int) {
        #expect(Int(law.decode(UInt8(code))) == sample)
    }

    @Test(arguments: G711.allCases)
    func everyCodeComesBackAsItself(law: G711) {
        for code in UInt8.min...UInt8.max {
            // Mu-law has two zeros; the negative one is written as the positive.
            let expected: UInt8 = law == .muLaw && code == 0x7f ? 0xff : code
            #expect(law.encode(law.decode(code)) == expected)
        }
    }

    /// The 1 kHz sequence at 0 dBm0 of G.711 (tables 5 and 6) is symmetric: the signs alternate over one period.
    @Test func theReferenceToneDecodesToASymmetricSine() {
        let muLaw: [UInt8] = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e]
        let aLaw: [UInt8] = [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]
        for (law, codes) in [(G711.muLaw, muLaw), (.aLaw, aLaw)] {
            let samples = codes.map { Int(law.decode($0)) }
            #expect(samples.reduce(0, +) == 0)
            #expect(samples.map { law.encode(Int16($0)) } == codes)
            // A full-scale sine at +3.17 dBm0 (mu-law) or +3.14 dBm0 (A-law).
            let power = samples.map { Double($0 * $0) }.reduce(0, +) / 8
            let full = law == .muLaw ? 8159.0 * 4 : 4096.0 * 8
            let decibels = power / (full * full / 2)
            let expected = law == .muLaw ? 0.4819 : 0.4853
            #expect(abs(decibels - expected) < 0.01)
        }
    }

    @Test(arguments: G711.allCases)
    func batchesAgreeWithSingles(law: G711) {
        let samples = stride(from: -32_768, through: 32_767, by: 97).map { Int16($0) }
        var codes: [UInt8] = [1]
        law.encode(samples.span, into: &codes)
        #expect(codes == [1] + samples.map { law.encode($0) })
        var back: [Int16] = []
        law.decode(codes.span, into: &back)
        #expect(back == codes.map { law.decode($0) })
    }

    @Test func silenceIsZero() {
        #expect(G711.muLaw.encode(0) == G711.muLaw.silence)
        #expect(G711.aLaw.encode(0) == G711.aLaw.silence)
        #expect(G711.muLaw.codesOfOtherLaw[0xff] == 0xd5)
    }
}
