import UproarCore
import UproarHarness

extension Command {
    static let report = Command(
        name: "report", summary: "render a stored result again", form: "RESULT.json|FOLDER",
        text: "Writes the reports beside the result, or into --out, and prints the summary.",
        flags: [CommonFlags.out]
    ) { arguments in
        guard arguments.rest.count == 1 else {
            throw Arguments.Mistake(
                text: "one result is due: uproar report reports/NAME/result.json")
        }
        let (summary, journal) = try Rendering.render(arguments.rest[0], out: arguments.text("out"))
        Terminal.standardOutput(summary)
        if let journal { Terminal.standardError(journal + "\n") }
        return .passed
    }
}
