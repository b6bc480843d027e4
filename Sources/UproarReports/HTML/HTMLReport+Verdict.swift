import UproarCore
import UproarStatistics

/// The first screen: did it pass, why not, what broke, what did it cost, which calls to listen to.
extension HTMLReport {
    var hero: String {
        let scenario = result.scenario
        var meta = [
            "run \(result.validity.state.rawValue)", "\(digest.duration)",
            "peak \(RunDigest.many(result.load.peak, "call"))", "seed \(result.seed)",
            result.world.rawValue,
        ]
        if !result.target.isEmpty { meta.append("target \(result.target)") }
        let summary =
            scenario.summary.isEmpty ? "" : "<p>\(HTMLText.escaped(scenario.summary))</p>"
        return """
            <header class="card hero \(tone)">
            <div class="headline"><div><div class="brand">UPROAR</div>
            <h1>\(HTMLText.escaped(scenario.name))</h1>\(summary)
            <p class="soft">\(HTMLText.escaped(meta.joined(separator: " · ")))</p></div>
            <div class="verdict \(tone)-box">\(verdictBox)</div></div>
            \(banners)\(answers)\(tiles)
            </header>
            """
    }

    private var verdictBox: String {
        if isLive { return "… RUNNING<small>so far</small>" }
        return "\(sign(tone)) \(result.outcome.word.rawValue.uppercased())"
            + "<small>exit \(result.outcome.exitCode.rawValue)</small>"
    }

    func sign(_ tone: String) -> String {
        switch tone {
        case "good": "✓"
        case "bad": "✗"
        default: "?"
        }
    }

    private var banners: String {
        // While it runs everything is partial.
        if isLive { return "" }
        var text = ""
        if result.isPartial {
            text +=
                "<div class=\"banner doubt-box\">Partial: the run did not end by itself. Figures reach to "
                + "its last checkpoint.</div>"
        }
        switch result.outcome.word {
        case .invalid:
            text += banner(
                "This run is invalid: the harness was not fit to judge. It is neither a pass nor a fail."
            )
        case .aborted, .interrupted, .unreachable, .dirty, .usage, .inconclusive, .regressed:
            text += banner("This run is \(result.outcome.word.rawValue).")
        case .passed, .failed: break
        }
        return text
    }

    private func banner(_ text: String) -> String {
        let reasons = result.outcome.reasons.prefix(6)
            .map { "<li>\(HTMLText.escaped($0))</li>" }.joined()
        return "<div class=\"banner \(tone)-box\">\(text)"
            + (reasons.isEmpty ? "" : "<ul>\(reasons)</ul>") + "</div>"
    }

