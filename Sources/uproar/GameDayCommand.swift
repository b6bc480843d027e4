import UproarCore
import UproarHarness

/// The commands of a game day: they steer a run that is going on.
extension Command {
    static let status = Command(
        name: "status", summary: "what the runs of this machine are doing", form: "[RUN]",
        text:
            "RUN is the name of a scenario that runs, or a run's own name. Without one: all that go on.",
        flags: []
    ) { arguments in
        guard arguments.rest.count <= 1 else {
            throw Arguments.Mistake(text: "one run at a time, or none for all")
        }
        if let word = arguments.rest.first {
            Terminal.standardOutput(try GameDayClient.statusText(try RunFinder.find(word)))
            return .passed
        }
        // A run that ends meanwhile is no mistake of the person's.
        let texts = RunFinder.all().compactMap { try? GameDayClient.statusText($0) }
        Terminal.standardOutput(texts.isEmpty ? "no run is going on\n" : texts.joined())
        return .passed
    }

    static let inject = Command(
        name: "inject", summary: "inject a fault into a run that is going on",
        form: "RUN FAULT --on TARGET --for 30s [ATTRIBUTE=VALUE …]",
        text: """
            Faults and their attributes are those of the timeline ('uproar list faults'), and so are the guard rails. What is done by
            hand is in the journal and the report; such a run is no baseline.
            """,
        flags: [
            Arguments.Flag("on", "TARGET", "a provider, role or process", repeats: true),
            Arguments.Flag("for", "TIME", "how long; then it ends by itself"),
        ]
    ) { arguments in
        guard arguments.rest.count >= 2 else {
            throw Arguments.Mistake(
                text:
                    "a run and a fault are due: uproar inject RUN http_error --on deepgram --for 10s"
            )
        }
        guard let time = arguments.text("for") else {
            throw Arguments.Mistake(text: "--for TIME is due: every fault has an end")
        }
        var attributes: [JSONValue.Member] = []
        for word in arguments.rest.dropFirst(2) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw Arguments.Mistake(
                    text: "'\(word)': an attribute and its value are due, as status=503")
            }
            attributes.append(.init(String(parts[0]), .string(String(parts[1]))))
        }
        return try say(
            try RunFinder.find(arguments.rest[0]),
            [
                "do": "inject", "fault": .string(arguments.rest[1]), "for": .string(time),
                "on": .array(arguments.all("on").map { .string($0) }),
                "attributes": .object(attributes),
            ])
    }

    static let clear = Command(
        name: "clear", summary: "end a fault of a run that is going on", form: "RUN ID", text: "",
        flags: []
    ) { arguments in
        guard arguments.rest.count == 2 else {
            throw Arguments.Mistake(
                text: "a run and a fault's id are due: uproar clear RUN by-hand-1")
        }
        return try say(
            try RunFinder.find(arguments.rest[0]),
            ["do": "clear", "id": .string(arguments.rest[1])])
    }

    static let mark = Command(
        name: "mark", summary: "note what people do during a run, as \"acknowledged\"",
        form: "RUN TEXT", text: "Marks stand in the journal and in the report, with their time.",
        flags: []
    ) { arguments in
        guard arguments.rest.count == 2 else {
            throw Arguments.Mistake(
                text: "a run and a text are due: uproar mark RUN \"acknowledged\"")
        }
        return try say(
            try RunFinder.find(arguments.rest[0]),
            ["do": "mark", "text": .string(arguments.rest[1])])
    }

    private static func say(_ run: String, _ request: JSONValue) throws -> ExitCode {
        let answer = try GameDayClient.ask(run, request)
        Terminal.standardOutput((answer["said"]?.text ?? "done") + "\n")
        return .passed
    }
}
