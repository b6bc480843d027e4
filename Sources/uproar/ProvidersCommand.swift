import UproarCore
import UproarHarness

extension Command {
    static let providers = Command(
        name: "providers", summary: "the emulated providers, alone", form: "[--port N]",
        text: """
            Plays the vendors of `uproar list providers` on loopback: point an agent's base URLs at the addresses it prints. A run against
            that agent hears them with `providers: {attach: URL}` and the same seed: the URL is printed, too (with --port N: at N+99).
            """,
        flags: [
            CommonFlags.seed,
            Arguments.Flag(
                "config", "FILE", "settings as a run leaves them in children/providers.yaml"),
            Arguments.Flag(
                "scenario", "FILE", "whose words and latencies (scenarios/quickstart.yaml)"),
            Arguments.Flag(
                "port", "N",
                "the first at N, the next at N+1, in the order of `uproar list providers`"),
            Arguments.Flag(
                "tls", nil,
                "wss:// and https:// at the same ports, by an authority made for it; --print-env says how to trust it"
            ),
            Arguments.Flag(
                "print-env", nil, "print the environment of each supported library, for `eval`"),
        ]
    ) { arguments in
        try ProvidersProcess.run(
            config: arguments.text("config"),
            scenario: arguments.text("scenario") ?? "scenarios/quickstart.yaml",
            seed: try arguments.seed() ?? 1,
            firstPort: try arguments.integer("port", in: 1...65400),
            isSecure: arguments.has("tls"),
            say: { Terminal.standardError($0 + "\n") },
            print: arguments.has("print-env") ? { Terminal.standardOutput($0 + "\n") } : nil)
    }
}