    private var answers: String {
        var rows: [(String, String)] = []
        let deciding = result.gates.filter { $0.decides && $0.outcome != .passed }
        let others = digest.otherFailures.map { "<li>\(HTMLText.escaped($0))</li>" }.joined()
        if result.gates.isEmpty, others.isEmpty {
            rows.append(("Why", "No gate was judged." + againstBaseline))
        } else if deciding.isEmpty, others.isEmpty {
            let warned = result.gates.count { !$0.decides && $0.outcome != .passed }
            rows.append(
                (
                    "Why",
                    "\(RunDigest.many(result.gates.count { $0.decides }, "deciding gate")) passed, none failed"
                        + (warned > 0 ? ", \(warned) warned." : ".") + againstBaseline
                ))
        } else {
            let items = deciding.prefix(4).map { gate in
                "<li>\(HTMLText.escaped(gate.rule.subject)) is <b>"
                    + "\(HTMLText.escaped(gate.observed?.text(gate.dimension) ?? "unknown"))</b>, wanted "
                    + "\(HTMLText.escaped(gate.rule.demand))"
                    + (gate.outcome == .inconclusive || gate.observed == nil
                        ? " (\(HTMLText.escaped(gate.reason ?? "inconclusive")))" : "") + "</li>"
            }
            let more =
                deciding.count > 4
                ? "<li><a href=\"#gates\">and \(deciding.count - 4) more</a></li>" : ""
            rows.append(("Why", "<ul>\(others)\(items.joined())\(more)</ul>"))
        }
        rows.append(("What broke", broken))
        if !result.remarks.isEmpty {
            let items = result.remarks.prefix(4).map {
                "<li>\(HTMLText.escaped(digest.words(of: $0)))</li>"
            }
            let more = result.remarks.count - items.count
            rows.append(
                (
                    "Remarks",
                    "<ul>\(items.joined())" + (more > 0 ? "<li>and \(more) more</li>" : "")
                        + "</ul>"
                ))
        }
        rows.append(("Cost", costSentence))
        if !result.worstCalls.isEmpty {
            let isTaped = result.worstCalls.contains { result.tapes.contains($0.id) }
            let shown =
                isTaped
                ? result.worstCalls.filter { result.tapes.contains($0.id) } : result.worstCalls
            let links = shown.prefix(5).map {
                "<a href=\"#call-\($0.id)\">call \($0.id)</a> "
                    + "<span class=\"soft\">(\(HTMLText.escaped(complaint($0))))</span>"
            }
            rows.append((isTaped ? "Listen to" : "Look at", links.joined(separator: ", ")))
        }
        return "<dl class=\"answers\">"
            + rows.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" }.joined() + "</dl>"
    }

    private var againstBaseline: String {
        guard let baseline = result.baseline else { return "" }
        return
            " <a href=\"#baseline\">Against the baseline</a> "
            + "(\(HTMLText.escaped(baseline.brief))): \(baseline.comparison.verdict.rawValue)."
    }

    /// Why a call is among the worst, in two or three words.
    private func complaint(_ call: CallRecord) -> String {
        switch call.outcome {
        case .dropped, .refused, .notStarted, .abandoned:
            return call.outcome.word.split(separator: "_").joined(separator: " ")
        case .completed, .cutByRun: break
        }
        let lost = call.turns.count { $0.outcome == .lost || $0.outcome == .late }
        if lost > 0 { return RunDigest.many(lost, "turn") + " unanswered" }
        for (mark, name) in TurnMarks.names
        where ![TurnMarks.interrupted, .deadAir, .talkedOver].contains(mark) {
            if call.turns.contains(where: { $0.marks.contains(mark) }) {
                return name.split(separator: "_").joined(separator: " ")
            }
        }
        let slowest = call.turns.compactMap { turn -> Int64? in
            if case .exact(let value) = turn.voiceToAnswer ?? turn.voiceToVoice {
                return value.nanoseconds
            }
            return nil
        }.max()
        return slowest.map { "slowest answer " + Figure(Double($0)).text(.time) } ?? "no turn"
    }

    private var broken: String {
        let counts = (digest.callCounts + digest.turnCounts + digest.bargeInCounts).filter {
            $0.isBad && $0.count > 0
        }
        let turnNames = Set(digest.turnCounts.map(\.name))
        var parts = counts.map { count in
            let kind =
                turnNames.contains(count.name)
                ? "turn"
                : digest.callCounts.contains { $0.name == count.name } ? "call" : "barge-in"
            return "\(NumberText.grouped(Int(count.count))) \(kind)\(count.count == 1 ? "" : "s") "
                + count.name
        }
        if let share = digest.taskShare, share < 1 {
            let ledger = result.ledger
            parts.append(
                "\(NumberText.grouped(Int(ledger.tasksChecked - ledger.tasksPassed))) of "
                    + "\(RunDigest.many(Int(ledger.tasksChecked), "task")) not done")
        }
        var harm =
            !parts.isEmpty
            ? HTMLText.escaped(parts.joined(separator: ", ")) + "."
            : result.ledger.turns.owed > 0
                ? digest.hasReferences
                    ? "Nothing: no turn lost, late, doubled or cut; no call dropped or refused."
                    : "Nothing that was seen: no turn lost or late; no call dropped or refused."
                : "No turn was measured."
        if !digest.hasReferences, result.ledger.turns.owed > 0 {
            harm +=
                " <span class=\"soft\">Without turn references it is unknown whether replies were doubled, stale, "
                + "cut or another caller's.</span>"
        }
        guard !result.faults.isEmpty else { return harm }
        let more =
            result.faults.count > 4
            ? "<li><a href=\"#ledger\">and \(result.faults.count - 4) more faults</a></li>" : ""
        return harm + "<ul>" + result.faults.prefix(4).map(course).joined() + more + "</ul>"
    }

