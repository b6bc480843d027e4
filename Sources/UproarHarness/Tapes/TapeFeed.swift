import UproarCore
import UproarLoad
import UproarPosix
import UproarRuntime

/// Writes the tapes of one callers' loop to the spool, by a thread of its own. A disk that does not keep up costs the tape, never the run.
final class TapeFeed: TapeSink {
    private let spool: any Spool
    private let ledger: TapeLedger
    private let worker: any BackgroundWorker
    /// Calls whose tape has begun and goes on.
    private var begun: Set<UInt32> = []
    /// Calls whose tape was given up; their next piece is told so.
    private var refused: Set<UInt32> = []

    init(_ spool: any Spool, _ ledger: TapeLedger, worker: any BackgroundWorker) {
        self.spool = spool
        self.ledger = ledger
        self.worker = worker
    }

    func append(_ piece: TapePiece) -> Bool {
        let call = piece.call
        if refused.remove(call) != nil { return false }
        let isFirst = begun.insert(call).inserted
        if piece.isLast { begun.remove(call) }
        guard ledger.take(piece, isFirst: isFirst) else { return leaveOut(piece) }
        let names = TapeName(call, piece.format)
        // Both or neither: two sides of different lengths would be out of step.
        let areTaken =
            put(piece.caller, in: names.caller, piece) && put(piece.agent, in: names.agent, piece)
        return areTaken || leaveOut(piece)
    }

    private func put(_ bytes: [UInt8], in name: String, _ piece: TapePiece) -> Bool {
        spool.append(bytes, to: name) { [weak self] isWritten in
            guard !isWritten, let self else { return }
            if begun.contains(piece.call) { refused.insert(piece.call) }
            _ = leaveOut(piece)
        }
    }

    private func leaveOut(_ piece: TapePiece) -> Bool {
        begun.remove(piece.call)
        ledger.leaveOut(piece.call)
        let names = TapeName(piece.call, piece.format)
        spool.remove(names.caller) {}
        spool.remove(names.agent) {}
        return false
    }

    /// `then` once all that was handed in is on disk.
    func flush(then: @escaping () -> Void) {
        if !worker.run({}, then: { then() }) { then() }
    }
}
