/// How a run ends: the word everywhere (capitals on the terminal, small letters in JSON).
package enum OutcomeWord: String, CaseIterable, Sendable {
    case passed, failed, inconclusive, invalid, regressed, unreachable, aborted, interrupted, dirty,
        usage
}

/// Exit codes. Stable: scripts depend on them.
package enum ExitCode: Int32, CaseIterable, Sendable {
    /// All gates passed on a valid run.
    case passed = 0
    /// At least one gate failed on a valid run.
    case gateFailed = 1
    /// Bad usage, or a scenario that cannot run; nothing was dialled.
    case usage = 2
    /// A regression against the baseline; all gates passed.
    case regressed = 3
    /// The run proves nothing: invalid (the harness was not fit) or inconclusive (too few samples).
    case inconclusive = 4
    /// Nothing answered at the target.
    case unreachable = 5
    /// Ended early by a gate with severity `abort`.
    case aborted = 6
    /// A fault could not be undone.
    case dirty = 7
    case interrupted = 130
    case terminated = 143

    package var summary: String {
        switch self {
        case .passed: "all gates passed on a valid run"
        case .gateFailed: "at least one gate failed"
        case .usage: "bad usage or scenario; nothing was dialled"
        case .regressed: "regression against the baseline; all gates passed"
        case .inconclusive: "invalid or inconclusive run: neither a pass nor a fail"
        case .unreachable: "target unreachable"
        case .aborted: "ended early by an abort gate"
        case .dirty: "a fault could not be undone"
        case .interrupted: "interrupted (SIGINT)"
        case .terminated: "terminated (SIGTERM, or the terminal went away)"
        }
    }
}

/// How one gate came out.
package enum GateOutcome: String, CaseIterable, Sendable {
    case passed, failed, inconclusive
}

/// Whether the harness itself was fit to judge.
package enum ValidityState: String, CaseIterable, Sendable {
    case valid, suspect, invalid
}