    /// What a fault was, who stood in, and whether all was well again.
    private func course(_ fault: RunResult.FaultRecord) -> String {
        var text =
            "fault <b>\(HTMLText.escaped(fault.id))</b>: \(HTMLText.escaped(fault.summary)) on "
            + HTMLText.escaped(fault.target)
        guard let effect = fault.firstEffect else {
            return "<li>\(text): never took effect, so it proves nothing.</li>"
        }
        text += ", in effect from \(RunDigest.clock(effect))"
        if let cleared = fault.cleared { text += " to \(RunDigest.clock(cleared))" }
        func figure(_ name: String) -> String? {
            fault.figures.first { $0.name == name && !$0.isCensored }.map {
                GateRule.Quantity($0.value, .time).text
            }
        }
        if !fault.alternates.isEmpty {
            text += "; \(HTMLText.escaped(fault.alternates.joined(separator: ", "))) stood in"
            if let time = figure("time_to_failover") { text += " after \(time)" }
        }
        if let recovery = fault.figures.first(where: { $0.name == "time_to_recover" }) {
            let time = GateRule.Quantity(recovery.value, .time).text
            text +=
                recovery.isCensored
                ? "; <b class=\"no\">not recovered</b> within the \(time) that were watched"
                : "; well again \(time) after the first wrong turn"
        } else if !fault.figures.isEmpty {
            text += "; no turn went wrong for it"
        } else if let recovered = fault.recovered {
            // A result of before there were figures.
            text += "; all was well again at \(RunDigest.clock(recovered))"
        }
        if !fault.agentErrors.isEmpty {
            let errors = fault.agentErrors.prefix(3).map(\.text).joined(separator: ", ")
            text += "; the agent met \(HTMLText.escaped(errors))"
        }
        let findings = fault.findings.prefix(2).map { HTMLText.escaped($0) }
        return "<li>\(text)."
            + (findings.isEmpty
                ? "" : " <span class=\"soft\">\(findings.joined(separator: "; ")).</span>")
            + "</li>"
    }

    private var costSentence: String {
        let cost = result.cost
        guard let total = cost.dollars else {
            let text = HTMLText.escaped(digest.costUnknown)
            return text.prefix(1).uppercased() + text.dropFirst() + "."
        }
        let parts = [
            cost.dollarsPerCall.map { "\(NumberText.dollars($0)) a call" },
            cost.dollarsPerMinute.map { "\(NumberText.dollars($0)) a minute" },
            "\(NumberText.dollars(total)) in all",
        ].compactMap { $0 }
        return HTMLText.escaped(parts.joined(separator: ", "))
    }

