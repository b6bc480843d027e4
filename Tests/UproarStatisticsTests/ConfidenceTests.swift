import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct ConfidenceTests {
    @Test(arguments: [
        (0.95, 200), (0.99, 1000), (0.5, 20), (0.9, 100), (0.999, 10_000), (0.05, 200),
    ])
    func tenSamplesMustLieBeyondAQuantile(_ q: Double, _ needed: UInt64) {
        #expect(Confidence.minimumCount(quantile: q) == needed)
    }

    @Test func ranksAreThoseOfTheBinomialDistribution() {
        // n = 10, median: P(B < 2) = 0.0107, P(B < 3) = 0.0547 -> ranks 2 and 9 (coverage 97.9 %).
        let ten = Confidence.ranks(quantile: 0.5, count: 10, confidence: 0.95)
        #expect(ten.low == 2 && ten.high == 9)
        // p95 of 20 has no upper bound: the greatest of 20 exceeds it with 64 % only.
        let twenty = Confidence.ranks(quantile: 0.95, count: 20, confidence: 0.95)
        #expect(twenty.high == nil && twenty.low == 17)
        #expect(Confidence.ranks(quantile: 0.5, count: 1, confidence: 0.95) == (nil, nil))
    }

    @Test func theNormalBranchMeetsTheExactOne() throws {
        let exact = Confidence.ranks(quantile: 0.95, count: 4000, confidence: 0.95)
        let normal = Confidence.ranks(quantile: 0.95, count: 4001, confidence: 0.95)
        #expect(abs(Int(try #require(exact.low)) - Int(try #require(normal.low))) <= 2)
        #expect(abs(Int(try #require(exact.high)) - Int(try #require(normal.high))) <= 2)
    }

    @Test func theIntervalHoldsTheTrueQuantileAsOftenAsItSays() throws {
        // Uniform on 0 ..< 1 s: the true p90 is 900 ms.
        var random = Seed(11).stream("coverage")
        var held = 0
        for _ in 0..<400 {
            var samples = SignedHistogram()
            for _ in 0..<150 { samples.record(Int64(random.below(1_000_000_000))) }
            let interval = Confidence.quantile(0.9, of: samples)
            if try #require(interval.low) <= 900e6, interval.high ?? .infinity >= 900e6 {
                held += 1
            }
        }
        #expect(held >= 375)
    }

    @Test func aCensoredEndIsOpen() {
        var samples = SignedHistogram()
        for _ in 0..<280 { samples.record(500_000_000) }
        samples.recordCensored(at: 10_000_000_000, times: 20)
        let interval = Confidence.quantile(0.93, of: samples)
        #expect(interval.low != nil && interval.high == nil)
    }

    @Test func wilsonNeverLeavesTheUnitInterval() throws {
        let none = try #require(Confidence.share(hits: 0, of: 50))
        #expect(none.low == 0 && abs(none.high! - 0.0713) < 1e-3)
        let all = try #require(Confidence.share(hits: 50, of: 50)?.high)
        #expect(all <= 1 && all > 0.9999)
        #expect(Confidence.share(hits: 0, of: 0) == nil)
    }

    @Test func anErrorBudgetIsSpentByBadTurns() {
        let budget = ErrorBudget(objective: 0.995, total: 4000, bad: 5)
        #expect(abs(budget.allowed - 20) < 1e-9)
        #expect(abs(budget.spent! - 0.25) < 1e-9)
        #expect(abs(budget.burnRate(total: 100, bad: 5)! - 10) < 1e-9)
        #expect(ErrorBudget(objective: 0.9, total: 0, bad: 0).spent == nil)
    }

    @Test func drawingCallsIsWiderThanDrawingTurnsWhenTurnsResembleEachOther() throws {
        // 40 calls of 20 equal turns: only 40 independent values, whatever the number of turns.
        var values = Seed(5).stream("calls")
        let calls = (0..<40).map { _ in [Int64](repeating: Int64(values.below(1000)), count: 20) }
        var random = Seed(6).stream("draws")
        let byCall = CallBootstrap(calls).interval(quantile: 0.5, &random)
        let byTurn = CallBootstrap(calls.flatMap { $0.map { [$0] } }).interval(
            quantile: 0.5, &random)
        let width = try #require(byCall.high) - #require(byCall.low)
        #expect(width > 2 * (try #require(byTurn.high) - #require(byTurn.low)))
    }

    @Test func aShiftIsSeenAndEqualRunsAreNot() throws {
        func run(_ seed: UInt64, shift: Int64) -> CallBootstrap {
            var random = Seed(seed).stream("run")
            return CallBootstrap(
                (0..<200).map { _ in (0..<4).map { _ in 500 + Int64(random.below(100)) + shift } })
        }
        var random = Seed(1).stream("draws")
        let same = run(1, shift: 0).difference(to: run(2, shift: 0), quantile: 0.95, &random)
        #expect(try #require(same.low) <= 0 && #require(same.high) >= 0)
        let shifted = run(1, shift: 0).difference(to: run(2, shift: 50), quantile: 0.95, &random)
        #expect(try #require(shifted.low) > 30)
    }
}
