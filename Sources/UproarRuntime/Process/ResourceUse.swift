import UproarCore

/// What was used between two samples, as shares and rates. What either sample does not know stays nil.
package struct ResourceUse: Hashable, Sendable {
    package var from: Instant
    package var to: Instant
    package var groups: [GroupUse]
    package var machine: MachineUse

    /// Nil when `to` is not later than `from`.
    package init?(from: ResourceSample, to: ResourceSample) {
        let elapsed = (to.at - from.at).nanoseconds
        guard elapsed > 0 else { return nil }
        self.from = from.at
        self.to = to.at
        groups = to.groups.map { group in
            GroupUse(
                from: from.groups.first { $0.name == group.name }, to: group, elapsed: elapsed)
        }
        machine = MachineUse(from: from.machine, to: to.machine, elapsed: elapsed)
    }
}

package struct GroupUse: Hashable, Sendable {
    package var name: String
    /// CPU time ÷ wall time: 1.0 is one core busy.
    package var cores: Double
    package var userCores: Double
    package var systemCores: Double
    /// Of the busiest thread; 1.0 is a thread that never waits.
    package var busiestThreadCores: Double
    /// Waiting for a CPU, summed over threads: 0.1 is 100 ms in each second.
    package var runDelayShare: Double?
    package var last: GroupSample

    /// `from` is nil for a group that was not there before: its counters then started at 0.
    init(from: GroupSample?, to: GroupSample, elapsed: Int64) {
        func share(_ a: Int64, _ b: Int64) -> Double { Double(max(0, b - a)) / Double(elapsed) }
        name = to.name
        userCores = share(from?.userNanoseconds ?? 0, to.userNanoseconds)
        systemCores = share(from?.systemNanoseconds ?? 0, to.systemNanoseconds)
        cores = userCores + systemCores
        busiestThreadCores = share(
            from?.busiestThreadNanoseconds ?? 0, to.busiestThreadNanoseconds)
        runDelayShare = to.runDelayNanoseconds.map { share(from?.runDelayNanoseconds ?? 0, $0) }
        last = to
    }
}

package struct MachineUse: Hashable, Sendable {
    /// Busy share of all CPUs together, 0…1, stolen time left out of neither side.
    package var busyShare: Double?
    /// Stolen share of the CPU that lost most, 0…1.
    package var worstStolenShare: Double?
    /// Share of the time in which the quota held the cgroup back.
    package var throttledShare: Double?
    package var throttledPeriods: Int64?
    package var datagramsDropped: Int64?
    package var interfaceDrops: Int64?
    package var listenDrops: Int64?
    package var retransmits: Int64?
    package var last: MachineSample

    init(from: MachineSample, to: MachineSample, elapsed: Int64) {
        last = to
        if from.cpus.count == to.cpus.count, !to.cpus.isEmpty {
            var busy = 0.0
            var all = 0.0
            var worst = 0.0
            for (old, new) in zip(from.cpus, to.cpus) {
                let used = Double(new.busyNanoseconds - old.busyNanoseconds)
                let idle = Double(new.idleNanoseconds - old.idleNanoseconds)
                let stolen = Double(new.stolenNanoseconds - old.stolenNanoseconds)
                let total = used + idle + stolen
                guard total > 0 else { continue }
                busy += max(0, used)
                all += total
                worst = max(worst, stolen / total)
            }
            busyShare = all > 0 ? busy / all : nil
            worstStolenShare = all > 0 ? worst : nil
        }
        throttledShare = Self.rise(from.throttledNanoseconds, to.throttledNanoseconds).map {
            Double($0) / Double(elapsed)
        }
        throttledPeriods = Self.rise(from.throttledPeriods, to.throttledPeriods)
        datagramsDropped = Self.rise(from.datagramsDropped, to.datagramsDropped)
        interfaceDrops = Self.rise(from.interfaceDrops, to.interfaceDrops)
        listenDrops = Self.rise(from.listenDrops, to.listenDrops)
        retransmits = Self.rise(from.retransmits, to.retransmits)
    }

    /// How far a counter rose; nil when either side is not known. A counter that was reset counts from 0.
    private static func rise(_ from: Int64?, _ to: Int64?) -> Int64? {
        guard let from, let to else { return nil }
        return to >= from ? to - from : to
    }
}
