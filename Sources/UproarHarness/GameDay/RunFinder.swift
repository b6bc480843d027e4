import Glibc
import UproarCore
import UproarPosix

/// The runs of this machine and person that can be steered: each has a socket in `${XDG_STATE_HOME:-~/.local/state}/uproar/runs`.
package enum RunFinder {
    static var folder: String { StateFolder.path + "/runs" }

    /// Of this process: its scenario, its pid.
    static func name(scenario: String) -> String { "\(scenario)-\(getpid())" }

    /// The folder is this person's alone, so that nobody reaches a socket in it before its own permissions are set.
    static func prepare() throws(Errno) {
        try AtomicFile.makeFolder(folder)
        try systemCall("chmod \(folder)") { chmod(folder, 0o700) }
    }

    static func path(of name: String) -> String { "\(folder)/\(name).sock" }

    /// By name. The socket of a run that was killed is removed.
    package static func all() -> [String] {
        ProcFile.names(in: folder).filter { $0.hasSuffix(".sock") }.map { String($0.dropLast(5)) }
            .filter { name in
                let pid = name.split(separator: "-").last.flatMap { Int32($0) } ?? 0
                if ProcessIdentity(of: pid)?.isAlive == true { return true }
                unlink(path(of: name))
                return false
            }.sorted()
    }

    /// The run somebody means: its whole name, its scenario when only one such runs, or nothing when only one runs at all.
    package static func find(_ word: String?) throws -> String {
        let names = all()
        guard let word else {
            if names.count == 1 { return names[0] }
            throw ScenarioLoading.Problem(
                names.isEmpty
                    ? "no run is going on"
                    : "several runs are going on; which one? \(names.joined(separator: " "))")
        }
        if names.contains(word) { return word }
        let of = names.filter { name in
            name.lastIndex(of: "-").map { name[..<$0] == word } ?? false
        }
        if of.count == 1 { return of[0] }
        let near = NearestName.of(word, among: names).map { "; did you mean \($0)?" } ?? ""
        throw ScenarioLoading.Problem(
            "there is no run \(word)\(near)\n  "
                + (names.isEmpty ? "none is going on" : "going on: \(names.joined(separator: " "))")
        )
    }
}
