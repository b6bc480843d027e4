import Glibc
import UproarCore

/// How to undo one change that a run makes outside itself. Written down and flushed before the change is made.
package enum UndoAction: Hashable, Sendable {
    /// Writes back what stood in a kernel file (a cgroup limit) or any other.
    case restoreFile(path: String, text: String)
    case removeFile(path: String)
    /// Removes an empty folder (a cgroup of ours).
    case removeFolder(path: String)
    /// Sends a signal (SIGCONT to a process that was stopped), unless the pid is another process by now.
    case signal(pid: Int32, startTicks: Int64, number: Int32)
}

/// The undo records of one run: a file of JSON lines that only grows, so that a death in the middle loses at most a line
/// whose change was not made yet. `{"id":3,"undo":{…}}` opens a record, `{"id":3,"undone":true}` settles it.
package struct UndoLog: ~Copyable {
    package let path: String
    private let file: Descriptor
    private var lastID = 0

    /// Opens the file for a new run; it must not be there yet.
    package init(creating path: String) throws(Errno) {
        self.path = path
        file = Descriptor(
            owning: try systemCall("open \(path)") {
                open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
            })
    }

    /// Records how to undo a change; when this returns the record is on the disk and the change may be made.
    package mutating func record(_ action: UndoAction) throws(Errno) -> Int {
        lastID += 1
        try write(["id": JSONValue(lastID), "undo": action.value])
        return lastID
    }

    /// Says that the change `id` has been undone.
    package func settle(id: Int) throws(Errno) {
        try write(["id": JSONValue(id), "undone": true])
    }

    private func write(_ line: JSONValue) throws(Errno) {
        try AtomicFile.append(line.encoded() + [0x0a], to: file.number)
        try systemCall("fsync") { fsync(file.number) }
    }

    /// What is still to undo in the file, last change first. A last line that was cut is no record: its change was not made.
    package static func outstanding(in path: String) -> [(id: Int, action: UndoAction)] {
        var open = OrderedTable<Int, UndoAction>()
        for line in ProcFile.bytes(path)?.split(separator: 0x0a) ?? [] {
            guard let value = try? JSONParser.parse(Array(line)), let id = value["id"]?.int else {
                continue
            }
            if value["undone"]?.isTrue == true {
                open[id] = nil
            } else if let action = value["undo"].flatMap(UndoAction.init) {
                open[id] = action
            }
        }
        return zip(open.keys, open.values).reversed().map { (id: $0, action: $1) }
    }

    /// Undoes all that is outstanding and says so in the file. Answers what could not be undone; a file without leftovers is
    /// removed.
    package static func settle(_ path: String) -> [String] {
        var failures: [String] = []
        guard let number = try? systemCall("open", { open(path, O_WRONLY | O_APPEND | O_CLOEXEC) })
        else { return [] }
        let file = Descriptor(owning: number)
        for (id, action) in outstanding(in: path) {
            do throws(Errno) {
                try action.perform()
                let line: JSONValue = ["id": JSONValue(id), "undone": true]
                try AtomicFile.append(line.encoded() + [0x0a], to: file.number)
            } catch {
                failures.append("\(action): \(error)")
            }
        }
        if failures.isEmpty { unlink(path) }
        return failures
    }
}

extension UndoAction {
    /// Does it. What is undone already (a file or process that is gone) is no error.
    package func perform() throws(Errno) {
        switch self {
        case .restoreFile(let path, let text):
            let file = Descriptor(
                owning: try systemCall("open \(path)") { open(path, O_WRONLY | O_CLOEXEC) })
            try AtomicFile.append(Array(text.utf8), to: file.number)
            // A kernel file cannot be cut and says so; a real one must not keep the longer text's end.
            _ = ftruncate(file.number, off_t(text.utf8.count))
        case .removeFile(let path):
            if unlink(path) != 0, errno != ENOENT { throw Errno("unlink \(path)", errno) }
        case .removeFolder(let path):
            if rmdir(path) != 0, errno != ENOENT { throw Errno("rmdir \(path)", errno) }
        case .signal(let pid, let startTicks, let number):
            guard let process = ProcFile.bytes("/proc/\(pid)/stat").flatMap(ProcessStat.init),
                process.startTicks == startTicks
            else { return }
            if kill(pid, number) != 0, errno != ESRCH { throw Errno("kill \(pid)", errno) }
        }
    }

    var value: JSONValue {
        switch self {
        case .restoreFile(let path, let text):
            ["kind": "restore_file", "path": .string(path), "text": .string(text)]
        case .removeFile(let path): ["kind": "remove_file", "path": .string(path)]
        case .removeFolder(let path): ["kind": "remove_folder", "path": .string(path)]
        case .signal(let pid, let startTicks, let number):
            [
                "kind": "signal", "pid": .integer(Int64(pid)), "start_ticks": JSONValue(startTicks),
                "signal": .integer(Int64(number)),
            ]
        }
    }

    init?(_ value: JSONValue) {
        let path = value["path"]?.text
        switch (value["kind"]?.text, path) {
        case ("restore_file", let path?):
            guard let text = value["text"]?.text else { return nil }
            self = .restoreFile(path: path, text: text)
        case ("remove_file", let path?): self = .removeFile(path: path)
        case ("remove_folder", let path?): self = .removeFolder(path: path)
        case ("signal", nil):
            guard let pid = value["pid"]?.int.flatMap(Int32.init(exactly:)),
                let start = value["start_ticks"]?.int,
                let number = value["signal"]?.int.flatMap(Int32.init(exactly:))
            else { return nil }
            self = .signal(pid: pid, startTicks: Int64(start), number: number)
        default: return nil
        }
    }
}
