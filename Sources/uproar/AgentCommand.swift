import UproarCore
import UproarHarness

extension Command {
    static let agent = Command(
        name: "agent", summary: "the reference voice agent, alone",
        form: "[--port N] [--echo]",
        text: """
            Serves Twilio media streams at ws://HOST:PORT/media, with health pages, /metrics and /mcp; without --port also
            metrics on 9090 and health on 8081. Keys come from DEEPGRAM_API_KEY, ASSEMBLYAI_API_KEY, OPENAI_API_KEY,
            CARTESIA_API_KEY, ELEVENLABS_API_KEY, TWILIO_AUTH_TOKEN, REDIS_PASSWORD, AWS_ACCESS_KEY_ID,
            AWS_SECRET_ACCESS_KEY, RECORDING_KEY. docs/agent.md has the rest.
            """,
        flags: [
            Arguments.Flag(
                "config", "FILE", "settings as a run leaves them in children/agent.yaml"),
            Arguments.Flag("port", "N", "listen here (8080)"),
            Arguments.Flag("host", "ADDRESS", "listen on this address (127.0.0.1)"),
            Arguments.Flag("max-calls", "N", "calls at a time (10)"),
            Arguments.Flag(
                "providers", "HOST:PORT", "use the emulators of 'uproar providers --port PORT'"),
            Arguments.Flag(
                "print-config", nil, "print every setting, where it comes from, and end"),
            Arguments.Flag(
                "replay", "FILE", "deliver the dead letters of FILE to the workflow hook, and end"),
            Arguments.Flag("echo", nil, "say back what is heard; needs no providers"),
        ]
    ) { arguments in
        var flags = AgentConfiguration.Flags()
        flags.config = arguments.text("config")
        flags.port = try arguments.integer("port", in: 0...65535)
        flags.host = arguments.text("host")
        flags.maximumCalls = try arguments.integer("max-calls", in: 1...100_000)
        flags.echoes = arguments.has("echo")
        flags.providers = arguments.text("providers")
        return try AgentProcess.run(
            flags, printsConfig: arguments.has("print-config"),
            replaying: arguments.text("replay"),
            print: { Terminal.standardOutput($0 + "\n") },
            say: { Terminal.standardError($0 + "\n") })
    }
}
