import UproarCore
import UproarHarness

extension Command {
    static let compare = Command(
        name: "compare", summary: "stored runs beside each other: better, worse, or not known",
        form: "BEFORE AFTER [AFTER …]",
        text: """
            Each is a result.json or the folder that holds one. A regression is larger than --relative and --absolute, and the
            confidence interval of the difference, from drawing whole calls, excludes zero: exit 3. Too few calls to know: exit 4.
            Runs of different scenarios, or live beside simulated, are refused: exit 2. Of several, each is held against the first,
            and the worst is the answer.
            """,
        flags: [CommonFlags.out, CommonFlags.force, CommonFlags.mapExit] + CommonFlags.comparison
    ) { arguments in
        guard (2...Comparing.runLimit).contains(arguments.rest.count) else {
            throw Arguments.Mistake(
                text:
                    "two to \(Comparing.runLimit) results are due: uproar compare baselines/NAME.json reports/NAME"
            )
        }
        let ending = try Comparing.compare(
            arguments.rest[0], Array(arguments.rest.dropFirst()),
            settings: try arguments.comparisonSettings(),
            isForced: arguments.has("force"), out: arguments.text("out"))
        Terminal.standardOutput(ending.summary)
        return ending.exitCode
    }

    static let baseline = Command(
        name: "baseline", summary: "make a stored run the one that others are held against",
        form: "accept RESULT.json|FOLDER [--to FILE]",
        text:
            "Writes baselines/SCENARIO.json, to be committed. Only a whole, valid run that passed its gates is taken.",
        flags: [Arguments.Flag("to", "FILE", "write the baseline there")]
    ) { arguments in
        guard arguments.rest.count == 2, arguments.rest[0] == "accept" else {
            throw Arguments.Mistake(text: "say: uproar baseline accept reports/NAME")
        }
        Terminal.standardOutput(
            try Comparing.accept(arguments.rest[1], to: arguments.text("to")))
        return .passed
    }
}

extension CommonFlags {
    static let mapExit = Arguments.Flag(
        "map-exit", "CODE=CODE", "end with another exit code, as 4=0: a policy of CI", repeats: true
    )
    static let force = Arguments.Flag("force", nil, "compare unlike runs; the report says so")
    static let baseline = Arguments.Flag(
        "baseline", "FILE", "hold the run against this result: exit 3 when it is worse")
    static let comparison = [
        Arguments.Flag("relative", "SHARE", "a regression is larger than this, as 10% (10%)"),
        Arguments.Flag("absolute", "TIME", "and, for times, larger than this, as 30ms (30ms)"),
    ]
}

extension Arguments {
    func baseline() throws(Mistake) -> (path: String, settings: Comparing.Settings)? {
        let settings = try comparisonSettings()
        guard let path = text("baseline") else {
            for name in ["relative", "absolute"] where text(name) != nil {
                throw Mistake(
                    text:
                        "'--\(name)' goes with --baseline: there is nothing to hold the run against"
                )
            }
            return nil
        }
        return (path, settings)
    }

    /// `10%` as 0.1.
    func share(_ name: String) throws(Mistake) -> Double? {
        guard let text = text(name) else { return nil }
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent >= 0,
            percent <= 1000
        else { throw Mistake(text: "'--\(name) \(text)': a share such as 10% is allowed") }
        return percent / 100
    }

    func comparisonSettings() throws(Mistake) -> Comparing.Settings {
        var settings = Comparing.Settings()
        if let share = try share("relative") { settings.relative = share }
        if let text = text("absolute") {
            guard text.hasSuffix("ms"), let count = Double(text.dropLast(2)), count >= 0,
                count <= 3_600_000
            else { throw Mistake(text: "'--absolute \(text)': a time such as 30ms is allowed") }
            settings.absolute = .nanoseconds(Int64(count * 1e6))
        }
        return settings
    }
}
