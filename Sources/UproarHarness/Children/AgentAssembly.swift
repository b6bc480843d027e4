import UproarAgent
import UproarCore
import UproarCrypto
import UproarProviders
import UproarRuntime
import UproarScenario
import UproarWire

/// The reference agent with its providers' clients: where the names meet. The same in both worlds.
package enum AgentAssembly {
    package struct Keys: Sendable {
        package var deepgram = "none"
        package var openai = "none"
        package var cartesia = "none"
        package var assemblyai = "none"
        package var elevenlabs = "none"
        package var twilioToken = "none"
        package var redisPassword: String?
        package var sentinelPassword: String?
        /// Of those who ask at `/mcp`; nil: anybody may.
        package var tools: String?
        package var storeKey = "none"
        package var storeSecret = "none"
        /// 32 bytes, hexadecimal or base64; nil: nothing is recorded.
        package var recording: String?
        package init() {}
    }

    package struct Problem: Error, CustomStringConvertible {
        package var description: String
    }

    package static func make(
        _ settings: UproarAgent.AgentSettings, keys: Keys, loop: EventLoop, network: any Network,
        http: any HTTPClient, seed: Seed, recording: RecordingWorld? = nil,
        change: (inout AgentParts) -> Void = { _ in }
    ) throws -> AgentServer {
        var parts = AgentParts(loop: loop, network: network)
        if !settings.echoes {
            try addRecognisers(&parts, settings, keys, seed, http)
            let pool =
                settings.modelRequests > 0
                ? ModelPool(limit: settings.modelRequests, loop: loop) : nil
            for model in UproarAgent.AgentSettings.names(settings.models) {
                let client = OpenAIChatClient(
                    base: settings.openaiURL, key: keys.openai, http: http)
                parts.models.append(
                    ModelCandidate(pool?.pooled(client) ?? client, model: model))
            }
            try addVoices(&parts, settings, keys, seed)
            parts.random = seed.stream("agent")
            if !settings.redisURL.isEmpty {
                var places: RedisPlaces
                do { places = try RedisPlaces(settings.redisURL) } catch {
                    throw Problem(description: "redis: \(settings.redisURL): \(error)")
                }
                if let password = keys.redisPassword { places.fill(password: password) }
                var options = RedisClient.Options()
                options.deadline = settings.storeWait
                options.sentinelPassword = keys.sentinelPassword
                let client = RedisClient(
                    places, network: network, loop: loop, random: seed.stream("agent-redis"),
                    options: options)
                parts.sessions = RedisSessionStore(client)
                parts.tasks = RedisTaskStore(client)
            }
        }
        parts.toolKey = keys.tools
        if !settings.prices.isEmpty { parts.prices = try prices(settings.prices) }
        if !settings.workflowURL.isEmpty {
            parts.workflows = WebhookClient(url: settings.workflowURL, http: http)
        }
        if !settings.pagerURL.isEmpty {
            parts.pager = WebhookClient(url: settings.pagerURL, http: http)
        }
        if !settings.twilioNumber.isEmpty {
            parts.messenger = TwilioMessagesClient(
                base: settings.twilioURL, account: settings.twilioAccount,
                token: keys.twilioToken, sender: settings.twilioNumber, http: http)
        }
        if settings.records, !settings.echoes {
            parts.recordings = try recordings(settings, keys, http, recording)
        }
        change(&parts)
        return AgentServer(settings, parts: parts)
    }

    /// Where recordings meet the world.
    package struct RecordingWorld {
        package var spool: any Spool
        package var unguessable: (Int) -> [UInt8]
        /// Seconds since 1970.
        package var now: () -> Int64
    }

    private static func recordings(
        _ settings: UproarAgent.AgentSettings, _ keys: Keys, _ http: any HTTPClient,
        _ world: RecordingWorld?
    ) throws -> RecordingParts? {
        guard let world else { return nil }
        guard let text = keys.recording else {
            throw Problem(
                description:
                    "recording is on, and RECORDING_KEY is not set: 32 bytes, as 64 hexadecimal digits or base64"
            )
        }
        guard let recordingKeys = RecordingKeys(text) else {
            throw Problem(
                description: "RECORDING_KEY is not 32 bytes, as 64 hexadecimal digits or base64")
        }
        let store = ObjectStoreClient(
            base: settings.recordingURL, bucket: settings.recordingBucket,
            signer: SigV4(
                accessKey: keys.storeKey, secretKey: keys.storeSecret,
                region: settings.recordingRegion), verifies: settings.recordingVerify, http: http,
            now: world.now)
        return RecordingParts(
            spool: world.spool, store: store, keys: recordingKeys,
            unguessable: world.unguessable)
    }

    private static func prices(_ path: String) throws -> PriceBook {
        do {
            return try PriceFile.read(try TextFile.read(path), file: path)
        } catch { throw Problem(description: "prices: \(error)") }
    }

    private static func addRecognisers(
        _ parts: inout AgentParts, _ settings: UproarAgent.AgentSettings, _ keys: Keys,
        _ seed: Seed, _ http: any HTTPClient
    ) throws {
        for name in UproarAgent.AgentSettings.names(settings.recognisers) {
            let recogniser: any SpeechToText
            switch name {
            case "deepgram":
                recogniser = DeepgramClient(
                    ProviderAccess(
                        .deepgram, at: try url(settings.deepgramURL, name), key: keys.deepgram,
                        model: settings.recogniserModel, loop: parts.loop, network: parts.network,
                        random: seed.stream("agent-deepgram")))
            case "assemblyai":
                recogniser = AssemblyAIClient(
                    ProviderAccess(
                        .assemblyai, at: try url(settings.assemblyaiURL, name),
                        key: keys.assemblyai,
                        model: settings.assemblyaiModel, loop: parts.loop, network: parts.network,
                        random: seed.stream("agent-assemblyai")))
            case "whisper":
                recogniser = WhisperClient(
                    base: settings.whisperURL, key: keys.openai, model: settings.whisperModel,
                    loop: parts.loop, http: http, random: seed.stream("agent-whisper"))
            default:
                throw unknown(name, "stt", ["deepgram", "assemblyai", "whisper"])
            }
            parts.recognisers.append((name, recogniser))
        }
    }

    private static func addVoices(
        _ parts: inout AgentParts, _ settings: UproarAgent.AgentSettings, _ keys: Keys,
        _ seed: Seed
    ) throws {
        for name in UproarAgent.AgentSettings.names(settings.voices) {
            switch name {
            case "cartesia":
                let client = CartesiaClient(
                    ProviderAccess(
                        .cartesia, at: try url(settings.cartesiaURL, name), key: keys.cartesia,
                        model: settings.voiceModel, loop: parts.loop, network: parts.network,
                        random: seed.stream("agent-cartesia")))
                parts.voices.append((name, VoiceCandidate(client, voice: settings.voice)))
            case "elevenlabs":
                let client = ElevenLabsClient(
                    ProviderAccess(
                        .elevenlabs, at: try url(settings.elevenlabsURL, name),
                        key: keys.elevenlabs,
                        model: settings.elevenlabsModel, loop: parts.loop, network: parts.network,
                        random: seed.stream("agent-elevenlabs")))
                parts.voices.append(
                    (name, VoiceCandidate(client, voice: settings.elevenlabsVoice)))
            default:
                throw unknown(name, "tts", ["cartesia", "elevenlabs"])
            }
        }
    }

    private static func unknown(_ name: String, _ key: String, _ allowed: [String]) -> Problem {
        let nearest = NearestName.of(name, among: allowed).map { ", nearest is '\($0)'" } ?? ""
        return Problem(
            description:
                "\(key): there is no provider '\(name)'\(nearest); allowed: \(allowed.joined(separator: ", "))"
        )
    }

    static func url(_ text: String, _ name: String) throws -> WireURL {
        do { return try WireURL(text) } catch {
            throw Problem(description: "\(name): \(text) is no URL: \(error)")
        }
    }
}
