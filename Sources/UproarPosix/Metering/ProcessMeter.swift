import Glibc
import UproarCore
import UproarRuntime

/// This process's memory and processor time, against the limit of its control group (version 2 or 1), else of the machine.
package final class ProcessMeter: WorkerMeter {
    private let root: String

    /// - root: where `/proc` and `/sys` are found; another one in tests.
    package init(root: String = "") { self.root = root }

    package func sample() -> WorkerLoad? {
        let group = Self.group(
            read("/proc/self/cgroup") ?? "", number: { self.number($0) })
        guard let memory = group?.used ?? resident else { return nil }
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        func nanoseconds(_ time: timeval) -> Int64 {
            Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_usec) * 1000
        }
        return WorkerLoad(
            memory: memory, memoryLimit: group?.limit ?? total,
            processorNanoseconds: nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime))
    }

    /// Memory of the innermost control group that has a limit; nil when none has.
    ///
    /// - text: `/proc/self/cgroup` (cgroups(7)): `0::/path` of version 2, `7:memory:/path` of version 1.
    static func group(_ text: String, number: (String) -> Int64?) -> (used: Int64, limit: Int64)? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let path = parts[2] == "/" ? "" : String(parts[2])
            let isSecond = parts[0] == "0"
            guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
            let places =
                isSecond
                ? ["/sys/fs/cgroup\(path)", "/sys/fs/cgroup"]
                : ["/sys/fs/cgroup/memory\(path)", "/sys/fs/cgroup/memory"]
            for place in places {
                let limit = number(
                    place + (isSecond ? "/memory.max" : "/memory.limit_in_bytes"))
                let used = number(
                    place + (isSecond ? "/memory.current" : "/memory.usage_in_bytes"))
                // Version 1 says "no limit" by a number larger than any memory.
                if let limit, let used, limit < 1 << 60 { return (used, limit) }
            }
        }
        return nil
    }

    private var resident: Int64? {
        guard let text = read("/proc/self/statm") else { return nil }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int64(fields[1]) else { return nil }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    private var total: Int64? {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        return pages > 0 ? Int64(pages) * Int64(sysconf(Int32(_SC_PAGESIZE))) : nil
    }

    private func number(_ path: String) -> Int64? {
        read(path).flatMap { Int64($0.filter { !$0.isWhitespace }) }
    }

    private func read(_ path: String) -> String? {
        guard let file = fopen(root + path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
