import Glibc
import UproarPosix

/// Text for whoever reads stdout or stderr of a run that is over and whose result is written: nobody who has stopped reading keeps it
/// from ending.
package enum PatientOutput {
    /// Drops what is not taken for two seconds.
    ///
    /// - returns: 0, or the errno of what was dropped: `EAGAIN` when nobody read, `EPIPE` when nobody will.
    @discardableResult
    package static func write(_ text: String, to descriptor: Int32) -> Int32 {
        let port = ReaderPort(descriptor)
        var bytes = Array(text.utf8)[...]
        var waits = 0
        while !bytes.isEmpty, waits < 40 {
            guard let count = port.write(bytes) else { return errno }
            bytes = bytes.dropFirst(count)
            waits = count > 0 ? 0 : waits + 1
            // A stalled terminal may poll writable all the same: the pause is what bounds this.
            if count == 0 { usleep(50_000) }
        }
        return bytes.isEmpty ? 0 : EAGAIN
    }
}
