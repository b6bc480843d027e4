import UproarCore

/// What one connected call costs the agent's machine: generator and emulators left out. What was not observed is nil.
package struct AgentFootprint: Hashable, Sendable {
    /// Cores of the agent's process tree by call under way.
    package var cores: Double?
    /// Resident bytes above idle by call under way.
    package var bytes: Double?
    /// Media bits per second of a connected call, both ways.
    package var bitsPerSecond: Double?

    /// What the guides plan with: 0.16 cores, 50 MB, 100 Kbps.
    package static let guide = AgentFootprint(
        cores: 0.16, bytes: 50_000_000, bitsPerSecond: 100_000)

    package init(cores: Double?, bytes: Double?, bitsPerSecond: Double?) {
        self.cores = cores
        self.bytes = bytes
        self.bitsPerSecond = bitsPerSecond
    }

    /// From the seconds in `steady` (all when there are none in it). `idleBytes`: the agent's memory before the first call.
    package init(
        _ log: GeneratorLog, steady: [Range<Instant>], idleBytes: Int?, _ ledger: RunLedger
    ) {
        let inside = log.samples.filter { sample in steady.contains { $0.contains(sample.at) } }
        let samples = (inside.isEmpty ? log.samples : inside).filter { $0.inFlight > 0 }
        var coreSeconds = 0.0
        var callSeconds = 0.0
        var byteSeconds = 0.0
        var memoryCallSeconds = 0.0
        for sample in samples {
            let length = sample.length.inSeconds
            let calls = Double(sample.inFlight) * length
            if let cores = sample[.agent] {
                coreSeconds += cores * length
                callSeconds += calls
            }
            if let memory = sample.agentMemory, let idleBytes {
                byteSeconds += Double(max(0, memory - idleBytes)) * length
                memoryCallSeconds += calls
            }
        }
        cores = callSeconds > 0 ? coreSeconds / callSeconds : nil
        bytes = memoryCallSeconds > 0 ? byteSeconds / memoryCallSeconds : nil
        let connected = ledger.connected.inSeconds
        bitsPerSecond =
            connected > 0
            ? Double(ledger.bytesSent + ledger.bytesReceived) * 8 / connected : nil
    }
}

extension RunTally {
    /// States the footprint as the metrics gates may name.
    package mutating func take(_ footprint: AgentFootprint) {
        for (metric, value) in [
            ("agent_cpu_per_call", footprint.cores), ("agent_memory_per_call", footprint.bytes),
            ("agent_kbps_per_call", footprint.bitsPerSecond),
        ] {
            if let value { setValue(metric, to: value) }
        }
    }
}
