import Testing
import UproarCore
import UproarStatistics

@Suite struct ChangeSearchTests {
    /// A level of 600 with noise of so many per cent, and what `shift` makes of it.
    private func series(
        _ seed: UInt64, _ count: Int = 40, noise: Double = 0.02,
        _ shift: (Int) -> Double = { _ in 1 }
    ) -> [Double] {
        var random = Seed(seed).stream("history")
        return (0..<count).map { 600 * shift($0) * (1 + noise * random.gaussian()) }
    }

    private var quick: ChangeSearch {
        var search = ChangeSearch()
        // Enough for one in a hundred, and ten times as fast.
        search.shuffles = 99
        return search
    }

    @Test func seriesWithoutAChangeAreHardlyEverSaidToHaveOne() {
        let wrong = (0..<200).count { !quick.changes(in: series(UInt64($0))).isEmpty }
        #expect(wrong <= 4, "\(wrong) of 200")
    }

    /// The step; of a hundred series so many must show it, and so many of them within two runs of where it is.
    @Test(arguments: [(1.03, 75, 60), (1.05, 90, 85)])
    func aStepIsFoundAboutWhereItIs(_ step: Double, _ leastFound: Int, _ leastNear: Int) {
        var found = 0
        var near = 0
        for seed in 0..<100 {
            let changes = quick.changes(in: series(UInt64(seed)) { $0 < 20 ? 1 : step })
            guard changes.count == 1 else { continue }
            found += 1
            near += (18...22).contains(changes[0].index) ? 1 : 0
        }
        #expect(found >= leastFound, "\(found) of 100")
        #expect(near >= leastNear, "\(near) of 100")
    }

    @Test func aStepUpAndTheStepBackAreTwoChangesWithTheirLevels() throws {
        let changes = ChangeSearch().changes(
            in: series(3, 60, noise: 0.005) { (20..<40).contains($0) ? 1.05 : 1 })
        #expect(changes.map(\.index) == [20, 40])
        let first = try #require(changes.first)
        #expect(abs(first.before - 600) < 3 && abs(first.after - 630) < 3)
        #expect(abs((first.relative ?? 0) - 0.05) < 0.01)
        #expect(changes.allSatisfy { $0.chance <= 0.01 })
    }

    @Test func oneOddRunIsNoChange() {
        var values = series(4, 40, noise: 0.01)
        values[17] = 2_400
        #expect(ChangeSearch().changes(in: values).isEmpty)
    }

    @Test(arguments: [0, 1, 7])
    func soFewRunsShowNothing(_ count: Int) {
        #expect(ChangeSearch().changes(in: series(5, count) { $0 < count / 2 ? 1 : 9 }).isEmpty)
    }

    @Test func theSameValuesAlwaysGiveTheSameAnswerAndEqualOnesNone() {
        let values = series(6) { $0 < 12 ? 1 : 1.04 }
        #expect(ChangeSearch().changes(in: values) == ChangeSearch().changes(in: values))
        #expect(ChangeSearch().changes(in: Array(repeating: 0, count: 40)).isEmpty)
    }

    @Test func ofALongHistoryTheLastRunsAreSearched() {
        // The change is long past; places count from the beginning all the same.
        let old = series(7, 260, noise: 0.005) { $0 < 30 ? 1 : 1.2 }
        #expect(quick.changes(in: old).isEmpty)
        let new = series(7, 260, noise: 0.005) { $0 < 250 ? 1 : 1.2 }
        #expect(quick.changes(in: new).map(\.index) == [250])
    }
}
