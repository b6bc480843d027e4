import Glibc

/// The scheduling priority of the calling thread.
package enum ThreadPriority {
    /// SCHED_RESET_ON_FORK, which the Glibc module leaves out: threads and processes started from here are ordinary ones.
    private static let resetOnFork: Int32 = 0x4000_0000

    /// Asks the kernel to run this thread before all ordinary ones, whichever session they belong to: a caller that is late
    /// because the agent under test is busy measures the machine and not the agent.
    ///
    /// `SCHED_RR` first: nice values count only within a session where the kernel groups tasks by it (`sched_autogroup`,
    /// sched(7)), and the agent has a session of its own. Else `setpriority`, which on Linux means the thread. Both take root
    /// or CAP_SYS_NICE. False when neither is permitted; nothing changes then.
    @discardableResult
    package static func raise() -> Bool {
        var parameter = sched_param()
        parameter.sched_priority = 1
        if sched_setscheduler(0, SCHED_RR | resetOnFork, &parameter) == 0 {
            return true
        }
        return setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -15) == 0
    }
}
