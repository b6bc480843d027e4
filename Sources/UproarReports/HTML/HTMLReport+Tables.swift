import UproarCore
import UproarStatistics

/// Worst calls, ledger, cost and set-up: the sections that are read.
extension HTMLReport {
    // MARK: Worst calls

    var worstCalls: String {
        guard !result.worstCalls.isEmpty else { return "" }
        let body = result.worstCalls.map(article).joined()
        return HTMLText.section(
            "calls", "Worst calls",
            intro:
                "Dropped calls first, then lost turns, wrong replies, and the slowest answers; at most 20. "
                + "Every call of the run is a line of <code>calls.jsonl</code>.",
            HTMLText.legend(
                [
                    ("caller", "caller"), ("agent's stages and speech", "agent"),
                    ("provider's stages", "provider"), ("network", "network"), ("no answer", "bad"),
                ], boxes: true) + body + otherTapes, isLong: true)
    }

    /// Recordings of calls that are not among the worst.
    private var otherTapes: String {
        let worst = Set(result.worstCalls.map(\.id))
        let links = result.tapes.filter { !worst.contains($0) }.prefix(100).map {
            "<a href=\"\(Self.tape($0))\">call \($0)</a>"
        }
        guard !links.isEmpty else { return "" }
        return "<p>Recorded, too: \(links.joined(separator: ", ")).</p>"
    }

    private static func tape(_ call: UInt32) -> String { "tapes/call-\(call).wav" }

    private func article(_ call: CallRecord) -> String {
        var chips: [String] = []
        let isGood = call.outcome == .completed
        chips.append(
            "<span class=\"chip \(isGood ? "good" : call.outcome == .cutByRun ? "" : "bad")\">"
                + "\(call.outcome.word)</span>")
        for tag in call.tags.tags where tag.key != "transport" {
            chips.append("<span class=\"chip\">\(HTMLText.escaped(tag.value))</span>")
        }
        let lost = call.turns.count { $0.outcome == .lost || $0.outcome == .late }
        if lost > 0 { chips.append("<span class=\"chip bad\">\(lost) unanswered</span>") }
        for (mark, name) in TurnMarks.names {
            let count = call.turns.count { $0.marks.contains(mark) }
            let isBad = ![TurnMarks.interrupted, .deadAir].contains(mark)
            if count > 0, isBad {
                chips.append(
                    "<span class=\"chip bad\">\(count) \(HTMLText.escaped(name))</span>")
            }
        }
        var facts: [String] = []
        if let due = call.due { facts.append("due at \(RunDigest.clock(due))") }
        facts.append(RunDigest.many(call.turns.count, "turn"))
        if call.connected > .zero { facts.append("\(RunDigest.clock(call.connected)) connected") }
        if let greeting = call.greeting {
            facts.append("greeting \(GateRule.Quantity.short(greeting))")
        }
        if let cost = call.cost { facts.append(NumberText.dollars(cost)) }
        if let passed = call.taskPassed { facts.append("task \(passed ? "passed" : "failed")") }
        if let refusal = call.refusal { facts.append("refused with \(Self.refusal(refusal))") }
        let hasMedia = !call.turns.isEmpty || !call.agentSpeech.isEmpty
        return
            "<article class=\"call\" id=\"call-\(call.id)\"><h3>Call \(call.id) \(chips.joined())</h3>"
            + "<p class=\"note\">\(HTMLText.escaped(facts.joined(separator: " · ")))</p>"
            + (hasMedia ? CallTimeline(call: call).markup() : "") + player(call) + turns(call)
            + "</article>"
    }

    /// The call's recording, which lies beside the report: nothing is loaded before it is played.
    private func player(_ call: CallRecord) -> String {
        guard result.tapes.contains(call.id) else { return "" }
        let file = Self.tape(call.id)
        return
            "<p><audio controls preload=\"none\" src=\"\(file)\" aria-label=\"Recording of call \(call.id)\">"
            + "</audio><br><span class=\"note\">caller left, agent right, from the answer on: "
            + "<a href=\"\(file)\">\(file)</a></span></p>"
    }

    private func turns(_ call: CallRecord) -> String {
        guard !call.turns.isEmpty else { return "" }
        let rows = call.turns.map { turn in
            [
                "\(turn.utterance)", "\(turn.clip)",
                turn.outcome.rawValue
                    + (turn.marks.isEmpty ? "" : ": " + turn.marks.names.joined(separator: ", ")),
                CallTimeline.text(turn.voiceToVoice) ?? "–",
                CallTimeline.text(turn.voiceToAnswer) ?? "–",
            ] + Stage.allCases.map { turn[$0].map(GateRule.Quantity.short) ?? "–" }
        }
        let head =
            ["turn", "clip", "outcome", "voice", "answer"]
            + Stage.allCases.map { StageWaterfall.names[$0] ?? $0.rawValue }
        return
            "<details class=\"print\"><summary>Turns of call \(call.id)</summary><div class=\"scroll\">"
            + "<table aria-label=\"Turns of call \(call.id)\"><thead><tr>"
            + head.map { "<th scope=\"col\">\(HTMLText.escaped($0))</th>" }.joined()
            + "</tr></thead><tbody>"
            + rows.map { row in
                "<tr>" + row.map { "<td>\(HTMLText.escaped($0))</td>" }.joined() + "</tr>"
            }.joined() + "</tbody></table></div></details>"
    }

