import UproarCore
import UproarStatistics

/// Workflow commands of GitHub Actions (docs.github.com, "Workflow commands"): a line per gate that did not pass, one for the run when
/// it proves nothing or is worse than its baseline. At most ten of a kind, as many as GitHub shows.
package struct GitHubAnnotations {
    private let result: RunResult

    package init(_ result: RunResult) { self.result = result }

    private static let limit = 10

    package var text: String {
        var errors: [String] = []
        var warnings: [String] = []
        let name = result.scenario.name
        let reasons = result.outcome.reasons.joined(separator: "; ")
        switch result.outcome.word {
        case .passed: break
        case .failed:
            for reason in RunDigest(result).otherFailures {
                errors.append(line("error", "\(name): failed", reason))
            }
        case .invalid, .inconclusive, .interrupted:
            warnings.append(
                line("warning", "\(name): \(result.outcome.word.rawValue)", reasons))
        case .regressed, .unreachable, .aborted, .dirty, .usage:
            errors.append(line("error", "\(name): \(result.outcome.word.rawValue)", reasons))
        }
        for gate in result.gates where gate.outcome != .passed {
            let observed = gate.observed?.text(gate.dimension) ?? "nothing"
            let message =
                "\(gate.rule.subject) is \(observed), wanted \(gate.rule.demand) (\(RunDigest.evidence(of: gate)))"
            let isError =
                gate.outcome == .failed && gate.decides && result.validity.state != .invalid
            if isError {
                errors.append(line("error", "\(name): gate failed", message))
            } else {
                warnings.append(line("warning", "\(name): gate \(gate.outcome.rawValue)", message))
            }
        }
        return (errors.prefix(Self.limit) + warnings.prefix(Self.limit)).joined()
    }

    private func line(_ kind: String, _ title: String, _ message: String) -> String {
        "::\(kind) title=\(Self.escaped(title, isProperty: true))::\(Self.escaped(message))\n"
    }

    /// As the runner unescapes: percent, carriage return and line feed everywhere, colon and comma in properties.
    static func escaped(_ text: String, isProperty: Bool = false) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "%": output += "%25"
            case "\r": output += "%0D"
            case "\n": output += "%0A"
            case ":" where isProperty: output += "%3A"
            case "," where isProperty: output += "%2C"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
