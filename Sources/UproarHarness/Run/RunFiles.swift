import UproarCore
import UproarPosix
import UproarReports
import UproarStatistics

/// Writes what a finished run leaves in its folder.
enum RunFiles {
    /// Answers the result as it was left and printed: the folder's path, which is the machine's and stands in no file, is in its
    /// list of files. A disk without room for all of it makes the result invalid, and its list names what is there.
    static func write(_ results: RunResults, to folder: RunFolder) -> RunResult {
        results.tapes?.write(results.result.tapes)
        let environment = MachineFacts.gather(started: results.startedAt ?? 0)
        folder.write(environment.text(pretty: true) + "\n", to: "environment.json")
        // Before the files: what the journal could not take counts.
        results.evidence?.ended(
            results.result.outcome.word.rawValue, exitCode: results.result.outcome.exitCode.rawValue
        )
        folder.write(results.result.encoded(), to: "result.json")
        var lacking: [String] = []
        for (name, text) in reports(of: results.result, environment: environment)
        where !folder.write(text, to: name) {
            lacking.append(name)
        }
        if let failure = folder.failure {
            results.lack(lacking, because: failure)
            folder.write(results.result.encoded(), to: "result.json")
        }
        var printed = results.result
        if let first = printed.files.first { printed.files[0] = folder.path + "/" + first }
        return printed
    }

    /// Writes a finished result again, with its reports, after more was learnt of it.
    static func rewrite(_ result: RunResult, in folder: String) throws(Errno) {
        let environment = (try? TextFile.read(folder + "/environment.json")).flatMap {
            try? JSONParser.parse($0)
        }
        try AtomicFile.write(result.encoded(), to: folder + "/result.json")
        for (name, text) in reports(of: result, environment: environment) {
            try AtomicFile.write(Array(text.utf8), to: folder + "/" + name)
        }
    }

    /// Every report, by file name: all of them are made from the result, and the page also says what the run ran on.
    static func reports(of result: RunResult, environment: JSONValue?) -> [(
        name: String, text: String
    )] {
        (result.faults.isEmpty ? [] : [("postmortem.md", PostmortemReport(result).text)]) + [
            ("junit.xml", JUnitReport(result).text), ("summary.md", MarkdownReport(result).text),
            ("metrics.prom", OpenMetricsReport(result).text),
            ("report.html", HTMLReport(result, environment: environment).text),
        ]
    }
}
