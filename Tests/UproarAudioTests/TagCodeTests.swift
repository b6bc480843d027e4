import Testing
import UproarCore

@testable import UproarAudio

@Suite struct TagCodeTests {
    private func damaged(
        _ word: UInt64, at places: [Int], _ random: inout RandomStream
    ) -> UInt64 {
        var word = word
        for place in places { word ^= UInt64(1 + random.below(15)) << (4 * UInt64(place)) }
        return word
    }

    private func places(_ count: Int, _ random: inout RandomStream) -> [Int] {
        var all = Array(0..<TagCode.length)
        return (0..<count).map { _ in all.remove(at: random.below(all.count)) }
    }

    @Test func theFieldIsAField() {
        for a in UInt8(1)..<16 {
            #expect(GF16.product(a, GF16.inverse(a)) == 1)
            for b in UInt8(0)..<16 {
                #expect(GF16.product(a, b) == GF16.product(b, a))
                for c in UInt8(0)..<16 {
                    #expect(GF16.product(a, b ^ c) == GF16.product(a, b) ^ GF16.product(a, c))
                }
            }
        }
    }

    /// Any two words differ in at least six symbols, or five parity symbols were badly spent.
    @Test func wordsAreSixSymbolsApart() {
        var random = Seed(3).stream("words")
        let base = TagCode.encode(0xdead_beef)
        for _ in 0..<2_000 {
            let bit = UInt32(1) << UInt32(random.below(32))
            let other = TagCode.encode(0xdead_beef ^ bit ^ (1 << UInt32(random.below(32))))
            guard other != base else { continue }
            let apart = (0..<15).filter {
                TagCode.symbol($0, of: base) != TagCode.symbol($0, of: other)
            }
            #expect(apart.count >= 6)
        }
    }

    /// e errors nobody suspects and s symbols known to be bad, for all 2e + s ≤ 5.
    @Test(arguments: [(0, 0), (1, 0), (2, 0), (0, 5), (1, 3), (2, 1), (1, 1), (0, 3)])
    func mends(errors: Int, erasures: Int) {
        var random = Seed(7).stream("mend", UInt64(errors), UInt64(erasures))
        for _ in 0..<40 {
            let value = UInt32(truncatingIfNeeded: random.next())
            let hit = places(errors + erasures, &random)
            let word = damaged(TagCode.encode(value), at: hit, &random)
            var trust = InlineArray<15, UInt8> { _ in UInt8(150 + random.below(100)) }
            for place in hit.suffix(erasures) { trust[place] = UInt8(random.below(50)) }
            let found = TagCode.decode(word, trust: trust)
            #expect(found?.value == value)
            #expect(found?.mended == errors + erasures)
        }
    }

    /// With trust of no use, random words decode about once in 11,000: 2.3 % lie within two errors of a word, one in 256
    /// of those has a good CRC, and the tries with erasures add as much again.
    @Test func noiseSeldomDecodes() {
        var random = Seed(11).stream("noise")
        var decoded = 0
        for _ in 0..<2_000 {
            let trust = InlineArray<15, UInt8> { _ in UInt8(random.below(256)) }
            if TagCode.decode(random.next() & (1 << 60 - 1), trust: trust) != nil { decoded += 1 }
        }
        #expect(decoded < 40)
    }
}
