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
    /// Says which connection carries which call: for faults of the links before these emulators.
    package var tellsStreams = false
    /// The wall clock at the run's epoch, in seconds since 1970.
    package var epochSeconds: Int64 = 1_767_225_600
    package var host = "127.0.0.1"
    /// In the order in which they listen; each provider at most once.
    package private(set) var providers: [ProviderEmulation] = []
    package var script: LanguageModelScript
    /// Further texts that the voice must have ready before the first call: greetings, fillers.
    package var phrases: [String] = []
    /// What an agent says when it goes on with a call that dropped; its first clause is looked for. Empty: nothing is.
    package var resumption = ""
    /// The formats in which replies are made before the first call.
    package var voiceFormats: [VoiceFormat] = [VoiceFormat(.mulaw, .telephone)]

    package init(seed: Seed, script: LanguageModelScript) {
        self.seed = seed
        self.script = script
    }

    package subscript(_ provider: ProviderID) -> ProviderEmulation? {
        providers.first { $0.provider == provider }
    }

    /// Adds an emulator, or changes the one there is.
    package mutating func set(_ emulation: ProviderEmulation) {
        if let place = providers.firstIndex(where: { $0.provider == emulation.provider }) {
            providers[place] = emulation
        } else {
            providers.append(emulation)
        }
    }
}

extension ProviderEmulatorsSettings {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            // As text: a seed may have more bits than a JSON number holds everywhere.
            .init("seed", .string(String(seed.value))), .init("tagging", .bool(isTagging)),
            .init("call_limit", .integer(Int64(callLimit))),
            .init("epoch_s", .integer(epochSeconds)), .init("host", .string(host)),
            .init("tells_streams", .bool(tellsStreams)),
        ]
        if case .only(let keys) = keys {
            members.append(.init("keys", .array(keys.map { .string($0) })))
        }
        members.append(
            .init(
                "providers",
                .object(providers.map { JSONValue.Member($0.provider.name, $0.json) })))
        members.append(.init("script", script.json))
        members.append(.init("resumption", .string(resumption)))
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

    /// nil when `json` is no such settings: a key is missing or holds something else.
    package init?(json: JSONValue) {
        guard let seed = json["seed"]?.text.flatMap({ UInt64($0) }),
            let isTagging = json["tagging"]?.isTrue,
            let callLimit = json["call_limit"]?.int.flatMap({ UInt32(exactly: $0) }),
            let epoch = json["epoch_s"]?.int, let host = json["host"]?.text,
            let providers = json["providers"]?.members,
            let script = json["script"].flatMap(LanguageModelScript.init(json:)),
            let phrases = json["phrases"]?.texts, let formats = json["voice_formats"]?.items
        else { return nil }
        self.init(seed: Seed(seed), script: script)
        self.isTagging = isTagging
        self.callLimit = callLimit
        epochSeconds = Int64(epoch)
        tellsStreams = json["tells_streams"]?.isTrue ?? false
        self.host = host
        resumption = json["resumption"]?.text ?? ""
        self.phrases = phrases
        if let keys = json["keys"] {
            guard let texts = keys.texts else { return nil }
            self.keys = .only(texts)
        }
        for member in providers {
            guard let provider = ProviderID(name: member.key),
                let emulation = ProviderEmulation(provider, json: member.value)
            else { return nil }
            set(emulation)
        }
        voiceFormats = formats.compactMap { item in
            guard let encoding = item["encoding"]?.text.flatMap(VoiceFormat.Encoding.init),
                let rate = item["rate"]?.int, VoiceFormat.rates.contains(Hertz(rate))
            else { return nil }
            return VoiceFormat(encoding, Hertz(rate))
        }
        guard voiceFormats.count == formats.count else { return nil }
    }
}
