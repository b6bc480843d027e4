import Synchronization
import UproarCore
import UproarLoad

/// Which calls have a tape on disk, and how much of it there is in all: known to the callers' loops, which record, and to the control
/// loop, which throws away.
final class TapeLedger: Sendable {
    private struct Entry {
        var byteCount = 0
        var format: AudioFormat
    }

    private struct State {
        var entries: [UInt32: Entry] = [:]
        var byteCount = 0
        var leftOut = 0
    }

    private let state = Mutex(State())
    /// Bytes on disk, all tapes together.
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Room for more of this call's tape. False when there is none, or nobody wants it any more.
    ///
    /// - isFirst: the call's tape begins; a later piece of one that is not here was thrown away.
    func take(_ piece: TapePiece, isFirst: Bool) -> Bool {
        let count = piece.caller.count + piece.agent.count
        return state.withLock { state in
            guard isFirst || state.entries[piece.call] != nil,
                state.byteCount + count <= limit
            else { return false }
            var entry = state.entries[piece.call] ?? Entry(format: piece.format)
            entry.byteCount += count
            state.entries[piece.call] = entry
            state.byteCount += count
            return true
        }
    }

    /// Its tape is nobody's any more. False when there was none.
    @discardableResult
    func forget(_ call: UInt32) -> Bool {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: call) else { return false }
            state.byteCount -= entry.byteCount
            return true
        }
    }

    /// A tape that could not be kept up.
    func leaveOut(_ call: UInt32) {
        forget(call)
        state.withLock { $0.leftOut += 1 }
    }

    var leftOut: Int { state.withLock { $0.leftOut } }
    var byteCount: Int { state.withLock { $0.byteCount } }

    /// Nil where there is no tape.
    func format(of call: UInt32) -> AudioFormat? {
        state.withLock { $0.entries[call]?.format }
    }
}
