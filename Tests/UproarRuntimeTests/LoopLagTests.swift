import Testing
import UproarCore

@testable import UproarRuntime

@Suite struct LoopLagTests {
    @Test func everyValueLiesBelowTheUpperBoundOfItsBucketAndNotFarBelow() {
        for exponent in 0..<35 {
            for offset: Int64 in [-1, 0, 1, 1 << 4] {
                let value = max(0, (1 << Int64(exponent)) + offset * (1 << Int64(exponent)) / 16)
                let bucket = LoopLag.bucket(of: value)
                let upper = LoopLag.upperBound(of: bucket)
                #expect(value < upper)
                if bucket > 0 {
                    #expect(value >= LoopLag.upperBound(of: bucket - 1))
                    #expect(Double(upper) <= Double(value) * 1.126)
                }
            }
        }
        #expect(LoopLag.bucket(of: .max) == LoopLag.bucketCount - 1)
    }

    @Test func quantilesAndMergesAreThoseOfAllValues() {
        var early = LoopLag()
        var late = LoopLag()
        #expect(early.quantile(0.5) == nil)
        for value in 1...100 { early.record(nanoseconds: Int64(value) * 10_000) }
        late.record(nanoseconds: 5_000_000)
        #expect(early.quantile(1) == .microseconds(1000))
        early.merge(late)
        #expect(early.count == 101)
        #expect(early.maximum == .milliseconds(5))
        #expect(early.quantile(1) == .milliseconds(5))
        let median = early.quantile(0.5)!.nanoseconds
        #expect(median >= 510_000 && median < 580_000)
    }
}
