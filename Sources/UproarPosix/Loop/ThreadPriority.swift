import Glibc

/// The scheduling priority of the calling thread.
package enum ThreadPriority {
    /// Asks the kernel to run this thread before ordinary ones: a caller that is late because the agent under test is busy
    /// measures the machine and not the agent. The C function is `setpriority`, which on Linux means the thread.
    ///
    /// False when not permitted (it takes root or CAP_SYS_NICE); nothing changes then.
    @discardableResult
    package static func raise() -> Bool {
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -15) == 0
    }
}
