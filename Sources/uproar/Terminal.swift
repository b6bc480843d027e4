import Glibc
import Synchronization
import UproarHarness

/// What is written to the terminal: the summary to stdout, progress and errors to stderr.
///
/// A write that fails is dropped: printing must never decide how a run goes on. What stdout did not take is known at the end.
enum Terminal {
    private static let lostOutput = Atomic<Int32>(0)

    static func standardOutput(_ text: String) { note(write(text, to: STDOUT_FILENO)) }
    static func standardError(_ text: String) { PatientOutput.write(text, to: STDERR_FILENO) }

    /// What a run comes to. It is over and its result is written: what nobody takes for two seconds is dropped.
    static func conclude(_ summary: String, annotations: String = "") {
        note(PatientOutput.write(summary, to: STDOUT_FILENO))
        PatientOutput.write(annotations, to: STDERR_FILENO)
    }

    private static func note(_ code: Int32) {
        // A reader that has seen enough (`| head`), or does not read just now, is no failure.
        guard ![0, EPIPE, EAGAIN].contains(code) else { return }
        lostOutput.store(code, ordering: .relaxed)
    }

    /// Why stdout did not take all that was printed (an errno); nil when it did.
    static var outputFailure: Int32? {
        let code = lostOutput.load(ordering: .relaxed)
        return code == 0 ? nil : code
    }

    /// Descriptors 0 to 2 that are closed are taken, so that no report is opened under the number of stdout and gets the summary
    /// in its midst. Writes to such a stdout fail.
    static func claimDescriptors() {
        for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
            _ = open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// 0, or the errno of the write that failed.
    private static func write(_ text: String, to descriptor: Int32) -> Int32 {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { return errno }
                // Somebody made the terminal non-blocking: as long as it takes, as if it were not.
                var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&place, 1, -1)
                continue
            }
            bytes = bytes.dropFirst(count)
        }
        return 0
    }
}
