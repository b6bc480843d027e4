import UproarCore
import UproarRuntime

/// Which emulators run, where, how fast, and what they say. Travels to the emulators' process as JSON.
package struct ProviderEmulatorsSettings: Hashable, Sendable {
    package var seed: Seed
    /// Off: references are neither looked for nor made.
    package var isTagging = true
    /// Calls of the run are below this.
    package var callLimit = TurnReference.callLimit
    package var keys = KeyCheck.anyKey
    /// The wall clock at the run's epoch, in seconds since 1970.
    package var epochSeconds: Int64 = 1_767_225_600
    package var host = "127.0.0.1"
    package var deepgram: Deepgram?
    package var openai: OpenAI?
    package var cartesia: Cartesia?
    package var script: LanguageModelScript
    /// Further texts that the voice must have ready before the first call: greetings, fillers.
    package var phrases: [String] = []
    /// The formats in which replies are made before the first call.
    package var voiceFormats: [VoiceFormat] = [VoiceFormat(.mulaw, .telephone)]

    /// Port 0 asks for an ephemeral one.
    package struct Deepgram: Hashable, Sendable {
        package var port: UInt16 = 0
        package var settings = DeepgramEmulator.Settings()
        package init(port: UInt16 = 0, _ settings: DeepgramEmulator.Settings = .init()) {
            self.port = port
            self.settings = settings
        }
    }

    package struct OpenAI: Hashable, Sendable {
        package var port: UInt16 = 0
        package var settings = OpenAIEmulator.Settings()
        package init(port: UInt16 = 0, _ settings: OpenAIEmulator.Settings = .init()) {
            self.port = port
            self.settings = settings
        }
    }

    package struct Cartesia: Hashable, Sendable {
        package var port: UInt16 = 0
        package var settings = CartesiaEmulator.Settings()
        package init(port: UInt16 = 0, _ settings: CartesiaEmulator.Settings = .init()) {
            self.port = port
            self.settings = settings
        }
    }

    package init(seed: Seed, script: LanguageModelScript) {
        self.seed = seed
        self.script = script
    }
}

extension ProviderEmulatorsSettings {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            // As text: a seed may have more bits than a JSON number holds everywhere.
            .init("seed", .string(String(seed.value))), .init("tagging", .bool(isTagging)),
            .init("call_limit", .integer(Int64(callLimit))),
            .init("epoch_s", .integer(epochSeconds)), .init("host", .string(host)),
        ]
        if case .only(let keys) = keys {
            members.append(.init("keys", .array(keys.map { .string($0) })))
        }
        if let deepgram {
            members.append(
                .init(
                    "deepgram",
                    [
                        "port": .integer(Int64(deepgram.port)),
                        "latency": .string(DistributionText.exact(deepgram.settings.latency)),
                        "concurrency_limit": Self.limit(deepgram.settings.concurrencyLimit),
                    ]))
        }
        if let openai {
            members.append(
                .init(
                    "openai",
                    [
                        "port": .integer(Int64(openai.port)),
                        "first_token": .string(DistributionText.exact(openai.settings.firstToken)),
                        "token_interval": .string(
                            DistributionText.exact(openai.settings.tokenInterval)),
                        "concurrency_limit": Self.limit(openai.settings.concurrencyLimit),
                    ]))
        }
        if let cartesia {
            members.append(
                .init(
                    "cartesia",
                    [
                        "port": .integer(Int64(cartesia.port)),
                        "first_byte": .string(DistributionText.exact(cartesia.settings.firstByte)),
                        "speed": .number(cartesia.settings.pace.speed),
                        "concurrency_limit": Self.limit(cartesia.settings.concurrencyLimit),
                    ]))
        }
        members.append(.init("script", script.json))
        members.append(.init("phrases", .array(phrases.map { .string($0) })))
        members.append(
            .init(
                "voice_formats",
                .array(
                    voiceFormats.map {
                        [
                            "encoding": .string($0.encoding.rawValue),
                            "rate": JSONValue($0.rate.value),
                        ]
                    })))
        return .object(members)
    }

    private static func limit(_ value: Int?) -> JSONValue { value.map { JSONValue($0) } ?? .null }

    /// nil when `json` is no such settings: a key is missing or holds something else.
    package init?(json: JSONValue) {
        guard let seed = json["seed"]?.text.flatMap({ UInt64($0) }),
            let isTagging = json["tagging"]?.isTrue,
            let callLimit = json["call_limit"]?.int.flatMap({ UInt32(exactly: $0) }),
            let epoch = json["epoch_s"]?.int, let host = json["host"]?.text,
            let script = json["script"].flatMap(LanguageModelScript.init(json:)),
            let phrases = json["phrases"]?.texts, let formats = json["voice_formats"]?.items
        else { return nil }
        self.init(seed: Seed(seed), script: script)
        self.isTagging = isTagging
        self.callLimit = callLimit
        epochSeconds = Int64(epoch)
        self.host = host
        self.phrases = phrases
        if let keys = json["keys"] {
            guard let texts = keys.texts else { return nil }
            self.keys = .only(texts)
        }
        voiceFormats = formats.compactMap { item in
            guard let encoding = item["encoding"]?.text.flatMap(VoiceFormat.Encoding.init),
                let rate = item["rate"]?.int, VoiceFormat.rates.contains(Hertz(rate))
            else { return nil }
            return VoiceFormat(encoding, Hertz(rate))
        }
        guard voiceFormats.count == formats.count else { return nil }
        do throws(Unreadable) {
            deepgram = try json["deepgram"].map { json throws(Unreadable) in
                try Deepgram(
                    port: Self.port(json),
                    .init(
                        latency: Self.distribution(json, "latency"),
                        concurrencyLimit: json["concurrency_limit"]?.int))
            }
            openai = try json["openai"].map { json throws(Unreadable) in
                try OpenAI(
                    port: Self.port(json),
                    .init(
                        firstToken: Self.distribution(json, "first_token"),
                        tokenInterval: Self.distribution(json, "token_interval"),
                        concurrencyLimit: json["concurrency_limit"]?.int))
            }
            cartesia = try json["cartesia"].map { json throws(Unreadable) in
                var settings = CartesiaEmulator.Settings(
                    firstByte: try Self.distribution(json, "first_byte"),
                    concurrencyLimit: json["concurrency_limit"]?.int)
                guard let speed = json["speed"]?.double, speed > 0 else { throw Unreadable() }
                settings.pace.speed = speed
                return try Cartesia(port: Self.port(json), settings)
            }
        } catch {
            return nil
        }
    }

    private struct Unreadable: Error {}

    private static func port(_ json: JSONValue) throws(Unreadable) -> UInt16 {
        guard let port = json["port"]?.int.flatMap({ UInt16(exactly: $0) }) else {
            throw Unreadable()
        }
        return port
    }

    private static func distribution(_ json: JSONValue, _ key: String) throws(Unreadable)
        -> Distribution
    {
        guard let text = json[key]?.text, let value = try? DistributionText.parse(text) else {
            throw Unreadable()
        }
        return value
    }
}
