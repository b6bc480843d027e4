import Glibc
import UproarAgent
import UproarCore
import UproarCrypto
import UproarPosix
import UproarRuntime
import UproarScenario

/// What the children of an embedded run are told: the reference agent and the emulators, by the scenario.
package final class EmbeddedConfigurations: ChildConfigurations {
    private let plan: RunPlan
    private let clock: RunClock
    private let folder: String
    /// Made for this run; what it encrypts can be read by nobody afterwards.
    package let recordingKey: String?

    /// - folder: of the children's files.
    package init(plan: RunPlan, clock: RunClock, folder: String) {
        self.plan = plan
        self.clock = clock
        self.folder = folder
        recordingKey =
            plan.scenario.isRecording
            ? Hex.encode(unguessableBytes(RecordingKeys.keyCount)) : nil
    }

    package func providers() -> JSONValue {
        var configuration = ProviderConfiguration(
            plan: plan, epoch: clock.epoch, epochSeconds: Int64(time(nil)))
        configuration.secure = Self.secure(plan, folder: folder)
        if !configuration.upstreams.isEmpty {
            configuration.upstreamLog = folder + "/upstream.jsonl"
        }
        return configuration.json
    }

    /// The reference agent speaks plain to its emulators; others may want TLS, or know nothing else.
    ///
    /// - folder: of the children's files.
    static func secure(_ plan: RunPlan, folder: String) -> SecureListening? {
        if case .embedded = plan.scenario.target { return nil }
        let folder = folder.hasPrefix("/") ? folder : WorkingFolder.path() + "/" + folder
        var secure = SecureListening(trust: TrustFiles(folder: folder))
        if case .listen(let host, _) = plan.scenario.providers.place { secure.hosts.append(host) }
        if case .command(let command) = plan.scenario.target,
            let intercept = command.intercept.map({ InterceptPlan($0) })
        {
            secure.hosts += intercept.hosts.map(\.name)
            secure.addresses = intercept.addresses.map {
                .init(provider: $0.provider, host: $0.address)
            }
        }
        return secure
    }

    package func agent(ports: [String: UInt16], redis: UInt16) -> JSONValue {
        agent(worker: 1, port: 0, ports: ports, redis: redis)
    }

    package func agent(worker: Int, port: UInt16, ports: [String: UInt16], redis: UInt16)
        -> JSONValue
    {
        var settings = Self.settings(plan)
        settings.worker = "agent-\(worker)"
        settings.port = port
        Self.direct(&settings, plan, to: { ports[$0.name] ?? 0 }, redis: redis)
        settings.epoch = Int64(time(nil))
        settings.recordingSpool = folder + "/spool"
        if settings.deadLetters.isEmpty { settings.deadLetters = folder + "/dead-letters.jsonl" }
        return .object([
            .init("agent", settings.json),
            .init("seed", .string(String(Self.seed(plan, worker: worker).value))),
            .init("epoch_ns", .integer(clock.epoch)),
        ])
    }

    /// Dummy keys: the emulators take any, and the person's own must not reach them.
    package func environment(of child: String) -> [EnvironmentEntry] {
        guard child.hasPrefix("agent") else { return [] }
        return [
            "DEEPGRAM_API_KEY", "ASSEMBLYAI_API_KEY", "OPENAI_API_KEY", "CARTESIA_API_KEY",
            "ELEVENLABS_API_KEY", "TWILIO_AUTH_TOKEN", "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ].map { EnvironmentEntry($0, "uproar-emulated") }
            + (recordingKey.map { [EnvironmentEntry("RECORDING_KEY", $0)] } ?? [])
    }

    /// What a worker draws is its own; the first one's is the run's.
    static func seed(_ plan: RunPlan, worker: Int) -> Seed {
        guard worker > 1 else { return plan.seed }
        var random = plan.seed.stream("agent-worker", UInt64(worker))
        return Seed(random.next())
    }

    /// Points the agent at a run's emulators and Redis, where the scenario does not point it elsewhere.
    static func direct(
        _ settings: inout UproarAgent.AgentSettings, _ plan: RunPlan,
        to port: (ProviderID) -> UInt16, redis: UInt16
    ) {
        let own = plan.scenario.agent.others.map(\.key)
        let host = "127.0.0.1"
        EmulatorPlaces.direct(&settings, host: host, port: port, except: own)
        if !own.contains("redis_url") { settings.redisURL = "redis://\(host):\(redis)" }
        // Services that an agent has only when it is told of them: `workflow_url: ${workflow.url}`.
        for other in plan.scenario.agent.others where other.text.contains("${") {
            var text = other.text[...]
            var filled = ""
            while let start = text.firstRange(of: "${") {
                filled += text[..<start.lowerBound]
                text = text[start.upperBound...]
                guard let end = text.firstRange(of: ".url}") else { break }
                let name = String(text[..<end.lowerBound])
                filled +=
                    ProviderID(name: name).map { "http://\(host):\(port($0))" } ?? "${\(name).url}"
                text = text[end.upperBound...]
            }
            try? settings.set(other.key, text: filled + text)
        }
    }

    /// The scenario's `agent:` over the agent's own defaults; room for every caller of the plan.
    static func settings(_ plan: RunPlan) -> UproarAgent.AgentSettings {
        var settings = UproarAgent.AgentSettings()
        let wanted = plan.scenario.agent
        settings.maximumCalls = plan.arrivals.peakCalls(callLength: .seconds(60)) + 100
        // Never shorter than the longest pause inside an utterance: that would cut callers off.
        let longest = ClipSelection.longestInnerPause(of: plan.clips)
        settings.endpointing = max(settings.endpointing, longest + .milliseconds(20))
        if let value = wanted.endpointing { settings.endpointing = value }
        if let value = wanted.stableInterim { settings.stableInterim = value }
        if let value = wanted.finishAfter { settings.finishAfter = value }
        if let value = wanted.bargeIn { settings.bargeIn = value }
        settings.records = plan.scenario.isRecording
        if let value = wanted.greeting { settings.greeting = value }
        for other in wanted.others {
            // Checked when the scenario was read.
            try? settings.set(other.key, text: other.text)
        }
        return settings
    }
}
