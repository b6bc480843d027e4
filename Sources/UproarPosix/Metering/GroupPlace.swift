import Glibc

/// Where a control group may be made beside the one a process is in, of either version; and why not, when not.
package struct GroupPlace: Hashable, Sendable {
    package enum Controller: String, Sendable { case cpu, memory }

    package enum Version: Hashable, Sendable { case first, second }

    package let controller: Controller
    package let version: Version
    /// The folder in which the new group goes.
    package let parent: String
    /// The group the process is in now.
    package let home: String

    /// In words, for a person: why no group can be made.
    package struct Refusal: Error, Hashable, CustomStringConvertible {
        package var description: String
    }

    /// For the process `pid`, by cgroups(7): version 1 wherever the controller has a mount of its own; else version 2, below the
    /// nearest group that hands the controller down.
    package static func find(
        _ controller: Controller, of pid: Int32,
        read: (String) -> String? = { ProcFile.text($0) },
        isWritable: (String) -> Bool = { access($0, W_OK) == 0 }
    ) throws(Refusal) -> GroupPlace {
        guard let groups = read("/proc/\(pid)/cgroup"),
            let mounts = read("/proc/self/mountinfo")
        else { throw Refusal(description: "process \(pid) is gone") }
        for line in KernelText.lines(mounts) {
            let parts = KernelText.words(line)
            guard let dash = parts.firstIndex(of: "-"), parts.count > dash + 3, parts.count > 4
            else { continue }
            let mount = String(parts[4])
            let root = String(parts[3])
            if parts[dash + 1] == "cgroup",
                parts[dash + 3].split(separator: ",").contains(Substring(controller.rawValue)),
                let path = path(of: controller.rawValue, in: groups)
            {
                let home = folder(mount, root, path)
                guard isWritable(home) else {
                    throw Refusal(
                        description:
                            "the \(controller.rawValue) control group \(home) is not writable (version 1)"
                    )
                }
                return GroupPlace(
                    controller: controller, version: .first, parent: home, home: home)
            }
        }
        for line in KernelText.lines(mounts) {
            let parts = KernelText.words(line)
            guard let dash = parts.firstIndex(of: "-"), parts.count > dash + 3, parts.count > 4,
                parts[dash + 1] == "cgroup2", let path = path(of: "", in: groups)
            else { continue }
            let mount = String(parts[4])
            let home = folder(mount, String(parts[3]), path)
            // A group with processes hands nothing down (the "no internal processes" rule), so we go upwards.
            var parent = home
            while true {
                let handed = read(parent + "/cgroup.subtree_control") ?? ""
                if KernelText.words(Substring(handed)).contains(Substring(controller.rawValue)),
                    isWritable(parent), isWritable(parent + "/cgroup.procs")
                {
                    return GroupPlace(
                        controller: controller, version: .second, parent: parent, home: home)
                }
                guard parent != mount, let slash = parent.lastIndex(of: "/") else { break }
                parent = String(parent[..<slash])
            }
            throw Refusal(
                description:
                    "no writable group above \(home) hands the \(controller.rawValue) controller down (version 2)"
            )
        }
        throw Refusal(description: "no \(controller.rawValue) control group is mounted")
    }

    private static func path(of controller: String, in text: String) -> String? {
        for line in KernelText.lines(text) {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isIt =
                controller.isEmpty
                ? parts[1].isEmpty : parts[1].split(separator: ",").contains(Substring(controller))
            if isIt { return String(parts[2]) }
        }
        return nil
    }

    /// A container's mount shows the group `root` at its top.
    private static func folder(_ mount: String, _ root: String, _ path: String) -> String {
        var rest = path
        if root != "/", rest.hasPrefix(root) { rest = String(rest.dropFirst(root.count)) }
        return rest == "/" || rest.isEmpty ? mount : mount + (rest.hasPrefix("/") ? "" : "/") + rest
    }

    /// A group of ours in this place. It is made by `make`.
    package func group(named name: String) -> ManagedGroup {
        ManagedGroup(place: self, path: "\(parent)/\(name)")
    }
}

/// A control group that a run makes for one fault. The undo record comes first (`UndoAction.removeGroup`).
package struct ManagedGroup: Hashable, Sendable {
    package let place: GroupPlace
    package let path: String

    package func make() throws(Errno) {
        try systemCall("mkdir \(path)") { mkdir(path, 0o755) }
    }

    package func add(_ pid: Int32) throws(Errno) {
        try KernelFile.write("\(pid)", to: path + "/cgroup.procs")
    }

    package func contains(_ pid: Int32) -> Bool {
        KernelText.lines(ProcFile.text(path + "/cgroup.procs") ?? "").contains { Int32($0) == pid }
    }

    /// Microseconds of processor time in each period, of all processors together.
    package func limitProcessor(quota: Int64, period: Int64) throws(Errno) {
        switch place.version {
        case .first:
            try KernelFile.write("\(period)", to: path + "/cpu.cfs_period_us")
            try KernelFile.write("\(max(1000, quota))", to: path + "/cpu.cfs_quota_us")
        case .second:
            try KernelFile.write("\(max(1000, quota)) \(period)", to: path + "/cpu.max")
        }
    }

    /// How often it had used up its quota.
    package var throttledPeriods: Int64 {
        KernelText.value("nr_throttled", in: ProcFile.text(path + "/cpu.stat") ?? "") ?? 0
    }

    /// Swap would only put the limit off; where it cannot be limited the memory limit alone must do.
    package func limitMemory(_ bytes: Int64) throws(Errno) {
        switch place.version {
        case .first:
            try KernelFile.write("\(bytes)", to: path + "/memory.limit_in_bytes")
            try? KernelFile.write("\(bytes)", to: path + "/memory.memsw.limit_in_bytes")
        case .second:
            try KernelFile.write("\(bytes)", to: path + "/memory.max")
            try? KernelFile.write("0", to: path + "/memory.swap.max")
        }
    }

    /// What the kernel reports; nil for none. It rounds to pages.
    package var memoryLimit: Int64? { Self.memory(of: path, "memory.limit_in_bytes", "memory.max") }
    package var memoryUsed: Int64? {
        Self.memory(of: path, "memory.usage_in_bytes", "memory.current")
    }

    package var outOfMemoryKills: Int64 {
        let text =
            ProcFile.text(path + "/memory.events") ?? ProcFile.text(path + "/memory.oom_control")
        return KernelText.value("oom_kill", in: text ?? "") ?? 0
    }

    static func memory(of folder: String, _ first: String, _ second: String) -> Int64? {
        let text = ProcFile.text("\(folder)/\(second)") ?? ProcFile.text("\(folder)/\(first)")
        guard let text, let bytes = KernelText.lines(text).first.flatMap({ Int64($0) }),
            bytes < 1 << 60
        else { return nil }
        return bytes
    }
}

extension GroupPlace {
    /// What the process's own group may use and uses; nil when it has no limit.
    package static func memory(of pid: Int32) -> (limit: Int64, used: Int64, folder: String)? {
        guard let place = try? find(.memory, of: pid),
            let limit = ManagedGroup.memory(
                of: place.home, "memory.limit_in_bytes", "memory.max"),
            let used = ManagedGroup.memory(
                of: place.home, "memory.usage_in_bytes", "memory.current")
        else { return nil }
        return (limit, used, place.home)
    }
}
