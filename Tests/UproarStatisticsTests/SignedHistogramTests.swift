import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct SignedHistogramTests {
    private func milliseconds(_ values: [Int64]) -> SignedHistogram {
        var histogram = SignedHistogram()
        for value in values { histogram.record(value * 1_000_000) }
        return histogram
    }

    @Test func percentilesRunOverBothSigns() {
        let histogram = milliseconds([-300, -200, -100, 100, 200, 300, 400, 500, 600, 700])
        #expect(abs(histogram.quantile(0.1)!.value + 300e6) < 300e3)
        #expect(abs(histogram.quantile(0.3)!.value + 100e6) < 100e3)
        #expect(abs(histogram.quantile(0.4)!.value - 100e6) < 100e3)
        #expect(histogram.minimum!.value == -300e6)
        #expect(histogram.maximum!.value == 700e6)
        #expect(histogram.mean!.value == 220e6)
        #expect(histogram.count(below: 0) == 3)
        #expect(histogram.count(below: -150_000_000) == 2)
        #expect(histogram.count(below: 350_000_000) == 6)
    }

    @Test func aSilentTenthMovesP95ToTheLimitNotToTheRest() {
        var histogram = SignedHistogram()
        for _ in 0..<90 { histogram.record(600_000_000) }
        histogram.recordCensored(at: 10_000_000_000, times: 10)
        let p95 = histogram.quantile(0.95)!
        #expect(p95.isCensored)
        #expect(p95.text(.time) == "> 10s")
        #expect(histogram.quantile(0.9)!.isCensored == false)
        #expect(histogram.share(below: 800_000_000) == 0.9)
        #expect(histogram.maximum == Figure(10e9, isCensored: true))
        #expect(histogram.mean! == Figure(1.54e9, isCensored: true))
    }

    @Test func mergingCommutes() {
        var a = milliseconds([-5, 10, 20])
        a.recordCensored(at: 10_000_000_000)
        var b = milliseconds([-7, 1, 900])
        b.recordCensored(at: 5_000_000_000, times: 2)
        var ab = a
        ab.add(b)
        var ba = b
        ba.add(a)
        #expect(ab == ba)
        #expect(ab.censoredAt == 5_000_000_000)
        #expect(ab.count == 9)
    }

    @Test func anEmptyOneSaysNothing() {
        let histogram = SignedHistogram()
        #expect(histogram.quantile(0.5) == nil)
        #expect(
            histogram.mean == nil && histogram.maximum == nil && histogram.share(below: 1) == nil)
    }

    @Test func theLeastValueIsNoTrap() {
        var histogram = SignedHistogram()
        histogram.record(.min)
        #expect(histogram.minimum!.value == -3.6e12)
    }
}
