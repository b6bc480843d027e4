import Glibc
import UproarCore

/// A control group of ours whose processes may use so many cores together: what a container's CPU limit is made of.
///
/// The quota counts per 100 ms, as Kubernetes sets it: half a core is 50 ms of work, then a wait until the period is over.
/// Works where the CPU controller's folder (of either version) can be written, which mostly takes root.
package struct ProcessorQuota: Sendable {
    package let cores: Double
    package let folder: String

    package struct Refusal: Error, CustomStringConvertible {
        package var description: String
    }

    private static let period = 100_000

    /// - before: gets the folder's path before it is made, to write down how to remove it.
    package init(cores: Double, before: (String) throws(Errno) -> Void) throws {
        self.cores = cores
        var tried: [String] = []
        for parent in ControlGroup.ofThisProcess().cpuFolders {
            let folder = "\(parent)/uproar-\(getpid())"
            do throws(Errno) {
                // Version 2 hands a controller down only when it is told to; version 1 has no such file.
                try? Self.write("+cpu", to: "\(parent)/cgroup.subtree_control")
                try before(folder)
                try systemCall("mkdir \(folder)") { mkdir(folder, 0o755) }
                try Self.limit(folder, to: cores)
                self.folder = folder
                return
            } catch {
                rmdir(folder)
                tried.append("\(error)")
            }
        }
        throw Refusal(
            description: """
                the agent cannot be limited to \(NumberText.fixed(cores, 2)) cores: no control group with a CPU quota can be made here
                  \(tried.isEmpty ? "no CPU controller is mounted" : tried.joined(separator: "\n  "))
                  it takes root, or a control group that is delegated to this user
                """)
    }

    /// Moves a process, with all its threads, into the group; what it starts from then on is in it, too.
    package func take(_ pid: Int32) throws(Errno) {
        try Self.write(String(pid), to: "\(folder)/cgroup.procs")
    }

    /// Periods in which the group ran, and those of them in which it had used up its quota and was held back.
    package struct Periods: Hashable, Sendable {
        package var all: Int64
        package var usedUp: Int64
    }

    /// Counted by the kernel since the group was made (`cpu.stat`, alike in both versions); nil when the group is gone.
    package var periods: Periods? {
        guard let text = ProcFile.text("\(folder)/cpu.stat"),
            let all = KernelText.value("nr_periods", in: text),
            let usedUp = KernelText.value("nr_throttled", in: text)
        else { return nil }
        return Periods(all: all, usedUp: usedUp)
    }

    private static func limit(_ folder: String, to cores: Double) throws(Errno) {
        let quota = max(1000, Int((cores * Double(period)).rounded()))
        if access("\(folder)/cpu.max", F_OK) == 0 {
            return try write("\(quota) \(period)", to: "\(folder)/cpu.max")
        }
        try write(String(period), to: "\(folder)/cpu.cfs_period_us")
        try write(String(quota), to: "\(folder)/cpu.cfs_quota_us")
    }

    /// Kernel files take one write.
    private static func write(_ text: String, to path: String) throws(Errno) {
        let file = Descriptor(
            owning: try systemCall("open \(path)") { open(path, O_WRONLY | O_CLOEXEC) })
        let bytes = Array(text.utf8)
        try systemCall("write \(path)") { Glibc.write(file.number, bytes, bytes.count) }
    }
}
