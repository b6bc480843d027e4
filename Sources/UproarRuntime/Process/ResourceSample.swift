import UproarCore

/// Samples what processes and the machine use: /proc and cgroups in Posix, counted meters in simulation.
package protocol ResourceMeter: AnyObject {
    /// One sample of all groups and the machine. Reads some files: once a second, never per frame.
    func sample() -> ResourceSample
}

/// What stood in the meters at one time. Counters count from an arbitrary start: subtract two samples.
package struct ResourceSample: Hashable, Sendable {
    package var at: Instant
    /// In the order in which the groups were named to the meter.
    package var groups: [GroupSample]
    package var machine: MachineSample

    package init(at: Instant, groups: [GroupSample], machine: MachineSample) {
        self.at = at
        self.groups = groups
        self.machine = machine
    }
}

/// The processes of one group (`callers`, `agent`, `providers`, `redis`, …) together, descendants included.
package struct GroupSample: Hashable, Sendable {
    package var name: String
    package var processCount = 0
    package var threadCount = 0
    /// CPU time of all processes that are or were in the group, nanoseconds. Never falls while the group is watched. What a
    /// root used between its last sample and its end counts once no other process of the group is left.
    package var userNanoseconds: Int64 = 0
    package var systemNanoseconds: Int64 = 0
    /// Sum of resident sets, bytes. Pages shared by two processes count twice.
    package var residentBytes: Int64 = 0
    /// Sum of proportional sets, bytes: shared pages are split among those who share them. Nil when not permitted to know.
    package var proportionalBytes: Int64?
    /// Open descriptors; nil when not permitted to know.
    package var descriptorCount: Int?
    /// Time its threads were ready to run but waited for a CPU, nanoseconds; nil where the kernel does not count it.
    package var runDelayNanoseconds: Int64?
    /// CPU time of whichever thread was busiest in each interval between samples, summed over the intervals.
    package var busiestThreadNanoseconds: Int64 = 0

    package init(name: String) { self.name = name }
}

/// The machine as far as this process can see it. Nil: the kernel does not say.
package struct MachineSample: Hashable, Sendable {
    package var cpus: [CPUSample] = []
    /// The cgroup's CPU limit in cores; nil when there is none.
    package var quotaCores: Double?
    /// Time that the cgroup was held back by its quota, nanoseconds.
    package var throttledNanoseconds: Int64?
    /// Periods in which it was held back.
    package var throttledPeriods: Int64?
    package var memoryAvailableBytes: Int64?
    package var memoryTotalBytes: Int64?
    /// The cgroup's memory limit; nil when there is none.
    package var memoryLimitBytes: Int64?
    /// Datagrams dropped because a receive buffer was full (`RcvbufErrors` of UDP and UDP6).
    package var datagramsDropped: Int64?
    /// Packets dropped or in error on any interface, both ways.
    package var interfaceDrops: Int64?
    /// TCP connections refused because a listen queue was full (`ListenDrops`).
    package var listenDrops: Int64?
    /// TCP segments sent again.
    package var retransmits: Int64?

    package init() {}
}

/// One CPU's time since boot by use, nanoseconds (clock ticks of 10 ms).
package struct CPUSample: Hashable, Sendable {
    package var busyNanoseconds: Int64
    package var idleNanoseconds: Int64
    /// Taken by the hypervisor for others while this machine had work to do.
    package var stolenNanoseconds: Int64

    package init(busyNanoseconds: Int64, idleNanoseconds: Int64, stolenNanoseconds: Int64) {
        self.busyNanoseconds = busyNanoseconds
        self.idleNanoseconds = idleNanoseconds
        self.stolenNanoseconds = stolenNanoseconds
    }
}
