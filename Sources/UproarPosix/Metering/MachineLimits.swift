import Glibc

/// What this machine allows a run, as `uproar doctor` and `uproar check` tell it.
package struct MachineLimits: Hashable, Sendable {
    /// CPUs that this process may run on.
    package var cpuCount: Int
    /// The cgroup's limit in cores; nil when there is none.
    package var quotaCores: Double?
    package var memoryTotalBytes: Int64?
    package var memoryAvailableBytes: Int64?
    package var memoryLimitBytes: Int64?
    /// Descriptors this process may open now, and may raise itself to.
    package var descriptorsSoft: Int
    package var descriptorsHard: Int
    /// Local ports for outgoing connections.
    package var ephemeralPorts: ClosedRange<Int>?
    /// `tsc` is exact and cheap; `hpet` or `acpi_pm` cost microseconds a reading.
    package var clockSource: String?
    package var kernel: String
    /// Differs after each boot: facts of different ids have clocks that cannot be compared.
    package var bootID: String?

    package static func read() -> MachineLimits {
        let group = ControlGroup.ofThisProcess().limits()
        let memory = ProcFile.text("/proc/meminfo") ?? ""
        let (soft, hard) = DescriptorLimit.read()
        return MachineLimits(
            cpuCount: ProcFile.text("/proc/self/status").flatMap(allowedCPUs)
                ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), quotaCores: group.quotaCores,
            memoryTotalBytes: KernelText.kilobytes("MemTotal", in: memory),
            memoryAvailableBytes: KernelText.kilobytes("MemAvailable", in: memory),
            memoryLimitBytes: group.memoryLimitBytes, descriptorsSoft: soft, descriptorsHard: hard,
            ephemeralPorts: ProcFile.text("/proc/sys/net/ipv4/ip_local_port_range").flatMap(
                portRange),
            clockSource: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            kernel: line("/proc/sys/kernel/osrelease") ?? "unknown", bootID: ownBootID())
    }

    package static func ownBootID() -> String? { line("/proc/sys/kernel/random/boot_id") }

    /// How many CPUs `Cpus_allowed_list` of /proc/self/status names (`0-1,4`): a cpuset leaves fewer than are online.
    package static func allowedCPUs(status text: String) -> Int? {
        for line in KernelText.lines(text) where line.hasPrefix("Cpus_allowed_list:") {
            var count = 0
            for range in KernelText.words(line).dropFirst().first?.split(separator: ",") ?? [] {
                let ends = range.split(separator: "-").compactMap { Int($0) }
                guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 20
                else { return nil }
                count += last - first + 1
            }
            return count > 0 ? count : nil
        }
        return nil
    }

    package static func portRange(_ text: String) -> ClosedRange<Int>? {
        let numbers = KernelText.words(Substring(text)).compactMap { Int($0) }
        guard numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
        return numbers[0]...numbers[1]
    }

    private static func line(_ path: String) -> String? {
        ProcFile.text(path).flatMap { KernelText.lines($0).first.map(String.init) }
    }
}

/// How many descriptors this process may have open (RLIMIT_NOFILE).
package enum DescriptorLimit {
    package static func read() -> (soft: Int, hard: Int) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return (0, 0)
        }
        return (Int(clamping: limit.rlim_cur), Int(clamping: limit.rlim_max))
    }

    /// Raises the soft limit to the hard one and answers what holds now. Needs no privilege.
    @discardableResult
    package static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return read().soft
    }
}
