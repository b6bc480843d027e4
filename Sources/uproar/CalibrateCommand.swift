import UproarCore
import UproarHarness

extension Command {
    static let calibrate = Command(
        name: "calibrate", summary: "how far is the measurement from a stamped truth?",
        form: "--callers N",
        text: """
            Callers call a child that answers each utterance after --delay and stamps what it read and wrote. The error is
            measured minus stamped; it passes when p99 of its size is 2 ms or less.
            """,
        flags: [
            Arguments.Flag("callers", "N", "calls at a time (1000)"),
            Arguments.Flag("for", "SECONDS", "how long to hold them (20)"),
            Arguments.Flag("delay", "MS", "the delay to inject, in milliseconds (600)"),
            CommonFlags.out, CommonFlags.quiet,
        ]
    ) { arguments in
        let callers = try arguments.integer("callers", in: 1...10_000) ?? 1000
        var options = RunOptions(commandLine: "uproar calibrate --callers \(callers)")
        options.out = arguments.text("out")
        let calibration = try Calibration.run(
            callers: callers, length: .seconds(try arguments.integer("for", in: 2...3600) ?? 20),
            delay: .milliseconds(try arguments.integer("delay", in: 20...4000) ?? 600),
            options: options, version: Version.text, view: LiveView(isQuiet: arguments.has("quiet"))
        )
        Terminal.standardOutput(calibration.text)
        return calibration.exitCode
    }

    static let calibrationTarget = Command(
        name: "calibration-target", summary: "the child that 'uproar calibrate' measures",
        form: "--config FILE", text: "", flags: [Arguments.Flag("config", "FILE", "its settings")],
        isInternal: true
    ) { arguments in
        guard let config = arguments.text("config") else {
            throw Arguments.Mistake(text: "--config FILE is due")
        }
        return try CalibrationProcess.run(config: config) { Terminal.standardError($0 + "\n") }
    }
}
