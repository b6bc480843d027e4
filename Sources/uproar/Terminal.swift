import Glibc
import UproarHarness

/// What is written to the terminal: the summary to stdout, progress and errors to stderr.
///
/// A write that fails (a closed pipe, a full disk) is dropped: printing must never decide how a run ends.
enum Terminal {
    static func standardOutput(_ text: String) { write(text, to: STDOUT_FILENO) }
    static func standardError(_ text: String) { PatientOutput.write(text, to: STDERR_FILENO) }

    /// What a run comes to. It is over and its result is written: what nobody takes for two seconds is dropped.
    static func conclude(_ summary: String, annotations: String = "") {
        PatientOutput.write(summary, to: STDOUT_FILENO)
        PatientOutput.write(annotations, to: STDERR_FILENO)
    }

    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }
}
