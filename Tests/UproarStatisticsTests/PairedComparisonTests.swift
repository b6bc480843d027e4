import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct PairedComparisonTests {
    /// A machine that grows slower by 6 % from block to block.
    private func blocks(_ factor: Double, pairs: Int) -> (
        paired: PairedComparison, drawn: [CallDraw], other: [CallDraw]
    ) {
        var paired = PairedComparison()
        var left: [CallDraw] = []
        var right: [CallDraw] = []
        for pair in 0..<pairs {
            func drift(_ block: Int) -> Double { 1 + 0.06 * Double(block) }
            let a = RunComparisonTests.draw(60, scale: drift(2 * pair), seed: UInt64(10 + pair))
            let b = RunComparisonTests.draw(
                60, scale: factor * drift(2 * pair + 1), seed: UInt64(50 + pair))
            // Every other pair runs the other way round.
            if pair % 2 == 0 {
                paired.add(a, b)
            } else {
                paired.add(
                    RunComparisonTests.draw(
                        60, scale: drift(2 * pair + 1), seed: UInt64(10 + pair)),
                    RunComparisonTests.draw(
                        60, scale: factor * drift(2 * pair), seed: UInt64(50 + pair)))
            }
            left.append(RunComparisonTests.draw(60, scale: drift(pair), seed: UInt64(10 + pair)))
            right.append(
                RunComparisonTests.draw(
                    60, scale: factor * drift(pairs + pair), seed: UInt64(50 + pair)))
        }
        return (paired, left, right)
    }

    @Test func driftOfTheMachineIsNoRegressionOfTheAgent() {
        let (paired, first, then) = blocks(1, pairs: 6)
        #expect(paired.comparison().verdict != .regressed)
        // The same machine, one side after the other: the drift would be taken for the agent's.
        #expect(RunComparison(first[0], then[5]).verdict == .regressed)
    }

    @Test func aSlowerAgentIsFoundThroughTheDrift() {
        #expect(blocks(1.3, pairs: 6).paired.comparison().verdict == .regressed)
    }

    @Test func onePairProvesNothing() {
        #expect(blocks(2, pairs: 1).paired.comparison().verdict == .inconclusive)
    }

    /// Against tables of Student's distribution.
    @Test(arguments: [(1.0, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (29, 2.045)])
    func studentsQuantilesAreThoseOfTheTables(_ freedom: Double, _ expected: Double) {
        let value = PairedComparison.studentQuantile(0.975, freedom)
        #expect(abs(value - expected) < 0.005 * expected)
    }
}
