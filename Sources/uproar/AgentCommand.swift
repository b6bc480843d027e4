import UproarCore
import UproarHarness

extension Command {
    static let agent = Command(
        name: "agent", summary: "the reference voice agent, alone",
        form: "[--port N] [--echo]",
        text: """
            Serves Twilio media streams at ws://HOST:PORT/media, with health pages, /metrics and /mcp; without --port also
            metrics on 9090 and health on 8081. Keys come from DEEPGRAM_API_KEY, ASSEMBLYAI_API_KEY, OPENAI_API_KEY,
            CARTESIA_API_KEY, ELEVENLABS_API_KEY, TWILIO_AUTH_TOKEN, REDIS_PASSWORD. docs/agent.md has the rest.
            """,
        flags: [
            Arguments.Flag(
                "config", "FILE", "settings as a run leaves them in children/agent.yaml"),
            Arguments.Flag("port", "N", "listen here (8080)"),
            Arguments.Flag("host", "ADDRESS", "listen on this address (127.0.0.1)"),
            Arguments.Flag("max-calls", "N", "calls at a time (10)"),
            Arguments.Flag(
                "print-config", nil, "print every setting, where it comes from, and end"),
            Arguments.Flag("echo", nil, "say back what is heard; needs no providers"),
            Arguments.Flag(
                "providers", "URL", "emulators of 'uproar providers' at this base, all three"),
        ]
    ) { arguments in
        try AgentProcess.run(
            config: arguments.text("config"), port: try arguments.integer("port", in: 0...65535),
            host: arguments.text("host"),
            maximumCalls: try arguments.integer("max-calls", in: 1...100_000),
            echoes: arguments.has("echo"), printsConfig: arguments.has("print-config"),
            print: { Terminal.standardOutput($0 + "\n") },
            say: { Terminal.standardError($0 + "\n") })
    }
}
