import UproarCore

/// The live view as text: a panel of lines for a terminal, one line for a log.
package enum LivePanel {
    /// At most 100 columns each, no colour.
    package static func lines(_ snapshot: LiveSnapshot, width: Int = 100) -> [String] {
        var lines: [String] = []
        lines.append(
            "\(snapshot.scenario)  \(snapshot.phase)  \(clock(snapshot))  \(bar(snapshot, width: 24))"
                + eta(snapshot))
        lines.append(
            "CALLS      " + rate(snapshot)
                + "in call \(count(snapshot.inCall))  offered \(count(snapshot.offered))"
                + "  started \(count(snapshot.started))  answered \(count(snapshot.answered))"
                + "  ended \(count(snapshot.ended))  failed \(count(snapshot.failedCalls))")
        lines.append(
            "TURNS      \(count(snapshot.turns))  lost \(count(snapshot.turnsLost))"
                + "   voice-to-voice now \(latency(snapshot.interval))"
                + "   so far \(latency(snapshot.total))")
        for gate in snapshot.gates.prefix(8) {
            lines.append("GATE       \(mark(gate.state)) \(gate.text)  \(gate.observed)")
        }
        var generator = "GENERATOR  \(snapshot.validity.rawValue)"
        if let share = snapshot.processorShare {
            generator += "  cpu \(NumberText.fixed(share * 100, 0))%"
        }
        if let lateness = snapshot.latenessP99 {
            generator += "  send lateness p99 \(NumberText.duration(lateness))"
        }
        generator += "  skipped \(snapshot.framesSkipped)"
        lines.append(generator)
        if !snapshot.faults.isEmpty {
            lines.append(
                "FAULTS     "
                    + snapshot.faults.map { "\($0.id) \($0.state)" }.joined(separator: " · "))
        }
        if snapshot.hasKeys {
            lines.append(
                "KEYS       + - rate  p pause  f next fault  s snapshot  q drain")
        }
        return lines.map { String($0.prefix(width)) }
    }

    /// One line for a log, every ten seconds.
    package static func line(_ snapshot: LiveSnapshot) -> String {
        let failing = snapshot.gates.filter { $0.state == .failing }.count
        return "\(clock(snapshot))  \(snapshot.phase)  in call \(snapshot.inCall)"
            + "  turns \(snapshot.turns) (lost \(snapshot.turnsLost))"
            + "  voice-to-voice \(latency(snapshot.total))"
            + (snapshot.gates.isEmpty ? "" : "  gates failing \(failing)/\(snapshot.gates.count)")
            + "  generator \(snapshot.validity.rawValue)"
            + (snapshot.latenessP99.map { " p99 \(NumberText.duration($0))" } ?? "")
    }

    private static func rate(_ snapshot: LiveSnapshot) -> String {
        guard let rate = snapshot.rate else { return "" }
        return rate == 0 ? "PAUSED  " : "rate \(rate)%  "
    }

    /// How long until the load ends; calls under way then are drained.
    private static func eta(_ snapshot: LiveSnapshot) -> String {
        guard let planned = snapshot.planned, planned > snapshot.elapsed else { return "" }
        return "  \(minutes(planned - snapshot.elapsed)) to go"
    }

    private static func clock(_ snapshot: LiveSnapshot) -> String {
        let elapsed = minutes(snapshot.elapsed)
        guard let planned = snapshot.planned else { return elapsed }
        return "\(elapsed)/\(minutes(planned))"
    }

    private static func minutes(_ duration: Duration) -> String {
        let seconds = Int(max(0, duration.inSeconds))
        return "\(seconds / 60):" + NumberText.padded(seconds % 60, 2)
    }

    private static func bar(_ snapshot: LiveSnapshot, width: Int) -> String {
        guard let planned = snapshot.planned, planned > .zero else { return "" }
        let share = min(1, max(0, snapshot.elapsed.inSeconds / planned.inSeconds))
        let full = Int((share * Double(width)).rounded(.down))
        return "[" + String(repeating: "#", count: full)
            + String(repeating: ".", count: width - full) + "]"
    }

    private static func latency(_ latency: LiveSnapshot.Latency) -> String {
        guard latency.count > 0 else { return "-" }
        func text(_ value: Duration?) -> String { value.map(NumberText.duration) ?? "-" }
        return "p50 \(text(latency.p50)) p95 \(text(latency.p95))"
            + (latency.p99.map { " p99 \(NumberText.duration($0))" } ?? "")
    }

    private static func mark(_ state: LiveSnapshot.Gate.State) -> String {
        switch state {
        case .ok: "ok     "
        case .atRisk: "at risk"
        case .failing: "failing"
        case .waiting: "waiting"
        }
    }

    private static func count(_ value: Int) -> String { NumberText.grouped(value) }
}
