import Glibc
import UproarCore
import UproarCrypto
import UproarPosix

/// `journal.jsonl`: what was done to a run, in order, one JSON object a line. It only grows; each line names the SHA-256 of the one
/// before, so that none can be changed or left out unseen.
///
/// ```
/// {"n":1,"prev":"000…","event":"run","at_ns":…,"plan":"<hash>","seed":…}
/// {"n":2,"prev":"<hash of line 1>","event":"intent", …}
/// ```
/// A line is written with one call as it happens, which survives the death of the process; at each change of a fault the file is
/// flushed to the disk, which survives the death of the machine.
package final class EvidenceJournal {
    private let file: Descriptor
    private var count = 0
    private var last = EvidenceChain.start
    /// The first thing that could not be written.
    package private(set) var failure: Errno?

    package init(creating path: String) throws(Errno) {
        file = Descriptor(
            owning: try systemCall("open \(path)") {
                open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
            })
    }

    /// - at: the run's time; nil: not in the run yet.
    package func write(
        _ event: String, at: Instant?, _ rest: [JSONValue.Member] = [], flush: Bool = false
    ) {
        guard failure == nil else { return }
        count += 1
        let line = JSONValue.object(
            [
                .init("n", .integer(Int64(count))), .init("prev", .string(last)),
                .init("event", .string(event)),
                .init("at_ns", at.map { .integer($0.nanoseconds) } ?? .null),
            ] + rest.filter { !EvidenceChain.own.contains($0.key) }
        ).encoded()
        last = EvidenceChain.hash(line)
        do throws(Errno) {
            try AtomicFile.append(line + [0x0a], to: file.number)
            if flush { try systemCall("fsync") { fsync(file.number) } }
        } catch { failure = error }
    }
}

/// Whether a journal is as it was written.
package enum EvidenceChain {
    package static let start = String(repeating: "0", count: 64)
    static let own = ["n", "prev", "event", "at_ns"]

    package struct Finding: Hashable {
        package var lines = 0
        /// The first line that does not fit the ones before it, and why.
        package var broken: (line: Int, reason: String)?
        /// The last line says that the run has ended.
        package var isComplete = false

        package static func == (a: Finding, b: Finding) -> Bool { a.text == b.text }
        package func hash(into hasher: inout Hasher) { hasher.combine(text) }

        package var text: String {
            if let broken {
                return "journal: BROKEN at line \(broken.line): \(broken.reason)"
            }
            return "journal: \(lines) lines, the chain holds"
                + (isComplete ? "" : "; the run did not come to its end")
        }
    }

    static func hash(_ line: [UInt8]) -> String { HexText.of(Digest.sha256.hash(line)) }

    package static func check(_ bytes: [UInt8]) -> Finding {
        var finding = Finding()
        var last = start
        var rest = bytes[...]
        while !rest.isEmpty {
            let number = finding.lines + 1
            guard let end = rest.firstIndex(of: 0x0a) else {
                // A death in the middle of a line is no forgery; that line never was.
                finding.isComplete = false
                return finding
            }
            let line = Array(rest[..<end])
            rest = rest[(end + 1)...]
            func broken(_ reason: String) -> Finding {
                finding.broken = (number, reason)
                return finding
            }
            guard let value = try? JSONParser.parse(line) else { return broken("no JSON") }
            guard value["n"]?.int == number else {
                return broken(
                    "it says it is line \(value["n"]?.int.map(String.init) ?? "none")")
            }
            guard value["prev"]?.text == last else {
                return broken(
                    number == 1
                        ? "it names a line before it"
                        : "line \(number - 1) is not the one it was written after")
            }
            finding.lines = number
            finding.isComplete = value["event"]?.text == "end"
            last = hash(line)
        }
        return finding
    }
}
