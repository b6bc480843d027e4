import Glibc
import UproarPosix

/// Text for whoever reads stdout or stderr of a run that is over and whose result is written: nobody who has stopped reading keeps it
/// from ending.
package enum PatientOutput {
    /// Drops what is not taken for two seconds.
    package static func write(_ text: String, to descriptor: Int32) {
        let port = ReaderPort(descriptor)
        var bytes = Array(text.utf8)[...]
        var waits = 0
        while !bytes.isEmpty, waits < 40 {
            guard let count = port.write(bytes) else { return }
            bytes = bytes.dropFirst(count)
            waits = count > 0 ? 0 : waits + 1
            // A stalled terminal may poll writable all the same: the pause is what bounds this.
            if count == 0 { usleep(50_000) }
        }
    }
}
