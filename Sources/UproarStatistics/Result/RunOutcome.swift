import UproarCore

/// How a run ended: one word, one exit code, and the reasons in sentences.
package struct RunOutcome: Hashable, Sendable {
    package var word: OutcomeWord
    package var exitCode: ExitCode
    package var reasons: [String]

    package init(_ word: OutcomeWord, _ exitCode: ExitCode, reasons: [String] = []) {
        self.word = word
        self.exitCode = exitCode
        self.reasons = reasons
    }

    package enum Signal: Sendable {
        case interrupt, terminate, hangUp

        /// - number: 1, 2 or 15 (signal(7)); another ends a run as 15 does.
        package init(number: Int32) {
            self = number == 2 ? .interrupt : number == 1 ? .hangUp : .terminate
        }

        package var name: String {
            switch self {
            case .interrupt: "SIGINT"
            case .terminate: "SIGTERM"
            case .hangUp: "SIGHUP"
            }
        }
    }

    /// Everything that bears on the outcome. Several may be true at once: `decide` says which counts.
    package struct Evidence: Sendable {
        /// Bad usage or a scenario that cannot run.
        package var usage: String?
        /// A fault that could not be undone.
        package var dirty: String?
        /// Nothing answered at the target.
        package var unreachable: String?
        /// The gate of severity `abort` that ended the run.
        package var abortedBy: GateResult?
        package var signal: Signal?
        package var validity: Validity
        package var gates: [GateResult]
        package var answeredTurns: UInt64
        /// Alerts that the faults should have set off and did not, a sentence each.
        package var missingAlerts: [String] = []
        /// Why it cannot be told whether they did.
        package var unknownAlerts: String?
        /// What is worse than the baseline.
        package var regressions: [String] = []
        /// Where there were too few calls to tell the run from its baseline.
        package var undecided: [String] = []

        package init(validity: Validity, gates: [GateResult], answeredTurns: UInt64) {
            self.validity = validity
            self.gates = gates
            self.answeredTurns = answeredTurns
        }
    }

    /// Precedence: usage (2) > dirty (7) > unreachable (5) > aborted (6) > signal (130/143) > invalid (4) >
    /// failed (1: a gate, or an expected alert that did not fire) > inconclusive (4) > regressed (3) > passed (0).
    package static func decide(_ evidence: Evidence) -> RunOutcome {
        if let usage = evidence.usage { return .init(.usage, .usage, reasons: [usage]) }
        if let dirty = evidence.dirty { return .init(.dirty, .dirty, reasons: [dirty]) }
        if let unreachable = evidence.unreachable {
            return .init(.unreachable, .unreachable, reasons: [unreachable])
        }
        if let gate = evidence.abortedBy {
            return .init(.aborted, .aborted, reasons: [sentence(gate)])
        }
        switch evidence.signal {
        case .interrupt?: return .init(.interrupted, .interrupted, reasons: ["SIGINT"])
        case let signal?: return .init(.interrupted, .terminated, reasons: [signal.name])
        case nil: break
        }
        if evidence.validity.state == .invalid {
            return .init(.invalid, .inconclusive, reasons: evidence.validity.reasons)
        }
        let deciding = evidence.gates.filter(\.decides)
        let failed = deciding.filter { $0.outcome == .failed }
        if !failed.isEmpty || !evidence.missingAlerts.isEmpty {
            return .init(
                .failed, .gateFailed, reasons: failed.map(sentence) + evidence.missingAlerts)
        }
        let open = deciding.filter { $0.outcome == .inconclusive }
        if !open.isEmpty {
            return .init(.inconclusive, .inconclusive, reasons: open.map(sentence))
        }
        if let unknown = evidence.unknownAlerts {
            return .init(.inconclusive, .inconclusive, reasons: [unknown])
        }
        // Gates that pass on nothing prove nothing.
        if evidence.answeredTurns == 0 {
            return .init(.inconclusive, .inconclusive, reasons: ["no turn was answered"])
        }
        if !evidence.undecided.isEmpty {
            return .init(.inconclusive, .inconclusive, reasons: evidence.undecided)
        }
        if !evidence.regressions.isEmpty {
            return .init(.regressed, .regressed, reasons: evidence.regressions)
        }
        return .init(.passed, .passed)
    }

    /// `voice_to_voice@steady p95 1.24s, wanted < 900ms (+340ms, n=4,812)`.
    static func sentence(_ gate: GateResult) -> String {
        var text = gate.rule.subject
        if let observed = gate.observed { text += " \(observed.text(gate.dimension))" }
        text += ", wanted \(gate.rule.demand)"
        if let reason = gate.reason { text += " (\(reason))" }
        return text
    }
}
