import UproarCore
import UproarHarness

extension Command {
    static let providers = Command(
        name: "providers", summary: "the emulated providers, alone", form: "[--port N]",
        text: """
            Plays the vendors of `uproar list providers` on loopback: point an agent's base URLs at the addresses it prints.
            """,
        flags: [
            Arguments.Flag(
                "config", "FILE", "settings as a run leaves them in children/providers.yaml"),
            Arguments.Flag(
                "scenario", "FILE", "whose words and latencies (scenarios/quickstart.yaml)"),
            Arguments.Flag(
                "port", "N",
                "the first at N, the next at N+1, in the order of `uproar list providers`"),
        ]
    ) { arguments in
        try ProvidersProcess.run(
            config: arguments.text("config"),
            scenario: arguments.text("scenario") ?? "scenarios/quickstart.yaml",
            firstPort: try arguments.integer("port", in: 1...65500),
            say: { Terminal.standardError($0 + "\n") })
    }
}
