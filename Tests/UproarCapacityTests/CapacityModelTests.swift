import Testing
import UproarCore
import UproarStatistics

@testable import UproarCapacity

/// What the measured p95 is said to tell of the load.
@Suite struct CapacityModelTests {
    private func probe(_ load: Int, _ p95: Double, _ outcome: CapacityProbe.Outcome = .held)
        -> CapacityProbe
    {
        var probe = CapacityProbe(
            load: load, purpose: .growing, outcome: outcome, reason: "", seed: 1, folder: "",
            ramp: 1, hold: 10, validity: .valid)
        probe.p95 = p95
        return probe
    }

    private func model(_ probes: [CapacityProbe]) -> CapacityModel {
        CapacityModel(probes, seed: 7)
    }

    /// A quota of processor time: nothing shows until it is spent, and then everything does.
    private var quota: [CapacityProbe] {
        let noise = [0.02, -0.03, 0.01, 0.04, -0.02, 0, -0.01, 0.03]
        return [1, 4, 16, 64, 256, 512, 896, 960].enumerated().map { place, load in
            probe(load, 0.64 * (1 + noise[place]))
        } + [probe(1_024, 2.1, .broke), probe(1_024, 3.4, .broke)]
    }

    @Test func aCurveThatIsLevelUpToTheEdgeHasNoKneeAndSaysSo() throws {
        let model = model(quota)
        guard case .level(let level) = model.latency else {
            Issue.record("\(model.latency)")
            return
        }
        #expect(level.from == 1 && level.to == 960)
        #expect(abs(level.seconds - 0.64) < 0.02)
        #expect(level.interval.low ?? 1 < 0.64 && level.interval.high ?? 0 > 0.64)
        #expect(model.knee == nil && model.kneeInterval == nil)
        // What is predicted is the level, of loads that hold.
        let curve = try #require(model.p95)
        #expect(curve.shape == .flat && curve.points.allSatisfy { $0.load <= 960 })
    }

    @Test func aQueueBendsAndItsKneeHasAnInterval() throws {
        let loads = [2, 6, 12, 18, 24, 30, 36, 42, 46]
        let model = model(
            loads.map { load in
                let rho = Double(load) / 50
                return probe(load, 0.1 + 0.1 * rho / (1 - rho))
            })
        #expect(model.latency == .bends)
        let knee = try #require(model.knee)
        let interval = try #require(model.kneeInterval)
        #expect(abs(knee - 25) < 1.5)
        #expect(interval.low ?? 99 <= knee + 1 && interval.high ?? 0 >= knee - 1)
    }

    @Test func pointsThatNoShapeFollowsGetNoFit() {
        let model = model(
            [(1, 0.4), (2, 1.9), (4, 0.5), (8, 2.0), (16, 0.4), (32, 1.8), (64, 0.5)].map {
                probe($0, $1)
            })
        guard case .unfitted(let residual) = model.latency else {
            Issue.record("\(model.latency)")
            return
        }
        #expect(residual > LoadCurve.residualLimit && model.p95 == nil && model.knee == nil)
    }

    @Test func theSameLatencyAtLoadsThatLieCloseTogetherSaysNothing() {
        #expect(model([10, 12, 14, 16].map { probe($0, 0.5) }).latency == .unmeasured)
        #expect(model([probe(1, 0.5)]).latency == .unmeasured)
        #expect(model([]).latency == .unmeasured)
    }

    @Test func whatACallCostsIsNotToldWhereMoreCallsUsedNoMore() {
        func cores(_ used: [Int: Double]) -> CapacityModel {
            model(
                used.sorted { $0.key < $1.key }.map { load, cores in
                    var probe = probe(load, 0.5)
                    probe.callsUnderWay = Double(load)
                    probe.agentCores = cores
                    return probe
                })
        }
        let sound = cores([2: 0.02, 4: 0.04, 8: 0.08])
        #expect(abs((sound.coresPerCall ?? 0) - 0.01) < 1e-6)
        let near = cores([6: 0.012, 7: 0.011, 8: 0.010])
        #expect(near.cpu != nil && near.coresPerCall == nil && near.coresPerCallInterval == nil)
    }
}
