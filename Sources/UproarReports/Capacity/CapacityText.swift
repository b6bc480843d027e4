import UproarCapacity
import UproarCore
import UproarStatistics

/// The summary of a search for capacity on the terminal: the verdict first, the evidence second.
package struct CapacityText {
    let result: CapacityResult
    let model: CapacityModel

    package init(_ result: CapacityResult) {
        self.result = result
        model = result.model
    }

    package var text: String {
        var lines = [verdict, "           \(result.verdictText)"]
        lines.append(
            row(
                "TARGET",
                "\(result.target), scenario \(result.scenario), \(result.world.rawValue), seed \(result.seed)"
            ))
        if let providers = result.providers.first {
            lines.append(
                row(
                    "PROVIDERS",
                    ([providers] + result.providers.dropFirst()).joined(separator: ", ")))
        }
        if let line = callLine { lines.append(row("A CALL", line)) }
        for (place, line) in footprint.enumerated() {
            lines.append(row(place == 0 ? "FOOTPRINT" : "", line))
        }
        if let line = Self.latency(result, model) { lines.append(row("KNEE", line)) }
        for (place, line) in modelLines.enumerated() {
            lines.append(row(place == 0 ? "MODEL" : "", line))
        }
        if let line = coldLine { lines.append(row("COLD START", line)) }
        if let line = rampLine { lines.append(row("RAMP", line)) }
        if let seconds = result.coolDown {
            lines.append(
                row(
                    "COOL-DOWN",
                    "\(Self.fixed(seconds, 0)) s until the agent's processor is at rest"))
        }
        if let bottleneck = result.bottleneck {
            lines.append(row("NEXT LIMIT", bottleneck.text))
            lines += bottleneck.evidence.prefix(7).map { row("", "- " + $0) }
        }
        lines.append(row("RUNS", runs))
        return lines.joined(separator: "\n") + "\n"
    }

    /// `held   p95 612 ms  turns 230  agent 0.31 cores 24 MB`: a run in the progress of a search.
    package static func line(_ probe: CapacityProbe) -> String {
        var parts = [probe.outcome.rawValue]
        if let p95 = probe.p95 { parts.append("p95 \(fixed(p95 * 1000, 0)) ms") }
        parts.append("\(probe.turns) turns")
        if let cores = probe.agentCores { parts.append("agent \(fixed(cores, 2)) cores") }
        if let memory = probe.agentMemory { parts.append("\(fixed(memory / 1e6, 0)) MB") }
        if probe.outcome != .held { parts.append(probe.reason) }
        return parts.joined(separator: "  ")
    }

    // MARK: Lines

    private var verdict: String {
        let calls: String
        switch result.calls {
        case let count? where result.verdict == .found: calls = self.calls(count, "")
        case let count?: calls = self.calls(count, "at least ")
        case nil: calls = result.verdict == .nothingHolds ? "0 calls" : "unknown"
        }
        let word = result.verdict.rawValue.uppercased().replacing("_", with: " ")
        return row("CAPACITY", "\(calls)   \(word)\(result.isPartial ? ", partial" : "")")
    }

    private func calls(_ count: Int, _ head: String) -> String {
        "\(head)\(count) calls"
            + (result.interval.map { " (\(Self.interval($0, 1, 1)), 95 %)" } ?? "")
    }

    static let callUntold =
        "cores by call cannot be told: the loads lie too near each other, more calls used no more"

    private var callLine: String? {
        guard let cores = model.coresPerCall else {
            return model.cpu == nil ? nil : Self.callUntold
        }
        var text = "\(Self.fixed(cores, 4)) cores"
        if let interval = model.coresPerCallInterval {
            text += " (\(Self.interval(interval, 1, 4)))"
        }
        if let perCore = result.callsPerCore {
            text += "; \(Self.fixed(perCore, 1)) calls by core used at \(result.calls ?? 0)"
        }
        return text
    }

    private var footprint: [String] {
        var lines: [String] = []
        if let bytes = model.bytesPerCall {
            var text = "memory \(Self.fixed(bytes * 100 / 1e6, 1)) MB by 100 calls"
            if let interval = model.bytesPerCallInterval {
                text += " (\(Self.interval(interval, 100 / 1e6, 1)))"
            }
            if let rest = model.bytesAtRest { text += ", \(Self.fixed(rest / 1e6, 0)) MB at rest" }
            lines.append(text)
        }
        if let bits = result.bitsPerCall {
            lines.append("media \(Self.fixed(bits / 1000, 0)) Kbps by call, both ways")
        }
        if !lines.isEmpty {
            lines.append(
                "the guide plans with 0.16 cores, 50 MB, 100 Kbps (voice only) to 0.5, 200, 500 (multi-modal)"
            )
        }
        return lines
    }

    /// Where latency bends; where it does not, that, and what ends the loads that hold instead.
    static func latency(_ result: CapacityResult, _ model: CapacityModel) -> String? {
        let bound = result.bottleneck.map { " What bounds it: \($0.text)" } ?? ""
        switch model.latency {
        case .unmeasured: return nil
        case .bends:
            guard let knee = model.knee, let curve = model.p95 else { return nil }
            let interval = model.kneeInterval.map { " (\(Self.interval($0, 1, 1)))" } ?? ""
            return "\(fixed(knee, 1)) calls\(interval); p95 there "
                + "\(fixed(curve(knee) * 1000, 0)) ms, shape \(curve.shape.rawValue)"
        case .rises:
            return
                "not visible in latency: p95 rises with the load and bends nowhere that could be told."
                + bound
        case .level(let level):
            return "not visible in latency: p95 is level, \(fixed(level.seconds * 1000, 0)) ms "
                + "(\(interval(level.interval, 1000, 0))), from \(level.from) to \(level.to) calls."
                + bound
        case .unfitted(let residual):
            return "not visible in latency: p95 follows none of the shapes tried (off by up to "
                + "\(fixed(residual * 100, 0)) %), so no fit is given." + bound
        }
    }

    private var modelLines: [String] {
        var lines: [String] = []
        if let curve = model.p95 {
            let intervals = zip(curve.names, curve.parameters.indices).compactMap {
                parameter, place -> String? in
                guard place == 0 || curve.parameters[place] > 0 else { return nil }
                let scale = parameter.name == "m" ? 1 : 1000.0
                return
                    "\(parameter.name) \(Self.interval(curve.interval(of: place), scale, scale == 1 ? 1 : 2))"
            }
            let spread = curve.residuals.map(abs).max() ?? 0
            lines.append(
                "p95(N) = \(curve.text { Self.fixed($0 * 1000, 1) + " ms" }); 95 %: \(intervals.joined(separator: ", ")); residuals up to \(Self.fixed(spread * 100, 1)) %"
            )
        }
        return lines + result.checks.map(Self.sentence)
    }

    static func sentence(_ check: CapacityResult.Check) -> String {
        let isLatency = check.figure == "p95_s"
        let scale = isLatency ? 1000.0 : 1
        let places = isLatency ? 0 : 3
        let unit = isLatency ? "ms" : "cores"
        return "\(isLatency ? "p95" : "cores") at \(check.load) calls: predicted "
            + "\(fixed(check.predicted * scale, places)) \(unit) (\(interval(check.interval, scale, places))), "
            + "measured \(fixed(check.measured * scale, places)) \(unit), "
            + "\(check.isInside ? "inside" : "OUTSIDE")"
    }

    private var coldLine: String? {
        let starts = result.coldStarts
        guard let low = starts.first, let high = starts.last else { return nil }
        return "\(Self.fixed(starts[starts.count / 2], 2)) s from process to first call "
            + "(\(Self.fixed(low, 2)) to \(Self.fixed(high, 2)), \(starts.count) starts)"
    }

    private var rampLine: String? {
        guard !result.ramps.isEmpty else { return nil }
        let broke = result.ramps.filter { !$0.held }.min { $0.perSecond < $1.perSecond }
        guard let held = result.largestRamp else {
            return "none of those tried was absorbed; slowest "
                + "\(Self.fixed(broke?.perSecond ?? 0, 1)) callers a second to \(broke?.load ?? 0)"
        }
        return "\(Self.fixed(held.perSecond, 1)) callers a second to \(held.load) absorbed"
            + (broke.map { "; \(Self.fixed($0.perSecond, 1)) were not" } ?? ", at once")
    }

    private var runs: String {
        func count(_ outcome: CapacityProbe.Outcome) -> Int {
            result.probes.count { $0.outcome == outcome }
        }
        var text = "\(result.probes.count): \(count(.held)) held, \(count(.broke)) broke"
        if count(.harness) > 0 { text += ", \(count(.harness)) said nothing (harness)" }
        if result.spent > 0 { text += "; \(Self.fixed(result.spent / 60, 1)) min" }
        return text
    }

    private func row(_ head: String, _ text: String) -> String {
        head + String(repeating: " ", count: max(1, 11 - head.count)) + text
    }

    static func fixed(_ value: Double, _ places: Int) -> String { NumberText.fixed(value, places) }

    static func interval(_ interval: ConfidenceInterval, _ scale: Double, _ places: Int) -> String {
        let low = interval.low.map { fixed($0 * scale, places) } ?? "?"
        let high = interval.high.map { fixed($0 * scale, places) } ?? "?"
        return "\(low) to \(high)"
    }
}

extension String {
    /// The standard library's own needs another module.
    fileprivate func replacing(_ byte: Character, with other: Character) -> String {
        String(map { $0 == byte ? other : $0 })
    }
}
