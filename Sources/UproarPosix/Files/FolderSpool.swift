import Glibc
import Synchronization
import UproarRuntime

/// A spool that is a folder of the disk: a thread of its own does the writing, so that a slow disk holds up nobody.
package final class FolderSpool: Spool {
    /// Bytes that may wait for the disk: eight seconds of a thousand stereo telephone calls.
    private static let waitingLimit = 128 << 20

    private let folder: String
    private let worker: any BackgroundWorker
    /// Of the loop: bytes handed to the thread and not yet written.
    private var waiting = 0

    /// Makes the folder and those above it where they are not there; only the owner can look into it.
    package init(folder: String, worker: any BackgroundWorker) throws(Errno) {
        self.folder = folder
        self.worker = worker
        try AtomicFile.makeFolder(folder)
        chmod(folder, 0o700)
    }

    /// No name leads out of the folder.
    private func path(_ name: String) -> String {
        precondition(!name.contains("/") && !name.hasPrefix("."), "\(name) is no file of a spool")
        return folder + "/" + name
    }

    package func append(_ bytes: [UInt8], to name: String, then: @escaping (Bool) -> Void) -> Bool {
        guard waiting + bytes.count <= Self.waitingLimit else { return false }
        let path = path(name)
        let isTaken = worker.run {
            Self.append(bytes, to: path)
        } then: { [self] isWritten in
            waiting -= bytes.count
            then(isWritten)
        }
        if isTaken { waiting += bytes.count }
        return isTaken
    }

    private static func append(_ bytes: [UInt8], to path: String) -> Bool {
        do throws(Errno) {
            let file = Descriptor(
                owning: try systemCall("open") {
                    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
                })
            let end = try systemCall("lseek") { lseek(file.number, 0, SEEK_END) }
            do throws(Errno) { try AtomicFile.append(bytes, to: file.number) } catch {
                ftruncate(file.number, end)
                throw error
            }
            return true
        } catch { return false }
    }

    package func rename(_ name: String, to newName: String, then: @escaping (Bool) -> Void) {
        let (from, to) = (path(name), path(newName))
        let isTaken = worker.run {
            let number = open(from, O_RDONLY | O_CLOEXEC)
            if number >= 0 {
                fdatasync(number)
                close(number)
            }
            return Glibc.rename(from, to) == 0
        } then: {
            then($0)
        }
        // The file keeps its name and is found when the spool is read again.
        if !isTaken { then(false) }
    }

    package func read(
        _ name: String, from offset: Int, count: Int, then: @escaping ([UInt8]?) -> Void
    ) {
        let path = path(name)
        let isTaken = worker.run {
            Self.read(path, from: offset, count: count)
        } then: {
            then($0)
        }
        if !isTaken { then(nil) }
    }

    private static func read(_ path: String, from offset: Int, count: Int) -> [UInt8]? {
        do throws(Errno) {
            let file = Descriptor(
                owning: try systemCall("open") { open(path, O_RDONLY | O_CLOEXEC) })
            let end = try systemCall("lseek") { lseek(file.number, 0, SEEK_END) }
            var bytes = [UInt8](repeating: 0, count: max(0, min(count, Int(end) - offset)))
            var place = 0
            while place < bytes.count {
                let wanted = bytes.count - place
                let read = try systemCall("pread") {
                    bytes.withUnsafeMutableBytes {
                        pread(file.number, $0.baseAddress! + place, wanted, off_t(offset + place))
                    }
                }
                guard read > 0 else { break }
                place += read
            }
            bytes.removeLast(bytes.count - place)
            return bytes
        } catch { return nil }
    }

    package func remove(_ name: String, then: @escaping () -> Void) {
        let path = path(name)
        if !worker.run({ _ = unlink(path) }, then: { then() }) { then() }
    }

    package func list(then: @escaping ([SpoolFile]) -> Void) {
        let folder = folder
        if !worker.run({ Self.list(folder) }, then: { then($0) }) { then([]) }
    }

    private static func list(_ folder: String) -> [SpoolFile] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var files: [SpoolFile] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard !name.hasPrefix("."), stat(folder + "/" + name, &status) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else { continue }
            files.append(SpoolFile(name: name, byteCount: Int(status.st_size)))
        }
        return files.sorted { $0.name < $1.name }
    }
}
