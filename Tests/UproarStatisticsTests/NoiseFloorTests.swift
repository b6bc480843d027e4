import Testing
import UproarCore
import UproarStatistics

@Suite struct NoiseFloorTests {
    @Test func errorsOfBothSignsCount() throws {
        var gap = SignedHistogram()
        for microseconds in [100, -200, 300, -900] as [Int64] {
            gap.record(microseconds * 1_000)
        }
        let floor = try #require(NoiseFloor(gap))
        #expect(floor.turns == 4)
        #expect(abs(floor.errorP50.inMilliseconds - 0.2) < 0.001)
        #expect(abs(floor.errorMaximum.inMilliseconds - 0.9) < 0.001)
    }

    @Test func withoutAnswersThereIsNone() {
        #expect(NoiseFloor(SignedHistogram()) == nil)
    }
}
