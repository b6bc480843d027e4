import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct ValidityTests {
    private func log(
        _ count: Int = 60, _ change: (Int, inout GeneratorSample) -> Void = { _, _ in }
    )
        -> GeneratorLog
    {
        var log = GeneratorLog()
        for second in 0..<count {
            var sample = GeneratorSample(at: .zero + .seconds(second))
            sample.offered = 10
            sample.achieved = 10
            sample.framesSent = 10_000
            sample.loopLag = .milliseconds(2)
            change(second, &sample)
            log.append(sample)
        }
        return log
    }

    private func lateness(p99 milliseconds: Double) -> SignedHistogram {
        var histogram = SignedHistogram()
        for _ in 0..<980 { histogram.record(100_000) }
        for _ in 0..<20 { histogram.record(Int64(milliseconds * 1e6)) }
        return histogram
    }

    private func judge(_ log: GeneratorLog, p99: Double = 1, steady: [Range<Instant>] = [])
        -> Validity
    {
        ValidityJudge().judge(log, .init(sendLateness: lateness(p99: p99), steady: steady))
    }

    @Test func aQuietRunIsValidAndSaysNothing() {
        let validity = judge(log())
        #expect(validity.state == .valid)
        #expect(validity.reasons == [])
    }

    @Test(arguments: [
        (4.9, ValidityState.valid), (5.1, .suspect), (9.9, .suspect), (10.1, .invalid),
    ])
    func latenessDecides(_ p99: Double, _ expected: ValidityState) {
        #expect(judge(log(), p99: p99).state == expected)
    }

    @Test func aCappedArrivalRateIsInvalid() {
        #expect(judge(log { _, sample in sample.achieved = 9 }).state == .invalid)
        // One call in a thousand is within the limit.
        #expect(
            judge(log { second, sample in sample.achieved = second == 3 ? 9 : 10 }).state == .valid)
    }

    @Test func onlySteadyStateCountsForArrivals() {
        let ramping = log { second, sample in sample.achieved = second < 10 ? 5 : 10 }
        let steady = Instant(nanoseconds: 10_000_000_000)..<Instant.distantFuture
        #expect(judge(ramping).state == .invalid)
        #expect(judge(ramping, steady: [steady]).state == .valid)
    }

    @Test func aPausedGeneratorIsInvalid() {
        let paused = judge(
            log { second, sample in if second == 30 { sample.loopLag = .seconds(2) } })
        #expect(paused.state == .invalid)
        #expect(paused.reasons[0].hasPrefix("a caller loop stood still for 2.00s at 30.00s"))
        // A pause of the sampler itself leaves a hole.
        var holed = GeneratorLog()
        for second in [0, 1, 2, 9] { holed.append(GeneratorSample(at: .zero + .seconds(second))) }
        #expect(judge(holed).state == .invalid)
    }

    @Test func aHiccupIsSuspectAndManyAreInvalid() {
        #expect(
            judge(log { second, sample in if second == 3 { sample.loopLag = .milliseconds(150) } })
                .state == .suspect)
        #expect(
            judge(
                log { second, sample in if second % 10 == 0 { sample.loopLag = .milliseconds(150) }
                }
            )
            .state == .invalid)
    }

    @Test func skippedFramesDropsAndThrottlingCount() {
        #expect(judge(log { _, sample in sample.framesSkipped = 1 }).state == .suspect)
        #expect(judge(log { _, sample in sample.framesSkipped = 100 }).state == .invalid)
        #expect(
            judge(log { second, sample in sample.drops = second == 5 ? 3 : 0 }).state == .suspect)
        #expect(judge(log { _, sample in sample.drops = 1 }).state == .invalid)
        #expect(judge(log { _, sample in sample.throttled = .milliseconds(200) }).state == .invalid)
        #expect(judge(log { _, sample in sample.steal = 0.2 }).state == .suspect)
    }

    @Test func aRunOfOneCallAndNoSampleIsValid() {
        #expect(judge(GeneratorLog()).state == .valid)
        #expect(ValidityJudge().judge(log(1), .init(sendLateness: .init())).state == .valid)
    }

    @Test func theLogOfADayStaysSmallAndAddsUp() {
        let day = log(86_400)
        #expect(day.samples.count <= GeneratorLog.limit)
        #expect(day.samples.reduce(0) { $0 + $1.offered } == 864_000)
        #expect(day.samples.reduce(Duration.zero) { $0 + $1.length } == .seconds(86_400))
        #expect(judge(day).state == .valid)
    }
}
