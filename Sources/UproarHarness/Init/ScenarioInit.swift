import UproarCore
import UproarPosix
import UproarScenario
import UproarStatistics

/// `uproar init`: a scenario for an agent of one's own, its gates set from runs on this machine, and a file for CI.
package enum ScenarioInit {
    package struct Plan: Sendable {
        /// How the agent is started, or nil when it is running at `url`.
        package var command: String?
        package var url: String
        /// Variables of the command with what they are set to: the run's addresses, where the agent looks for its providers.
        package var environment = [
            (name: "DEEPGRAM_URL", value: "${deepgram.ws}"),
            (name: "CARTESIA_URL", value: "${cartesia.ws}"),
        ]
        package var folder = "."
        package var callers = 10
        package var seconds = 40
        /// Runs whose noise decides where the gates stand.
        package var runs = 10
        package var isForced = false
        package var version: String

        package init(command: String?, url: String, version: String) {
            self.command = command
            self.url = url
            self.version = version
        }

        var scenarioPath: String { folder + "/uproar.yaml" }
        var workflowPath: String { folder + "/.github/workflows/uproar.yml" }
    }

    /// What the runs came to: the figures that gates are set from.
    struct Noise {
        var p50: [Double] = []
        var p95: [Double] = []
        var turns: [Int] = []
        var lost = 0
        var costPerMinute: [Double] = []

        mutating func add(_ result: RunResult) {
            let samples = result.recorder.merged("voice_to_voice").samples
            if let figure = samples.quantile(0.5), !figure.isCensored { p50.append(figure.value) }
            if let figure = samples.quantile(0.95), !figure.isCensored { p95.append(figure.value) }
            turns.append(Int(samples.count))
            lost += Int(result.ledger.turns.lost + result.ledger.turns.late)
            if let minute = result.cost.dollarsPerMinute { costPerMinute.append(minute) }
        }

        /// Above the worst of the runs by a tenth and 30 ms: what noise did here ten times it may do again.
        static func timeLimit(_ values: [Double]) -> String? {
            values.max().map { worst in
                let milliseconds = (worst * 1.1 / 1e6 + 30) / 10
                return "\(Int(milliseconds.rounded(.up)) * 10)ms"
            }
        }

        /// The rules, each with where it comes from.
        var gates: [String] {
            let fewest = turns.min() ?? 0
            // A gate must not be inconclusive on a run as long as these were.
            let enough = max(10, fewest / 2)
            var gates: [String] = []
            for (name, values) in [("p50", p50), ("p95", p95)] where values.count == turns.count {
                guard let limit = Self.timeLimit(values) else { continue }
                gates.append("voice_to_voice: \(name) < \(limit) min_n=\(enough)")
            }
            if let worst = costPerMinute.max(), worst > 0 {
                gates.append("cost_per_minute: mean <= \(NumberText.dollars(worst * 1.2))")
            }
            gates.append(lost == 0 ? "turns_lost: count <= 0" : "turns_lost: rate <= 5%")
            gates.append("calls_dropped: count <= 0")
            return gates
        }
    }

    package static func run(_ plan: Plan, view: LiveView) throws -> String {
        for path in [plan.scenarioPath, plan.workflowPath]
        where ShareFolder.exists(path) && !plan.isForced {
            throw ScenarioLoading.Problem("\(path) is there already; --force writes it anew")
        }
        try write(scenario(plan, gates: []), to: plan.scenarioPath)
        var noise = Noise()
        for run in 1...max(1, plan.runs) {
            view.say("noise run \(run) of \(plan.runs)")
            var loaded = try LoadedScenario.file(plan.scenarioPath, overrides: [])
            loaded.seed = UInt64(run)
            let out = "\(plan.folder)/reports/init-\(run)"
            var options = RunOptions(commandLine: "uproar run \(plan.scenarioPath) --seed \(run)")
            options.out = out
            options.isQuiet = true
            let ending = try RunSession.run(
                loaded, options: options, version: plan.version, view: view)
            let result = try Comparing.load(out)
            guard result.ledger.turns.answered > 0, result.validity.state != .invalid else {
                throw ScenarioLoading.Problem(
                    "run \(run) came to nothing that gates could be set from: "
                        + (result.outcome.reasons.first ?? "no turn was answered")
                        + advice(plan, out)
                        + "\n\(ending.summary)")
            }
            noise.add(result)
        }
        try write(scenario(plan, gates: noise.gates), to: plan.scenarioPath)
        try write(workflow, to: plan.workflowPath)
        return """
            wrote      \(plan.scenarioPath)   gates from \(plan.runs) runs on this machine:
            \(noise.gates.map { "             " + $0 }.joined(separator: "\n"))
            wrote      \(plan.workflowPath)
            next       uproar run \(plan.scenarioPath)

            """
    }

    /// Most often the agent looks for its providers elsewhere.
    private static func advice(_ plan: Plan, _ out: String) -> String {
        guard plan.command != nil else { return "" }
        return """

              what the agent said: \(out)/children/agent.log
              does it look for its providers in other variables? --env NAME='${deepgram.ws}' (docs/scenario.md#target)
            """
    }

    private static func write(_ text: String, to path: String) throws {
        do {
            if let slash = path.lastIndex(of: "/") {
                try AtomicFile.makeFolder(String(path[..<slash]))
            }
            try AtomicFile.write(Array(text.utf8), to: path)
        } catch { throw ScenarioLoading.Problem("\(path) cannot be written: \(error)") }
    }

    static func scenario(_ plan: Plan, gates: [String]) -> String {
        let target: String
        if let command = plan.command {
            let words = command.split(separator: " ").map { YAMLText.quoted(String($0)) }
            let variables = plan.environment.map { "\($0.name): \(YAMLText.quoted($0.value))" }
            target = """

                  command: [\(words.joined(separator: ", "))]
                  url: \(YAMLText.quoted(plan.url))
                  # Where the agent finds the run's providers. OPENAI_BASE_URL, REDIS_URL, PORT and keys are set anyway.
                  env: {\(variables.joined(separator: ", "))}
                """
        } else {
            target = "{url: \(YAMLText.quoted(plan.url))}"
        }
        let rules =
            gates.isEmpty
            ? ""
            : "# Set by `uproar init` from \(plan.runs) runs on one machine: the worst of them, a tenth and 30 ms.\ngates:\n"
                + gates.map { "  - \(YAMLText.quoted($0))\n" }.joined()
        return """
            # Callers against an agent of your own; what each key means: docs/scenario.md of uproar.
            name: voice-agent
            summary: \(plan.callers) callers talk to the agent for \(plan.seconds) s.
            seed: 42
            target: \(target)
            transport: twilio
            conversation: scenarios/conversations/task-manager.yaml
            audio: fixtures/task-manager
            load:
              - hold: \(plan.callers) callers for \(plan.seconds)s
            patience: 10s
            drain: 60s
            \(rules)
            """
    }

    static let workflow = """
        name: voice agent
        on: [pull_request]
        jobs:
          gates:
            runs-on: ubuntu-24.04
            steps:
              - uses: actions/checkout@v4
              # Put uproar in the PATH first: the tarball or .deb of `make dist`, or its composite action.
              - run: uproar run uproar.yaml --out uproar-report --map-exit 4=0
              - uses: actions/upload-artifact@v4
                if: always()
                with: {name: uproar, path: uproar-report}

        """
}
