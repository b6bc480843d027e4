import UproarCore
import UproarPosix
import UproarReports
import UproarStatistics

/// `uproar report`: every report from a stored result alone.
package enum Rendering {
    /// - path: a `result.json`, or the folder that holds one. Answers the summary, and what is to be said of its journal.
    package static func render(_ path: String, out: String?) throws -> (
        summary: String, journal: String?
    ) {
        let file = ShareFolder.isFolder(path) ? path + "/result.json" : path
        let bytes: [UInt8]
        do { bytes = try TextFile.read(file) } catch { throw ScenarioLoading.Problem("\(error)") }
        var result: RunResult
        do { result = try RunResult(decoding: bytes) } catch {
            throw ScenarioLoading.Problem("\(file) is no result of uproar: \(error)")
        }
        let beside = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        let folder = out ?? beside
        if result.isPartial { rescueTapes(&result, beside) }
        do {
            try AtomicFile.makeFolder(folder)
            // A result that was moved without its environment is still a whole report.
            let environment = (try? TextFile.read(beside + "/environment.json")).flatMap {
                try? JSONParser.parse($0)
            }
            for (name, text) in RunFiles.reports(of: result, environment: environment) {
                try AtomicFile.write(Array(text.utf8), to: folder + "/" + name)
            }
        } catch { throw ScenarioLoading.Problem("the reports cannot be written: \(error)") }
        var printed = result
        if let first = printed.files.first { printed.files[0] = folder + "/" + first }
        return (TerminalSummary(printed).text, JournalCheck.line(beside: beside))
    }

    /// The clips of a run that was killed before it could make them.
    private static func rescueTapes(_ result: inout RunResult, _ folder: String) {
        let worst = Set(result.worstCalls.map(\.id))
        var listed: Set<UInt32>?
        let rescued = TapeSpool.rescue(folder) { call in
            if worst.contains(call) { return true }
            let ended = listed ?? endedCalls(folder)
            listed = ended
            return ended.contains(call)
        }
        guard let rescued, !rescued.isEmpty else { return }
        result.tapes = Set(result.tapes).union(rescued).sorted()
        // The clips stand beside it, and the next reader finds no spool.
        try? AtomicFile.write(result.encoded(), to: folder + "/result.json")
    }

    private static func endedCalls(_ folder: String) -> Set<UInt32> {
        let bytes = (try? TextFile.read(folder + "/" + CallsLines.fileName, limit: 1 << 30)) ?? []
        let ids = bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            (try? JSONParser.parse(Array(line)))?["call"]?.int.flatMap { UInt32(exactly: $0) }
        }
        return Set(ids)
    }
}
