import UproarAgent
import UproarCore
import UproarProviders

/// The settings of an agent's process, and where each came from: defaults, then the environment, then a file, then flags.
package struct AgentConfiguration {
    package struct Flags: Sendable {
        /// A file, as a run leaves it in `children/agent.yaml`.
        package var config: String?
        package var port: Int?
        package var host: String?
        package var maximumCalls: Int?
        package var echoes = false
        /// Where `uproar providers` listens: its first port.
        package var providers: String?
        package init() {}
    }

    package private(set) var settings = UproarAgent.AgentSettings()
    /// By key; a setting that is as it is by default has none.
    package private(set) var sources: [String: String] = [:]
    package private(set) var seed: UInt64 = 1
    package private(set) var epoch: Int64?

    /// - isChild: the run's child takes its file alone, whatever the environment says.
    /// - variable: a variable of the environment; nil when it is not set.
    package init(
        _ flags: Flags, isChild: Bool, variable: (String) -> String?,
        read: (String) throws -> JSONValue = { try ConfigFile.read($0) }
    ) throws {
        settings.port = 8080
        if !isChild {
            settings.metricsPort = 9090
            settings.healthPort = 8081
            settings.logLevel = "info"
            try takeEnvironment(variable)
        }
        if let config = flags.config {
            let file = try read(config)
            try note("file \(config)") { settings throws in
                do { try settings.take(file["agent"] ?? .object([])) } catch {
                    throw ScenarioLoading.Problem("\(config):\n\(error)")
                }
            }
            seed = file["seed"]?.text.flatMap { UInt64($0) } ?? seed
            epoch = file["epoch_ns"]?.int.map { Int64($0) }
        }
        if let port = flags.port {
            try note("--port") {
                $0.port = UInt16(clamping: port)
                // Asked for one port, the agent takes no others.
                ($0.metricsPort, $0.healthPort) = (0, 0)
            }
        }
        if let base = flags.providers {
            try note("--providers") { try EmulatorPlaces.direct(&$0, to: base) }
        }
        if let host = flags.host { try note("--host") { $0.host = host } }
        if let calls = flags.maximumCalls { try note("--max-calls") { $0.maximumCalls = calls } }
        if flags.echoes { try note("--echo") { $0.echoes = true } }
    }

    private mutating func note(
        _ source: String, _ change: (inout UproarAgent.AgentSettings) throws -> Void
    ) throws {
        let before = settings.json
        try change(&settings)
        for member in settings.json.members ?? [] where before[member.key] != member.value {
            sources[member.key] = source
        }
    }

    private mutating func takeEnvironment(_ variable: (String) -> String?) throws {
        for (name, take) in Self.environment {
            guard let text = variable(name), !text.isEmpty else { continue }
            try note("environment \(name)") { settings throws in
                guard let problem = take(&settings, text) else { return }
                throw ScenarioLoading.Problem("\(name)=\(text): \(problem)")
            }
        }
    }

    // MARK: Printing

    /// One line for each setting and each secret; a URL's password does not show.
    package func lines(variable: (String) -> String?) -> [String] {
        func isSet(_ name: String) -> Bool { !(variable(name) ?? "").isEmpty }
        var lines = (settings.json.members ?? []).map { member in
            "\(member.key) = \(Self.hidden(member.value).text(pretty: false))"
                + "  (\(sources[member.key] ?? "default"))"
        }
        for names in Self.secrets {
            lines.append(
                "\(names[0]) = \(names.contains(where: isSet) ? "set, hidden" : "not set")")
        }
        for name in Self.unused where isSet(name) {
            lines.append(
                "\(name) = set, not used: calls come by Twilio media streams and by the browser stream"
            )
        }
        return lines
    }

    /// URLs without the passwords in them; a list of URLs may hold several.
    private static func hidden(_ value: JSONValue) -> JSONValue {
        guard let text = value.text, text.contains("://") else { return value }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let start = part.firstRange(of: "://"), let at = part.lastIndex(of: "@"),
                at >= start.upperBound
            else { return String(part) }
            return part[..<start.upperBound] + "…" + part[at...]
        }
        return .string(parts.joined(separator: ","))
    }

    /// Each by its names, of which the first is usual.
    private static let secrets = [
        ["DEEPGRAM_API_KEY"], ["ASSEMBLYAI_API_KEY"], ["OPENAI_API_KEY"], ["CARTESIA_API_KEY"],
        ["ELEVENLABS_API_KEY", "ELEVEN_API_KEY"], ["TWILIO_AUTH_TOKEN"], ["REDIS_PASSWORD"],
        ["REDIS_SENTINEL_PASSWORD"], ["AWS_ACCESS_KEY_ID"], ["AWS_SECRET_ACCESS_KEY"],
        ["RECORDING_KEY"], ["API_KEY"],
    ]

    /// Variables of the guides that change nothing here: who sets them should know.
    private static let unused = ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]

    // MARK: Variables

    private typealias Taking = @Sendable (inout UproarAgent.AgentSettings, String) -> String?

    /// The guides' variables and those of the vendors' own tools, as far as they are no secrets. Each says what is wrong with its value.
    private static let environment: [(String, Taking)] = [
        ("REDIS_HOST", text { $0.redisURL = "redis://\($1):6379" }),
        (
            "REDIS_PORT",
            { settings, text in
                guard let port = UInt16(text), port > 0 else { return "1 to 65535 is allowed" }
                guard var url = try? RedisURL(settings.redisURL) else { return nil }
                url.port = port
                settings.redisURL = "redis://\(url.host):\(url.port)"
                return nil
            }
        ),
        ("REDIS_URL", text { $0.redisURL = $1 }),
        ("OPENAI_BASE_URL", text { $0.openaiURL = $1 }),
        ("TWILIO_ACCOUNT_SID", text { $0.twilioAccount = $1 }),
        ("TWILIO_PHONE_NUMBER", text { $0.twilioNumber = $1 }),
        ("HOSTNAME", text { $0.worker = $1 }),
        (
            "LOG_LEVEL",
            { settings, text in
                let levels = ["debug", "info", "warning", "error", "off"]
                guard levels.contains(text.lowercased()) else {
                    return "one of \(levels.joined(separator: ", ")) is allowed"
                }
                settings.logLevel = text.lowercased()
                return nil
            }
        ),
        ("AWS_REGION", text { $0.recordingRegion = $1 }),
        ("AWS_ENDPOINT_URL", text { $0.recordingURL = $1 }),
        (
            "RECORDING_ENABLED",
            { settings, text in
                guard let flag = ["true": true, "false": false][text.lowercased()] else {
                    return "true or false is allowed"
                }
                settings.records = flag
                return nil
            }
        ),
        (
            "RECORDING_STORAGE",
            { settings, text in
                let bucket = text.dropFirst(5).prefix { $0 != "/" }
                guard text.hasPrefix("s3://"), !bucket.isEmpty else {
                    return "s3://BUCKET is allowed"
                }
                settings.recordingBucket = String(bucket)
                return nil
            }
        ),
        (
            "RECORDING_RETENTION_DAYS",
            { settings, text in
                guard let days = Int(text), days >= 0 else { return "a number of days is allowed" }
                settings.recordingKeepDays = days
                return nil
            }
        ),
        // What recordings always are: anything else would be believed and not be so.
        (
            "RECORDING_ENCRYPTION",
            { _, text in text == "AES-256" ? nil : "recordings are encrypted with AES-256" }
        ),
        (
            "RECORDING_ACCESS_LOGGING",
            { _, text in text.lowercased() == "true" ? nil : "access is always logged" }
        ),
    ]

    private static func text(
        _ take: @escaping @Sendable (inout UproarAgent.AgentSettings, String) -> Void
    ) -> Taking {
        { settings, text in
            take(&settings, text)
            return nil
        }
    }
}
