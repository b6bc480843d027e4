import Glibc
import UproarCore
import UproarPosix

/// The folder a run leaves: `reports/<scenario>-<time>/`, or the one named with `--out`.
package final class RunFolder {
    package enum Problem: Error, CustomStringConvertible {
        /// Another run holds the folder now.
        case taken
        case failed(Errno)

        package var description: String {
            switch self {
            case .taken:
                "another run is writing into it; wait for its end, or name another folder (--out)"
            case .failed(let errno): "\(errno)"
            }
        }
    }

    package let path: String
    /// The folder itself, locked (flock) until this object goes or its process does, however it ends.
    private var lock: Descriptor?
    private var calls: Descriptor?
    /// `requests.jsonl`, made with its first lines.
    private var requests: Descriptor?
    /// The first thing that could not be written (a full disk): the run goes on and ends invalid.
    package var failure: Errno? { written ?? journal?.failure }
    private var written: Errno?
    /// What is done to the run, as it is done.
    package private(set) var journal: EvidenceJournal?

    /// Makes the folder and, in it, an empty `calls.jsonl` and `journal.jsonl`.
    ///
    /// - result: `result.json` as it is until there is a better one. A new folder has it from its first moment on, so that a run
    ///   killed at any moment has left no folder or one that can be loaded.
    package init(path: String, result: [UInt8]? = nil) throws(Problem) {
        self.path = path
        do throws(Errno) {
            let hasAppeared = try result.map { result throws(Errno) in
                try Self.appear(path, with: result)
            }
            if hasAppeared != true { try AtomicFile.makeFolder(path) }
            lock = try Self.lock(path)
            if lock != nil { try prepare(hasAppeared == false ? result : nil) }
        } catch { throw .failed(error) }
        if lock == nil { throw .taken }
    }

    /// Of `--out`, or the default place where none was named: there another run's folder is no obstacle, the next name is taken.
    package static func make(
        out: String?, scenario: String, result: [UInt8]? = nil
    ) throws(ScenarioLoading.Problem) -> RunFolder {
        while true {
            let path = out ?? defaultPath(scenario: scenario)
            do throws(Problem) {
                return try RunFolder(path: path, result: result)
            } catch {
                if out == nil, case .taken = error { continue }
                throw ScenarioLoading.Problem(
                    "the report folder \(path) cannot be written: \(error)")
            }
        }
    }

    /// Lets others write into the folder.
    package func release() { lock = nil }

    /// Nil when somebody else has it. Children that are executed do not inherit it.
    private static func lock(_ path: String) throws(Errno) -> Descriptor? {
        let folder = Descriptor(
            owning: try systemCall("open \(path)") {
                open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            })
        // A file system without locks keeps nobody from writing.
        if flock(folder.number, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return nil }
        return folder
    }

    private func prepare(_ result: [UInt8]?) throws(Errno) {
        if let result { try AtomicFile.write(result, to: path + "/result.json") }
        try AtomicFile.makeFolder(path + "/children")
        let file = path + "/calls.jsonl"
        calls = Descriptor(
            owning: try systemCall("open \(file)") {
                open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
            })
        journal = try EvidenceJournal(creating: path + "/journal.jsonl")
    }

    /// Makes the folder with its first file by one rename; false where something has this name already.
    private static func appear(_ path: String, with result: [UInt8]) throws(Errno) -> Bool {
        guard access(path, F_OK) != 0 else { return false }
        var draft = path
        while draft.count > 1, draft.hasSuffix("/") { draft.removeLast() }
        draft += ".\(getpid()).new"
        defer {
            // Gone already where all went well.
            unlink(draft + "/result.json")
            rmdir(draft)
        }
        try AtomicFile.makeFolder(draft)
        try AtomicFile.write(result, to: draft + "/result.json", isLasting: false)
        return rename(draft, path) == 0
    }

    package func makeFolder(_ name: String) {
        do throws(Errno) { try AtomicFile.makeFolder(path + "/" + name) } catch {
            if written == nil { written = error }
        }
    }

    /// Answers whether the file is there, whole; what stood there before is untouched when not.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: String) -> Bool {
        do throws(Errno) {
            try AtomicFile.write(bytes, to: path + "/" + name)
            return true
        } catch {
            if written == nil { written = error }
            return false
        }
    }

    @discardableResult
    package func write(_ text: String, to name: String) -> Bool {
        write(Array(text.utf8), to: name)
    }

    /// One line of `calls.jsonl`, as the call ends.
    package func appendCall(_ line: [UInt8]) {
        guard let descriptor = calls?.number else { return }
        do throws(Errno) {
            try AtomicFile.append(line + [UInt8(ascii: "\n")], to: descriptor)
        } catch {
            if written == nil { written = error }
        }
    }

    /// Whole lines of `requests.jsonl`.
    package func appendRequests(_ lines: [UInt8]) {
        do throws(Errno) {
            if requests == nil {
                let file = path + "/requests.jsonl"
                requests = Descriptor(
                    owning: try systemCall("open \(file)") {
                        open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
                    })
            }
            guard let descriptor = requests?.number else { return }
            try AtomicFile.append(lines, to: descriptor)
        } catch {
            if written == nil { written = error }
        }
    }

    /// The default place: below `reports` in the working directory, with the scenario's name and the time.
    package static func defaultPath(scenario: String) -> String {
        let stamp = MachineFacts.wallClock(time(nil)).filter { $0 != "-" && $0 != ":" }.dropLast()
        let safe = String(scenario.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "-" })
        var path = "reports/\(safe)-\(stamp)"
        var attempt = 2
        while access(path, F_OK) == 0 {
            path = "reports/\(safe)-\(stamp)-\(attempt)"
            attempt += 1
        }
        return path
    }
}
