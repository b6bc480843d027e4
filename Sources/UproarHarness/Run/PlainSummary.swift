import UproarCore
import UproarStatistics

/// The verdict of a run in a few lines.
enum PlainSummary {
    static func text(_ result: RunResult, folder: String) -> String {
        let outcome = result.outcome
        var lines = [
            "UPROAR  \(result.scenario.name)   \(outcome.word.rawValue.uppercased()) (exit \(outcome.exitCode.rawValue))"
                + "   run \(result.validity.state.rawValue)   seed \(result.seed)"
        ]
        lines += outcome.reasons.map { "        \($0)" }
        for gate in result.gates {
            let observed = gate.observed.map { $0.text(gate.dimension) } ?? "no data"
            lines.append(
                "GATES   \(gate.outcome.rawValue)  \(gate.rule.text)  observed \(observed)")
        }
        lines.append("FILES   \(folder)")
        return lines.joined(separator: "\n") + "\n"
    }
}
