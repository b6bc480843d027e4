import UproarCore
import UproarPosix
import UproarRuntime
import UproarStatistics

/// The tapes of a run. Which calls are the worst is known only when they are over, so every call is recorded; at its end only those
/// stay that somebody will want to hear: the worst calls of the report, and as many more as were asked for. Belongs to the control loop.
///
/// ```
///  callers' loops ── pieces of 2 s ──► a thread each ──► tapes/spool/call-N.caller, .agent
///  a call is folded: among the worst, or of the sample? else its files go
///  the end of the run: tapes/spool/call-N.* ──► tapes/call-N.wav, and the spool goes
/// ```
/// The sample is the first calls of the run's callers, spread evenly: a fair draw, for those who check the harness by ear.
package final class TapeShelf {
    /// Two gigabytes: at telephone quality thirty-six hours of calls, of those under way and the few that are kept.
    static let diskLimit = 2 << 30

    let ledger: TapeLedger
    var spoolPath: String { pieces.path }
    private let folder: RunFolder
    private let spool: FolderSpool
    private let pieces: TapeSpool
    private let sample: Set<UInt32>
    /// Calls that are over and whose tapes are on disk still.
    private var held: Set<UInt32> = []

    /// - count: tapes beside those of the worst calls. - seats: the run's callers.
    init(
        _ folder: RunFolder, count: Int, seats: Int, worker: any BackgroundWorker,
        diskLimit: Int = TapeShelf.diskLimit
    ) throws(Errno) {
        self.folder = folder
        ledger = TapeLedger(limit: diskLimit)
        try AtomicFile.makeFolder(folder.path + "/tapes")
        spool = try FolderSpool(folder: folder.path + "/tapes/spool", worker: worker)
        pieces = try TapeSpool(folder: folder.path)
        // Of an earlier run in the same folder, which was killed.
        pieces.empty()
        sample = Self.sample(count, of: seats)
    }

    static func sample(_ count: Int, of seats: Int) -> Set<UInt32> {
        let count = min(count, seats)
        return Set((0..<count).map { UInt32($0 * seats / count) })
    }

    /// A call is over, and these are the worst so far: the tapes of all others that are over go.
    func folded(_ call: CallRecord, worst: [CallRecord]) {
        guard call.answered != nil else { return }
        held.insert(call.id)
        let wanted = sample.union(worst.map(\.id))
        for call in held.subtracting(wanted).sorted() {
            held.remove(call)
            guard let format = ledger.format(of: call) else { continue }
            ledger.forget(call)
            let names = TapeName(call, format)
            spool.remove(names.caller) {}
            spool.remove(names.agent) {}
        }
    }

    /// The calls to keep, of those that have a tape.
    func kept(worst: [CallRecord]) -> [UInt32] {
        sample.union(worst.map(\.id)).filter { ledger.format(of: $0) != nil }.sorted()
    }

    /// Said in the report where some calls have none.
    var note: String? {
        let count = ledger.leftOut
        return count == 0
            ? nil
            : "\(count == 1 ? "one call has" : "\(count) calls have") no tape: the disk did not keep up, or "
                + "\(TapeShelf.diskLimit >> 30) GB of tapes lay on it"
    }

    /// Writes `tapes/call-ID.wav` of these calls, and clears the spool.
    func write(_ calls: [UInt32]) {
        for call in calls {
            guard let format = ledger.format(of: call) else { continue }
            _ = pieces.writeClip(TapeName(call, format)) { folder.write($0, to: $1) }
        }
        pieces.remove()
    }
}