    static func refusal(_ status: UInt32) -> String {
        status >= 1000 ? "errno \(status - 1000)" : "HTTP \(status)"
    }

    // MARK: Ledger

    func ledger(_ buckets: ChartBuckets) -> String {
        let calls = result.ledger.calls
        let turns = result.ledger.turns
        func table(_ title: String, _ counts: [RunDigest.Count], of total: UInt64) -> String {
            guard !counts.isEmpty else { return "" }
            return "<div><h3>\(HTMLText.escaped(title))</h3>"
                + HTMLText.table(
                    [
                        .init(name: ""), .init(name: "count", isNumber: true),
                        .init(name: "share", isNumber: true), .init(name: "", isWide: true),
                    ],
                    counts.map { count in
                        let share = total == 0 ? 0 : Double(count.count) / Double(total)
                        let isBad = count.isBad && count.count > 0
                        return [
                            isBad
                                ? "<b class=\"no\">\(HTMLText.escaped(count.name))</b>"
                                : HTMLText.escaped(count.name),
                            NumberText.grouped(Int(count.count)),
                            count.count == 0 ? "–" : RunDigest.percent(share),
                            count.count == 0 ? "" : HTMLText.bar(share, isBad: isBad),
                        ]
                    }, caption: title) + "</div>"
        }
        var turnCounts = digest.turnCounts
        turnCounts.append(.init(name: "talked over", count: turns.talkedOver, isBad: false))
        turnCounts.append(.init(name: "dead air over 2 s", count: turns.deadAir, isBad: false))
        turnCounts.append(.init(name: "open at the end", count: turns.open, isBad: false))
        var body = "<div class=\"pair\">"
        body += table(
            "Turns: \(NumberText.grouped(Int(turns.owed))) owed", turnCounts, of: turns.owed)
        body += table(
            "Calls: \(NumberText.grouped(Int(calls.due))) due", digest.callCounts, of: calls.due)
        let bargeIns = digest.bargeInCounts
        body += table(
            "Barge-ins", bargeIns, of: bargeIns.reduce(0) { $0 + $1.count })
        body += table(
            "Refusals",
            result.ledger.refusals.counts.map {
                .init(name: Self.refusal($0.status), count: $0.count, isBad: true)
            }, of: calls.due)
        body += "</div>"
        if let share = digest.taskShare {
            body +=
                "<p>Tasks completed: <b>\(RunDigest.percent(share))</b> "
                + "(\(result.ledger.tasksPassed) of \(result.ledger.tasksChecked)).</p>"
        }
        body += errorBudget
        body += faults
        return HTMLText.section(
            "ledger", "What became of every turn and call",
            intro:
                "A turn may bear several marks beside its outcome. Turns open at the end were cut by the "
                + "run itself and count nowhere else.", body)
    }

    private var faults: String {
        guard !result.faults.isEmpty else { return "" }
        func time(_ instant: Instant?) -> String { instant.map { RunDigest.clock($0) } ?? "–" }
        return "<h3>Faults</h3>"
            + HTMLText.table(
                [
                    .init(name: "fault", isWide: true), .init(name: "on"),
                    .init(name: "first effect"), .init(name: "cleared"), .init(name: "recovered"),
                    .init(name: "effects", isNumber: true),
                ],
                result.faults.map { fault in
                    [
                        "<b>\(HTMLText.escaped(fault.id))</b> \(HTMLText.escaped(fault.summary))",
                        HTMLText.escaped(fault.target), time(fault.firstEffect),
                        time(fault.cleared), time(fault.recovered),
                        NumberText.grouped(Int(fault.effects)),
                    ]
                }, caption: "Faults")
    }

    // MARK: Cost

