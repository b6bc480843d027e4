import UproarCore
import UproarStatistics

/// `summary.md`: what fits a CI step summary or a comment on a change.
package struct MarkdownReport {
    private let digest: RunDigest

    package init(_ result: RunResult) { digest = RunDigest(result) }

    private var result: RunResult { digest.result }

    package var text: String {
        var parts = [head]
        parts.append(section("Gates", gates))
        parts.append(section("Against the baseline", baseline))
        parts.append(section("Latency", latency))
        parts.append(section("Turns and calls", ledger))
        parts.append(section("Cost and footprint", cost))
        parts.append(section("Harness", harness))
        parts.append("Again: `\(result.command)`")
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    private func section(_ title: String, _ body: String) -> String {
        body.isEmpty ? "" : "### \(title)\n\n\(body)"
    }

    private var head: String {
        let sign =
            switch result.outcome.word {
            case .passed: "✅"
            case .failed, .aborted, .regressed, .dirty, .unreachable, .usage: "❌"
            case .inconclusive, .invalid, .interrupted: "⚠️"
            }
        var text = "## \(sign) \(Self.escaped(result.scenario.name)): \(digest.verdict)\n\n"
        var parts = [
            "run \(result.validity.state.rawValue)", "seed \(result.seed)", digest.duration,
            result.world.rawValue,
        ]
        if !result.commit.isEmpty { parts.append("commit `\(result.commit)`") }
        if result.isPartial { parts.append("**partial**") }
        text += parts.joined(separator: " · ")
        for reason in result.outcome.reasons.prefix(5) { text += "\n- \(Self.escaped(reason))" }
        return text
    }

    private var gates: String {
        guard !result.gates.isEmpty else { return "" }
        let rows = result.gates.map { gate in
            let sign =
                switch gate.outcome {
                case .passed: "✅"
                case .failed: gate.decides ? "❌" : "⚠️"
                case .inconclusive: "❔"
                }
            return [
                sign, "`\(gate.rule.text)`", gate.observed?.text(gate.dimension) ?? "–",
                RunDigest.evidence(of: gate),
                gate.worstCalls.map(String.init).joined(separator: ", "),
            ]
        }
        return table(["", "gate", "observed", "evidence", "worst calls"], rows)
    }

    private var baseline: String {
        guard let baseline = result.baseline else { return "" }
        let text = ComparisonText(
            baseline.comparison, before: baseline.label, after: "this run")
        return "\(Self.escaped(baseline.sentence)): **\(baseline.comparison.verdict.rawValue)**\n\n"
            + text.table
    }

    private var latency: String {
        let rows = digest.latency.map { row in
            [row.name, NumberText.grouped(Int(row.samples.count))]
                + [0.5, 0.9, 0.95, 0.99].map { row.samples.quantile($0)?.text(.time) ?? "–" }
                + [row.samples.maximum?.text(.time) ?? "–"]
        }
        guard !rows.isEmpty else { return "" }
        var text = table(["", "n", "p50", "p90", "p95", "p99", "max"], rows)
        let shares = [("agent", "agent_share"), ("providers", "provider_share")].compactMap {
            name, metric in digest.figure(metric, 0.95).map { "\(name) \($0.text(.time))" }
        }
        var notes: [String] = []
        if !shares.isEmpty {
            notes.append("Share of the answer at p95: \(shares.joined(separator: ", ")).")
        }
        if !digest.presets.isEmpty {
            notes.append(
                "Providers: \(digest.presets.map(Self.escaped).joined(separator: "; ")).")
        }
        // After a blank line: else it were a cell of the table's last row.
        if !notes.isEmpty { text += "\n\n" + notes.joined(separator: " ") }
        return text
    }

    private var ledger: String {
        let turns =
            digest.turnCounts
            + digest.bargeInCounts.map {
                RunDigest.Count(name: "barge-in \($0.name)", count: $0.count, isBad: $0.isBad)
            }
        func sentence(_ counts: [RunDigest.Count]) -> String {
            counts.map { count in
                let text = "\(count.name) \(NumberText.grouped(Int(count.count)))"
                return count.isBad && count.count > 0 ? "**\(text)**" : text
            }.joined(separator: ", ")
        }
        var text = "Turns: \(sentence(turns))."
        if let goodput = digest.goodput { text += " Good: \(RunDigest.percent(goodput))." }
        text += "\n\nCalls: \(sentence(digest.callCounts)), peak \(result.load.peak)."
        for remark in result.remarks.prefix(8) {
            text += "\n- \(Self.escaped(digest.words(of: remark)))"
        }
        if !result.remarks.isEmpty { text += "\n" }
        if let share = digest.taskShare { text += " Tasks completed: \(RunDigest.percent(share))." }
        if let audio = digest.audioSentence { text += "\n\nAudio: \(Self.escaped(audio))." }
        return text
    }

    private var cost: String {
        var parts: [String] = []
        if let total = result.cost.dollars {
            let each = [
                result.cost.dollarsPerCall.map { "\(NumberText.dollars($0)) a call" },
                result.cost.dollarsPerMinute.map { "\(NumberText.dollars($0)) a minute" },
                "\(NumberText.dollars(total)) in all",
            ].compactMap { $0 }
            parts.append(
                "Cost: \(each.joined(separator: ", ")) (\(Self.escaped(result.priceBook))).")
        } else {
            parts.append("Cost \(digest.costUnknown).")
        }
        let rows = digest.footprint
        if !rows.isEmpty {
            parts.append(
                table(
                    ["of the agent, by call", "measured", "the guides plan"],
                    rows.map { [$0.name, $0.measured.text, $0.guide.text] }))
        }
        return parts.joined(separator: "\n\n")
    }

    private var harness: String {
        var parts: [String] = []
        if let p99 = result.validity.sendLatenessP99 {
            parts.append("send lateness p99 \(NumberText.duration(p99))")
        }
        parts += digest.meanCores.map {
            "\($0.group.rawValue) \(NumberText.fixed($0.cores, 2)) cores"
        }
        parts.append("drops \(digest.drops)")
        if let noise = result.validity.noiseText { parts.append(noise) }
        var text = parts.joined(separator: ", ") + "."
        for reason in result.validity.reasons { text += "\n- \(Self.escaped(reason))" }
        return text
    }

    // MARK: Layout

    private func table(_ head: [String], _ rows: [[String]]) -> String {
        func line(_ cells: [String]) -> String {
            "| "
                + cells.map {
                    $0.split(separator: "|", omittingEmptySubsequences: false)
                        .joined(separator: "\\|")
                }.joined(separator: " | ") + " |"
        }
        return ([line(head), line(head.map { _ in "---" })] + rows.map(line))
            .joined(separator: "\n")
    }

    /// Names and reasons come from files and from the wire: they must not become markup.
    static func escaped(_ text: String) -> String {
        var output = ""
        for character in text {
            if "\\`*_{}[]<>#|".contains(character) { output.append("\\") }
            output.append(character.isNewline ? " " : character)
        }
        return output
    }
}
