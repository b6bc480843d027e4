import Glibc
import UproarCore
import UproarPosix

/// The folder a run leaves: `reports/<scenario>-<time>/`, or the one named with `--out`.
package final class RunFolder {
    package let path: String
    private var calls: Descriptor?
    /// `requests.jsonl`, made with its first lines.
    private var requests: Descriptor?
    /// The first thing that could not be written (a full disk): the run goes on and ends invalid.
    package var failure: Errno? { written ?? journal?.failure }
    private var written: Errno?
    /// What is done to the run, as it is done.
    package private(set) var journal: EvidenceJournal?

    /// Makes the folder and, in it, an empty `calls.jsonl` and `journal.jsonl`.
    package init(path: String) throws(Errno) {
        self.path = path
        try AtomicFile.makeFolder(path)
        try AtomicFile.makeFolder(path + "/children")
        let file = path + "/calls.jsonl"
        calls = Descriptor(
            owning: try systemCall("open \(file)") {
                open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
            })
        journal = try EvidenceJournal(creating: path + "/journal.jsonl")
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
