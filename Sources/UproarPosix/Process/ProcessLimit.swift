import CUproarShims
import Glibc

/// Limits of other processes (prlimit(2)).
package enum ProcessLimit {
    package static let addressSpace = Int32(RLIMIT_AS.rawValue)

    package static func addresses(of pid: Int32) -> (soft: UInt64, hard: UInt64)? {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        guard uproar_get_limit(pid, addressSpace, &soft, &hard) == 0 else { return nil }
        return (soft, hard)
    }

    package static func setAddresses(of pid: Int32, soft: UInt64, hard: UInt64) throws(Errno) {
        var soft = soft
        var hard = hard
        try systemCall("prlimit \(pid)") { uproar_set_limit(pid, addressSpace, &soft, &hard) }
    }

    /// This process runs on one processor alone.
    package static func pin(to processor: Int) { _ = uproar_pin(Int32(processor)) }
}
