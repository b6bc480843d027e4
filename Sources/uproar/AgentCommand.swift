import UproarCore
import UproarHarness

extension Command {
    static let agent = Command(
        name: "agent", summary: "the reference voice agent, alone",
        form: "[--port N] [--echo]",
        text: """
            Serves Twilio media streams at ws://HOST:PORT/media, with /health/live, /health/ready and /metrics.
            Keys come from DEEPGRAM_API_KEY, OPENAI_API_KEY, CARTESIA_API_KEY, REDIS_PASSWORD.
            """,
        flags: [
            Arguments.Flag(
                "config", "FILE", "settings as a run leaves them in children/agent.yaml"),
            Arguments.Flag("port", "N", "listen here (8080)"),
            Arguments.Flag("host", "ADDRESS", "listen on this address (127.0.0.1)"),
            Arguments.Flag("max-calls", "N", "calls at a time (10)"),
            Arguments.Flag("echo", nil, "say back what is heard; needs no providers"),
            Arguments.Flag(
                "providers", "URL", "emulators of 'uproar providers' at this base, all three"),
        ]
    ) { arguments in
        try AgentProcess.run(
            config: arguments.text("config"), port: try arguments.integer("port", in: 0...65535),
            host: arguments.text("host"),
            maximumCalls: try arguments.integer("max-calls", in: 1...100_000),
            echoes: arguments.has("echo"), say: { Terminal.standardError($0 + "\n") })
    }
}
