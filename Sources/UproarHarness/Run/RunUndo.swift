import UproarCore
import UproarPosix

/// Where the way back from every change of a run is written down, and the agent's share of the processor, which is one.
/// Belongs to the control loop.
final class RunUndo {
    private var log: UndoLog?
    private(set) var quota: ProcessorQuota?

    /// Opens the file of records once; the guardian goes the way back when the run ends.
    func open(_ host: PosixProcessHost?, _ view: LiveView) {
        guard !isOpen else { return }
        do throws(Errno) {
            let path = try StateFolder.undoFile()
            log = try UndoLog(creating: path)
            host?.settleAtEnd(undoFile: path)
        } catch {
            view.say("no undo records can be written (\(error)): processes cannot be stopped")
        }
    }

    private var isOpen: Bool {
        switch log {
        case .some: true
        case .none: false
        }
    }

    /// Hands the file to those who inject faults; nil when it could not be opened.
    func take() -> UndoLog? { log.take() }

    /// The agent's processes share so many cores, as a pod's do.
    func limitAgent(to cores: Double) throws {
        quota = try ProcessorQuota(cores: cores) { folder throws(Errno) in
            guard isOpen else { throw Errno("undo records", 2) }
            _ = try log?.record(.removeFolder(path: folder))
        }
    }

    /// Moves the agent, and what it has started by now, into its share.
    func confine(_ pid: Int32) throws(Errno) {
        guard let quota else { return }
        for pid in [pid] + ProcessTable.read().descendants(of: pid).map(\.pid) {
            try quota.take(pid)
        }
    }
}
