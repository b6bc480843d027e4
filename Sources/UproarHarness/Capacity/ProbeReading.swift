import UproarCapacity
import UproarCore
import UproarPosix
import UproarScenario
import UproarStatistics

/// Reads one run at one load as a probe: pure but for the names of HTTP statuses.
enum ProbeReading {
    struct Run {
        var load: Int
        var purpose: CapacityProbe.Purpose
        var ramp: Double
        var hold: Double
        var folder: String
    }

    static func probe(_ result: RunResult, _ run: Run) -> CapacityProbe {
        let (outcome, reason) = judge(result)
        var probe = CapacityProbe(
            load: run.load, purpose: run.purpose, outcome: outcome, reason: reason,
            seed: result.seed, folder: run.folder, ramp: run.ramp, hold: run.hold,
            validity: result.validity.state)
        probe.validityReasons = result.validity.reasons
        probe.isOversaturated = oversaturation(result) != nil
        let ledger = result.ledger
        probe.turns = ledger.turns.owed
        probe.turnsLost = ledger.turns.lost
        probe.callsRefused = ledger.calls.refused
        probe.callsDropped = ledger.calls.dropped
        probe.callsNotStarted = ledger.calls.notStarted
        probe.refusals = ledger.refusals.counts.sorted { $0.count > $1.count }.map {
            ($0.status < 1000 ? "HTTP \($0.status)" : Errno.words(for: Int32($0.status - 1000)))
                + " × \($0.count)"
        }
        probe.providerRefusals = ledger.providerRefusals.flatMap { line in
            line.refusals.counts.map { "\(line.provider.name) \($0.status) × \($0.count)" }
        }
        probe.connected = ledger.connected.inSeconds
        if ledger.connected > .zero {
            probe.bitsPerCall =
                Double(ledger.bytesSent + ledger.bytesReceived) * 8 / ledger.connected.inSeconds
        }
        let steady = steady(result)
        takeLatency(&probe, result, steady)
        takeResources(&probe, result, steady)
        for (key, value) in zip(result.recorder.values.keys, result.recorder.values.values)
        where key.metric == "agent_cold_start" { probe.coldStart = value / 1e9 }
        probe.uses = result.cost.lines.map {
            .init(
                provider: $0.provider, usage: $0.usage,
                dollars: $0.nanoDollars.map { Double($0) / 1e9 })
        }
        return probe
    }

    static func oversaturation(_ result: RunResult) -> String? {
        result.outcome.reasons.first { $0.hasPrefix("over-saturated") }
    }

    static func steady(_ result: RunResult) -> [Range<Instant>] {
        result.windows.filter { $0.kind == .steady }.map { $0.from..<$0.to }
    }

    // MARK: Did it hold?

    /// A run that the harness could not carry says nothing of the agent, unless the agent held all the same.
    private static func judge(_ result: RunResult) -> (CapacityProbe.Outcome, String) {
        let harness = result.validity.reasons.first ?? "the harness was not fit to judge"
        if result.validity.state == .invalid { return (.harness, harness) }
        guard let failure = failure(result) else {
            // Neither held nor broken: that is said of the run, not of the agent.
            guard
                let open = result.gates.first(where: { $0.decides && $0.outcome == .inconclusive })
            else { return (.held, "every gate held") }
            return (
                .harness,
                "\(result.ledger.turns.owed) turns are too few to judge \(open.rule.text): hold each load longer (--hold)"
            )
        }
        if result.validity.state == .suspect {
            return (.harness, "\(failure), while the harness was suspect: \(harness)")
        }
        return (.broke, failure)
    }

    private static func failure(_ result: RunResult) -> String? {
        if let text = oversaturation(result) { return text }
        let calls = result.ledger.calls
        // A caller who is not let in is not sustained, whether a gate says so or not.
        if calls.refused + calls.notStarted > 0 {
            return "\(calls.refused + calls.notStarted) calls were never answered"
        }
        for gate in result.gates where gate.decides && gate.outcome == .failed {
            let observed = gate.observed.map { " (\($0.text(gate.dimension)))" } ?? ""
            return "\(gate.rule.text)\(observed)"
        }
        return nil
    }

    // MARK: Figures

    private static func takeLatency(
        _ probe: inout CapacityProbe, _ result: RunResult, _ steady: [Range<Instant>]
    ) {
        let samples = result.recorder.merged("voice_to_voice", in: steady).samples
        guard !samples.isEmpty else { return }
        func seconds(_ q: Double) -> Double? { samples.quantile(q).map { $0.value / 1e9 } }
        probe.p50 = seconds(0.5)
        probe.p95 = seconds(0.95)
        probe.p99 = samples.count >= 200 ? seconds(0.99) : nil
        let interval = Confidence.quantile(0.95, of: samples)
        probe.p95Interval = .init(
            low: interval.low.map { $0 / 1e9 }, high: interval.high.map { $0 / 1e9 })
        probe.stages = Stage.allCases.compactMap { stage in
            let samples = result.recorder.merged(stage.rawValue, in: steady).samples
            guard let mean = samples.mean, let p95 = samples.quantile(0.95) else { return nil }
            return .init(
                name: stage.rawValue, owner: stage.owner.rawValue, mean: mean.value / 1e9,
                p95: p95.value / 1e9)
        }
    }

    private static func takeResources(
        _ probe: inout CapacityProbe, _ result: RunResult, _ steady: [Range<Instant>]
    ) {
        let log = result.validity.log.samples
        // The first second of the steady state still sees the last caller come.
        let inside = log.filter { sample in
            steady.contains { $0.contains(sample.at) && sample.at - $0.lowerBound >= .seconds(1) }
        }
        func mean(_ value: (GeneratorSample) -> Double?) -> Double? {
            var sum = 0.0
            var seconds = 0.0
            for sample in inside {
                guard let value = value(sample) else { continue }
                sum += value * sample.length.inSeconds
                seconds += sample.length.inSeconds
            }
            return seconds > 0 ? sum / seconds : nil
        }
        probe.callsUnderWay = mean { Double($0.inFlight) }
        probe.agentCores = mean { $0[.agent] }
        probe.agentCoresPeak = inside.compactMap { $0[.agent] }.max()
        probe.agentThrottled = mean { $0.agentThrottled }
        probe.agentMemory = mean { $0.agentMemory.map(Double.init) }
        probe.agentMemoryPeak = log.compactMap(\.agentMemory).max().map(Double.init)
        probe.agentMemoryIdle = log.first?.agentMemory.map(Double.init)
        probe.harnessCores = mean { sample in
            sample[.callers].map { $0 + (sample[.emulators] ?? 0) }
        }
    }

    /// Seconds from `end` until the agent uses no more than `rest` cores, for three seconds on end; nil when it does not.
    static func coolDown(_ result: RunResult, after end: Double, rest: Double) -> Double? {
        let log = result.validity.log.samples.filter { $0.at.seconds >= end }
        for (place, sample) in log.enumerated() {
            let next = log[place...].prefix(3)
            guard next.count == 3, next.allSatisfy({ ($0[.agent] ?? .infinity) <= rest })
            else { continue }
            return max(0, sample.at.seconds - end)
        }
        return nil
    }
}
