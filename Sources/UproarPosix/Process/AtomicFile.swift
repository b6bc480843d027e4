import Glibc

/// Files that are whole or not there: written beside their place, flushed to the disk, then renamed over it.
package enum AtomicFile {
    /// Replaces `path` with `bytes`. After an error (ENOSPC, EACCES, …) what was there before is still there, untouched.
    ///
    /// Blocks for the disk: not for a loop that carries frames. With `isLasting` off it does not wait for the disk: after a power failure
    /// the file may be empty, which who reads it must see.
    package static func write(
        _ bytes: [UInt8], to path: String, mode: mode_t = 0o644, isLasting: Bool = true
    ) throws(Errno) {
        let draft = "\(path).\(getpid()).new"
        do throws(Errno) {
            let file = Descriptor(
                owning: try systemCall("open \(path)") {
                    open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
                })
            try append(bytes, to: file.number)
            if isLasting { try systemCall("fsync") { fsync(file.number) } }
        } catch {
            unlink(draft)
            throw error
        }
        do throws(Errno) { try systemCall("rename") { rename(draft, path) } } catch {
            unlink(draft)
            throw error
        }
        if isLasting { flushFolder(of: path) }
    }

    /// Writes all of `bytes` at the descriptor's place.
    package static func append(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
        var start = 0
        while start < bytes.count {
            start += try systemCall("write") {
                bytes.withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress! + start, $0.count - start)
                }
            }
        }
    }

    /// Makes the rename itself last. Some file systems cannot flush a folder (EINVAL); the file's own bytes are safe already.
    private static func flushFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map {
            $0 == path.startIndex ? "/" : String(path[..<$0])
        }
        let number = open(folder ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return }
        _ = fsync(number)
        close(number)
    }

    /// Makes a folder and those above it. Existing ones are well.
    package static func makeFolder(_ path: String) throws(Errno) {
        var end = path.startIndex
        while end < path.endIndex {
            end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
            let part = String(path[..<end])
            if mkdir(part, 0o755) != 0, errno != EEXIST, errno != EISDIR {
                let code = errno
                // A folder above that we may not write to but that is there is no reason to stop.
                if access(part, F_OK) != 0 { throw Errno("mkdir \(part)", code) }
            }
        }
        var status = stat()
        try systemCall("stat") { stat(path, &status) }
        if status.st_mode & S_IFMT != S_IFDIR { throw Errno("mkdir \(path)", ENOTDIR) }
    }
}
