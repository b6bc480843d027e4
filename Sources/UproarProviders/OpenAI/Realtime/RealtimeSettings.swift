import UproarAudio
import UproarCore

/// The configuration of a realtime session: the object that clients are shown, and what of it changes anything here
/// (platform.openai.com/docs/api-reference/realtime-sessions).
struct RealtimeSettings {
    enum Kind { case conversation, transcription }

    struct TurnDetection: Hashable {
        /// Silence that ends a turn; while more words are to be expected, the longer one.
        var silence: Duration
        var longestPause: Duration?
        var padding: Duration
        var createsResponse: Bool
        var interruptsResponse: Bool
        var idleLimit: Duration?
    }

    let kind: Kind
    /// As `session.created` shows it.
    private(set) var json: JSONValue
    private(set) var input = AudioFormat(.linear16, Hertz(24_000))
    private(set) var output = VoiceFormat(.linear16, Hertz(24_000))
    /// nil: the client commits its audio and asks for responses.
    private(set) var turns: TurnDetection?
    private(set) var transcribes = false

    init(_ kind: Kind, id: String, model: String, expiresAt: Int64) {
        self.kind = kind
        let input: JSONValue = [
            "format": ["type": "audio/pcm", "rate": 24_000], "noise_reduction": nil,
            "transcription": nil, "turn_detection": Self.detection(["type": "server_vad"]),
        ]
        var members: [JSONValue.Member] = [
            .init("type", kind == .conversation ? "realtime" : "transcription"),
            .init(
                "object",
                kind == .conversation ? "realtime.session" : "realtime.transcription_session"),
            .init("id", .string(id)), .init("expires_at", .integer(expiresAt)),
            .init("include", nil),
        ]
        if kind == .conversation {
            members += [
                .init("model", .string(model)),
                .init("instructions", "You are a helpful assistant."),
                .init("output_modalities", ["audio"]), .init("max_output_tokens", "inf"),
                .init("tools", []), .init("tool_choice", "auto"), .init("tracing", nil),
                .init("truncation", "auto"), .init("prompt", nil),
                .init(
                    "audio",
                    [
                        "input": input,
                        "output": [
                            "format": ["type": "audio/pcm", "rate": 24_000], "voice": "marin",
                            "speed": 1,
                        ],
                    ]),
            ]
        } else {
            members.append(.init("audio", ["input": input]))
        }
        json = .object(members)
        turns = try? Self.turns(json["audio"]?["input"]?["turn_detection"])
    }

    var model: String { json["model"]?.text ?? "" }
    var instructions: String { json["instructions"]?.text ?? "" }
    var voice: String { json["audio"]?["output"]?["voice"]?.text ?? "" }
    var tools: JSONValue? { json["tools"] }
    var toolChoice: JSONValue? { json["tool_choice"] }
    var tokenLimit: Int? { json["max_output_tokens"]?.int }
    var modalities: JSONValue { json["output_modalities"] ?? ["audio"] }

    /// Takes a `session.update`: only what it holds changes. Nothing does when it throws.
    mutating func update(_ change: JSONValue) throws(OpenAIProblem) {
        guard change.members != nil else { throw .missing(parameter: "session") }
        for old in Self.betaNames where change[old] != nil {
            throw .invalid(
                "Unknown parameter: 'session.\(old)'.", parameter: "session.\(old)",
                code: "unknown_parameter")
        }
        if let word = change["type"]?.text,
            word != (kind == .conversation ? "realtime" : "transcription")
        {
            throw .invalid(
                "Passing a \(word) session update event to a session of another type is not allowed.",
                parameter: "session.type", code: "invalid_value")
        }
        var made = self
        made.json = Self.merged(json, change, path: "")
        let audio = made.json["audio"]
        made.input = try Self.format(audio?["input"]?["format"], "session.audio.input.format")
        made.turns = try Self.turns(audio?["input"]?["turn_detection"])
        made.transcribes =
            kind == .transcription || audio?["input"]?["transcription"]?.members != nil
        made.output = VoiceFormat(
            try Self.format(audio?["output"]?["format"], "session.audio.output.format"))
        _ = try ResponsesRequest.tools(made.tools, made.toolChoice)
        self = made
    }

    /// Names of the API before its general availability.
    private static let betaNames = [
        "modalities", "voice", "input_audio_format", "output_audio_format", "turn_detection",
        "input_audio_transcription", "max_response_output_tokens",
    ]

    /// Objects whose members change one by one; every other value is replaced as a whole.
    private static let nested = ["audio", "audio.input", "audio.output"]

