import UproarCore
import UproarStatistics

/// `postmortem.md`: the guides' sections, filled from the run. What the run cannot know says NOT OBSERVED; what a person must add
/// says so.
package struct PostmortemReport {
    private let result: RunResult

    package init(_ result: RunResult) { self.result = result }

    package var text: String {
        var lines = head
        for (title, body) in [
            ("Summary", summary), ("Timeline", timeline), ("Impact", impact),
            ("Detection and failover", failover), ("Recovery", recovery),
            ("Root cause", rootCause), ("What went well", held(.passed)),
            ("What went poorly", poorly), ("Failed calls by stack", stacks),
            ("Action items", actions), ("Reproduction", ["```sh", result.command, "```"]),
        ] {
            lines += ["", "## \(title)", ""] + body
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var head: [String] {
        [
            "# Post-mortem: \(result.scenario.name)", "",
            "| | |", "|---|---|",
            "| date | see `environment.json` |",
            "| duration | \(NumberText.duration(duration)) |",
            "| severity | \(severity) |", "| author | to be named |",
            "| world | \(result.world.rawValue), seed \(result.seed), commit \(result.commit) |",
            "| outcome | \(result.outcome.word.rawValue) (exit \(result.outcome.exitCode.rawValue)) |",
        ]
    }

    /// First effect of the first fault to the recovery of the last.
    private var duration: Duration {
        guard let from = result.faults.compactMap(\.firstEffect).min() else { return .zero }
        let to = result.faults.compactMap { $0.recovered ?? $0.cleared }.max() ?? from
        return max(.zero, max(to, result.faults.compactMap(\.cleared).max() ?? to) - from)
    }

    /// P1: calls were lost; P2: turns were; P3: neither.
    private var severity: String {
        if result.ledger.calls.dropped > 0 { return "P1 (calls were dropped)" }
        if result.ledger.turns.lost > 0 { return "P2 (turns were lost, no call was)" }
        return "P3 (no turn and no call was lost)"
    }

    private var summary: [String] {
        let faults = result.faults.map { "`\($0.id)`: \($0.summary) on \($0.target)" }
        return [
            result.scenario.summary, "",
            faults.isEmpty ? "No fault was injected." : faults.joined(separator: "; ") + ".",
        ]
    }

    private var timeline: [String] {
        var rows: [(Instant, String)] = []
        func add(_ at: Instant?, _ text: String) {
            if let at { rows.append((at, text)) }
        }
        for fault in result.faults {
            add(fault.armed, "`\(fault.id)` armed")
            add(fault.firstEffect, "`\(fault.id)` took effect for the first time")
            add(fault.lastEffect, "`\(fault.id)` took effect for the last time")
            add(fault.cleared, "`\(fault.id)` cleared")
            add(fault.recovered, "`\(fault.id)`: calls were well again")
        }
        for fault in result.faults {
            if let sign = fault.figures.first(where: { $0.name == "time_to_detect" }),
                !sign.isCensored, let first = fault.firstEffect
            {
                add(
                    first + .nanoseconds(Int64(sign.value)),
                    "`\(fault.id)` detected \(sign.basis)")
            }
        }
        let fired = (result.alerts ?? []).filter { $0.at != nil }
        for alert in fired {
            let expected =
                alert.within.map { " (expected within \(NumberText.duration($0)))" } ?? ""
            add(alert.at, "alert `\(alert.name)` fired\(expected)")
        }
        for mark in result.marks { add(mark.at, "mark: \(mark.text)") }
        let known = rows.enumerated().sorted {
            ($0.element.0, $0.offset) < ($1.element.0, $1.offset)
        }
        .map { "| \(RunDigest.clock($0.element.0)) | \($0.element.1) |" }
        return ["| time | what |", "|---|---|"] + known + unseen(fired.isEmpty)
    }

    /// What people did is known from marks alone (`uproar mark RUN acknowledged`).
    private func unseen(_ isQuiet: Bool) -> [String] {
        var rows: [String] = []
        if result.alerts == nil {
            rows.append(
                "| NOT OBSERVED | alert fired: no rule was evaluated (the agent has no metrics page) |"
            )
        }
        for alert in result.alerts ?? [] where alert.isMissing && alert.at == nil {
            rows.append(
                "| NOT OBSERVED | alert `\(alert.name)` fired: expected within \(NumberText.duration(alert.within ?? .zero)) |"
            )
        }
        if result.alerts != nil, isQuiet {
            rows.append(
                "| NOT OBSERVED | alert fired: none of \(result.alerts?.count ?? 0) rules did |")
        }
        for step in ["acknowledged", "cause found", "fix", "back to normal"]
        where !result.marks.contains(where: { $0.text.lowercased().contains(step) }) {
            if step == "back to normal", result.faults.contains(where: { $0.recovered != nil }) {
                continue
            }
            rows.append("| NOT OBSERVED | \(step) |")
        }
        return rows
    }

    private var impact: [String] {
        let ledger = result.ledger
        var lines = result.faults.map { fault -> String in
            let counts = fault.figures.filter { $0.unit == .count }.map(Self.words)
            return "- `\(fault.id)`: "
                + (counts.isEmpty ? "met nothing" : counts.joined(separator: ", "))
        }
        lines.append(
            "- the run: \(ledger.calls.dropped) calls dropped, \(ledger.turns.lost) turns lost and "
                + "\(ledger.turns.late) late of \(ledger.turns.owed) owed")
        lines.append("- minutes degraded: \(NumberText.fixed(duration.inSeconds / 60, 1))")
        lines.append("- revenue: no rate is given")
        return lines
    }

    private var failover: [String] {
        result.faults.map { fault in
            let spans = fault.figures.filter {
                [
                    "time_to_detect", "detection_floor", "breaker_floor", "time_to_failover",
                    "failover_decide", "failover_establish", "amplification", "extra_latency",
                    "extra_cost_per_turn",
                ].contains($0.name)
            }.map(Self.words)
            let path =
                fault.alternates.isEmpty
                ? "no other provider was tried"
                : "stood in: " + fault.alternates.joined(separator: ", ")
            return "- `\(fault.id)`: \(path)"
                + (spans.isEmpty ? "" : "; " + spans.joined(separator: ", ")) + Self.errors(fault)
        }
    }

    /// How it looked from within the agent: what tells a server that hangs from one that is down and one that refuses.
    private static func errors(_ fault: RunResult.FaultRecord) -> String {
        let errors = fault.agentErrors.prefix(5).map(\.text)
        return errors.isEmpty
            ? "" : "; the agent's own errors meanwhile: " + errors.joined(separator: ", ")
    }

    private var recovery: [String] {
        result.faults.map { fault in
            let spans = fault.figures.filter {
                [
                    "time_to_recover_under_fault", "time_to_recover", "recovery_lag",
                    "time_to_fail_back", "longest_dead_air", "total_dead_air", "bad_call_time",
                ].contains($0.name)
            }.map(Self.words)
            return "- `\(fault.id)`: "
                + (spans.isEmpty ? "no turn went wrong" : spans.joined(separator: ", "))
        }
    }

    private var rootCause: [String] {
        guard !result.faults.isEmpty else { return ["NOT OBSERVED"] }
        return [
            "Injected on purpose: " + result.faults.map(\.summary).joined(separator: "; ") + "."
        ]
    }

    private func held(_ outcome: GateOutcome) -> [String] {
        let found = result.gates.filter { $0.outcome == outcome }
        guard !found.isEmpty else { return ["Nothing that a gate of this run says."] }
        return found.map { gate in
            "- `\(gate.rule.text)`"
                + (gate.observed.map { ": observed \($0.text(gate.dimension))" } ?? "")
        }
    }

    private var poorly: [String] {
        let findings = result.faults.flatMap { fault in
            fault.findings.map { "- `\(fault.id)`: \($0)" }
        }
        let failed = result.gates.contains { $0.outcome == .failed }
        if findings.isEmpty || failed { return held(.failed) + findings }
        return findings
    }

    private var stacks: [String] {
        let found = result.worstCalls.compactMap {
            StackAttribution($0, faults: result.faults)
        }
        guard !found.isEmpty else { return ["No call of the worst ones failed."] }
        var lines = [
            "Of the \(result.worstCalls.count) worst calls; shares are the guides' own.", "",
            "| stack | share of incidents | owner | calls | look at |", "|---|---|---|---|---|",
        ]
        for stack in StackAttribution.Stack.allCases {
            let calls = found.filter { $0.stack == stack }
            guard !calls.isEmpty else { continue }
            lines.append(
                "| \(stack.rawValue) | \(stack.share) | \(stack.owner) | \(calls.count) | \(stack.steps) |"
            )
        }
        lines.append("")
        lines += found.prefix(10).map { "- call \($0.call): \($0.stack.rawValue): \($0.evidence)" }
        return lines
    }

    private var actions: [String] {
        var drafts = result.gates.filter { $0.outcome == .failed }.map {
            "make `\($0.rule.text)` hold"
        }
        drafts += result.faults.flatMap { fault in
            fault.findings.map { "`\(fault.id)`: mend that \($0)" }
        }
        guard !drafts.isEmpty else { return ["None: every gate of this run held."] }
        return ["| action (draft) | owner | due |", "|---|---|---|"]
            + drafts.map { "| \($0) | to be named | to be set |" }
    }

    /// `time to failover 1.24s (worst of 20)`.
    private static func words(_ figure: FaultFigure) -> String {
        String(figure.name.map { $0 == "_" ? " " : $0 }) + " " + figure.text
            + (figure.samples > 1 ? " (worst of \(figure.samples))" : "")
            + (figure.basis.isEmpty ? "" : " \(figure.basis)")
    }
}
