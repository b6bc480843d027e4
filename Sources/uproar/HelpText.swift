import UproarCore

/// Help, written by hand and kept under test against the commands and their flags.
enum HelpText {
    static var overview: String {
        var text = """
            uproar: load testing and chaos harness for voice AI agents

              uproar run scenarios/quickstart.yaml       200 callers against the agent that ships, with a report
              uproar run ws://127.0.0.1:8080/media --audio hello.wav --calls 5
                                                         the same against an agent of your own, no file needed

            commands

            """
        let width = Commands.visible.map(\.name.count).max() ?? 0
        for command in Commands.visible {
            text += "  \(command.name.padded(to: width))  \(command.summary)\n"
        }
        text += """

            'uproar help COMMAND' says more about one.
            exit codes: \(ExitCode.allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", "))

            """
        return text
    }

    static func of(_ command: Command) -> String {
        var text =
            "uproar \(command.name): \(command.summary)\n\n  uproar \(command.name) \(command.form)\n"
        if !command.text.isEmpty { text += "\n\(command.text)\n" }
        guard !command.flags.isEmpty else { return text }
        text += "\nflags\n"
        let heads = command.flags.map { "--\($0.name)" + ($0.value.map { " \($0)" } ?? "") }
        let width = heads.map(\.count).max() ?? 0
        for (head, flag) in zip(heads, command.flags) {
            text += "  \(head.padded(to: width))  \(flag.summary)\n"
        }
        return text
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
