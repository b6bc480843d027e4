import UproarCore

/// `uproar journal`: the chain of a stored journal.
package enum JournalCheck {
    /// - path: the journal, or the run's folder.
    package static func check(_ path: String) throws -> EvidenceChain.Finding {
        let file = ShareFolder.isFolder(path) ? path + "/journal.jsonl" : path
        do { return EvidenceChain.check(try TextFile.read(file, limit: 1 << 30)) } catch {
            throw ScenarioLoading.Problem("\(error)")
        }
    }

    /// The line of a report, when the run has a journal.
    static func line(beside result: String) -> String? {
        guard let bytes = try? TextFile.read(result + "/journal.jsonl", limit: 1 << 30) else {
            return nil
        }
        return EvidenceChain.check(bytes).text
    }
}
