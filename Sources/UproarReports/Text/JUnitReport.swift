import UproarCore
import UproarStatistics

/// `junit.xml`: one suite per scenario, one case per gate, and one for the run itself, so that a CI never sees an empty file.
///
/// A gate that failed is a `failure`, one without an answer is `skipped`; in an invalid run every gate is skipped and the
/// run's own case is an `error`. Valid by the schema of Jenkins' xUnit plug-in (`junit-10.xsd`), which has no `skipped` on `testsuites`.
/// A warning never fails its case: it says so in `system-out`.
package struct JUnitReport {
    private let digest: RunDigest

    package init(_ result: RunResult) { digest = RunDigest(result) }

    private var result: RunResult { digest.result }
    private var isInvalid: Bool { result.outcome.word == .invalid }

    package var text: String {
        let cases = [runCase] + result.gates.map(gateCase)
        let failures = cases.count { $0.contains("<failure ") }
        let errors = cases.count { $0.contains("<error ") }
        let skipped = cases.count { $0.contains("<skipped ") }
        let seconds = NumberText.fixed(result.load.duration.inSeconds, 3)
        let counts =
            "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\" "
            + "time=\"\(seconds)\""
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="uproar" \(counts)>
              <testsuite name="\(XMLText.escaped(result.scenario.name))" \(counts) skipped="\(skipped)">
                <properties>
            \(properties)
                </properties>
            \(cases.joined(separator: "\n"))
              </testsuite>
            </testsuites>

            """
    }

    private var properties: String {
        [
            ("verdict", digest.verdict), ("validity", result.validity.state.rawValue),
            ("seed", String(result.seed)), ("world", result.world.rawValue),
            ("commit", result.commit), ("command", result.command),
        ].map {
            "      <property name=\"\($0.0)\" value=\"\(XMLText.escaped($0.1))\"/>"
        }.joined(separator: "\n")
    }

    /// The run itself: an error when its figures prove nothing.
    private var runCase: String {
        var body = ""
        let reasons = result.outcome.reasons.joined(separator: "; ")
        switch result.outcome.word {
        case .passed, .regressed: break
        case .failed:
            // Gates are cases of their own.
            let others = digest.otherFailures
            if !others.isEmpty {
                body = element("failure", message: others.joined(separator: "; "), type: "failed")
            }
        case .inconclusive:
            body = element("skipped", message: reasons, type: nil)
        case .invalid, .unreachable, .aborted, .interrupted, .dirty, .usage:
            body = element("error", message: reasons, type: result.outcome.word.rawValue)
        }
        if result.outcome.word == .regressed {
            body = element("failure", message: reasons, type: "regressed")
        }
        let calls = result.ledger.calls
        let turns = result.ledger.turns
        let numbers =
            "\(digest.verdict), run \(result.validity.state.rawValue). Calls: \(calls.due) due, "
            + "\(calls.answered) answered, \(calls.completed) completed, \(calls.dropped) dropped. "
            + "Turns: \(turns.answered) answered, \(turns.late) late, \(turns.lost) lost."
        let validity = result.validity.reasons.map { "\n" + $0 }.joined()
        return testcase("run", body, output: numbers + validity)
    }

    private func gateCase(_ gate: GateResult) -> String {
        let observed = gate.observed?.text(gate.dimension) ?? "nothing"
        let message = "\(gate.rule.subject) is \(observed), wanted \(gate.rule.demand)"
        var body = ""
        if isInvalid {
            body = element("skipped", message: "the run is invalid", type: nil)
        } else if gate.outcome == .inconclusive {
            body = element("skipped", message: gate.reason ?? "inconclusive", type: nil)
        } else if gate.outcome == .failed, gate.decides {
            body = element("failure", message: message, type: "gate")
        }
        var output = "\(message). \(RunDigest.evidence(of: gate))"
        if gate.outcome == .failed, !gate.decides { output = "WARNING: " + output }
        if let why = gate.rule.why { output += "\nwhy: \(why)" }
        if !gate.worstCalls.isEmpty {
            output += "\nworst calls: " + gate.worstCalls.map(String.init).joined(separator: ", ")
        }
        return testcase(gate.rule.text, body, output: output)
    }

    private func testcase(_ name: String, _ body: String, output: String) -> String {
        let lines = [
            "    <testcase classname=\"\(XMLText.escaped(result.scenario.name))\" "
                + "name=\"\(XMLText.escaped(name))\" time=\"0\">",
            body, "      <system-out>\(XMLText.escaped(output))</system-out>", "    </testcase>",
        ]
        return lines.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func element(_ name: String, message: String, type: String?) -> String {
        let kind = type.map { " type=\"\($0)\"" } ?? ""
        return "      <\(name) message=\"\(XMLText.escaped(message))\"\(kind)/>"
    }
}