    private static func merged(_ old: JSONValue, _ new: JSONValue, path: String) -> JSONValue {
        guard var members = old.members, let changes = new.members else { return new }
        for change in changes where !["id", "object", "expires_at"].contains(change.key) {
            let inner = path.isEmpty ? change.key : path + "." + change.key
            var value = change.value
            if inner == "audio.input.turn_detection" { value = detection(value) }
            if let place = members.firstIndex(where: { $0.key == change.key }) {
                members[place].value =
                    nested.contains(inner)
                    ? merged(members[place].value, value, path: inner) : value
            } else {
                members.append(.init(change.key, value))
            }
        }
        return .object(members)
    }

    /// A turn detection with what it leaves out.
    private static func detection(_ given: JSONValue) -> JSONValue {
        guard let members = given.members else { return .null }
        let usual: JSONValue =
            given["type"]?.text == "semantic_vad"
            ? [
                "type": "semantic_vad", "eagerness": "auto", "create_response": true,
                "interrupt_response": true,
            ]
            : [
                "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300,
                "silence_duration_ms": 500, "idle_timeout_ms": nil, "create_response": true,
                "interrupt_response": true,
            ]
        var made = usual.members ?? []
        for member in members {
            if let place = made.firstIndex(where: { $0.key == member.key }) {
                made[place].value = member.value
            } else {
                made.append(member)
            }
        }
        return .object(made)
    }

    private static func turns(_ json: JSONValue?) throws(OpenAIProblem) -> TurnDetection? {
        guard let json, !json.isNull else { return nil }
        let place = "session.audio.input.turn_detection"
        func duration(_ key: String, _ usual: Int, _ limits: ClosedRange<Int>)
            throws(OpenAIProblem) -> Duration
        {
            guard let value = json[key], !value.isNull else { return .milliseconds(usual) }
            guard let count = value.int, limits.contains(count) else {
                throw .invalid(
                    "Invalid '\(place).\(key)': expected an integer from \(limits.lowerBound) to \(limits.upperBound).",
                    parameter: "\(place).\(key)", code: "invalid_value")
            }
            return .milliseconds(count)
        }
        var turns = TurnDetection(
            silence: .milliseconds(500), longestPause: nil, padding: .milliseconds(300),
            createsResponse: json["create_response"]?.isTrue ?? true,
            interruptsResponse: json["interrupt_response"]?.isTrue ?? true, idleLimit: nil)
        switch json["type"]?.text {
        case "server_vad", nil:
            turns.silence = try duration("silence_duration_ms", 500, 0...10_000)
            turns.padding = try duration("prefix_padding_ms", 300, 0...10_000)
            if let idle = json["idle_timeout_ms"], !idle.isNull {
                turns.idleLimit = try duration("idle_timeout_ms", 5_000, 5_000...30_000)
            }
        case "semantic_vad":
            // It waits the longer the less a sentence sounds finished: 2, 4 or 8 s (guides, "Voice activity detection").
            turns.silence = .milliseconds(300)
            let pauses: [String: Int64] = ["low": 8, "medium": 4, "auto": 4, "high": 2]
            guard let pause = pauses[json["eagerness"]?.text ?? "auto"] else {
                throw .invalid(
                    "Invalid value. Supported values are: 'low', 'medium', 'high', and 'auto'.",
                    parameter: "\(place).eagerness", code: "invalid_value")
            }
            turns.longestPause = .seconds(pause)
        case let word?:
            throw .invalid(
                "Invalid value: '\(word)'. Supported values are: 'server_vad' and 'semantic_vad'.",
                parameter: "\(place).type", code: "invalid_value")
        }
        return turns
    }

    static func format(_ json: JSONValue?, _ place: String) throws(OpenAIProblem) -> AudioFormat {
        let wideband = AudioFormat(.linear16, Hertz(24_000))
        guard let json, !json.isNull else { return wideband }
        switch json["type"]?.text {
        case "audio/pcm":
            if let rate = json["rate"], !rate.isNull, rate.int != 24_000 {
                throw .invalid(
                    "Invalid value: only 24000 is supported.", parameter: "\(place).rate",
                    code: "invalid_value")
            }
            return wideband
        case "audio/pcmu": return AudioFormat(.mulaw, .telephone)
        case "audio/pcma": return AudioFormat(.alaw, .telephone)
        case let word:
            throw .invalid(
                "Invalid value: '\(word ?? "")'. Supported values are: 'audio/pcm', 'audio/pcmu', and 'audio/pcma'.",
                parameter: "\(place).type", code: "invalid_value")
        }
    }
}
