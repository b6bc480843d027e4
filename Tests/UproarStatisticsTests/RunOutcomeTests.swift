import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct RunOutcomeTests {
    private static func gate(_ outcome: GateOutcome, _ severity: GateRule.Severity = .fail)
        -> GateResult
    {
        GateResult(
            rule: GateRule(
                severity: severity, metric: "turns_lost", aggregate: .count,
                comparison: .lessOrEqual, bound: .value(.init(0, .count)), text: ""),
            outcome: outcome, dimension: .count)
    }

    private static func evidence(
        _ gates: [GateResult] = [], _ state: ValidityState = .valid, turns: UInt64 = 5
    ) -> RunOutcome.Evidence {
        .init(validity: Validity(state: state), gates: gates, answeredTurns: turns)
    }

    @Test func everyCauseOutranksThoseBelowIt() {
        // Lowest first; each step adds the next cause and keeps the earlier ones.
        var evidence = Self.evidence([Self.gate(.passed)])
        func decided() -> ExitCode { RunOutcome.decide(evidence).exitCode }
        #expect(decided() == .passed)
        evidence.regressions = ["slower"]
        #expect(decided() == .regressed)
        evidence.gates.append(Self.gate(.inconclusive))
        #expect(RunOutcome.decide(evidence).word == .inconclusive)
        evidence.gates.append(Self.gate(.failed))
        #expect(decided() == .gateFailed)
        evidence.validity.state = .invalid
        #expect(RunOutcome.decide(evidence).word == .invalid)
        #expect(decided() == .inconclusive)
        evidence.signal = .interrupt
        #expect(decided() == .interrupted)
        evidence.signal = .terminate
        #expect(decided() == .terminated)
        evidence.abortedBy = Self.gate(.failed, .abort)
        #expect(decided() == .aborted)
        evidence.unreachable = "nothing listens"
        #expect(decided() == .unreachable)
        evidence.dirty = "netem is still there"
        #expect(decided() == .dirty)
        evidence.usage = "no such key"
        #expect(decided() == .usage)
    }

    @Test func warningsAndSuspicionDecideNothing() {
        let evidence = Self.evidence([Self.gate(.passed), Self.gate(.failed, .warn)], .suspect)
        #expect(RunOutcome.decide(evidence).exitCode == .passed)
    }

    @Test func passingOnNoTurnProvesNothing() {
        let outcome = RunOutcome.decide(Self.evidence([Self.gate(.passed)], turns: 0))
        #expect(outcome.word == .inconclusive && outcome.exitCode == .inconclusive)
    }
}
