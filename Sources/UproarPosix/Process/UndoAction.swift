import CUproarShims
import Glibc
import UproarCore

/// How to undo one change that a run makes outside itself. Written down and flushed before the change is made. Each may be done
/// twice: the second time there is nothing left to do.
package enum UndoAction: Hashable, Sendable {
    /// Writes back what stood in a kernel file or any other.
    case restoreFile(path: String, text: String)
    case removeFile(path: String)
    /// Removes an empty folder.
    case removeFolder(path: String)
    /// Removes a control group of ours: its name ends in the owner's token. What is still in it then is a helper of ours and is
    /// killed.
    case removeGroup(path: String)
    /// Sends a signal (SIGCONT to a process that was stopped).
    case signal(ProcessIdentity, number: Int32)
    /// Puts a process back into the control group whose `cgroup.procs` this is.
    case move(ProcessIdentity, procs: String)
    /// Sets a limit of a process back (prlimit(2)).
    case limit(ProcessIdentity, resource: Int32, soft: UInt64, hard: UInt64)
    /// Writes `/proc/PID/NAME` back (`oom_score_adj`).
    case processFile(ProcessIdentity, name: String, text: String)
}

/// A process beyond the reuse of pids: valid within one boot.
package struct ProcessIdentity: Hashable, Sendable {
    package var pid: Int32
    /// Clock ticks since boot at its start.
    package var startTicks: Int64

    package init(pid: Int32, startTicks: Int64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// nil when there is no such process.
    package init?(of pid: Int32) {
        guard let stat = ProcessStat.read(pid) else { return nil }
        self.init(pid: pid, startTicks: stat.startTicks)
    }

    /// What /proc says of it; nil when it is gone, or the pid is another process by now.
    package var stat: ProcessStat? {
        guard let stat = ProcessStat.read(pid), stat.startTicks == startTicks else { return nil }
        return stat
    }

    package var isAlive: Bool { stat.map { !$0.isZombie } ?? false }
    /// Stopped by a signal.
    package var isStopped: Bool { stat?.state == "T" }
}

extension ProcessStat {
    package static func read(_ pid: Int32) -> ProcessStat? {
        ProcFile.bytes("/proc/\(pid)/stat").flatMap(ProcessStat.init)
    }
}

extension UndoAction {
    /// Does it. What is undone already (a file or process that is gone) is no error.
    package func perform() throws(Errno) {
        switch self {
        case .restoreFile(let path, let text): try KernelFile.write(text, to: path)
        case .removeFile(let path):
            if unlink(path) != 0, errno != ENOENT { throw Errno("unlink \(path)", errno) }
        case .removeFolder(let path):
            if rmdir(path) != 0, errno != ENOENT { throw Errno("rmdir \(path)", errno) }
        case .removeGroup(let path): try Self.removeGroup(path)
        case .signal(let process, let number):
            guard process.stat != nil else { return }
            if kill(process.pid, number) != 0, errno != ESRCH {
                throw Errno("kill \(process.pid)", errno)
            }
        case .move(let process, let procs):
            guard process.isAlive else { return }
            do { try KernelFile.write("\(process.pid)", to: procs) } catch {
                if error.code != ESRCH { throw error }
            }
        case .limit(let process, let resource, let soft, let hard):
            guard process.isAlive else { return }
            var limits: (UInt64, UInt64) = (soft, hard)
            try systemCall("prlimit \(process.pid)") {
                uproar_set_limit(process.pid, resource, &limits.0, &limits.1)
            }
        case .processFile(let process, let name, let text):
            guard process.isAlive else { return }
            try KernelFile.write(text, to: "/proc/\(process.pid)/\(name)")
        }
    }

    /// A group empties some moments after its processes have gone.
    private static func removeGroup(_ path: String) throws(Errno) {
        for attempt in 0..<100 {
            if rmdir(path) == 0 || errno == ENOENT { return }
            guard errno == EBUSY else { break }
            for line in KernelText.lines(ProcFile.text(path + "/cgroup.procs") ?? "") {
                if let pid = Int32(line) { kill(pid, SIGKILL) }
            }
            if attempt < 99 { pauseBriefly() }
        }
        throw Errno("rmdir \(path)", errno)
    }

    /// Whether the world is as it was before, by what the kernel says.
    package var isHealed: Bool {
        switch self {
        case .restoreFile(let path, let text):
            guard let now = ProcFile.text(path) else { return access(path, F_OK) != 0 }
            return KernelFile.means(now, text)
        case .removeFile(let path), .removeFolder(let path), .removeGroup(let path):
            return access(path, F_OK) != 0
        case .signal(let process, let number): return number != SIGCONT || !process.isStopped
        case .move(let process, let procs):
            guard process.isAlive else { return true }
            let members = KernelText.lines(ProcFile.text(procs) ?? "")
            return members.contains { Int32($0) == process.pid }
        case .limit(let process, let resource, let soft, let hard):
            var now: (UInt64, UInt64) = (0, 0)
            return !process.isAlive
                || (uproar_get_limit(process.pid, resource, &now.0, &now.1) == 0
                    && now == (soft, hard))
        case .processFile(let process, let name, let text):
            guard process.isAlive else { return true }
            return ProcFile.text("/proc/\(process.pid)/\(name)").map {
                KernelFile.means($0, text)
            } ?? true
        }
    }

    /// Does it and looks until it shows, for at most `limit`. A sentence when it does not.
    package func settle(limit: Duration = .milliseconds(300)) -> String? {
        do throws(Errno) { try perform() } catch { return "\(self): \(error)" }
        let end = monotonicNanoseconds() + limit.nanoseconds
        while !isHealed {
            guard monotonicNanoseconds() < end else { return "\(self): done, and does not show" }
            Self.pauseBriefly()
        }
        return nil
    }

    private static func pauseBriefly() {
        var time = timespec(tv_sec: 0, tv_nsec: 5_000_000)
        nanosleep(&time, nil)
    }
}

/// Files whose writes the kernel takes as commands.
package enum KernelFile {
    package static func write(_ text: String, to path: String) throws(Errno) {
        let file = Descriptor(
            owning: try systemCall("open \(path)") { open(path, O_WRONLY | O_CLOEXEC) })
        do throws(Errno) { try AtomicFile.append(Array(text.utf8), to: file.number) } catch {
            throw Errno("write \(path)", error.code)
        }
        // A kernel file cannot be cut and says so; a real one must not keep the longer text's end.
        _ = ftruncate(file.number, off_t(text.utf8.count))
    }

    /// The kernel answers with a line end, and "no limit" with a number.
    static func means(_ found: String, _ written: String) -> Bool {
        func plain(_ text: String) -> String {
            let words = KernelText.words(Substring(text)).joined(separator: " ")
            return words == "-1" || (Int64(words) ?? 0) >= 1 << 62 ? "max" : words
        }
        return plain(found) == plain(written)
    }
}
