import Glibc
import UproarCore

/// Where a machine's runs leave what outlives them: undo records, the halt lever. `${XDG_STATE_HOME:-~/.local/state}/uproar`.
package enum StateFolder {
    package static var path: String {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        let base = variable("XDG_STATE_HOME") ?? (variable("HOME") ?? "/tmp") + "/.local/state"
        return base + "/uproar"
    }

    package static var undo: String { path + "/undo" }
    package static var halt: String { path + "/halt" }

    /// A name for this run's undo records: its process, beyond the reuse of pids.
    package static func undoFile() throws(Errno) -> String {
        _ = try made("undo")
        let start = ProcFile.bytes("/proc/self/stat").flatMap(ProcessStat.init)?.startTicks ?? 0
        return "\(undo)/\(getpid())-\(start).jsonl"
    }

    /// The folder of this name in here, which is there from now on.
    package static func made(_ name: String) throws(Errno) -> String {
        var folder = ""
        // Each step of the way, since only the last is made at once.
        for part in "\(path)/\(name)".split(separator: "/") {
            folder += "/" + part
            if access(folder, F_OK) != 0 { try AtomicFile.makeFolder(folder) }
        }
        return folder
    }

    /// Undo records of runs that are gone, oldest name first.
    package static func leftovers() -> [String] {
        guard let folder = opendir(undo) else { return [] }
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".jsonl") else { continue }
            let parts = name.dropLast(6).split(separator: "-")
            guard parts.count == 2, let pid = Int32(parts[0]), let start = Int64(parts[1]) else {
                continue
            }
            let stat = ProcFile.bytes("/proc/\(pid)/stat").flatMap(ProcessStat.init)
            if stat?.startTicks != start { found.append(undo + "/" + name) }
        }
        return found.sorted()
    }

    /// Undoes what runs that are gone have left. Answers how many records were settled, and what could not be undone.
    package static func recover() -> (settled: Int, failures: [String]) {
        var settled = 0
        var failures: [String] = []
        for path in leftovers() {
            let count = UndoLog.outstanding(in: path).count
            let failed = UndoLog.settle(path)
            settled += count - failed.count
            failures += failed
        }
        return (settled, failures)
    }

    /// Why nothing may run, or nil.
    package static var haltReason: String? {
        ProcFile.bytes(halt).map {
            String(decoding: $0.prefix { $0 != 0x0a }, as: UTF8.self)
        }
    }

    package static func pullHalt(_ reason: String) throws(Errno) {
        _ = try undoFile()
        try AtomicFile.write(Array((reason + "\n").utf8), to: halt)
    }

    package static func releaseHalt() { unlink(halt) }
}
