import Testing
import UproarCore

@testable import UproarCapacity

/// What is said to give way, and what it is concluded from.
@Suite struct BottleneckTests {
    private func probe(
        _ load: Int, _ outcome: CapacityProbe.Outcome, _ change: (inout CapacityProbe) -> Void
    ) -> CapacityProbe {
        var probe = CapacityProbe(
            load: load, purpose: .growing, outcome: outcome, reason: "voice_to_voice: p95 < 800ms",
            seed: 1, folder: "probe", ramp: 5, hold: 30, validity: .valid)
        change(&probe)
        return probe
    }

    private func find(
        cores: Double? = 0.5, isShared: Bool = false, _ change: (inout CapacityProbe) -> Void
    ) -> Bottleneck {
        var limits = Bottleneck.Limits()
        limits.cores = cores
        limits.coresText = "its quota of 0.5 cores"
        limits.isShared = isShared
        let low = probe(1, .held) { $0.agentCores = 0.01 }
        return Bottleneck.find([low, probe(100, .broke, change)], limits, edge: 100)
    }

    /// An agent that works in bursts uses up its quota early in many periods, long before its mean reaches the quota.
    @Test func anAgentThatTheKernelHoldsBackIsLimitedByItsQuota() {
        let found = find {
            $0.agentCores = 0.35
            $0.agentThrottled = 0.6
        }
        #expect(found.kind == .cpu)
        #expect(found.text.contains("held the agent back in 60 % of the periods"))
        #expect(
            found.evidence.contains { $0.contains("0.35 cores at 100 calls, 70 % of its quota") })
        #expect(
            find {
                $0.agentCores = 0.35
                $0.agentThrottled = 0.1
            }.kind == .unknown)
    }

    /// 0.9 of 2 cores are 45 %; of the 1.0 that the harness leaves, 90 %.
    @Test func whatTheHarnessTakesOfASharedMachineIsNotTheAgents() {
        let found = find(cores: 2, isShared: true) {
            $0.agentCores = 0.9
            $0.harnessCores = 1
        }
        #expect(found.kind == .cpu)
        #expect(found.text.contains("90 % of the 1.00 cores that the harness leaves"))
        #expect(found.text.contains("On a machine of its own it may carry more."))
        #expect(find(cores: 2) { $0.agentCores = 0.9 }.kind == .unknown)
    }

    @Test func whatAProviderRefusesIsItsQuota() {
        let found = find {
            $0.agentCores = 0.1
            $0.providerRefusals = ["deepgram 429 × 12"]
        }
        #expect(found.kind == .provider)
        #expect(found.text.contains("deepgram 429 × 12"))
    }

    /// A provider that refused already at the least load has no quota that load has reached.
    @Test func refusalsThatWereThereFromTheFirstCallAreNoLimitOfLoad() {
        let limits = Bottleneck.Limits()
        let refusals = ["openai 503 × 1"]
        let found = Bottleneck.find(
            [
                probe(1, .held) { $0.providerRefusals = refusals },
                probe(8, .broke) { $0.providerRefusals = refusals },
            ], limits, edge: 8)
        #expect(found.kind == .unknown)
    }

    @Test func whatWasNotMeasuredIsNotSaidToHaveRoom() {
        let refused: (inout CapacityProbe) -> Void = { $0.callsRefused = 3 }
        #expect(!find(cores: nil, refused).text.contains("room"))
        #expect(find(cores: nil, refused).kind == .maxJobs)
        let seen = find {
            $0.callsRefused = 3
            $0.agentCores = 0.1
        }
        #expect(seen.text.contains("while processor and memory have room"))
    }
}
