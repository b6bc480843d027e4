import Glibc
import UproarAgent
import UproarCore
import UproarPosix
import UproarRuntime

/// `uproar agent`: the reference agent as a process of its own, by hand or as a run's child.
package enum AgentProcess {
    /// As the command line has it: settings from a file or the defaults, with flags over them.
    package static func run(
        config: String?, port: Int?, host: String?, maximumCalls: Int?, echoes: Bool,
        say: @escaping (String) -> Void
    ) throws -> ExitCode {
        var settings = UproarAgent.AgentSettings()
        settings.port = 8080
        var seed: UInt64 = 1
        var epoch: Int64?
        if let config {
            let file = try ConfigFile.read(config)
            settings = try UproarAgent.AgentSettings(file["agent"] ?? .object([]))
            seed = file["seed"]?.text.flatMap { UInt64($0) } ?? seed
            epoch = file["epoch_ns"]?.int.map { Int64($0) }
        }
        if let port { settings.port = UInt16(port) }
        if let host { settings.host = host }
        if let maximumCalls { settings.maximumCalls = maximumCalls }
        if echoes { settings.echoes = true }
        // The epoch of a run that is over would only make times strange.
        let isChild = getenv(ControlSocket.variable) != nil
        return run(settings, seed: Seed(seed), epoch: isChild ? epoch : nil, say: say)
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
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
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
