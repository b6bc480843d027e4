import UproarCore
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarStatistics

/// Watches the harness itself, once a second: what the caller loops told, what the processes used, what the machine did.
package final class Sampler {
    /// Nil in simulation, where processes are objects.
    private let meter: ProcessTreeMeter?
    private var last: ResourceSample?
    private var lastCounts = CallDriver.Counts()
    private var loops: [CallDriver.Counts]
    private var pacing = PacingCount()
    private var lag = LoopLag()
    private let plan: RunPlan
    package private(set) var log = GeneratorLog()
    package private(set) var use: ResourceUse?
    /// Sums over the seconds in which calls were under way, for the figures by call.
    package private(set) var agentCoreSeconds = 0.0
    package private(set) var callSeconds = 0.0
    private var agentMemoryIdle: Int64?
    private var memoryPerCall: [Double] = []
    private var quota: ProcessorQuota?
    private var lastPeriods: ProcessorQuota.Periods?

    package static let groups = ["callers", "providers", "agent", "redis", "guardian"]

    package init(clock: RunClock?, plan: RunPlan, loopCount: Int) {
        meter = clock.map { ProcessTreeMeter(clock: $0) }
        self.plan = plan
        loops = Array(repeating: CallDriver.Counts(), count: loopCount)
        for group in Self.groups { meter?.name(group: group) }
    }

    /// The agent runs within this quota from now on.
    package func watch(_ quota: ProcessorQuota) {
        self.quota = quota
        lastPeriods = quota.periods
    }

    package func add(pid: Int32, to group: String) { meter?.add(root: pid, to: group) }

    package func ended(pid: Int32, _ use: ProcessorUse) { meter?.ended(root: pid, use) }

    package func take(_ report: CallerFleet.Report, loop: Int) {
        loops[loop] = report.counts
        pacing += report.pacing
        lag.merge(report.lag)
    }

    /// All loops together, so far.
    package var counts: CallDriver.Counts {
        var sum = CallDriver.Counts()
        for counts in loops { sum += counts }
        return sum
    }

    /// Remembers what the processes use before the first call.
    package func start() {
        guard let sample = meter?.sample() else { return }
        last = sample
        agentMemoryIdle = sample.groups.first { $0.name == "agent" }?.residentBytes
    }

    /// One second is over. `at` is its start, since the first due arrival.
    package func second(at: Instant, length: Duration) -> (GeneratorSample, HDRHistogram) {
        var sample = GeneratorSample(at: at)
        sample.length = length
        let now = counts
        sample.offered = now.due - lastCounts.due
        sample.achieved = now.dialled - lastCounts.dialled
        sample.planned = plannedCalls(at: at + length)
        sample.inFlight = now.inCall
        lastCounts = now
        let lateness = pacing.lateness
        sample.framesSent = Int(pacing.sent)
        sample.framesSkipped = Int(pacing.skipped)
        sample.sendLatenessP99 = lateness.quantile(0.99).map { .nanoseconds($0) }
        sample.loopLag = lag.maximum
        pacing = PacingCount()
        lag = LoopLag()
        addResources(&sample, inCall: now.inCall)
        log.append(sample)
        return (sample, lateness)
    }

    private func addResources(_ sample: inout GeneratorSample, inCall: Int) {
        guard let resources = meter?.sample() else { return }
        defer { last = resources }
        guard let last, let use = ResourceUse(from: last, to: resources) else { return }
        self.use = use
        func cores(_ name: String) -> Double? {
            use.groups.first { $0.name == name && $0.last.processCount > 0 }?.cores
        }
        sample[.callers] = cores("callers")
        sample[.emulators] = cores("providers")
        sample[.agent] = cores("agent")
        sample[.redis] = cores("redis")
        if let busy = use.machine.busyShare {
            let known = [CPUGroup.callers, .emulators, .agent, .redis].compactMap { sample[$0] }
            let all = busy * Double(resources.machine.cpus.count)
            sample[.other] = max(0, all - known.reduce(0, +))
        }
        let machine = use.machine
        sample.drops =
            Int(machine.datagramsDropped ?? 0) + Int(machine.listenDrops ?? 0)
        sample.interfaceDrops = machine.interfaceDrops.map { Int(clamping: $0) }
        sample.steal = machine.worstStolenShare
        sample.throttled = .nanoseconds(
            Int64((machine.throttledShare ?? 0) * Double(sample.length.nanoseconds)))
        let own = use.groups.first { $0.name == "callers" }
        sample.busiestThread = own?.busiestThreadCores
        sample.runQueueDelay = own?.runDelayShare.map {
            .nanoseconds(Int64($0 * Double(sample.length.nanoseconds)))
        }
        sample.memory = own.map { Int($0.last.residentBytes) }
        sample.descriptors = own?.last.descriptorCount
        let agent = use.groups.first { $0.name == "agent" && $0.last.processCount > 0 }
        sample.agentMemory = agent.map { Int($0.last.residentBytes) }
        sample.agentThrottled = throttledShare()
        guard inCall > 0, let agent else { return }
        agentCoreSeconds += agent.cores * sample.length.inSeconds
        callSeconds += Double(inCall) * sample.length.inSeconds
        if let agentMemoryIdle {
            memoryPerCall.append(
                Double(max(0, agent.last.residentBytes - agentMemoryIdle)) / Double(inCall))
        }
    }

    /// Of the quota periods since the last look, those in which the agent had to wait for the next one.
    private func throttledShare() -> Double? {
        guard let quota, let before = lastPeriods, let periods = quota.periods else { return nil }
        lastPeriods = periods
        let all = periods.all - before.all
        return all > 0 ? Double(periods.usedUp - before.usedUp) / Double(all) : 0
    }

    /// Calls the plan wants under way; unknown while single calls of unknown length come.
    private func plannedCalls(at: Instant) -> Int? {
        guard plan.arrivals.arrivals.isEmpty else { return nil }
        return plan.arrivals.closedLevel(at: at - .zero)
    }

    package var agentCoresPerCall: Double? {
        callSeconds > 0 ? agentCoreSeconds / callSeconds : nil
    }

    /// The median over the seconds with calls.
    package var agentBytesPerCall: Double? {
        memoryPerCall.isEmpty ? nil : memoryPerCall.sorted()[memoryPerCall.count / 2]
    }
}
