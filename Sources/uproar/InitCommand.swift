import UproarCore
import UproarHarness

extension Command {
    static let initialise = Command(
        name: "init",
        summary:
            "write a scenario for an agent of your own, gates set from runs of it, and a CI file",
        form: "--command \"python bot.py\" | --url ws://HOST/PATH",
        text: """
            Writes uproar.yaml and .github/workflows/uproar.yml. The agent is run --runs times; the gates stand above the worst of them
            by a tenth and 30 ms, so that they fail on a change and not on this machine's noise.
            """,
        flags: [
            Arguments.Flag(
                "command", "COMMAND", "how the agent is started; words are split at spaces"),
            Arguments.Flag(
                "url", "URL",
                "where it answers; with --command ${media.port} stands for a free port (ws://127.0.0.1:${media.port}/media)"
            ),
            Arguments.Flag(
                "env", "NAME=VALUE",
                "set this for the command, as DEEPGRAM_URL='${deepgram.ws}' (that, and CARTESIA_URL); again for more",
                repeats: true),
            Arguments.Flag("dir", "DIR", "write into DIR (.)"),
            Arguments.Flag("callers", "N", "callers at once (10)"),
            Arguments.Flag("seconds", "N", "length of a run (40)"),
            Arguments.Flag("runs", "N", "runs to set gates from (10)"),
            CommonFlags.quiet,
            Arguments.Flag("force", nil, "write files that are there already anew"),
        ]
    ) { arguments in
        let command = arguments.text("command")
        guard arguments.rest.isEmpty, command != nil || arguments.has("url") else {
            throw Arguments.Mistake(
                text:
                    "say how the agent is started or where it answers: uproar init --command \"python bot.py\""
            )
        }
        var plan = ScenarioInit.Plan(
            command: command, url: arguments.text("url") ?? "ws://127.0.0.1:${media.port}/media",
            version: Version.text)
        let variables = arguments.all("env")
        if !variables.isEmpty {
            plan.environment = try variables.map { text in
                guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                    throw Arguments.Mistake(
                        text: "'--env \(text)': NAME=VALUE is due, as DEEPGRAM_URL='${deepgram.ws}'"
                    )
                }
                return (String(text[..<equals]), String(text[text.index(after: equals)...]))
            }
        }
        plan.folder = arguments.text("dir") ?? "."
        plan.callers = try arguments.integer("callers", in: 1...10_000) ?? plan.callers
        plan.seconds = try arguments.integer("seconds", in: 5...86_400) ?? plan.seconds
        plan.runs = try arguments.integer("runs", in: 1...100) ?? plan.runs
        plan.isForced = arguments.has("force")
        Terminal.standardOutput(
            try ScenarioInit.run(plan, view: LiveView(isQuiet: arguments.has("quiet"))))
        return .passed
    }
}
