import Glibc
import UproarRuntime

/// Signals to whole trees of processes, and their end.
package enum ProcessTree {
    /// Sends `signal` to `root` and all its descendants.
    ///
    /// To kill, the tree is stopped first, round by round until no new process shows: what forks while we look cannot
    /// get away. A process that is gone or not ours to signal is passed over.
    package static func send(_ signal: ProcessSignal, to root: Int32) {
        guard signal == .kill else {
            _ = kill(root, signal.rawValue)
            for process in ProcessTable.read().descendants(of: root) {
                _ = kill(process.pid, signal.rawValue)
            }
            return
        }
        _ = kill(root, SIGSTOP)
        // Once the root dies its descendants hang elsewhere in the tree, so they are noted before.
        var known: [Int32] = []
        for _ in 0..<20 {
            let new = ProcessTable.read().descendants(of: root).map(\.pid).filter {
                !known.contains($0)
            }
            if new.isEmpty { break }
            for pid in new { _ = kill(pid, SIGSTOP) }
            known += new
        }
        _ = kill(root, SIGKILL)
        for pid in known { _ = kill(pid, SIGKILL) }
    }

    /// Ends all descendants of this process: SIGTERM, after `grace` SIGKILL, until none is left or `limit` has passed.
    ///
    /// This process must be a child subreaper and must reap nowhere else meanwhile: then orphans become its children, and
    /// "no children" (ECHILD) proves "no descendants". Blocks. Returns false when something survived (a process in an
    /// uninterruptible call, or of another person). `reaped` hears each direct child's end as `wait4` tells it;
    /// `meanwhile` is called every few milliseconds.
    package static func endAllDescendants(
        grace: Duration, limit: Duration,
        reaped: (Int32, Int32, ProcessorUse) -> Void = { _, _, _ in },
        meanwhile: () -> Void = {}
    ) -> Bool {
        let start = monotonicNanoseconds()
        let me = getpid()
        var isFirst = true
        while true {
            if reapAll(reaped) { return true }
            let elapsed = Duration.nanoseconds(monotonicNanoseconds() - start)
            if elapsed >= limit { return false }
            if elapsed >= grace {
                for process in ProcessTable.read().descendants(of: me) where !process.isZombie {
                    _ = kill(process.pid, SIGKILL)
                }
            } else if isFirst {
                for process in ProcessTable.read().descendants(of: me) where !process.isZombie {
                    _ = kill(process.pid, SIGTERM)
                    // A stopped process would sleep over its SIGTERM.
                    _ = kill(process.pid, SIGCONT)
                }
            }
            isFirst = false
            meanwhile()
            pause(milliseconds: 5)
        }
    }

    /// Reaps what has ended. True when there are no children at all.
    package static func reapAll(_ reaped: (Int32, Int32, ProcessorUse) -> Void) -> Bool {
        while true {
            var status: Int32 = 0
            var usage = rusage()
            let pid = wait4(-1, &status, WNOHANG, &usage)
            if pid > 0 {
                reaped(pid, status, ProcessorUse(usage))
            } else if pid == 0 {
                return false
            } else if errno != EINTR {
                return true
            }
        }
    }

    /// What `waitpid` says of a process that ended (the C macros WIFSIGNALED, WTERMSIG, WEXITSTATUS).
    package static func exit(ofStatus status: Int32) -> ProcessExit {
        let signal = status & 0x7f
        return signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
    }

    private static func pause(milliseconds: Int) {
        var time = timespec(tv_sec: 0, tv_nsec: milliseconds * 1_000_000)
        nanosleep(&time, nil)
    }
}

/// Processor time of a process that has ended and of its own children that it waited for, nanoseconds.
package struct ProcessorUse: Hashable, Sendable {
    package var user: Int64
    package var system: Int64

    package init(user: Int64, system: Int64) {
        self.user = user
        self.system = system
    }

    init(_ usage: rusage) {
        func nanoseconds(_ time: timeval) -> Int64 {
            Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_usec) * 1000
        }
        self.init(user: nanoseconds(usage.ru_utime), system: nanoseconds(usage.ru_stime))
    }
}
