import Glibc
import UproarAgent
import UproarCore
import UproarCrypto
import UproarPosix
import UproarRuntime

/// `uproar agent`: the reference agent as a process of its own, by hand or as a run's child.
package enum AgentProcess {
    /// As the command line has it.
    package static func run(
        _ flags: AgentConfiguration.Flags, printsConfig: Bool = false,
        replaying deadLetters: String? = nil, print: (String) -> Void = { _ in },
        say: @escaping (String) -> Void
    ) throws -> ExitCode {
        let isChild = getenv(ControlSocket.variable) != nil
        let configuration = try AgentConfiguration(flags, isChild: isChild, variable: variable)
        if printsConfig {
            configuration.lines(variable: variable).forEach(print)
            return .passed
        }
        if let deadLetters {
            return try DeadLetterReplay.run(
                deadLetters, to: configuration.settings.workflowURL, say: say)
        }
        // The epoch of a run that is over would only make times strange.
        return run(
            configuration.settings, seed: Seed(configuration.seed),
            epoch: isChild ? configuration.epoch : nil, say: say)
    }

    static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Serves until it is told to stop; blocks. Returns the exit code.
    ///
    /// - say: takes lines for people (where it listens, why it cannot).
    private static func run(
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
            var settings = settings
            if settings.epoch == 0 {
                settings.epoch = Int64(time(nil)) - loop.now.nanoseconds / 1_000_000_000
            }
            // Made before there are other threads, which inherit its mask; nobody listens to it until the server is there.
            var stop: () -> Void = {
                say("agent: told to stop before it has begun")
                exit(ExitCode.terminated.rawValue)
            }
            let signals = try SignalSource(driver: driver, signals: [SIGINT, SIGTERM]) { _ in
                stop()
            }
            let server: AgentServer
            do {
                server = try AgentAssembly.make(
                    settings, keys: keys(), loop: loop, network: network,
                    http: CurlHTTPClient(loop: loop, driver: driver), seed: seed,
                    recording: try recordingWorld(settings, loop: loop)
                ) { parts in
                    parts.meter = ProcessMeter()
                    if let level = AgentLog.Level(rawValue: settings.logLevel) {
                        let start = Int64(time(nil)) * 1000 - loop.now.milliseconds
                        parts.log = AgentLog(
                            from: level, time: { start + loop.now.milliseconds }, write: say)
                    }
                    if !settings.deadLetters.isEmpty {
                        parts.deadLetters = DeadLetterReplay.writer(settings.deadLetters, say: say)
                    }
                }
            } catch {
                side.fail("\(error)")
                say("agent: \(error)")
                return .usage
            }
            server.onExhaustion = { [weak server] in server?.drain { loop.stop() } }
            stop = { server.drain { loop.stop() } }
            side.onDrain = {
                side.finish(evidence: ["active_calls": .integer(Int64(server.activeCalls))])
            }
            var code = ExitCode.passed
            // A child that cannot start says so at once: its run has better to do than wait.
            let start = ServerStart(
                server, retries: side.isAttached ? 0 : settings.startRetries,
                pause: settings.startPause, loop: loop, say: say)
            start.run { result in
                switch result {
                case .success(let endpoint):
                    side.ready(ports: [("media", endpoint.port)])
                    say("agent: ws://\(endpoint)\(settings.mediaPath)")
                case .failure(let error):
                    side.fail("\(error)")
                    say("agent: \(error)")
                    code = .usage
                    loop.stop()
                }
            }
            loop.run()
            server.stop()
            withExtendedLifetime((signals, side, start)) {}
            return code
        } catch {
            say("agent: \(error)")
            return .usage
        }
    }

    private static func recordingWorld(
        _ settings: UproarAgent.AgentSettings, loop: EventLoop
    ) throws -> AgentAssembly.RecordingWorld? {
        guard settings.records, !settings.echoes else { return nil }
        // Workers that share a disk have a folder each: what lies in it when one starts is a dead one's.
        let own = String(settings.worker.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" })
        let folder = settings.recordingSpool + "/" + (own.isEmpty ? "agent" : own)
        let spool: FolderSpool
        do {
            spool = try FolderSpool(
                folder: folder, worker: try BackgroundThread(name: "recordings", loop: loop))
        } catch {
            throw AgentAssembly.Problem(
                description: "recordings cannot be kept in \(folder): \(error)")
        }
        let epoch = settings.epoch
        return .init(
            spool: spool, unguessable: { unguessableBytes($0) },
            now: { epoch + loop.now.nanoseconds / 1_000_000_000 })
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
        keys.sentinelPassword = variable("REDIS_SENTINEL_PASSWORD")
        keys.tools = variable("API_KEY")
        keys.storeKey = variable("AWS_ACCESS_KEY_ID") ?? "none"
        keys.storeSecret = variable("AWS_SECRET_ACCESS_KEY") ?? "none"
        keys.recording = variable("RECORDING_KEY")
        return keys
    }
}

/// Starts the server, and tries again where that fails: the port may still be another's for a moment.
private final class ServerStart {
    private let server: AgentServer
    private var retries: Int
    private let pause: Duration
    private let loop: EventLoop
    private let say: (String) -> Void

    init(
        _ server: AgentServer, retries: Int, pause: Duration, loop: EventLoop,
        say: @escaping (String) -> Void
    ) {
        self.server = server
        self.retries = retries
        self.pause = pause
        self.loop = loop
        self.say = say
    }

    func run(then: @escaping (Result<Endpoint, NetworkError>) -> Void) {
        do throws(NetworkError) { then(.success(try server.start())) } catch {
            guard retries > 0 else { return then(.failure(error)) }
            retries -= 1
            say("agent: \(error); again in \(NumberText.duration(pause)), \(retries) more times")
            loop.schedule(at: loop.now + pause) { [weak self] in self?.run(then: then) }
        }
    }
}
