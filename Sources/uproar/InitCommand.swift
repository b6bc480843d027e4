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
