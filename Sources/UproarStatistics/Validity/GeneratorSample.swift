import UproarCore

/// Whose CPU a second went to.
package enum CPUGroup: String, CaseIterable, Sendable {
    case callers, emulators, agent, redis, other
}

/// What the harness saw of itself, and of the machine, in one second (SELF-1). What could not be read is nil.
package struct GeneratorSample: Hashable, Sendable {
    /// Start of the second, since the run's first due arrival.
    package var at: Instant
    /// How long it lasted: a second, or more in a long run, where neighbours are joined.
    package var length: Duration = .seconds(1)
    /// Arrivals that were due, and calls that were dialled for them.
    package var offered: Int = 0
    package var achieved: Int = 0
    /// Calls the plan wants under way at the end of the second, and those that are.
    package var planned: Int?
    package var inFlight: Int = 0
    package var framesSent: Int = 0
    package var framesSkipped: Int = 0
    package var sendLatenessP99: Duration?
    /// The longest time a caller loop was away from its timers.
    package var loopLag: Duration = .zero
    /// The same of the emulators' loops: their lateness is in the measured latencies.
    package var emulatorLag: Duration?
    /// Cores used, in the order of `CPUGroup.allCases`; nil where a group has no process.
    package var cpu = [Double?](repeating: nil, count: CPUGroup.allCases.count)
    /// Datagrams or connections the kernel dropped on our side.
    package var drops: Int = 0
    /// Share of the machine's CPU time taken by its host.
    package var steal: Double?
    /// How long our processes were held by a CPU quota.
    package var throttled: Duration = .zero
    /// Drops and errors of the machine's network interfaces, whoever's they were: a hint, no verdict.
    package var interfaceDrops: Int?
    /// Cores used by the run's busiest thread: at 1.0 a callers' loop has no time left.
    package var busiestThread: Double?
    /// Time our threads waited for a CPU.
    package var runQueueDelay: Duration?
    /// Resident memory of the run itself and of the agent's tree, in bytes.
    package var memory: Int?
    package var agentMemory: Int?
    /// Share of the agent's quota periods in which it had used up its quota; nil where it has none.
    package var agentThrottled: Double?
    package var descriptors: Int?

    package init(at: Instant) { self.at = at }

    package subscript(group: CPUGroup) -> Double? {
        get { cpu[CPUGroup.allCases.firstIndex(of: group)!] }
        set { cpu[CPUGroup.allCases.firstIndex(of: group)!] = newValue }
    }

    package var end: Instant { at + length }

    /// Neighbours joined to one sample; there must be at least one.
    package static func joined(_ samples: ArraySlice<GeneratorSample>) -> GeneratorSample {
        var sum = samples[samples.startIndex]
        for sample in samples.dropFirst() { sum.join(sample) }
        return sum
    }

    /// Joins the sample that follows: counts add, levels keep the worst, shares weigh by time.
    mutating func join(_ next: GeneratorSample) {
        let mine = length.inSeconds
        let theirs = next.length.inSeconds
        func weighted(_ a: Double?, _ b: Double?) -> Double? {
            guard let a, let b else { return a ?? b }
            return (a * mine + b * theirs) / (mine + theirs)
        }
        func worst<Value: Comparable>(_ a: Value?, _ b: Value?) -> Value? {
            guard let a, let b else { return a ?? b }
            return max(a, b)
        }
        for place in cpu.indices { cpu[place] = weighted(cpu[place], next.cpu[place]) }
        steal = weighted(steal, next.steal)
        agentThrottled = weighted(agentThrottled, next.agentThrottled)
        length += next.length
        offered += next.offered
        achieved += next.achieved
        planned = next.planned ?? planned
        inFlight = next.inFlight
        framesSent += next.framesSent
        framesSkipped += next.framesSkipped
        sendLatenessP99 = worst(sendLatenessP99, next.sendLatenessP99)
        loopLag = max(loopLag, next.loopLag)
        emulatorLag = worst(emulatorLag, next.emulatorLag)
        drops += next.drops
        interfaceDrops =
            interfaceDrops.map { $0 + (next.interfaceDrops ?? 0) } ?? next.interfaceDrops
        busiestThread = worst(busiestThread, next.busiestThread)
        throttled += next.throttled
        runQueueDelay =
            runQueueDelay.map { $0 + (next.runQueueDelay ?? .zero) }
            ?? next.runQueueDelay
        memory = worst(memory, next.memory)
        agentMemory = worst(agentMemory, next.agentMemory)
        descriptors = worst(descriptors, next.descriptors)
    }
}

/// The samples of a run; past `limit` neighbours are joined, so that memory does not grow with time.
package struct GeneratorLog: Hashable, Sendable {
    package static let limit = 3600
    package private(set) var samples: [GeneratorSample] = []
    private var width: Int

    package init() { width = 1 }

    package init(_ samples: [GeneratorSample]) {
        self.samples = samples
        width = max(1, Int(samples.first?.length.inSeconds.rounded() ?? 1))
    }

    package mutating func append(_ sample: GeneratorSample) {
        if let last = samples.indices.last,
            samples[last].length.inSeconds + 0.5 < Double(width)
        {
            samples[last].join(sample)
            return
        }
        samples.append(sample)
        guard samples.count > Self.limit else { return }
        width *= 2
        var joined: [GeneratorSample] = []
        for sample in samples {
            if let last = joined.indices.last, joined[last].length.inSeconds + 0.5 < Double(width) {
                joined[last].join(sample)
            } else {
                joined.append(sample)
            }
        }
        samples = joined
    }
}
