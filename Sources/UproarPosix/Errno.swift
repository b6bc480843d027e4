import Glibc

/// Why the kernel refused a call: the call's name and its `errno`.
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    package var call: String
    package var code: Int32

    package init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    /// The kernel's words for a code: `No such file or directory`.
    package static func words(for code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard strerror_r(code, buffer.baseAddress!, buffer.count) == 0 else {
                return "errno \(code)"
            }
            return String(cString: buffer.baseAddress!)
        }
    }

    package var description: String { "\(call): \(Self.words(for: code))" }
}

/// The one wrapper around calls that answer −1 and set `errno`: EINTR is tried again, EBADF and EFAULT are bugs of ours and stop
/// the program, all else is thrown. `call` names the C
/// function, and what it was called on where that helps the reader.
@discardableResult
package func systemCall<Result: SignedInteger>(
    _ call: @autoclosure () -> String, _ body: () -> Result
) throws(Errno) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(call()) failed with errno \(code)")
        throw Errno(call(), code)
    }
}