    private var tiles: String {
        var tiles: [(value: String, name: String, isBad: Bool)] = []
        func add(_ metric: String, _ name: String) {
            guard let figure = digest.figure(metric, 0.95) else { return }
            let count = Int(digest.count(metric))
            // Of fewer than twenty the 95th percentile is the slowest, and says no more than that.
            let of = count < 20 ? "slowest of \(count)" : count < 200 ? "p95 of \(count)" : "p95"
            tiles.append(
                (figure.text(.time), "\(name), \(of)\(digest.mainNote)", figure.isCensored))
        }
        add("voice_to_voice", "voice to voice")
        // A filler is heard long before what was asked for: then one figure alone would flatter.
        if let answer = digest.figure("voice_to_answer", 0.95),
            let voice = digest.figure("voice_to_voice", 0.95),
            answer.isCensored || answer.value > voice.value * 1.1
        {
            add("voice_to_answer", "to the answer itself")
        }
        add("agent_share", "agent's share of the answer")
        add("provider_share", "providers' share of the answer")
        let turns = result.ledger.turns
        if turns.owed > 0 {
            tiles.append(
                (
                    NumberText.grouped(Int(turns.answered)),
                    "of \(RunDigest.many(Int(turns.owed), "turn")) answered",
                    turns.answered < turns.owed
                ))
        }
        if let goodput = digest.goodput {
            tiles.append((RunDigest.percent(goodput), "good turns", goodput < 0.95))
        }
        if let minute = result.cost.dollarsPerMinute {
            tiles.append((NumberText.dollars(minute), "a minute", false))
        }
        guard !tiles.isEmpty else { return "" }
        let presets = digest.presets
        let note =
            presets.isEmpty
            ? ""
            : "<p class=\"note\" style=\"margin:10px 0 0\">Providers: "
                + "\(HTMLText.escaped(presets.joined(separator: "; "))). "
                + (result.providers.contains { $0.isEmulated }
                    ? "Emulated: these are the emulators' figures, not the vendors'." : "") + "</p>"
        return "<div class=\"tiles\">"
            + tiles.map {
                "<div class=\"tile\($0.isBad ? " bad" : "")\"><b>\(HTMLText.escaped($0.value))</b>"
                    + "<span>\(HTMLText.escaped($0.name))</span></div>"
            }.joined() + "</div>\(note)"
    }

    // MARK: Gates

    var gates: String {
        guard !result.gates.isEmpty else {
            return HTMLText.section("gates", "Gates", "<p>This run has no gates.</p>")
        }
        let order: [GateOutcome] = [.failed, .inconclusive, .passed]
        let sorted = order.flatMap { outcome in result.gates.filter { $0.outcome == outcome } }
        let rows = sorted.map { gate in
            [
                mark(gate),
                "<code>\(HTMLText.escaped(gate.rule.text))</code>"
                    + (gate.rule.why.map { "<div class=\"note\">\(HTMLText.escaped($0))</div>" }
                        ?? ""),
                "<b>\(HTMLText.escaped(gate.observed?.text(gate.dimension) ?? "–"))</b>",
                HTMLText.escaped(
                    gate.limit.map { GateRule.Quantity($0, gate.dimension).text }
                        ?? gate.rule.bound.text),
                HTMLText.escaped(RunDigest.evidence(of: gate)), links(gate.worstCalls),
            ]
        }
        return HTMLText.section(
            "gates", "Gates",
            intro:
                "What had to hold. CI is the 95 % confidence interval; p95 needs 200 samples and p99 "
                + "1,000, else a gate has no answer.",
            HTMLText.table(
                [
                    .init(name: "verdict"), .init(name: "gate", isWide: true),
                    .init(name: "observed"), .init(name: "limit"), .init(name: "evidence"),
                    .init(name: "worst calls"),
                ], rows, caption: "Gates"))
    }

    private func mark(_ gate: GateResult) -> String {
        let tone =
            switch gate.outcome {
            case .passed: "good"
            case .failed: gate.decides ? "bad" : "doubt"
            case .inconclusive: "doubt"
            }
        let word = gate.decides ? gate.outcome.rawValue : "warning"
        return "<span class=\"mark \(tone)\">\(sign(tone)) "
            + "\(gate.outcome == .passed ? gate.outcome.rawValue : word)</span>"
    }

    private func links(_ calls: [UInt32]) -> String {
        let known = Set(result.worstCalls.map(\.id))
        return calls.map { known.contains($0) ? "<a href=\"#call-\($0)\">\($0)</a>" : "\($0)" }
            .joined(separator: ", ")
    }
}
