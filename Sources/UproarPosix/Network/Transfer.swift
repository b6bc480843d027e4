import Glibc

/// What came of moving bytes: not being able to now is a value, not an error.
enum Transfer: Equatable {
    case moved(Int)
    case wouldBlock
    case failed(errno: Int32)

    /// EINTR is tried again; EBADF and EFAULT are bugs of ours and stop the program.
    @inline(__always)
    init(_ call: () -> Int) {
        while true {
            let count = call()
            if count >= 0 {
                self = .moved(count)
                return
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: self = .wouldBlock
            case let code:
                precondition(code != EBADF && code != EFAULT, "transfer failed with errno \(code)")
                self = .failed(errno: code)
            }
            return
        }
    }
}
