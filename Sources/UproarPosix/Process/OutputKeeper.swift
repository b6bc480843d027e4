import Glibc
import UproarCore

/// Keeps what a child writes: the beginning as it comes, the last words at the end, never more than a limit together.
///
/// The child has the writing end of a pipe, so a child that talks without end fills no disk and never waits for long. Used
/// by the guardian, which polls `reading`.
final class OutputKeeper {
    private(set) var reading: Int32
    private let file: Int32
    private let headLimit: Int
    private var kept = 0
    private var tail: [UInt8] = []
    /// Bytes that are in neither part.
    private var leftOut = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// Of the limit so much is for the last words.
    private static let tailLimit = 64 << 10
    /// In one go; another child must not wait for one that talks without end.
    private static let piecesAtOnce = 16

    /// Takes `file` over. `writing` is for the child; whoever spawned it closes the copy.
    init(file: Int32, limit: Int, writing: inout Int32) throws(Errno) {
        var ends: [Int32] = [-1, -1]
        do throws(Errno) {
            try systemCall("pipe") { pipe(&ends) }
        } catch {
            close(file)
            throw error
        }
        self.file = file
        headLimit = max(0, limit - Self.tailLimit)
        // The guardian has one thread: nothing forks in between.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reading = ends[0]
        writing = ends[1]
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        // Room for bursts; where the machine allows less, the child waits a moment.
        _ = fcntl(reading, Int32(1031), 1 << 20)  // F_SETPIPE_SZ, which the module leaves out
    }

    deinit {
        finish()
        close(file)
    }

    var isOpen: Bool { reading >= 0 }

    /// Takes what is there.
    func take() {
        var pieces = 0
        while reading >= 0, pieces < Self.piecesAtOnce {
            let count = read(reading, &buffer, buffer.count)
            if count > 0 {
                keep(buffer[..<count])
                pieces += 1
            } else if count < 0, errno == EINTR {
                continue
            } else {
                if count == 0 || errno != EAGAIN { closeReading() }
                return
            }
        }
    }

    private func keep(_ bytes: ArraySlice<UInt8>) {
        let head = bytes.prefix(max(0, headLimit - kept))
        write(head)
        kept += head.count
        let rest = bytes.dropFirst(head.count)
        guard !rest.isEmpty else { return }
        tail += rest
        if tail.count > Self.tailLimit {
            leftOut += tail.count - Self.tailLimit
            tail.removeFirst(tail.count - Self.tailLimit)
        }
    }

    /// The child is gone: its last words go to the file. What its own children still write comes after them.
    func finish() {
        // The pipe's whole room, however it was filled; a grandchild that goes on talking is not waited for.
        for _ in 0..<4 { take() }
        guard !tail.isEmpty else { return }
        if leftOut > 0 { write(Array("\n[… \(leftOut) bytes were left out …]\n".utf8)[...]) }
        write(tail[...])
        tail = []
        leftOut = 0
    }

    /// A disk that is full loses the log and nothing else.
    private func write(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    private func closeReading() {
        close(reading)
        reading = -1
    }
}
