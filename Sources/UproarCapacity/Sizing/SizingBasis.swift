import UproarCore
import UproarStatistics

/// What sizing rests on: measured of one agent, from a search for capacity or from a single run.
package struct SizingBasis: Hashable, Sendable {
    /// How a figure came about.
    package enum Origin: String, Sendable { case measured, assumed }

    package struct Value: Hashable, Sendable {
        package var value: Double
        package var origin: Origin
        package var note: String

        package init(_ value: Double, _ origin: Origin, _ note: String) {
            self.value = value
            self.origin = origin
            self.note = note
        }
    }

    package var source: String
    package var scenario: String
    package var priceBook: String
    /// Calls that one agent sustained, and the cores it could use for them; nil when only one load was run.
    package var sustainedCalls: Int?
    package var sustainedCores: Double?
    /// Calls at which one agent began to refuse, whatever its cores; nil when it was not seen to.
    package var maximumCalls: Int?
    package var coresPerCall: Value
    package var coresAtRest: Value
    package var bytesPerCall: Value
    package var bytesAtRest: Value
    package var bitsPerCall: Value
    /// Seconds from process to first call.
    package var coldStart: Value
    package var turnsPerMinute: Value
    package var uses: [CapacityProbe.Use]
    /// Connected seconds and turns behind `uses`.
    package var connected: Double
    package var turns: Double
    /// p50 and p95 in seconds against calls, where several loads were measured.
    package var p50: LoadCurve?
    package var p95: LoadCurve?
    /// Of the one load that was run, when there is no curve.
    package var onlyP50: Double?
    package var onlyP95: Double?

    /// From a search: slopes over all loads.
    package init(_ result: CapacityResult, source: String) throws(CapacityFileError) {
        guard let edge = result.edgeProbe else {
            throw CapacityFileError(
                path: source, reason: "no load was seen to hold, so there is nothing to size by")
        }
        let model = result.model
        self.init(
            edge, source: source, scenario: result.scenario, priceBook: result.priceBook,
            loads: result.probes.count(where: \.isMeasurement))
        sustainedCalls = result.calls
        if result.bottleneck?.kind == .maxJobs { maximumCalls = result.calls }
        let threads = result.limits.threads.map(Double.init)
        sustainedCores =
            [result.limits.cores, threads].compactMap { $0 }.min() ?? edge.agentCores
        if let cores = model.coresPerCall, cores > 0, let rest = model.coresAtRest {
            coresPerCall = Value(cores, .measured, "slope over the loads of the search")
            coresAtRest = Value(rest, .measured, "the same line at no call")
        }
        if let bytes = model.bytesPerCall, let rest = model.bytesAtRest {
            bytesPerCall = Value(max(0, bytes), .measured, "slope over the loads of the search")
            bytesAtRest = Value(max(0, rest), .measured, "the same line at no call")
        }
        let starts = result.coldStarts
        if !starts.isEmpty {
            coldStart = Value(
                starts[starts.count / 2], .measured, "median of \(starts.count) starts")
        }
        p50 = model.p50
        p95 = model.p95
    }

    /// From one run: its means, all of them charged to calls.
    package init(
        _ probe: CapacityProbe, source: String, scenario: String, priceBook: String,
        loads: Int = 1
    ) {
        self.source = source
        self.scenario = scenario
        self.priceBook = priceBook
        let calls = probe.callsUnderWay ?? Double(probe.load)
        let one = loads == 1 ? "one load: what the agent uses at rest is charged to calls" : ""
        if let cores = probe.agentCores, calls > 0 {
            coresPerCall = Value(cores / calls, .measured, one)
            coresAtRest = Value(0, .measured, one)
        } else {
            coresPerCall = Value(
                GuideTable.rows[1].cores, .assumed, "the guide's voice + tools; not observed")
            coresAtRest = Value(0.05, .assumed, "not observed")
        }
        if let memory = probe.agentMemory, let idle = probe.agentMemoryIdle, calls > 0,
            memory >= idle
        {
            bytesPerCall = Value((memory - idle) / calls, .measured, one)
            bytesAtRest = Value(idle, .measured, "before the first calls")
        } else {
            bytesPerCall = Value(
                Double(GuideTable.rows[1].megabytes) * 1e6, .assumed,
                "the guide's voice + tools; not observed")
            bytesAtRest = Value(
                Double(GuideTable.baseMegabytes) * 1e6, .assumed, "the guide's base; not observed")
        }
        bitsPerCall =
            probe.bitsPerCall.map { Value($0, .measured, "both ways") }
            ?? Value(128_000, .assumed, "G.711 both ways; not observed")
        coldStart =
            probe.coldStart.map { Value($0, .measured, "one start") }
            ?? Value(10, .assumed, "not observed")
        turnsPerMinute =
            probe.connected > 0
            ? Value(
                Double(probe.turns) / probe.connected * 60, .measured, "turns by connected minute")
            : Value(6, .assumed, "not observed")
        uses = probe.uses
        connected = probe.connected
        turns = Double(probe.turns)
        onlyP50 = probe.p50
        onlyP95 = probe.p95
    }

    /// Heard latency at `calls` on one process; nil when nothing is known of it.
    package func latency(_ calls: Double) -> (p50: Double, p95: Double)? {
        if let p50, let p95 {
            let high = max(p95(max(1, calls)), p50(max(1, calls)))
            return (p50(max(1, calls)), high)
        }
        guard let onlyP50, let onlyP95 else { return nil }
        return (onlyP50, onlyP95)
    }
}
