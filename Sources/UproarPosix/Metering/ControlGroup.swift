import Glibc

/// The cgroup this process is in, of either version, with those above it: each may set a limit.
package struct ControlGroup: Hashable, Sendable {
    /// What the group's files said, at one time. Nil: no limit, or no such controller.
    package struct Limits: Hashable, Sendable {
        package var quotaCores: Double?
        package var throttledNanoseconds: Int64?
        package var throttledPeriods: Int64?
        package var memoryLimitBytes: Int64?
        package init() {}
    }

    /// Folders with the CPU controller's files, from this process's group upwards; likewise memory.
    package var cpuFolders: [String]
    package var memoryFolders: [String]

    package init(cpuFolders: [String], memoryFolders: [String]) {
        self.cpuFolders = cpuFolders
        self.memoryFolders = memoryFolders
    }

    /// From /proc/self/cgroup and /proc/self/mountinfo (cgroups(7)). Inside a container the path may name a group outside the
    /// mount: the folders that are not there are passed over, and the mount's own root always counts.
    package init(cgroup: String, mountinfo: String) {
        var cpu: [String] = []
        var memory: [String] = []
        for line in KernelText.lines(mountinfo) {
            // 32 31 0:29 /root /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
            let parts = KernelText.words(line)
            guard let dash = parts.firstIndex(of: "-"), parts.count > dash + 3, parts.count > 4
            else {
                continue
            }
            let mount = String(parts[4])
            let options = parts[dash + 3].split(separator: ",")
            let path: Substring?
            let controllers: [Substring]
            switch parts[dash + 1] {
            case "cgroup2":
                path = Self.path(of: "", in: cgroup)
                controllers = ["cpu", "memory"]
            case "cgroup":
                controllers = ["cpu", "memory"].filter { options.contains($0) }
                path = controllers.first.flatMap { Self.path(of: $0, in: cgroup) }
            default: continue
            }
            guard let path else { continue }
            let folders = Self.upwards(mount: mount, root: String(parts[3]), path: String(path))
            if controllers.contains("cpu") { cpu += folders }
            if controllers.contains("memory") { memory += folders }
        }
        self.init(cpuFolders: cpu, memoryFolders: memory)
    }

    package static func ofThisProcess() -> ControlGroup {
        ControlGroup(
            cgroup: ProcFile.text("/proc/self/cgroup") ?? "",
            mountinfo: ProcFile.text("/proc/self/mountinfo") ?? "")
    }

    /// The tightest of all limits upwards; the worst of all throttling.
    package func limits(read: (String) -> String? = { ProcFile.text($0) }) -> Limits {
        var limits = Limits()
        for folder in cpuFolders {
            if let cores = Self.quota(folder, read) {
                limits.quotaCores = min(cores, limits.quotaCores ?? cores)
            }
            guard let stat = read("\(folder)/cpu.stat") else { continue }
            if let periods = KernelText.value("nr_throttled", in: stat) {
                limits.throttledPeriods = max(periods, limits.throttledPeriods ?? 0)
            }
            // Version 2 counts microseconds, version 1 nanoseconds.
            let time =
                KernelText.value("throttled_usec", in: stat).map { $0 * 1000 }
                ?? KernelText.value("throttled_time", in: stat)
            if let time {
                limits.throttledNanoseconds = max(time, limits.throttledNanoseconds ?? 0)
            }
        }
        for folder in memoryFolders {
            let text = read("\(folder)/memory.max") ?? read("\(folder)/memory.limit_in_bytes")
            // Version 1 writes "no limit" as the largest multiple of a page.
            guard let text, let bytes = KernelText.lines(text).first.flatMap({ Int64($0) }),
                bytes < 1 << 62
            else { continue }
            limits.memoryLimitBytes = min(bytes, limits.memoryLimitBytes ?? bytes)
        }
        return limits
    }

    private static func quota(_ folder: String, _ read: (String) -> String?) -> Double? {
        let numbers: [Double]
        if let text = read("\(folder)/cpu.max") {
            numbers = KernelText.words(Substring(text)).compactMap { Double($0) }
        } else {
            numbers = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].compactMap { name in
                read("\(folder)/\(name)").flatMap { KernelText.lines($0).first }
                    .flatMap { Double($0) }
            }
        }
        guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
        return numbers[0] / numbers[1]
    }

    /// The path behind `N:controllers:path`; version 2's line has no controllers.
    private static func path(of controller: Substring, in text: String) -> Substring? {
        for line in KernelText.lines(text) {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let names = parts[1].split(separator: ",")
            if controller.isEmpty ? parts[1].isEmpty : names.contains(controller) {
                return parts[2]
            }
        }
        return nil
    }

    private static func upwards(mount: String, root: String, path: String) -> [String] {
        // A container's mount shows the group `root` at its top.
        var rest = path
        if root != "/", rest.hasPrefix(root) { rest = String(rest.dropFirst(root.count)) }
        var parts = rest.split(separator: "/").map(String.init)
        var folders: [String] = []
        while true {
            folders.append(([mount] + parts).joined(separator: "/"))
            if parts.isEmpty { return folders }
            parts.removeLast()
        }
    }
}
