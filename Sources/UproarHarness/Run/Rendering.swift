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
        let result: RunResult
        do { result = try RunResult(decoding: bytes) } catch {
            throw ScenarioLoading.Problem("\(file) is no result of uproar: \(error)")
        }
        let beside = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        let folder = out ?? beside
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
}
