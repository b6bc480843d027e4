import Glibc
import UproarCore
import UproarRuntime
import UproarScenario

/// Where an agent that is not ours finds the run's services: what `${…}` stands for, and what its environment holds anyway.
package struct AgentAddresses: Sendable {
    package struct Problem: Error, CustomStringConvertible {
        package var description: String
    }

    package var host = "127.0.0.1"
    /// Of the emulators, by provider name.
    package var ports: [String: UInt16]
    package var redis: UInt16?
    package var media: UInt16?
    /// nil: the emulators speak no TLS.
    package var trust: TrustFiles?

    package init(ports: [String: UInt16], redis: UInt16? = nil, media: UInt16? = nil) {
        self.ports = ports
        self.redis = redis
        self.media = media
    }

    package func value(_ variable: TargetVariable) throws(Problem) -> String {
        switch variable {
        case .mediaPort:
            guard let media else { throw Problem(description: "there is no ${media.port} here") }
            return String(media)
        case .redisURL:
            guard let redis else {
                throw Problem(description: "${redis.url}: this run starts no Redis")
            }
            return "redis://\(host):\(redis)/0"
        case .authority(let form):
            guard let trust else {
                throw Problem(description: "${\(variable.name)}: these providers speak no TLS")
            }
            return form == .file ? trust.certificate : trust.bundle
        case .environment(let text):
            guard let value = text.value(WithheldKeys.ownValue) else {
                throw Problem(description: "the environment has no \(text.name)")
            }
            return value
        case .provider(let provider, let form):
            guard let port = ports[provider.name] else {
                let names = ProviderID.allCases.map(\.name).filter { ports[$0] != nil }
                throw Problem(
                    description: "${\(variable.name)}: this run emulates no \(provider.name), only "
                        + names.joined(separator: ", "))
            }
            switch form {
            case .http: return "http://\(host):\(port)"
            case .ws: return "ws://\(host):\(port)"
            case .https: return "https://\(host):\(port)"
            case .wss: return "wss://\(host):\(port)"
            case .port: return String(port)
            }
        }
    }

    /// The variables that the vendors' own libraries read, as far as their emulators run, and keys that open nothing.
    package var environment: [EnvironmentEntry] {
        var entries: [EnvironmentEntry] = []
        for known in Self.known {
            guard let port = ports[known.provider.name] else { continue }
            entries.append(.init(known.name, "http://\(host):\(port)\(known.path)"))
        }
        if let redis { entries.append(.init("REDIS_URL", "redis://\(host):\(redis)/0")) }
        if let media { entries.append(.init("PORT", String(media))) }
        return entries + Self.dummyKeys + (trust?.environment ?? [])
    }

    /// The same without the origins of vendors that are called by their names.
    package var interceptedEnvironment: [EnvironmentEntry] {
        let origins = Self.known.filter { $0.provider != .objectStore }.map(\.name)
        return environment.filter { !origins.contains($0.name) }
    }

    /// A variable that makes a library call another origin than its vendor's (protocols: each library's own documentation).
    private static let known: [(name: String, provider: ProviderID, path: String)] = [
        ("OPENAI_BASE_URL", .openai, "/v1"), ("ANTHROPIC_BASE_URL", .anthropic, ""),
        ("CARTESIA_BASE_URL", .cartesia, ""), ("AWS_ENDPOINT_URL", .objectStore, ""),
    ]

    /// The person's own Twilio token, with which callers sign; nil without one.
    package static func ownToken() -> String? {
        getenv("TWILIO_AUTH_TOKEN").map { String(cString: $0) }
    }

    /// The emulators take any key; an agent without one would not start.
    package static let dummyKeys: [EnvironmentEntry] =
        [
            "DEEPGRAM_API_KEY", "ASSEMBLYAI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY",
            "CARTESIA_API_KEY", "ELEVENLABS_API_KEY", "ELEVEN_API_KEY",
        ].map { EnvironmentEntry($0, "uproar-emulated") } + [
            .init("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000"),
            .init("TWILIO_AUTH_TOKEN", "uproar-emulated"),
            .init("AWS_ACCESS_KEY_ID", "uproar-emulated"),
            .init("AWS_SECRET_ACCESS_KEY", "uproar-emulated"), .init("AWS_REGION", "us-east-1"),
        ]
}
