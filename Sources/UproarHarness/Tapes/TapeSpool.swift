import Glibc
import UproarAudio
import UproarCore
import UproarPosix

/// The folder `tapes/spool` of a run: raw pieces of every call, of which clips are made at its end, by the run itself or, where that
/// was killed, by whoever renders its report.
///
/// Whoever holds one has the folder for himself: the run as long as it lasts, so that nobody takes its tapes away meanwhile.
struct TapeSpool: ~Copyable {
    /// The run's.
    let folder: String
    var path: String { folder + "/tapes/spool" }
    private let lock: Descriptor

    /// Opens the folder, which is there. Throws EWOULDBLOCK where another process has it.
    init(folder: String) throws(Errno) {
        let lock = try Self.locked(folder + "/tapes/spool")
        self.folder = folder
        self.lock = lock
    }

    /// The lock ends with the process, however that ends.
    private static func locked(_ path: String) throws(Errno) -> Descriptor {
        let lock = Descriptor(
            owning: try systemCall("open \(path)") {
                open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            })
        let number = lock.number
        _ = try systemCall("flock \(path)") { flock(number, LOCK_EX | LOCK_NB) }
        return lock
    }

    /// What lies there, by call.
    var names: [TapeName] {
        Set(ProcFile.names(in: path).compactMap { TapeName($0) }).sorted { $0.call < $1.call }
    }

    /// Writes `tapes/call-ID.wav`, 16-bit stereo, caller left, agent right, from the answer on. Answers whether there is one: a call
    /// of which a side is missing has none.
    func writeClip(_ name: TapeName, with write: ([UInt8], String) -> Bool) -> Bool {
        guard let left = try? TextFile.read("\(path)/\(name.caller)"),
            let right = try? TextFile.read("\(path)/\(name.agent)")
        else { return false }
        let format = name.format
        return write(
            StereoWave.bytes(
                left: FrameBytes.decode(left, format), right: FrameBytes.decode(right, format),
                rate: format.rate), "tapes/\(name.clip)")
    }

    /// Throws the pieces away.
    func empty() {
        for file in ProcFile.names(in: path) where file.hasPrefix("call-") {
            unlink("\(path)/\(file)")
        }
    }

    /// The same, and the folder goes; that of the tapes as well where there is none.
    func remove() {
        empty()
        rmdir(path)
        rmdir(folder + "/tapes")
    }

    /// Makes clips of what a run has left that was killed: of its worst calls and all others that had ended and that it still had.
    /// Calls that were under way have no line in any report, and their pieces go.
    ///
    /// - Returns: the calls that have a clip now; nil where there is no spool, or the run goes on.
    static func rescue(_ folder: String, ended: (UInt32) -> Bool) -> [UInt32]? {
        guard let spool = try? TapeSpool(folder: folder) else { return nil }
        let kept = spool.names.filter { name in
            ended(name.call)
                && spool.writeClip(name) { bytes, file in
                    (try? AtomicFile.write(bytes, to: folder + "/" + file)) != nil
                }
        }
        spool.remove()
        return kept.map(\.call)
    }
}
