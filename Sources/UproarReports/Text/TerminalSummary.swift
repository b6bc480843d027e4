import UproarCore
import UproarStatistics

/// What `uproar run` prints on stdout: verdict first, evidence second, files last; at most 40 lines of 100 columns (a path
/// may go beyond), the same text on a terminal and in a CI log.
package struct TerminalSummary {
    package static let lineLimit = 40
    package static let width = 100
    private static let label = 11

    private let digest: RunDigest
    private let isStyled: Bool

    /// `isStyled`: with ANSI colours. Only for a terminal that asked for it.
    package init(_ result: RunResult, isStyled: Bool = false) {
        digest = RunDigest(result)
        self.isStyled = isStyled
    }

    private var result: RunResult { digest.result }

    /// The lines, without line ends.
    package var lines: [String] {
        var head: [String] = [headline]
        head += block(result.isPartial ? "PARTIAL" : "", partial)
        head += block(result.outcome.word.rawValue.uppercased(), reasons)
        var rest = block("LOAD", load)
        rest += block("REMARKS", remarks)
        rest += block("LATENCY", latency)
        rest += block("STAGES", stages)
        rest += block("TURNS", turns)
        rest += block("MEDIA", media)
        rest += block("COST", cost)
        rest += block("AGENT", agent)
        rest += block("FAULTS", faults)
        rest += block("BY HAND", digest.byHand.prefix(4).map { $0 })
        rest += block("BASELINE", baseline)
        rest += block("GENERATOR", generator)
        // A path is there to be copied: this line alone is never cut.
        rest.append(Self.labelled("FILES", result.files.joined(separator: "  ")))
        // The gates take what is left: all other blocks are bounded.
        let room = max(4, Self.lineLimit - head.count - rest.count)
        let lines = head + block("GATES", gates(room)) + rest
        return lines.map { isStyled ? styled($0) : $0 }
    }

    package var text: String { lines.joined(separator: "\n") + "\n" }

    // MARK: Blocks

    private var headline: String {
        var parts = ["UPROAR  \(result.scenario.name)", digest.verdict]
        parts.append("run \(result.validity.state.rawValue)")
        parts.append("seed \(result.seed)")
        parts.append(digest.duration)
        if result.world == .simulated { parts.append("simulated") }
        if !result.commit.isEmpty { parts.append("commit \(result.commit.prefix(10))") }
        return Self.cut(parts.joined(separator: "   "))
    }

    private var partial: [String] {
        result.isPartial ? ["the run did not end by itself: figures up to the last checkpoint"] : []
    }

    /// Failed gates speak for themselves below; every other verdict says why here.
    private var reasons: [String] {
        switch result.outcome.word {
        case .passed: return []
        default:
            let reasons =
                result.outcome.word == .failed ? digest.otherFailures : result.outcome.reasons
            return reasons.prefix(3).flatMap { reason in
                Self.wrapped(
                    "", reason.split(separator: " ").map(String.init), separator: " ", limit: 2)
            }
        }
    }

    private func gates(_ room: Int) -> [String] {
        guard !result.gates.isEmpty else { return ["none"] }
        let order: [GateOutcome] = [.failed, .inconclusive, .passed]
        let sorted = order.flatMap { outcome in result.gates.filter { $0.outcome == outcome } }
        guard sorted.count > room else { return sorted.map(gate) }
        return sorted.prefix(room - 1).map(gate)
            + ["and \(sorted.count - room + 1) more in report.html"]
    }

    private func gate(_ gate: GateResult) -> String {
        let sign =
            switch gate.outcome {
            case .passed: "✓"
            case .failed: gate.decides ? "✗" : "!"
            case .inconclusive: "?"
            }
        let severity = gate.rule.severity == .fail ? "" : gate.rule.severity.rawValue + " "
        var text = "\(sign) \(severity)\(gate.rule.subject) "
        text += gate.observed.map { "\($0.text(gate.dimension)) " } ?? "– "
        text += gate.rule.demand
        let evidence = RunDigest.evidence(of: gate)
        if !evidence.isEmpty { text += "  (\(evidence))" }
        if !gate.worstCalls.isEmpty, gate.outcome == .failed {
            let calls = gate.worstCalls.prefix(3).map(String.init).joined(separator: ", ")
            let listening = "  calls \(calls)"
            if text.count + listening.count <= Self.width - Self.label { text += listening }
        }
        return text
    }

    /// The rows that moved, or else what was shown not to have.
    private var baseline: [String] {
        guard let baseline = result.baseline else { return [] }
        let rows = baseline.comparison.rows
        let moved = rows.filter { $0.verdict != .unchanged }
        let shown = moved.isEmpty ? rows.filter { $0.figure == "p95" }.prefix(1) : moved.prefix(3)
        return ["vs \(baseline.brief): \(baseline.comparison.verdict.rawValue)"]
            + shown.map { row in
                "\(ComparisonText.sign(row.verdict)) \(row.metric) \(row.figure) "
                    + "\(ComparisonText.quantity(row.after, row))  \(ComparisonText.change(row)), \(ComparisonText.note(row))"
            }
    }

    private var load: [String] {
        let counts = digest.callCounts.filter { !$0.isBad || $0.count > 0 }
            .filter { $0.name != "cut by the run" || $0.count > 0 }
        var lines = [
            counts.map { "\($0.name) \(NumberText.grouped(Int($0.count)))" }
                .joined(separator: "  ") + "  peak \(NumberText.grouped(result.load.peak))"
        ]
        let plan = result.load.lines.map(\.text).joined(separator: " · ")
        if !plan.isEmpty { lines.append(plan) }
        if let audio = digest.audioSentence { lines.append("audio \(audio)") }
        return lines
    }

    private var remarks: [String] {
        result.remarks.prefix(3).flatMap { remark in
            Self.wrapped(
                "", digest.words(of: remark).split(separator: " ").map(String.init),
                separator: " ", limit: 2)
        }
    }

    private var latency: [String] {
        var lines: [String] = []
        let shares = [("agent's", "agent_share"), ("providers'", "provider_share")].compactMap {
            name, metric in
            digest.figure(metric, 0.95).map {
                "\(name) p95 \($0.text(.time))\(digest.mainNote)"
            }
        }
        // Of the answer: a filler ends voice-to-voice before the stages do, so a share can be longer than it.
        if !shares.isEmpty {
            lines.append("share of the answer: " + shares.joined(separator: "   "))
        }
        if !digest.presets.isEmpty {
            lines += Self.wrapped("providers: ", digest.presets, separator: "; ", limit: 3)
        }
        let rows = digest.latency
        guard !rows.isEmpty else { return lines + ["no turn was measured"] }
        let width = max(9, (rows.map(\.name.count).max() ?? 0) + 1)
        lines.append(
            Self.columns(width, ["", "n", "p50", "p90", "p95", "p99", "max"])
                + "   | actual p95, p99")
        for row in rows where row.metric != "dead_air" {
            var cells = [row.name, NumberText.grouped(Int(row.samples.count))]
            for q in [0.5, 0.9, 0.95, 0.99] {
                cells.append(row.samples.quantile(q)?.text(.time) ?? "–")
            }
            cells.append(row.samples.maximum?.text(.time) ?? "–")
            var line = Self.columns(width, cells)
            if let actual = row.actual, let p95 = actual.quantile(0.95),
                let p99 = actual.quantile(0.99)
            {
                line += "   | \(p95.text(.time)), \(p99.text(.time))"
            }
            lines.append(line)
        }
        return lines
    }

    private var stages: [String] {
        let parts = digest.stages.compactMap { row in
            row.samples.quantile(0.5).map { "\(row.stage.rawValue) \($0.text(.time))" }
        }
        return parts.isEmpty ? [] : Self.wrapped("p50: ", parts, separator: " · ", limit: 2)
    }

    private var turns: [String] {
        var parts = digest.turnCounts.map { "\($0.name) \(NumberText.grouped(Int($0.count)))" }
        if let goodput = digest.goodput { parts.append("good \(RunDigest.percent(goodput))") }
        var lines = Self.wrapped("", parts, separator: "  ", limit: 2)
        var more: [String] = []
        if let share = digest.taskShare {
            more.append(
                "tasks completed \(result.ledger.tasksPassed) of \(result.ledger.tasksChecked) "
                    + "(\(RunDigest.percent(share)))")
        }
        let bargeIns = digest.bargeInCounts.map { "\($0.name) \($0.count)" }
        if !bargeIns.isEmpty { more.append("barge-ins: " + bargeIns.joined(separator: ", ")) }
        if !more.isEmpty { lines.append(more.joined(separator: "   ")) }
        if !digest.hasReferences {
            lines.append("unknown without references: duplicated, stale, truncated, cross-talked")
        }
        return lines
    }

    private var media: [String] {
        let ledger = result.ledger
        var parts = [
            "gaps>60ms \(result.recorder.merged("playout_gap").samples.count)",
            "dead air>2s \(ledger.turns.deadAir)", "talk-over \(ledger.turns.talkedOver)",
        ]
        if let jitter = digest.figure("jitter", 0.95) {
            parts.append("jitter p95 \(jitter.text(.time))")
        }
        parts.append("frames \(NumberText.grouped(Int(ledger.framesSent)))")
        parts.append("skipped \(ledger.framesSkipped)")
        return [parts.joined(separator: "  ")]
    }

    private var cost: [String] {
        let cost = result.cost
        guard let total = cost.dollars else { return [digest.costUnknown] }
        var parts: [String] = []
        if let call = cost.dollarsPerCall { parts.append("\(NumberText.dollars(call))/call") }
        if let minute = cost.dollarsPerMinute {
            parts.append("\(NumberText.dollars(minute))/min")
        }
        parts.append("total \(NumberText.dollars(total))")
        if !result.priceBook.isEmpty { parts.append("prices \(result.priceBook)") }
        let lines = cost.lines.compactMap { line in
            line.nanoDollars.map {
                "\(line.provider.name) \(NumberText.dollars(Double($0) / 1e9))"
            }
        }
        let channels = digest.costByChannel.map { channel, call, minute in
            "\(channel) \(NumberText.dollars(call))/call"
                + (minute.map { " \(NumberText.dollars($0))/min" } ?? "")
        }
        return [parts.joined(separator: "  ")]
            + Self.wrapped("", lines, separator: "  ", limit: 1)
            + (channels.isEmpty ? [] : Self.wrapped("", channels, separator: "  ", limit: 2))
    }

    private var agent: [String] {
        let rows = digest.footprint
        guard !rows.isEmpty else { return [] }
        let measured = rows.map(\.measured.text).joined(separator: "  ")
        let guide = rows.map(\.guide.text).joined(separator: ", ")
        return ["per call \(measured)   (the guides plan with \(guide))"]
    }

    private var faults: [String] {
        result.faults.prefix(4).flatMap { fault -> [String] in
            var text = "\(fault.id)  \(fault.summary)"
            if let from = fault.firstEffect ?? fault.armed {
                text += "  \(RunDigest.clock(from))"
                if let to = fault.cleared { text += "–\(RunDigest.clock(to))" }
            }
            text += "  took effect \(fault.effects) times"
            if !fault.alternates.isEmpty {
                text += "  stood in: " + fault.alternates.joined(separator: ", ")
            }
            let figures = fault.figures.map {
                String($0.name.map { $0 == "_" ? " " : $0 }) + " " + $0.text
            }
            guard !figures.isEmpty else { return [text] }
            // One fault has room for all its figures; of several the first line each, which has the times.
            let limit = result.faults.count == 1 ? 3 : 1
            return [text] + Self.wrapped("  ", figures, separator: " · ", limit: limit)
        }
    }

    private var generator: [String] {
        var lines: [String] = []
        let cores = digest.meanCores
        if !cores.isEmpty {
            lines.append(
                "cores: "
                    + cores.map { "\($0.group.rawValue) \(NumberText.fixed($0.cores, 2))" }
                    .joined(separator: "  "))
        }
        var parts: [String] = []
        if let p99 = result.validity.sendLatenessP99 {
            parts.append("send lateness p99 \(NumberText.duration(p99))")
        }
        parts.append("drops \(digest.drops)")
        parts.append("→ \(result.validity.state.rawValue)")
        lines.append(parts.joined(separator: "  "))
        // A line of its own: before and after the run it is too long for the others.
        if let noise = result.validity.noiseText { lines.append(noise) }
        if result.outcome.word != .invalid { lines += result.validity.reasons.prefix(2) }
        return lines
    }

    // MARK: Layout

    private func block(_ name: String, _ content: [String]) -> [String] {
        content.enumerated().map { place, line in
            Self.cut(Self.labelled(place == 0 ? name : "", line))
        }
    }

    private static func labelled(_ name: String, _ line: String) -> String {
        name + String(repeating: " ", count: max(1, label - name.count)) + line
    }

    private static func cut(_ line: String) -> String {
        line.count <= width ? line : line.prefix(width - 1) + "…"
    }

    /// - first: the width of the names.
    private static func columns(_ first: Int, _ cells: [String]) -> String {
        var line = ""
        for (place, cell) in cells.enumerated() {
            let width = place == 0 ? first : place == 1 ? 8 : 10
            let pad = String(repeating: " ", count: max(1, width - cell.count))
            line += place == 0 ? cell + pad : pad + cell
        }
        return line
    }

    /// Parts on as many lines as they need, at most `limit`.
    private static func wrapped(
        _ head: String, _ parts: [String], separator: String, limit: Int
    ) -> [String] {
        var lines: [String] = []
        var line = head
        var isFresh = true
        for part in parts {
            let joined = isFresh ? line + part : line + separator + part
            if !isFresh, joined.count > width - label {
                lines.append(line)
                line = String(repeating: " ", count: head.count) + part
            } else {
                line = joined
            }
            isFresh = false
        }
        lines.append(line)
        return Array(lines.prefix(limit))
    }

    // MARK: Colour

    private func styled(_ line: String) -> String {
        let good = "\u{1b}[32m"
        let bad = "\u{1b}[31m"
        let doubt = "\u{1b}[33m"
        let plain = "\u{1b}[0m"
        if line.hasPrefix("UPROAR") {
            let colour =
                switch result.outcome.word {
                case .passed: good
                case .failed, .aborted, .regressed, .dirty, .unreachable, .usage: bad
                case .inconclusive, .invalid, .interrupted: doubt
                }
            return "\u{1b}[1m" + colour + line + plain
        }
        let start =
            line.index(
                line.startIndex, offsetBy: Self.label, limitedBy: line.endIndex) ?? line.endIndex
        guard start < line.endIndex else { return line }
        switch line[start] {
        case "✓": return line[..<start] + good + "✓" + plain + line[line.index(after: start)...]
        case "✗": return line[..<start] + bad + "✗" + plain + line[line.index(after: start)...]
        case "!", "?":
            return line[..<start] + doubt + String(line[start]) + plain
                + line[line.index(after: start)...]
        default: return line
        }
    }
}
