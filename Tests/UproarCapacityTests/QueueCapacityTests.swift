import Glibc
import Testing
import UproarCore
import UproarStatistics

@testable import UproarCapacity

/// The capacity found by the search against the one that follows from queueing theory.
@Suite struct QueueCapacityTests {
    private func search(_ agent: QueueAgent, limit: Double, seed: UInt64, turns: Int = 20_000)
        -> (calls: Int, interval: ConfidenceInterval?)
    {
        var settings = CapacitySearch.Settings()
        settings.tolerance = 0.02
        var search = CapacitySearch(settings)
        while case .probe(let load, _, let ordinal) = search.next {
            let holds = agent.holds(
                calls: load, limit: limit, turns: turns, seed: seed + UInt64(ordinal) * 1000)
            search.took(load, holds ? .held : .broke)
        }
        return (search.edges.held ?? 0, search.estimate?.interval)
    }

    private static func exponentialAgent(_ servers: Int) -> QueueAgent {
        QueueAgent(servers: servers, turnRate: 0.12) { random in -0.2 * log(1 - random.unit()) }
    }

    @Test(arguments: [1, 2, 4, 16, 64])
    func theCapacityOfAnMMcAgentIsWithinFivePercentOfErlangs(servers: Int) {
        let exact = ErlangC.capacity(turnRate: 0.12, mu: 5, servers: servers, limit: 0.8)
        let found = search(Self.exponentialAgent(servers), limit: 0.8, seed: UInt64(servers)).calls
        #expect(exact > 0)
        #expect(
            abs(Double(found - exact)) <= 0.05 * Double(exact),
            "found \(found), Erlang's C says \(exact)")
    }

    /// M/D/1 has a closed form (Crommelin); at one server and constant service, P(W ≤ t) = (1 − ρ) Σ (−ρ(k − t/D))ᵏ …
    /// Here the general case is held against an independent recursion (Kiefer and Wolfowitz) on a sample of its own.
    @Test(arguments: [(2, 0.5), (8, 0.5), (8, 1.2)])
    func theCapacityOfAnMGcAgentIsWithinFivePercentOfTheRecursion(servers: Int, sigma: Double) {
        let median = 0.2 * exp(-sigma * sigma / 2)
        let agent = QueueAgent(servers: servers, turnRate: 0.12) { random in
            median * exp(sigma * random.gaussian())
        }
        let found = search(agent, limit: 1.2, seed: 7).calls
        var exact = 0
        var step = 64
        while step > 0 {
            while kieferWolfowitzHolds(exact + step, servers, median, sigma, 1.2) { exact += step }
            step /= 2
        }
        #expect(exact > 0)
        #expect(
            abs(Double(found - exact)) <= 0.05 * Double(exact),
            "found \(found), the recursion says \(exact)")
    }

    /// The workload vector of the servers, sorted, after each arrival: V' = sort((V₁ + S − T)⁺, (V₂ − T)⁺, …).
    private func kieferWolfowitzHolds(
        _ calls: Int, _ servers: Int, _ median: Double, _ sigma: Double, _ limit: Double
    ) -> Bool {
        var random = Seed(99).stream("kiefer-wolfowitz", UInt64(calls))
        var work = [Double](repeating: 0, count: servers)
        var late = 0
        let turns = 30_000
        for turn in 0..<2 * turns {
            let service = median * exp(sigma * random.gaussian())
            if turn >= turns, work[0] + service > limit { late += 1 }
            work[0] += service
            let gap = -log(1 - random.unit()) / (Double(calls) * 0.12)
            for place in work.indices { work[place] = max(0, work[place] - gap) }
            work.sort()
        }
        return Double(late) <= 0.05 * Double(turns)
    }

    @Test func theSimulatedQueueItselfAgreesWithErlang() {
        let agent = Self.exponentialAgent(4)
        for calls in [40, 100, 140] {
            let times = agent.responses(calls: calls, turns: 60_000, seed: 3)
            let share = Double(times.count { $0 > 0.8 }) / Double(times.count)
            let exact = ErlangC.exceeds(0.8, rate: Double(calls) * 0.12, mu: 5, servers: 4)
            #expect(abs(share - exact) < 0.012, "\(calls) calls: \(share) against \(exact)")
        }
    }

    @Test func theIntervalContainsErlangsCapacity() {
        let exact = Double(ErlangC.capacity(turnRate: 0.12, mu: 5, servers: 8, limit: 0.8))
        var covered = 0
        for seed in 0..<10 {
            let interval = search(
                Self.exponentialAgent(8), limit: 0.8, seed: UInt64(seed) * 100, turns: 10_000
            ).interval
            if let low = interval?.low, let high = interval?.high, low <= exact + 1, exact <= high {
                covered += 1
            }
        }
        #expect(covered >= 9, "\(covered) of 10 intervals")
    }

    /// A curve fitted to loads that were measured tells a load that was not.
    @Test func aFittedCurvePredictsALoadThatWasNotMeasured() throws {
        let agent = Self.exponentialAgent(4)
        func p95(_ calls: Int) -> Double {
            let times = agent.responses(calls: calls, turns: 40_000, seed: UInt64(calls)).sorted()
            return times[Int(0.95 * Double(times.count))]
        }
        let loads = [10, 40, 80, 110, 130, 140, 145]
        let curve = try #require(
            LoadCurve(loads.map { .init(load: Double($0), value: p95($0)) }))
        for load in [60, 120] {
            let measured = p95(load)
            let prediction = curve.predict(Double(load))
            #expect(abs(prediction.value - measured) < 0.1 * measured)
            #expect((prediction.interval.low ?? 1) <= measured)
            #expect((prediction.interval.high ?? 0) >= measured)
        }
    }
}
