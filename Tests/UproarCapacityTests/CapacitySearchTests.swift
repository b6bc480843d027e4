import Testing
import UproarCore
import UproarStatistics

@testable import UproarCapacity

/// The search as a state machine: what it asks for next, and when it is sure.
@Suite struct CapacitySearchTests {
    /// Runs the search against an agent whose answer to a load is known.
    private func run(
        _ settings: CapacitySearch.Settings = .init(),
        _ answer: (Int, Int) -> CapacitySearch.Outcome
    ) -> (search: CapacitySearch, ending: CapacitySearch.Ending, loads: [Int]) {
        var search = CapacitySearch(settings)
        var loads: [Int] = []
        while true {
            switch search.next {
            case .over(let ending): return (search, ending, loads)
            case .probe(let load, _, let ordinal):
                loads.append(load)
                search.took(load, answer(load, ordinal))
            }
        }
    }

    @Test func everyEdgeIsFoundToTheCallWhenTheToleranceAllowsNoMore() {
        var settings = CapacitySearch.Settings()
        settings.tolerance = 0
        for capacity in 1...200 {
            let (search, ending, loads) = run(settings) { load, _ in
                load <= capacity ? .held : .broke
            }
            #expect(ending == .found)
            #expect(search.edges.held == capacity)
            #expect(search.edges.broken == capacity + 1)
            // Both edges are spoken for twice.
            #expect(loads.count { $0 == capacity } == 2)
            #expect(loads.count { $0 == capacity + 1 } == 2)
        }
    }

    @Test func growthDoublesAndBisectionHalves() {
        let (_, _, loads) = run { load, _ in load <= 100 ? .held : .broke }
        #expect(loads == [1, 2, 4, 8, 16, 32, 64, 128, 96, 112, 104, 100, 100, 104])
    }

    @Test func theEdgesAreNoFartherApartThanTheTolerance() {
        for capacity in stride(from: 40, through: 4000, by: 97) {
            let (search, ending, _) = run { load, _ in load <= capacity ? .held : .broke }
            #expect(ending == .found)
            let held = search.edges.held ?? 0
            let broken = search.edges.broken ?? 0
            #expect(held <= capacity && capacity < broken)
            #expect(Double(broken - held) <= max(1, Double(held) * 0.05))
        }
    }

    @Test func oneRunThatBrokeByChanceIsOutvoted() {
        // 64 breaks once, then holds: it takes two more votes to count as holding.
        let (search, ending, loads) = run { load, ordinal in
            if load == 64, ordinal == 0 { return .broke }
            return load <= 100 ? .held : .broke
        }
        #expect(ending == .found)
        #expect(search.edges.held.map { $0 >= 96 } == true)
        #expect(loads.count { $0 == 64 } >= 3)
    }

    @Test func nothingThatHoldsIsSaidSo() {
        let (search, ending, _) = run { _, _ in .broke }
        #expect(ending == .nothingHolds)
        #expect(search.edges.held == nil)
    }

    @Test func theGreatestLoadAllowedIsNotTheAgentsLimit() {
        var settings = CapacitySearch.Settings()
        settings.limit = 50
        let (search, ending, loads) = run(settings) { _, _ in .held }
        #expect(ending == .limit)
        #expect(search.edges.held == 50)
        #expect(loads.allSatisfy { $0 <= 50 })
    }

    @Test func aHarnessThatGivesOutIsNeverTheAgentsLimit() {
        let (search, ending, loads) = run { load, _ in load <= 40 ? .held : .harness("late frames")
        }
        #expect(ending == .harness("late frames"))
        #expect(search.edges.broken == nil)
        #expect(search.edges.held.map { $0 >= 38 && $0 <= 40 } == true)
        // Where it gave out was tried again: a machine may have been busy for a moment.
        #expect(loads.count { $0 == 64 } == 2)
    }

    @Test func aHarnessThatGivesOutOnceDoesNotEndTheSearch() {
        let (search, ending, _) = run { load, ordinal in
            if load == 32, ordinal == 0 { return .harness("a busy moment") }
            return load <= 100 ? .held : .broke
        }
        #expect(ending == .found)
        #expect(search.edges.held.map { $0 >= 96 } == true)
    }

    @Test func aStartThatIsTooHighIsHalvedUntilItHolds() {
        var settings = CapacitySearch.Settings()
        settings.start = 400
        let (search, ending, _) = run(settings) { load, _ in load <= 30 ? .held : .broke }
        #expect(ending == .found)
        #expect(search.edges.held == 30)
    }

    @Test func theSearchEndsWithinItsRuns() {
        var settings = CapacitySearch.Settings()
        settings.most = 7
        let (search, ending, loads) = run(settings) { load, _ in load <= 100 ? .held : .broke }
        #expect(ending == .spent)
        #expect(loads.count == 7)
        #expect(search.edges.held == 64)
    }

    /// Answers at random near the edge, as a real agent's are: the search ends, and the interval covers the edge.
    @Test func theIntervalCoversTheEdgeOfANoisyAgent() {
        var covered = 0
        for seed in 0..<200 {
            var random = Seed(UInt64(seed)).stream("noisy-agent")
            let (search, ending, _) = run { load, _ in
                // Half the runs hold at 100; the band is 4 % wide.
                let chance = 1 / (1 + exponential((Double(load) - 100) / 4))
                return random.unit() < chance ? .held : .broke
            }
            #expect(ending == .found || ending == .spent)
            let interval = search.estimate?.interval
            if let low = interval?.low, let high = interval?.high, low <= 100, 100 <= high {
                covered += 1
            }
        }
        #expect(covered >= 180, "the 95 % interval covered the edge \(covered) times of 200")
    }
}
