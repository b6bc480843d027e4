import UproarCore
import UproarStatistics

/// What gave way, or is nearest to, with what was seen of it.
package struct Bottleneck: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// The agent's processor time: its quota, its threads, or the machine.
        case cpu
        case memory
        /// The agent refuses calls.
        case maxJobs = "max_jobs"
        /// A provider refuses or slows down.
        case provider
        /// Latency of the agent's own stages without a limit in sight.
        case agent
        case harness
        case unknown
    }

    package var kind: Kind
    /// One sentence.
    package var text: String
    /// What was seen, a line each.
    package var evidence: [String]

    package init(kind: Kind, text: String, evidence: [String]) {
        self.kind = kind
        self.text = text
        self.evidence = evidence
    }

    /// What the agent may use at the most.
    package struct Limits: Hashable, Sendable {
        /// Cores: of its quota, or of the machine.
        package var cores: Double?
        /// What sets them: `quota of 0.5 cores`, `2 cores of this machine`.
        package var coresText = ""
        /// The harness and its emulators use the same cores: what they take is not the agent's.
        package var isShared = false
        /// Threads that serve calls, where known: one thread is never faster than one core.
        package var threads: Int?
        package var memory: Double?

        package init() {}
    }

    /// From this share of its quota's periods on, waiting for the next one is what shows in the tail of latency: one turn in
    /// four meets it.
    static let heldBack = 0.25

    /// Compares the least loaded measurement with the one at the edge (the least load that broke, else the greatest that held).
    package static func find(_ probes: [CapacityProbe], _ limits: Limits, edge: Int?) -> Bottleneck
    {
        let usable = probes.filter { $0.purpose != .cooling && $0.purpose != .ramping }
        let broken = usable.filter { $0.outcome == .broke }.min { $0.load < $1.load }
        guard
            let high = broken
                ?? usable.filter({ $0.outcome == .held }).max(by: { $0.load < $1.load })
        else {
            return Bottleneck(
                kind: .harness, text: "No run of the agent could be judged.",
                evidence: usable.flatMap(\.validityReasons).prefix(3).map { $0 })
        }
        let low = usable.filter { $0.isMeasurement && $0.load < high.load }
            .min { $0.load < $1.load }
        var evidence: [String] = []
        if broken != nil { evidence.append("at \(high.load) calls: \(high.reason)") }
        if high.callsRefused > 0 {
            let by = high.refusals.isEmpty ? "" : " (\(high.refusals.joined(separator: ", ")))"
            evidence.append("\(high.callsRefused) calls were refused at \(high.load)\(by)")
        }
        let growth = low.map { stageGrowth(from: $0, to: high) } ?? []
        evidence += growth.prefix(3).map(\.text)
        let cpu = cpuEvidence(high, limits)
        if let cpu { evidence.append(cpu.text) }
        if let throttled = high.agentThrottled {
            evidence.append(
                "the kernel held it back in \(NumberText.fixed(throttled * 100, 0)) % of its quota's periods at \(high.load) calls"
                    + (low?.agentThrottled.map {
                        ", \(NumberText.fixed($0 * 100, 0)) % at \(low?.load ?? 0)"
                    } ?? ""))
        }
        let memory = memoryEvidence(high, limits)
        if let memory { evidence.append(memory.text) }
        if !high.providerRefusals.isEmpty {
            evidence.append(
                "providers refused at \(high.load) calls: "
                    + high.providerRefusals.joined(separator: ", "))
        }
        // Where nothing broke, a stage that differs between two runs is no limit.
        let grown = broken == nil ? nil : growth.first
        // A limit that was hit explains more than the stage in which it shows.
        if let cpu, cpu.share >= 0.85 {
            return Bottleneck(
                kind: .cpu,
                text:
                    "Processor time: the agent used \(NumberText.fixed(cpu.share * 100, 0)) % of \(cpu.limit)."
                    + (cpu.isShared ? " On a machine of its own it may carry more." : ""),
                evidence: evidence)
        }
        if let throttled = high.agentThrottled, throttled >= Self.heldBack {
            return Bottleneck(
                kind: .cpu,
                text:
                    "Processor time: the kernel held the agent back in \(NumberText.fixed(throttled * 100, 0)) % of the periods of \(limits.coresText).",
                evidence: evidence)
        }
        if let memory, memory.share >= 0.8 {
            return Bottleneck(
                kind: .memory,
                text:
                    "Memory: \(NumberText.fixed(memory.share * 100, 0)) % of the limit was in use.",
                evidence: evidence)
        }
        if high.callsRefused > 0 {
            return Bottleneck(
                kind: .maxJobs,
                text:
                    "The agent takes no more calls: it refuses them"
                    + (cpu == nil ? "." : " while processor and memory have room."),
                evidence: evidence)
        }
        if broken != nil, !high.providerRefusals.isEmpty, low?.providerRefusals.isEmpty != false {
            return Bottleneck(
                kind: .provider,
                text:
                    "A provider's quota: it refused what the agent asked for (\(high.providerRefusals.joined(separator: ", "))).",
                evidence: evidence)
        }
        if let grown, grown.owner == "provider" {
            return Bottleneck(
                kind: .provider,
                text:
                    "The provider behind \(grown.name) slows down with load: its quota or its capacity.",
                evidence: evidence)
        }
        if let grown {
            return Bottleneck(
                kind: .agent,
                text: "The agent's \(grown.name) grows with load while no limit was reached.",
                evidence: evidence)
        }
        return Bottleneck(
            kind: .unknown,
            text: broken == nil
                ? "Nothing gave way up to \(high.load) calls."
                : "No stage grew and no limit was reached.",
            evidence: evidence)
    }

    private struct Growth {
        var name: String
        var owner: String
        var by: Double
        var text: String
    }

    /// Stages whose p95 grew by more than 20 ms and a tenth, most first.
    private static func stageGrowth(from low: CapacityProbe, to high: CapacityProbe) -> [Growth] {
        func milliseconds(_ seconds: Double) -> String { NumberText.fixed(seconds * 1000, 0) }
        return high.stages.compactMap { stage -> Growth? in
            guard let before = low.stages.first(where: { $0.name == stage.name }) else {
                return nil
            }
            let by = stage.p95 - before.p95
            guard by > 0.02, by > 0.1 * before.p95 else { return nil }
            return Growth(
                name: stage.name, owner: stage.owner, by: by,
                text: "\(stage.name) (\(stage.owner)) p95 grew from "
                    + "\(milliseconds(before.p95)) ms at \(low.load) to "
                    + "\(milliseconds(stage.p95)) ms at \(high.load) calls")
        }.sorted { $0.by > $1.by }
    }

    private struct ProcessorEvidence {
        /// Of the limit, 0…1.
        var share: Double
        var limit: String
        var text: String
        /// The limit is what the harness leaves of a machine that both use.
        var isShared = false
    }

    private static func cpuEvidence(_ probe: CapacityProbe, _ limits: Limits) -> ProcessorEvidence?
    {
        guard let cores = probe.agentCores, var limit = limits.cores, limit > 0 else { return nil }
        var name = limits.coresText
        var isShared = false
        if limits.isShared, let harness = probe.harnessCores, harness < limit {
            limit -= harness
            name =
                "the \(NumberText.fixed(limit, 2)) cores that the harness leaves of \(limits.coresText)"
            isShared = true
        }
        if let threads = limits.threads, Double(threads) < limit {
            limit = Double(threads)
            name = threads == 1 ? "its one thread" : "its \(threads) threads"
            isShared = false
        }
        let share = cores / limit
        return ProcessorEvidence(
            share: share, limit: name,
            text: "the agent used \(NumberText.fixed(cores, 2)) cores at \(probe.load) calls, "
                + "\(NumberText.fixed(share * 100, 0)) % of \(name)", isShared: isShared)
    }

    private static func memoryEvidence(_ probe: CapacityProbe, _ limits: Limits) -> (
        share: Double, text: String
    )? {
        guard let memory = probe.agentMemoryPeak ?? probe.agentMemory else { return nil }
        let used = NumberText.fixed(memory / 1e6, 0)
        guard let limit = limits.memory, limit > 0 else {
            return (0, "the agent's memory was \(used) MB at \(probe.load) calls, without a limit")
        }
        let share = memory / limit
        return (
            share,
            "the agent's memory was \(used) MB at \(probe.load) calls, "
                + "\(NumberText.fixed(share * 100, 0)) % of its limit"
        )
    }
}
