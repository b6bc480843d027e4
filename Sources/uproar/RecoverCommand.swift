import UproarCore
import UproarHarness

extension Command {
    static let recover = Command(
        name: "recover", summary: "undo what a run that died has left behind",
        form: "",
        text: """
            Every change outside a run is written down and flushed before it is made. The guardian undoes them when its run ends;
            this undoes what both have left. Exit code 7 when something could not be undone.
            """, flags: []
    ) { _ in
        let found = Recovery.recover()
        Terminal.standardOutput(found.text)
        return found.isClean ? .passed : .dirty
    }

    static let halt = Command(
        name: "halt", summary: "stop running scenarios and start no new ones until released",
        form: "--reason TEXT | --release",
        text:
            "A run looks at the lever four times a second: it clears its faults, hangs up and ends.",
        flags: [
            Arguments.Flag("reason", "TEXT", "why: shown to whoever starts a run"),
            Arguments.Flag("release", nil, "runs may start again"),
        ]
    ) { arguments in
        if arguments.has("release") {
            Recovery.release()
            Terminal.standardOutput("released\n")
            return .passed
        }
        guard let reason = arguments.text("reason") else {
            throw Arguments.Mistake(text: "--reason TEXT says why everything stops")
        }
        try Recovery.halt(reason)
        Terminal.standardOutput(
            "halted: \(reason)\n  uproar halt --release lets runs start again\n")
        return .passed
    }
}
