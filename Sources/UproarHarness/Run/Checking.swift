import UproarAgent
import UproarAudio
import UproarCore
import UproarCrypto
import UproarPosix
import UproarScenario

/// `uproar check` and `uproar plan`: what a run would do and need, without dialling.
package enum Checking {
    /// The check of a scenario on this machine.
    static func check(_ loaded: LoadedScenario) -> ScenarioCheck {
        let machine = UproarPosix.MachineLimits.read()
        let limits = UproarScenario.MachineLimits(
            descriptors: DescriptorLimit.raise(),
            ports: machine.ephemeralPorts.map(\.count),
            memory: machine.memoryAvailableBytes.map { Int($0) })
        return ScenarioCheck(
            loaded.scenario, seed: Seed(loaded.seed), catalog: ScenarioLoading.catalog,
            limits: limits, endpointing: UproarAgent.AgentSettings().endpointing)
    }

    static func hash(_ scenario: Scenario) -> String {
        scenario.hash { HexText.of(Digest.sha256.hash($0)) }
    }

    /// Refuses what cannot run; answers the warnings.
    ///
    /// - machine: on which its faults would act; nil for none, as in simulation.
    static func approve(_ loaded: LoadedScenario, machine: GuardRails.Machine? = nil) throws
        -> [String]
    {
        if machine != nil {
            try UpstreamRelays.approve(loaded.scenario)
            try InterceptPlan.approve(loaded.scenario)
        }
        let check = check(loaded)
        let problems = check.problems + GuardRails(loaded.scenario, machine: machine).problems
        guard problems.isEmpty else {
            throw ScenarioLoading.Problem(problems.map(\.text).joined(separator: "\n"))
        }
        return check.warnings.map { "warning: \($0.text)" }
    }

    /// What `uproar check` prints; the audio files are read too.
    package static func checkText(_ loaded: LoadedScenario) throws -> String {
        let warnings = try approve(loaded, machine: .here())
        _ = try ScenarioLoading.plan(loaded.scenario, seed: loaded.seed)
        let check = check(loaded)
        let lines = PlanText.summary(
            loaded.scenario, seed: Seed(loaded.seed), check: check, hash: hash(loaded.scenario))
        return (lines + warnings).joined(separator: "\n") + "\n"
    }

    package static func planText(_ loaded: LoadedScenario) throws -> String {
        _ = try approve(loaded)
        return PlanText.text(
            loaded.scenario, seed: Seed(loaded.seed), check: check(loaded),
            hash: hash(loaded.scenario), catalog: ScenarioLoading.catalog)
    }
}
