import Glibc
import UproarCore
import UproarPosix
import UproarReports
import UproarStatistics

/// `uproar history`: a file to which each run adds a line, and the changes in it that are too small for any one run.
package enum HistoryFile {
    /// Adds stored runs to the file, which is made if need be, and says what has changed.
    ///
    /// - recent: for so many runs a change keeps being the answer.
    package static func update(
        _ path: String, with results: [String], relative: Double, recent: Int
    ) throws -> RunSession.Ending {
        var history = try read(path, isNew: !results.isEmpty)
        for result in results {
            let run = try Comparing.load(result)
            try approve(run, result)
            let entry = RunHistory.Entry(run)
            guard history.add(entry) else { continue }
            do { try LineFile(path: path).append(entry.json.encoded()) } catch {
                throw ScenarioLoading.Problem("\(path) cannot be written: \(error)")
            }
        }
        let text = HistoryText(history, relative: relative, recent: recent)
        let code: ExitCode =
            switch text.verdict {
            case .regressed: .regressed
            case .inconclusive: .inconclusive
            case .improved, .unchanged: .passed
            }
        return .init(exitCode: code, summary: text.text)
    }

    private static func read(_ path: String, isNew: Bool) throws -> RunHistory {
        if isNew, access(path, F_OK) != 0 { return RunHistory() }
        let bytes: [UInt8]
        do { bytes = try TextFile.read(path, limit: 1 << 28) } catch {
            throw ScenarioLoading.Problem("\(error)")
        }
        let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map { Array($0) }
        do { return try RunHistory(lines: lines) } catch {
            throw ScenarioLoading.Problem("\(path) is no history of uproar: \(error)")
        }
    }

    /// What is no sample of the agent has no place in its history. A run whose gates failed is one.
    private static func approve(_ run: RunResult, _ path: String) throws {
        if run.isPartial || run.validity.state == .invalid {
            throw ScenarioLoading.Problem(
                "\(path) is \(run.isPartial ? "partial" : "invalid"): a history takes whole, valid runs"
            )
        }
        if run.isInteractive {
            throw ScenarioLoading.Problem(
                "\(path) was steered by hand: a history takes runs that can be repeated")
        }
        if run.draw.isEmpty {
            throw ScenarioLoading.Problem("\(path) holds no calls to compare")
        }
    }
}
