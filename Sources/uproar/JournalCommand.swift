import UproarCore
import UproarHarness

extension Command {
    static let journal = Command(
        name: "journal", summary: "check that a run's evidence is as it was written",
        form: "FOLDER|journal.jsonl",
        text: """
            Each line of a journal names the hash of the one before. Exit code 0 when all do, 1 when one does not: the first one is named.
            A journal that was cut short holds as far as it goes, and says so.
            """, flags: []
    ) { arguments in
        guard arguments.rest.count == 1 else {
            throw Arguments.Mistake(text: "one journal is due: uproar journal reports/NAME")
        }
        let finding = try JournalCheck.check(arguments.rest[0])
        Terminal.standardOutput(finding.text + "\n")
        return finding.broken == nil ? .passed : .gateFailed
    }
}
