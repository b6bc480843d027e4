import Glibc

/// A file that lines are only ever appended to; each line is one write, so that several processes may share it. It is made when
/// it is first needed, for its owner alone.
package struct LineFile: Sendable {
    package let path: String
    /// Bytes up to which it grows.
    private let limit: Int

    package init(path: String, limit: Int = .max) {
        self.path = path
        self.limit = limit
    }

    /// Appends a line. ENOSPC when the file is as long as it may get.
    package func append(_ line: [UInt8]) throws(Errno) {
        let file = Descriptor(
            owning: try systemCall("open \(path)") {
                open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            })
        let end = try systemCall("lseek") { lseek(file.number, 0, SEEK_END) }
        guard Int(end) + line.count < limit else { throw Errno("append to \(path)", ENOSPC) }
        try AtomicFile.append(line + [0x0a], to: file.number)
    }
}
