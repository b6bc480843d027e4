import UproarCore
import UproarHarness

extension Command {
    static let providers = Command(
        name: "providers", summary: "the emulated providers, alone; latencies learned from traces",
        form: "[--port N] | learn --from FILE|URL",
        text: """
            Plays the vendors of `uproar list providers` on loopback: point an agent's base URLs at the addresses it prints. A run against
            that agent hears them with `providers: {attach: URL}` and the same seed: the URL is printed, too (with --port N: at N+99).
            What was asked of them stands at /uproar/requests, live counters at /uproar/counters and /metrics (with --port N: at N+98).

            learn   makes latency files of your own traces, for `latency: empirical(FILE)`: a CSV file or JSON lines with provider, operation
                    and ms, an OTLP JSON export, a run's folder, Prometheus text, or a Prometheus server with --metric. See docs/providers.md.
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
            Arguments.Flag("from", "FILE|URL", "learn: where the times come from"),
            Arguments.Flag("metric", "NAME", "learn: the histogram, without _bucket"),
            Arguments.Flag("provider", "NAME", "learn: of histograms that name none"),
            Arguments.Flag("operation", "NAME", "learn: of histograms that name none"),
            Arguments.Flag("range", "TIME", "learn: how far back a server looks (1h)"),
            CommonFlags.out,
        ]
    ) { arguments in
        if let word = arguments.rest.first {
            guard word == "learn" else {
                throw Arguments.Mistake(
                    text: """
                        unknown word '\(word)' of 'uproar providers'; did you mean 'learn'?
                          see 'uproar help providers'
                        """)
            }
            return try learn(arguments)
        }
        return try ProvidersProcess.run(
            config: arguments.text("config"),
            scenario: arguments.text("scenario") ?? "scenarios/quickstart.yaml",
            seed: try arguments.seed() ?? 1,
            firstPort: try arguments.integer("port", in: 1...65400),
            isSecure: arguments.has("tls"),
            say: { Terminal.standardError($0 + "\n") },
            print: arguments.has("print-env") ? { Terminal.standardOutput($0 + "\n") } : nil)
    }

    private static func learn(_ arguments: Arguments) throws -> ExitCode {
        guard let from = arguments.text("from") else {
            throw Arguments.Mistake(
                text: """
                    'uproar providers learn' needs --from FILE|URL
                      see 'uproar help providers'
                    """)
        }
        var wanted = ProviderLearning.Wanted()
        wanted.from = from
        wanted.metric = arguments.text("metric")
        wanted.provider = arguments.text("provider")
        wanted.operation = arguments.text("operation")
        wanted.range = arguments.text("range") ?? wanted.range
        wanted.out = arguments.text("out") ?? wanted.out
        return try ProviderLearning.run(wanted) { Terminal.standardOutput($0 + "\n") }
    }
}
