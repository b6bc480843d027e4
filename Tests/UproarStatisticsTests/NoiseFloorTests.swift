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

    private func floor(_ microseconds: Int) -> NoiseFloor {
        NoiseFloor(
            turns: 16, errorP50: .microseconds(microseconds),
            errorMaximum: .microseconds(4 * microseconds))
    }

    @Test func theWorseOfTheTwoIsInTheRunsFigures() {
        var validity = Validity()
        #expect(validity.worstNoiseFloor == nil && validity.noiseText == nil)
        validity.noiseFloor = floor(200)
        #expect(validity.worstNoiseFloor == floor(200))
        validity.noiseFloorAfter = floor(900)
        #expect(validity.worstNoiseFloor == floor(900))
        #expect(
            validity.noiseText
                == "noise floor p50 200µs, max 800µs, 16 turns; after p50 900µs, max 3.6ms, 16 turns"
        )
    }

    /// µs before, µs after; nil: not measured.
    private static let cases: [(Int?, Int?, ValidityState, Int)] = [
        (200, 250, .valid, 0), (200, 2_100, .valid, 0), (200, 2_300, .suspect, 1),
        (1_500, 4_000, .valid, 0), (4_900, 4_900, .valid, 0), (5_100, 200, .suspect, 1),
        (200, 5_100, .suspect, 2), (nil, 5_100, .suspect, 1), (300, nil, .valid, 0),
    ]

    @Test(arguments: cases)
    func aMachineThatAddsMuchOrEverMoreIsSuspect(
        _ before: Int?, _ after: Int?, _ state: ValidityState, _ reasons: Int
    ) {
        let validity = ValidityJudge().judge(
            GeneratorLog(),
            .init(
                sendLateness: SignedHistogram(), noise: (before.map(floor), after.map(floor))))
        #expect(validity.state == state)
        #expect(validity.reasons.count == reasons)
        #expect(validity.noiseFloorAfter == after.map(floor))
    }
}
