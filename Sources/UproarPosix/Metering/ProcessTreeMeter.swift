import Glibc
import UproarCore
import UproarRuntime

/// Samples named groups of processes from /proc, and the machine. The run's own; nothing is asked of the processes.
///
/// A process belongs to the group of the nearest root above it, and stays there when its parents die and it hangs elsewhere.
package final class ProcessTreeMeter: ResourceMeter {
    private let clock: RunClock
    private let controlGroup: ControlGroup
    private var groups = OrderedTable<String, Group>()
    private var sampleCount = 0
    private let ticksPerSecond = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    private let pageBytes = Int64(max(1, sysconf(Int32(_SC_PAGESIZE))))

    /// The proportional set makes the kernel walk the page tables of the process: every tenth sample is enough.
    private static let proportionalEvery = 10

    private struct Key: Hashable {
        var pid: Int32
        var startTicks: Int64
    }

    private struct Member {
        var userNanoseconds: Int64 = 0
        var systemNanoseconds: Int64 = 0
        var runDelayNanoseconds: Int64 = 0
        /// CPU time of each thread at the last sample.
        var threads: [Int32: Int64] = [:]
        var isAlive = false
    }

    private struct Root {
        var pid: Int32
        /// Set when it is first seen, so that a later process with its pid is not taken for it.
        var startTicks: Int64?
        /// What the group had used when it was first seen.
        var before = ProcessorUse(user: 0, system: 0)
        /// What it used in its life, once that is known.
        var whole: ProcessorUse?
    }

    private struct Group {
        var roots: [Root] = []
        var members: [Key: Member] = [:]
        /// What members used that are gone.
        var gone = GroupSample(name: "")
        var proportionalBytes: Int64?
        var busiestNanoseconds: Int64 = 0
        var knowsRunDelay = true
    }

    package init(clock: RunClock) {
        self.clock = clock
        controlGroup = .ofThisProcess()
    }

    /// Names a group; a group without roots is sampled as empty.
    package func name(group: String) {
        if groups[group] == nil { groups[group] = Group() }
    }

    /// Counts `pid` and its descendants to `group`, except those below another root: the run's own pid may be a root although
    /// the guardian and all below it descend from it, when the guardian's pid is a root too.
    package func add(root pid: Int32, to group: String) {
        groups[group, default: Group()].roots.append(Root(pid: pid))
    }

    /// A root has ended and used so much in its life: what it used since the last sample counts, too.
    package func ended(root pid: Int32, _ use: ProcessorUse) {
        for name in groups.keys {
            guard let index = groups[name]?.roots.lastIndex(where: { $0.pid == pid }) else {
                continue
            }
            groups[name]?.roots[index].whole = use
        }
    }

    package func sample() -> ResourceSample {
        let at = clock.now
        sampleCount += 1
        let table = ProcessTable.read()
        var assigned = assign(table)
        let samples = groups.keys.map { name in
            sample(group: name, rows: assigned.removeValue(forKey: name) ?? [])
        }
        return ResourceSample(at: at, groups: samples, machine: machine())
    }

    /// Which rows belong to which group.
    private func assign(_ table: ProcessTable) -> [String: [ProcessStat]] {
        var groupOfRoot: [Int32: String] = [:]
        for name in groups.keys {
            for index in groups[name]?.roots.indices ?? 0..<0 {
                guard let root = groups[name]?.roots[index], let row = table[root.pid],
                    row.startTicks == root.startTicks ?? row.startTicks
                else { continue }
                if root.startTicks == nil {
                    // Summed up before the group is written to.
                    let before = used(name)
                    groups[name]?.roots[index].before = before
                }
                groups[name]?.roots[index].startTicks = row.startTicks
                groupOfRoot[root.pid] = name
            }
        }
        var assigned: [String: [ProcessStat]] = [:]
        var taken: Set<Int32> = []
        func take(_ row: ProcessStat, for name: String) {
            if taken.insert(row.pid).inserted { assigned[name, default: []].append(row) }
        }
        // Roots and what hangs below them, stopping at other roots.
        for (root, name) in groupOfRoot.sorted(by: { $0.key < $1.key }) {
            guard let row = table[root] else { continue }
            take(row, for: name)
            for row in table.descendants(of: root, notBelow: { groupOfRoot[$0] != nil }) {
                take(row, for: name)
            }
        }
        // Old members that lost their parents stay where they were, wherever they hang now.
        for (name, group) in zip(groups.keys, groups.values) {
            for key in group.members.keys.sorted(by: { $0.pid < $1.pid }) {
                guard let row = table[key.pid], row.startTicks == key.startTicks,
                    groupOfRoot[key.pid] == nil
                else { continue }
                for other in assigned.keys.sorted() where other != name {
                    assigned[other]?.removeAll { $0.pid == key.pid }
                }
                if assigned[name]?.contains(where: { $0.pid == key.pid }) != true {
                    assigned[name, default: []].append(row)
                }
            }
        }
        return assigned
    }

    private func sample(group name: String, rows: [ProcessStat]) -> GroupSample {
        var sample = GroupSample(name: name)
        var group = groups[name] ?? Group()
        var descriptors: Int? = 0
        var proportional: Int64? = 0
        var busiest: Int64 = 0
        let isProportionalDue = sampleCount % Self.proportionalEvery == 1
        for key in group.members.keys { group.members[key]?.isAlive = false }

        for row in rows where !row.isZombie {
            let key = Key(pid: row.pid, startTicks: row.startTicks)
            var member = group.members[key] ?? Member()
            member.isAlive = true
            let tick = 1_000_000_000 / ticksPerSecond
            member.userNanoseconds = row.userTicks * tick
            member.systemNanoseconds = row.systemTicks * tick
            busiest = max(busiest, readThreads(of: row.pid, into: &member, &group.knowsRunDelay))
            group.members[key] = member
            sample.processCount += 1
            sample.threadCount += row.threadCount
            sample.residentBytes += row.residentPages * pageBytes
            descriptors = sum(descriptors, Self.descriptorCount(of: row.pid))
            if isProportionalDue {
                let text = ProcFile.text("/proc/\(row.pid)/smaps_rollup")
                proportional = sum(
                    proportional, text.flatMap { KernelText.kilobytes("Pss", in: $0) })
            }
        }
        if isProportionalDue { group.proportionalBytes = proportional }
        group.busiestNanoseconds += busiest
        retire(&group)
        total(group, into: &sample)
        sample.descriptorCount = descriptors
        sample.proportionalBytes = group.proportionalBytes
        groups[name] = group
        return sample
    }

    /// Reads the threads' times; answers what the busiest used since the last sample.
    private func readThreads(of pid: Int32, into member: inout Member, _ knowsRunDelay: inout Bool)
        -> Int64
    {
        var busiest: Int64 = 0
        var delay: Int64 = 0
        var threads: [Int32: Int64] = [:]
        for name in ProcFile.names(in: "/proc/\(pid)/task") {
            guard let id = Int32(name) else { continue }
            guard let text = ProcFile.text("/proc/\(pid)/task/\(name)/schedstat"),
                let times = KernelText.scheduling(text)
            else {
                knowsRunDelay = knowsRunDelay && access("/proc/self/schedstat", F_OK) == 0
                continue
            }
            threads[id] = times.ran
            delay += times.waited
            busiest = max(busiest, times.ran - (member.threads[id] ?? 0))
        }
        member.threads = threads
        // Threads that ended take their delay with them; a counter must not fall.
        member.runDelayNanoseconds = max(member.runDelayNanoseconds, delay)
        return busiest
    }

    private func retire(_ group: inout Group) {
        for (key, member) in group.members where !member.isAlive {
            group.gone.userNanoseconds += member.userNanoseconds
            group.gone.systemNanoseconds += member.systemNanoseconds
            group.gone.runDelayNanoseconds =
                (group.gone.runDelayNanoseconds ?? 0) + member.runDelayNanoseconds
            group.members[key] = nil
        }
        // The whole life of the last root, where no sample saw its end; with others alive beside it nobody can tell the parts.
        guard group.members.isEmpty, let root = group.roots.last, let whole = root.whole else {
            return
        }
        group.gone.userNanoseconds = max(
            group.gone.userNanoseconds, root.before.user + whole.user)
        group.gone.systemNanoseconds = max(
            group.gone.systemNanoseconds, root.before.system + whole.system)
    }

    private func used(_ name: String) -> ProcessorUse {
        var sum = GroupSample(name: name)
        if let group = groups[name] { total(group, into: &sum) }
        return ProcessorUse(user: sum.userNanoseconds, system: sum.systemNanoseconds)
    }

    private func total(_ group: Group, into sample: inout GroupSample) {
        sample.userNanoseconds = group.gone.userNanoseconds
        sample.systemNanoseconds = group.gone.systemNanoseconds
        var delay = group.gone.runDelayNanoseconds ?? 0
        for member in group.members.values {
            sample.userNanoseconds += member.userNanoseconds
            sample.systemNanoseconds += member.systemNanoseconds
            delay += member.runDelayNanoseconds
        }
        sample.runDelayNanoseconds = group.knowsRunDelay ? delay : nil
        sample.busiestThreadNanoseconds = group.busiestNanoseconds
    }

    private func sum<Number: BinaryInteger>(_ a: Number?, _ b: Number?) -> Number? {
        guard let a, let b else { return nil }
        return a + b
    }

    /// From Linux 6.2 on the folder's size is the count; before, the entries are counted.
    private static func descriptorCount(of pid: Int32) -> Int? {
        let folder = "/proc/\(pid)/fd"
        var status = stat()
        guard stat(folder, &status) == 0 else { return nil }
        if status.st_size > 0 { return Int(status.st_size) }
        guard access(folder, R_OK) == 0 else { return nil }
        return ProcFile.names(in: folder).count
    }

    private func machine() -> MachineSample {
        var machine = MachineSample()
        if let text = ProcFile.text("/proc/stat") {
            machine.cpus = KernelText.cpus(stat: text, ticksPerSecond: ticksPerSecond)
        }
        if let text = ProcFile.text("/proc/meminfo") {
            machine.memoryAvailableBytes = KernelText.kilobytes("MemAvailable", in: text)
            machine.memoryTotalBytes = KernelText.kilobytes("MemTotal", in: text)
        }
        if let text = ProcFile.text("/proc/net/snmp") {
            machine.datagramsDropped = KernelText.counter("RcvbufErrors", of: "Udp", in: text)
            machine.retransmits = KernelText.counter("RetransSegs", of: "Tcp", in: text)
        }
        if let text = ProcFile.text("/proc/net/snmp6"),
            let more = KernelText.value("Udp6RcvbufErrors", in: text)
        {
            machine.datagramsDropped = (machine.datagramsDropped ?? 0) + more
        }
        if let text = ProcFile.text("/proc/net/netstat") {
            machine.listenDrops = KernelText.counter("ListenDrops", of: "TcpExt", in: text)
        }
        if let text = ProcFile.text("/proc/net/dev") {
            machine.interfaceDrops = KernelText.interfaceDrops(dev: text)
        }
        let limits = controlGroup.limits()
        machine.quotaCores = limits.quotaCores
        machine.throttledNanoseconds = limits.throttledNanoseconds
        machine.throttledPeriods = limits.throttledPeriods
        machine.memoryLimitBytes = limits.memoryLimitBytes
        return machine
    }
}
