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
        /// Threads that serve calls, where known: one thread is never faster than one core.
        package var threads: Int?
        package var memory: Double?

        package init() {}
    }

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
        let memory = memoryEvidence(high, limits)
        if let memory { evidence.append(memory.text) }
        // Where nothing broke, a stage that differs between two runs is no limit.
        let grown = broken == nil ? nil : growth.first
        // A limit that was hit explains more than the stage in which it shows.
        if let cpu, cpu.share >= 0.85 {
            return Bottleneck(
                kind: .cpu,
                text:
                    "Processor time: the agent used \(NumberText.fixed(cpu.share * 100, 0)) % of \(cpu.limit).",
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
                    "The agent takes no more calls: it refuses them while processor and memory have room.",
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

    private static func cpuEvidence(_ probe: CapacityProbe, _ limits: Limits) -> (
        share: Double, limit: String, text: String
    )? {
        guard let cores = probe.agentCores, var limit = limits.cores, limit > 0 else { return nil }
        var name = limits.coresText
        if let threads = limits.threads, Double(threads) < limit {
            limit = Double(threads)
            name = threads == 1 ? "its one thread" : "its \(threads) threads"
        }
        let share = cores / limit
        return (
            share, name,
            "the agent used \(NumberText.fixed(cores, 2)) cores at \(probe.load) calls, "
                + "\(NumberText.fixed(share * 100, 0)) % of \(name)"
        )
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
