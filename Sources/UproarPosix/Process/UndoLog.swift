import Glibc
import UproarCore

/// The undo records of one run: a file of JSON lines that only grows, so that a death in the middle loses at most a line whose
/// change was not made yet.
///
/// ```
///   {"owner":{"token":…,"boot_id":…,"pid":…,"start_ticks":…,"lease_ms":5000}}
///   {"id":3,"state":"intent","fault":"redis-hang","undo":{…}}     flushed before the change is made
///   {"id":3,"state":"applied"}   … "effective" … "cleared"        each flushed, too
///   {"id":3,"state":"verified"}                                   settled: the kernel says that all is as it was
/// ```
package struct UndoLog: ~Copyable {
    package enum State: String, CaseIterable, Sendable {
        case intent, applied, effective, cleared, verified
    }

    /// Who may undo: the run, and whoever finds its file after its end.
    package struct Owner: Hashable, Sendable {
        /// In the names of what the run makes outside itself.
        package var token: String
        package var bootID: String
        package var process: ProcessIdentity
    }

    package struct Outstanding: Hashable, Sendable {
        package var id: Int
        package var fault: String
        package var state: State
        package var action: UndoAction
    }

    package let path: String
    package let owner: Owner
    private let file: Descriptor
    private var lastID = 0

    /// The guardian undoes everything when it has not heard of the run for so long.
    package static let lease = Duration.seconds(5)

    /// Opens the file for a new run; it must not be there yet.
    package init(creating path: String, token: String = UndoLog.newToken()) throws(Errno) {
        let owner = Owner(
            token: token, bootID: MachineLimits.ownBootID() ?? "",
            process: ProcessIdentity(of: getpid()) ?? .init(pid: getpid(), startTicks: 0))
        let file = Descriptor(
            owning: try systemCall("open \(path)") {
                open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
            })
        try Self.write(
            [
                "owner": [
                    "token": .string(token), "boot_id": .string(owner.bootID),
                    "pid": .integer(Int64(owner.process.pid)),
                    "start_ticks": JSONValue(owner.process.startTicks),
                    "lease_ms": .integer(Self.lease.nanoseconds / 1_000_000),
                ]
            ], to: file.number)
        self.path = path
        self.owner = owner
        self.file = file
    }

    /// Beyond the reuse of pids: this process, its start, this boot's clock.
    package static func newToken() -> String {
        let start = ProcessStat.read(getpid())?.startTicks ?? 0
        return "\(getpid())-\(start)-\(monotonicNanoseconds() / 1_000_000)"
    }

    /// Records how to undo a change; when this returns the record is on the disk and the change may be made.
    package mutating func record(_ action: UndoAction, of fault: String = "") throws(Errno) -> Int {
        lastID += 1
        try write([
            "id": JSONValue(lastID), "state": .string(State.intent.rawValue),
            "fault": .string(fault), "undo": action.value,
        ])
        return lastID
    }

    /// How far the change `id` has come. `verified` settles it.
    package func note(_ id: Int, _ state: State) throws(Errno) {
        try write(["id": JSONValue(id), "state": .string(state.rawValue)])
    }

    private func write(_ line: JSONValue) throws(Errno) {
        try Self.write(line, to: file.number)
    }

    private static func write(_ line: JSONValue, to number: Int32) throws(Errno) {
        try AtomicFile.append(line.encoded() + [0x0a], to: number)
        try systemCall("fsync") { fsync(number) }
    }

    /// What is still to undo in the file, last change first. A last line that was cut is no record: its change was not made.
    package static func outstanding(in path: String) -> [Outstanding] { read(path).left }

    private static func read(_ path: String) -> (bootID: String?, left: [Outstanding]) {
        var table = OrderedTable<Int, Outstanding>()
        var bootID: String?
        for line in ProcFile.bytes(path)?.split(separator: 0x0a) ?? [] {
            guard let value = try? JSONParser.parse(Array(line)) else { continue }
            if let owner = value["owner"] { bootID = owner["boot_id"]?.text }
            guard let id = value["id"]?.int,
                let state = value["state"]?.text.flatMap(State.init(rawValue:))
            else { continue }
            switch state {
            case .intent:
                if let action = value["undo"].flatMap(UndoAction.init) {
                    table[id] = Outstanding(
                        id: id, fault: value["fault"]?.text ?? "", state: .intent, action: action)
                }
            case .verified: table[id] = nil
            case .applied, .effective, .cleared: table[id]?.state = state
            }
        }
        return (bootID, table.values.reversed())
    }

    /// Undoes all that is outstanding, looks whether it shows, and says so in the file. Answers what could not be undone; a file
    /// without leftovers is removed unless it is still written to.
    package static func settle(_ path: String, removing: Bool = true) -> [String] {
        var failures: [String] = []
        guard let number = try? systemCall("open", { open(path, O_WRONLY | O_APPEND | O_CLOEXEC) })
        else { return [] }
        let file = Descriptor(owning: number)
        let (bootID, left) = read(path)
        // Processes, control groups and limits of another boot went with it.
        let isThisBoot = bootID == nil || bootID == MachineLimits.ownBootID()
        for record in isThisBoot ? left : [] {
            if let failure = record.action.settle() {
                failures.append((record.fault.isEmpty ? "" : record.fault + ": ") + failure)
                continue
            }
            for state in [State.cleared, .verified] {
                let line: JSONValue = [
                    "id": JSONValue(record.id), "state": .string(state.rawValue),
                    "by": .integer(Int64(getpid())),
                ]
                try? AtomicFile.append(line.encoded() + [0x0a], to: file.number)
            }
        }
        if failures.isEmpty, removing { unlink(path) }
        return failures
    }
}