    func cost(_ buckets: ChartBuckets) -> String {
        let cost = result.cost
        var body = costOverTime(buckets)
        if let total = cost.nanoDollars, total > 0 {
            let rows = cost.lines.map { line -> [String] in
                let share = line.nanoDollars.map { Double($0) / Double(total) }
                return [
                    "<b>\(line.provider.name)</b>", line.provider.role.rawValue,
                    HTMLText.escaped(Self.usage(line.usage)),
                    line.nanoDollars.map { NumberText.dollars(Double($0) / 1e9) } ?? "no price",
                    share.map(RunDigest.percent) ?? "–", HTMLText.bar(share ?? 0),
                ]
            }
            body += HTMLText.table(
                [
                    .init(name: "provider"), .init(name: "role"), .init(name: "used"),
                    .init(name: "cost", isNumber: true), .init(name: "share", isNumber: true),
                    .init(name: "", isWide: true),
                ], rows, caption: "Cost by provider")
            let sums = [
                cost.dollarsPerCall.map { "<b>\(NumberText.dollars($0))</b> a call" },
                cost.dollarsPerMinute.map { "<b>\(NumberText.dollars($0))</b> a connected minute" },
                "<b>\(NumberText.dollars(Double(total) / 1e9))</b> in all",
            ].compactMap { $0 }.joined(separator: ", ")
            body +=
                "<p>\(sums). Prices: \(HTMLText.escaped(result.priceBook))."
                // A real vendor is paid for them.
                + (result.providers.contains { !$0.isEmulated }
                    ? "" : " Turn references are left out.")
                + (cost.unattributed > 0
                    ? " \(NumberText.dollars(Double(cost.unattributed) / 1e9)) belong to no single call."
                    : "") + "</p>"
        } else {
            body += "<p>Cost \(digest.costUnknown).</p>"
        }
        let rows = digest.footprint
        if !rows.isEmpty {
            body +=
                "<h3>What a call costs the agent's machine</h3>"
                + HTMLText.table(
                    [
                        .init(name: "by connected call"), .init(name: "measured", isNumber: true),
                        .init(name: "the guides plan", isNumber: true),
                        .init(name: "of the plan", isNumber: true),
                    ],
                    rows.map {
                        [
                            $0.name, "<b>\($0.measured.text)</b>", $0.guide.text,
                            NumberText.fixed($0.measured.value / $0.guide.value * 100, 0) + "%",
                        ]
                    }, caption: "Footprint of a call")
        }
        return HTMLText.section("cost", "Cost and footprint", body)
    }

    private static func usage(_ usage: ProviderUsage) -> String {
        var parts: [String] = []
        if usage.audio > .zero {
            parts.append("\(NumberText.fixed(usage.audio.inSeconds / 60, 1)) min of audio")
        }
        if usage.promptTokens + usage.completionTokens > 0 {
            parts.append(
                "\(NumberText.grouped(Int(usage.promptTokens))) + "
                    + "\(NumberText.grouped(Int(usage.completionTokens))) tokens")
        }
        if usage.characters > 0 {
            parts.append("\(NumberText.grouped(Int(usage.characters))) characters")
        }
        if usage.requests > 0 {
            parts.append("\(NumberText.grouped(Int(usage.requests))) requests")
        }
        if usage.uncounted > 0 {
            parts.append(
                "\(RunDigest.many(Int(usage.uncounted), "answer")) that could not be counted")
        }
        return parts.joined(separator: ", ")
    }

    // MARK: Set-up

    var setup: String {
        var rows: [(String, String)] = []
        func add(_ name: String, _ text: String?) {
            if let text, !text.isEmpty { rows.append((name, HTMLText.escaped(text))) }
        }
        add("Scenario", result.scenario.name)
        add("Scenario hash", result.scenario.fileHash)
        add("Load", result.load.lines.map(\.text).joined(separator: " · "))
        add("Audio", digest.audioSentence)
        add("Licences", result.audio.licences.joined(separator: ", "))
        add("Target", result.target)
        add("World", result.world.rawValue)
        add("Seed", String(result.seed))
        add("Commit", result.commit)
        add("Version", result.version)
        for member in environment?.members ?? [] {
            let text =
                member.value.text ?? String(decoding: member.value.encoded(), as: UTF8.self)
            add(member.key, text)
        }
        var body =
            "<p>Run it again:</p><pre>\(HTMLText.escaped(result.command))</pre><dl class=\"answers\">"
            + rows.map { "<dt>\(HTMLText.escaped($0.0))</dt><dd>\($0.1)</dd>" }.joined() + "</dl>"
        if !result.processes.isEmpty {
            body +=
                "<h3>Processes</h3>"
                + HTMLText.table(
                    [
                        .init(name: "process"), .init(name: "group"),
                        .init(name: "cores, mean", isNumber: true),
                        .init(name: "cores, peak", isNumber: true),
                        .init(name: "memory, mean", isNumber: true),
                        .init(name: "memory, peak", isNumber: true),
                    ],
                    result.processes.map {
                        [
                            HTMLText.escaped($0.name), $0.group.rawValue,
                            NumberText.fixed($0.meanCores, 2), NumberText.fixed($0.peakCores, 2),
                            GateRule.Quantity(Double($0.meanMemory), .bytes).text,
                            GateRule.Quantity(Double($0.peakMemory), .bytes).text,
                        ]
                    }, caption: "Processes", isFlowing: true)
        }
        if !result.scenario.resolved.isNull {
            body +=
                "<details><summary>The scenario with every default filled in</summary><pre>"
                + HTMLText.escaped(result.scenario.resolved.text(pretty: true))
                + "</pre></details>"
        }
        return HTMLText.section("setup", "Environment and set-up", body, isLong: true)
    }
}
