import Testing
import UproarCore
import UproarStatistics

@testable import UproarHarness

/// Some of the zoo both ways, with few callers; `scripts/verify-zoo`, which `.ci/run` calls, runs all of it at its own size.
@Suite("Agents that are broken on purpose, and the one that is not")
struct ZooTests {
    /// Two callers for as long as the longest fault and a few turns.
    static let small = [#"load=[{"hold":"2 callers for 26s"}]"#, "timeline.0.at=8s"]

    @Test func everyRowHasItsAgent() {
        let agents = ZooAgent.all
        #expect(
            agents.map { String($0.name.prefix(3)) }
                == (1...16).map { $0 < 10 ? "v0\($0)" : "v\($0)" })
        for agent in agents {
            #expect(!agent.switches.isEmpty && !agent.flagged.isEmpty, "\(agent.name)")
            #expect(!agent.others.contains(agent.flagged), "\(agent.name)")
        }
    }

    static let some = ZooAgent.all.filter { ["v01", "v03", "v13"].contains($0.name.prefix(3)) }

    @Test(arguments: some)
    func theSoundAgentPasses(_ agent: ZooAgent) throws {
        let sound = try SimulatedScenario.run(agent.path, set: Self.small)
        #expect(SimulatedScenario.broken(sound).isEmpty)
        #expect(sound.outcome.word == .passed, "\(sound.outcome.reasons)")
    }

    @Test(arguments: some)
    func theBrokenAgentIsFlaggedByItsOwnMetricAndNoUnrelatedOne(_ agent: ZooAgent) throws {
        let broken = try SimulatedScenario.run(agent.path, set: Self.small + agent.switches)
        let flags = SimulatedScenario.broken(broken)
        #expect(flags.contains(agent.flagged), "flagged by \(flags.sorted())")
        #expect(flags.isSubset(of: agent.others.union([agent.flagged])))
    }

    @Test func callsThatShareAPoolAreCollateralAndOthersAreNot() throws {
        let agent = try #require(ZooAgent.all.first { $0.name == "v16-shared-pool" })
        let small = [#"load=[{"hold":"12 callers for 26s"}]"#, "timeline.0.at=8s"]
        func calls(_ set: [String]) throws -> (exposed: Double, collateral: Double) {
            let fault = try #require(
                try SimulatedScenario.run(agent.path, set: small + set).faults.first)
            func figure(_ name: String) -> Double {
                fault.figures.first { $0.name == name }?.value ?? -1
            }
            return (figure("calls_exposed"), figure("calls_collateral"))
        }
        // The fault is a third of the calls' in both: what differs is whom it hurts beside them.
        let sound = try calls([])
        #expect(sound.exposed > 0 && sound.collateral == 0)
        let starved = try calls(agent.switches)
        #expect(starved.exposed > 0 && starved.collateral > 0)
    }

    @Test func theSameSeedGivesTheSameBytes() throws {
        let path = "scenarios/zoo/v01-half-open-stt.yaml"
        let first = try SimulatedScenario.run(path, set: Self.small).encoded()
        #expect(try SimulatedScenario.run(path, set: Self.small).encoded() == first)
    }
}
