import Glibc
import UproarAgent
import UproarCore
import UproarPosix
import UproarRuntime

/// `uproar agent`: the reference agent as a process of its own, by hand or as a run's child.
package enum AgentProcess {
    /// As the command line has it: defaults, then the guides' variables of the environment, then a file, then flags.
    package static func run(
        config: String?, port: Int?, host: String?, maximumCalls: Int?, echoes: Bool,
        printsConfig: Bool = false, print: (String) -> Void = { _ in },
        say: @escaping (String) -> Void
    ) throws -> ExitCode {
        let isChild = getenv(ControlSocket.variable) != nil
        var settings = UproarAgent.AgentSettings()
        var sources: [String: String] = [:]
        func note(_ change: (inout UproarAgent.AgentSettings) -> Void, _ source: String) {
            let before = settings.json
            change(&settings)
            for member in settings.json.members ?? [] where before[member.key] != member.value {
                sources[member.key] = source
            }
        }
        settings.port = 8080
        if config == nil {
            settings.metricsPort = 9090
            settings.healthPort = 8081
            settings.logLevel = "info"
            for (variable, change) in environment {
                guard let text = Self.variable(variable) else { continue }
                note({ change(&$0, text) }, "environment \(variable)")
            }
        }
        var seed: UInt64 = 1
        var epoch: Int64?
        if let config {
            let file = try ConfigFile.read(config)
            let read = try UproarAgent.AgentSettings(file["agent"] ?? .object([]))
            note({ $0 = read }, "file \(config)")
            seed = file["seed"]?.text.flatMap { UInt64($0) } ?? seed
            epoch = file["epoch_ns"]?.int.map { Int64($0) }
        }
        if let port {
            note(
                {
                    $0.port = UInt16(port)
                    // Asked for one port, the agent takes no others.
                    ($0.metricsPort, $0.healthPort) = (0, 0)
                }, "--port")
        }
        if let host { note({ $0.host = host }, "--host") }
        if let maximumCalls { note({ $0.maximumCalls = maximumCalls }, "--max-calls") }
        if echoes { note({ $0.echoes = true }, "--echo") }
        if printsConfig {
            for member in settings.json.members ?? [] {
                print(
                    "\(member.key) = \(hidden(member.value).text(pretty: false))  (\(sources[member.key] ?? "default"))"
                )
            }
            for name in secrets {
                print("\(name) = \(variable(name) == nil ? "not set" : "set, hidden")")
            }
            return .passed
        }
        // The epoch of a run that is over would only make times strange.
        return run(settings, seed: Seed(seed), epoch: isChild ? epoch : nil, say: say)
    }

    /// A URL without the password in it.
    private static func hidden(_ value: JSONValue) -> JSONValue {
        guard let text = value.text, let start = text.firstRange(of: "://"),
            let at = text.lastIndex(of: "@"), at >= start.upperBound
        else { return value }
        return .string(String(text[..<start.upperBound]) + "…" + String(text[at...]))
    }

    private static let secrets = [
        "DEEPGRAM_API_KEY", "ASSEMBLYAI_API_KEY", "OPENAI_API_KEY", "CARTESIA_API_KEY",
        "ELEVENLABS_API_KEY", "TWILIO_AUTH_TOKEN", "REDIS_PASSWORD",
    ]

    /// The guides' variables that are no secrets.
    private static let environment:
        [(String, @Sendable (inout UproarAgent.AgentSettings, String) -> Void)] = [
            ("REDIS_HOST", { $0.redisURL = "redis://\($1):6379" }),
            ("REDIS_URL", { $0.redisURL = $1 }), ("OPENAI_BASE_URL", { $0.openaiURL = $1 }),
            ("TWILIO_ACCOUNT_SID", { $0.twilioAccount = $1 }),
            ("TWILIO_PHONE_NUMBER", { $0.twilioNumber = $1 }),
            ("HOSTNAME", { $0.worker = $1 }), ("LOG_LEVEL", { $0.logLevel = $1.lowercased() }),
        ]

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Serves until it is told to stop; blocks. Returns the exit code.
    ///
    /// - say: takes lines for people (where it listens, why it cannot).
    package static func run(
        _ settings: UproarAgent.AgentSettings, seed: Seed, epoch: Int64?,
        say: @escaping (String) -> Void
    ) -> ExitCode {
        do {
            _ = DescriptorLimit.raise()
            let clock = epoch.map { RunClock(epoch: $0) } ?? .starting()
            let driver = try PosixDriver(clock: clock)
            let loop = EventLoop(driver: driver)
            let network = PosixNetwork(loop: loop, driver: driver)
            let side = try ChildSide(name: "agent", loop: loop, network: network)
            let server: AgentServer
            let endpoint: Endpoint
            do {
                server = try AgentAssembly.make(
                    settings, keys: keys(), loop: loop, network: network,
                    http: CurlHTTPClient(loop: loop, driver: driver), seed: seed
                ) { parts in
                    parts.meter = ProcessMeter()
                    if let level = AgentLog.Level(rawValue: settings.logLevel) {
                        let start = Int64(time(nil)) * 1000 - loop.now.milliseconds
                        parts.log = AgentLog(
                            from: level, time: { start + loop.now.milliseconds }, write: say)
                    }
                }
                server.onExhaustion = { [weak server] in server?.drain { loop.stop() } }
                endpoint = try server.start()
            } catch {
                side.fail("\(error)")
                say("agent: \(error)")
                return .usage
            }
            let signals = try SignalSource(driver: driver, signals: [SIGINT, SIGTERM]) { _ in
                server.drain { loop.stop() }
            }
            side.onDrain = {
                side.finish(evidence: ["active_calls": .integer(Int64(server.activeCalls))])
            }
            side.ready(ports: [("media", endpoint.port)])
            say("agent: ws://\(endpoint)\(settings.mediaPath)")
            loop.run()
            withExtendedLifetime((signals, side)) {}
            return .passed
        } catch {
            say("agent: \(error)")
            return .usage
        }
    }

    private static func keys() -> AgentAssembly.Keys {
        var keys = AgentAssembly.Keys()
        keys.deepgram = variable("DEEPGRAM_API_KEY") ?? "none"
        keys.openai = variable("OPENAI_API_KEY") ?? "none"
        keys.cartesia = variable("CARTESIA_API_KEY") ?? "none"
        keys.assemblyai = variable("ASSEMBLYAI_API_KEY") ?? "none"
        keys.elevenlabs =
            variable("ELEVENLABS_API_KEY") ?? variable("ELEVEN_API_KEY") ?? "none"
        keys.twilioToken = variable("TWILIO_AUTH_TOKEN") ?? "none"
        keys.redisPassword = variable("REDIS_PASSWORD")
        return keys
    }
}
