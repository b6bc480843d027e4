import UproarCore
import UproarHarness

extension Command {
    static let history = Command(
        name: "history", summary: "changes over many runs, too small to show between any two",
        form: "HISTORY.jsonl [RESULT.json|FOLDER …]",
        text: """
            Adds the given runs to the file, a line each, and searches the series of runs like the last one for changes of level.
            Exit 3 while a change for the worse is among the last --recent runs, 4 with fewer than 8 runs.
            """,
        flags: [
            Arguments.Flag("relative", "SHARE", "a smaller change does not count, as 2% (2%)"),
            Arguments.Flag("recent", "N", "a change counts for so many runs (20)"),
            CommonFlags.mapExit,
        ]
    ) { arguments in
        guard let file = arguments.rest.first else {
            throw Arguments.Mistake(
                text: "a history is due: uproar history baselines/NAME.jsonl reports/NAME")
        }
        let ending = try HistoryFile.update(
            file, with: Array(arguments.rest.dropFirst()),
            relative: try arguments.share("relative") ?? 0.02,
            recent: try arguments.integer("recent", in: 1...1_000) ?? 20)
        Terminal.standardOutput(ending.summary)
        return ending.exitCode
    }
}
