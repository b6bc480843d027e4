import UproarCore
import UproarStatistics

/// `metrics.prom`: the run's figures in OpenMetrics 1.0 text, for a Prometheus text collector or a dashboard.
///
/// Times are seconds, money is dollars, shares are ratios. Distributions are summaries; censored samples are counted, and a
/// quantile that fell among them is `+Inf`.
package struct OpenMetricsReport {
    private let result: RunResult

    package init(_ result: RunResult) { self.result = result }

    package var text: String {
        var text = ""
        text += info
        text += gauge(
            "uproar_run_exit_code", "How the run ended: the exit code.",
            [([], Double(result.outcome.exitCode.rawValue))])
        text += gauge(
            "uproar_run_valid", "1 valid, 0.5 suspect, 0 invalid.",
            [([], [.valid: 1, .suspect: 0.5, .invalid: 0][result.validity.state] ?? 0)])
        text += gauge(
            "uproar_gate_passed", "1 passed, 0 failed, 0.5 inconclusive.",
            result.gates.map { gate in
                (
                    [("gate", gate.rule.text), ("severity", gate.rule.severity.rawValue)],
                    [.passed: 1, .failed: 0, .inconclusive: 0.5][gate.outcome] ?? 0
                )
            })
        text += calls
        for metric in MetricCatalog.all { text += family(metric) }
        text += cost
        return text + "# EOF\n"
    }

    private var info: String {
        """
        # TYPE uproar_run info
        # HELP uproar_run What was run.
        uproar_run_info\(labels([
            ("scenario", result.scenario.name), ("seed", String(result.seed)),
            ("world", result.world.rawValue), ("commit", result.commit),
            ("verdict", result.outcome.word.rawValue),
        ])) 1

        """
    }

    private var calls: String {
        let digest = RunDigest(result)
        func lines(_ name: String, _ counts: [RunDigest.Count]) -> String {
            counts.map { count in
                let word = String(count.name.map { $0 == " " || $0 == "-" ? "_" : $0 })
                return "\(name)_total\(labels([("outcome", word)])) \(count.count)\n"
            }.joined()
        }
        return """
            # TYPE uproar_calls counter
            # HELP uproar_calls Calls by what became of them.
            \(lines("uproar_calls", digest.callCounts))# TYPE uproar_turns counter
            # HELP uproar_turns Turns by what became of them; a turn may count more than once.
            \(lines("uproar_turns", digest.turnCounts))
            """
    }

    private func family(_ metric: MetricDescriptor) -> String {
        let recorder = result.recorder
        let unit = Self.unit(metric.dimension)
        let name = "uproar_" + metric.name + (unit.isEmpty ? "" : "_" + unit)
        let head = "# TYPE \(name) %\n# HELP \(name) \(Self.escaped(metric.summary))\n"
        if metric.kind == .value {
            let values = zip(recorder.values.keys, recorder.values.values).filter {
                $0.0.metric == metric.name
            }
            guard !values.isEmpty else { return "" }
            return Self.typed(head, "gauge")
                + values.map { "\(name)\(labels(Self.pairs($0.0.tags))) \(Self.number($0.1))\n" }
                .joined()
        }
        let keys = recorder.series.keys.filter { $0.metric == metric.name }
            .sorted { $0.tags < $1.tags }
        guard !keys.isEmpty else { return "" }
        if metric.kind == .events {
            let events = "uproar_\(metric.name)_events"
            return Self.typed(
                "# TYPE \(events) %\n# HELP \(events) \(Self.escaped(metric.summary))\n", "counter")
                + keys.map { key in
                    let sum = total(key)
                    return "\(events)_total\(labels(Self.pairs(key.tags))) \(sum.events)\n"
                }.joined()
        }
        let scale = StoredUnit.scale(metric.dimension) * (metric.dimension == .time ? 1e9 : 1)
        return Self.typed(head, "summary")
            + keys.map { summary(name, $0, scale) }.joined()
    }

    private func summary(_ name: String, _ key: IntervalRecorder.Key, _ scale: Double) -> String {
        let samples = total(key).samples
        let tags = Self.pairs(key.tags)
        var text = ""
        for (label, q) in [("0.5", 0.5), ("0.9", 0.9), ("0.95", 0.95), ("0.99", 0.99)] {
            guard let figure = samples.quantile(q) else { continue }
            let value = figure.isCensored ? "+Inf" : Self.number(figure.value / scale)
            text += "\(name)\(labels(tags + [("quantile", label)])) \(value)\n"
        }
        let sum = Double(samples.positive.sum - samples.negative.sum) / scale
        // OpenMetrics allows no negative sum.
        if sum >= 0 { text += "\(name)_sum\(labels(tags)) \(Self.number(sum))\n" }
        return text + "\(name)_count\(labels(tags)) \(samples.count)\n"
    }

    private func total(_ key: IntervalRecorder.Key) -> Interval {
        var sum = Interval()
        result.recorder.series[key]?.merge(0..<result.recorder.intervalCount, into: &sum)
        return sum
    }

    private var cost: String {
        guard !result.cost.lines.isEmpty else { return "" }
        return gauge(
            "uproar_cost_usd", "Cost of the run by provider.",
            result.cost.lines.compactMap { line in
                line.nanoDollars.map { ([("provider", line.provider.name)], Double($0) / 1e9) }
            })
    }

    // MARK: Text

    private func gauge(
        _ name: String, _ help: String, _ samples: [([(String, String)], Double)]
    ) -> String {
        guard !samples.isEmpty else { return "" }
        return "# TYPE \(name) gauge\n# HELP \(name) \(help)\n"
            + samples.map { "\(name)\(labels($0.0)) \(Self.number($0.1))\n" }.joined()
    }

    private func labels(_ pairs: [(String, String)]) -> String {
        guard !pairs.isEmpty else { return "" }
        return "{" + pairs.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}"
    }

    private static func pairs(_ tags: MetricTags) -> [(String, String)] {
        tags.tags.map { tag in
            // Label names: letters, digits, underscore.
            let name = tag.key.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
            return (String(name), tag.value)
        }
    }

    private static func typed(_ head: String, _ type: String) -> String {
        head.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
            .joined(separator: type)
    }

    private static func escaped(_ text: String) -> String {
        var output = ""
        for character in text {
            switch character {
            case "\\": output += "\\\\"
            case "\"": output += "\\\""
            case "\n", "\r\n", "\r": output += "\\n"
            default: output.append(character)
            }
        }
        return output
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15
            ? String(Int64(value)) : value.description
    }

    private static func unit(_ dimension: MetricDescriptor.Dimension) -> String {
        switch dimension {
        case .time: "seconds"
        case .money: "usd"
        case .bytes: "bytes"
        case .bitrate: "bits_per_second"
        case .cores: "cores"
        case .count, .share: ""
        }
    }
}
