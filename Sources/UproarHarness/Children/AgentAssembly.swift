import UproarAgent
import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

/// The reference agent with its providers' clients: where the names meet. The same in both worlds.
package enum AgentAssembly {
    package struct Keys: Sendable {
        package var deepgram = "none"
        package var openai = "none"
        package var cartesia = "none"
        package var redisPassword: String?
        package init() {}
    }

    package struct Problem: Error, CustomStringConvertible {
        package var description: String
    }

    package static func make(
        _ settings: UproarAgent.AgentSettings, keys: Keys, loop: EventLoop, network: any Network,
        http: any HTTPClient, seed: Seed
    ) throws -> AgentServer {
        var parts = AgentParts(loop: loop, network: network)
        if !settings.echoes {
            parts.speechToText = DeepgramClient(
                base: try url(settings.deepgramURL, "deepgram"), key: keys.deepgram,
                model: settings.recogniserModel, loop: loop, network: network,
                random: seed.stream("agent-deepgram"))
            parts.languageModel = OpenAIChatClient(
                base: settings.openaiURL, key: keys.openai, http: http)
            parts.textToSpeech = CartesiaClient(
                base: try url(settings.cartesiaURL, "cartesia"), key: keys.cartesia,
                model: settings.voiceModel, loop: loop, network: network,
                random: seed.stream("agent-cartesia"))
            if !settings.redisURL.isEmpty {
                var url: RedisURL
                do { url = try RedisURL(settings.redisURL) } catch {
                    throw Problem(description: "redis: \(settings.redisURL): \(error)")
                }
                if let password = keys.redisPassword { url.password = password }
                let client = RedisClient(
                    url, network: network, loop: loop, random: seed.stream("agent-redis"))
                parts.sessions = RedisSessionStore(client)
                parts.tasks = RedisTaskStore(client)
            }
        }
        return AgentServer(settings, parts: parts)
    }

    static func url(_ text: String, _ name: String) throws -> WireURL {
        do { return try WireURL(text) } catch {
            throw Problem(description: "\(name): \(text) is no URL: \(error)")
        }
    }
}
