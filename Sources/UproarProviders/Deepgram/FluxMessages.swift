import UproarCore
import UproarWire

/// The query of `GET /v2/listen`, as far as it changes the answers (developers.deepgram.com/docs/flux).
struct FluxQuery: Hashable, Sendable {
    var model: String
    var format: AudioFormat
    /// Confidence at which an early end is told of; nil: never.
    var eagerThreshold: Double?
    var threshold = 0.7
    /// Silence that ends a turn whatever the model thinks.
    var timeout = Duration.seconds(5)
    var keyterms: [String] = []

    private static let rates = [8_000, 16_000, 24_000, 44_100, 48_000]

    init(parsing parameters: FormParameters) throws(DeepgramQuery.Problem) {
        guard let model = parameters["model"], model.hasPrefix("flux") else {
            throw DeepgramQuery.Problem(
                "model must be flux-general-en or flux-general-multi at /v2/listen")
        }
        self.model = model
        let word = parameters["encoding"] ?? ""
        guard let encoding = AudioEncoding(rawValue: word) else {
            throw DeepgramQuery.Problem(
                "Encoding \(word) is not supported here: use linear16, mulaw or alaw.")
        }
        guard let rate = parameters["sample_rate"].flatMap({ Int($0) }), Self.rates.contains(rate)
        else {
            throw DeepgramQuery.Problem(
                "Unsupported sample_rate: \(parameters["sample_rate"] ?? "")")
        }
        format = AudioFormat(encoding, Hertz(rate))
        func number(_ key: String, _ limits: ClosedRange<Double>)
            throws(DeepgramQuery.Problem) -> Double?
        {
            guard let text = parameters[key] else { return nil }
            guard let value = Double(text), limits.contains(value) else {
                throw DeepgramQuery.Problem("Invalid value for \(key): \(text)")
            }
            return value
        }
        eagerThreshold = try number("eager_eot_threshold", 0.3...0.9)
        threshold = try number("eot_threshold", 0.5...0.9) ?? 0.7
        timeout = .milliseconds(Int64(try number("eot_timeout_ms", 500...10_000) ?? 5_000))
        keyterms = parameters.all("keyterm")
    }

    /// Takes what a `Configure` changes; what is out of range is said and nothing changes.
    mutating func configure(_ json: JSONValue) throws(DeepgramQuery.Problem) {
        var made = self
        let thresholds = json["thresholds"]
        func value(_ key: String, _ limits: ClosedRange<Double>)
            throws(DeepgramQuery.Problem) -> Double?
        {
            guard let given = thresholds?[key], !given.isNull else { return nil }
            guard let value = given.double, limits.contains(value) else {
                throw DeepgramQuery.Problem("Invalid value for \(key).")
            }
            return value
        }
        if let value = try value("eager_eot_threshold", 0.3...0.9) { made.eagerThreshold = value }
        if let value = try value("eot_threshold", 0.5...0.9) { made.threshold = value }
        if let value = try value("eot_timeout_ms", 500...10_000) {
            made.timeout = .milliseconds(Int64(value))
        }
        if let terms = json["keyterms"]?.texts { made.keyterms = terms }
        self = made
    }

    var thresholds: JSONValue {
        [
            "eager_eot_threshold": JSONValue(eagerThreshold), "eot_threshold": .number(threshold),
            "eot_timeout_ms": .integer(timeout.inWholeMilliseconds),
        ]
    }
}

/// Writes what a server of `/v2/listen` says; every message has its number.
struct FluxWriter {
    let requestID: String
    private var sequence = 0

    init(requestID: String) { self.requestID = requestID }

    enum Event: String {
        case update = "Update"
        case start = "StartOfTurn"
        case eagerEnd = "EagerEndOfTurn"
        case resumed = "TurnResumed"
        case end = "EndOfTurn"
    }

    mutating func message(_ type: String, _ fields: JSONValue = .object([])) -> JSONValue {
        defer { sequence += 1 }
        return .object(
            [
                .init("type", .string(type)), .init("request_id", .string(requestID)),
                .init("sequence_id", JSONValue(sequence)),
            ] + (fields.members ?? []))
    }

    /// - trigger: of an end: `model`, `manual` or `timeout`.
    mutating func turn(
        _ event: Event, index: Int, window: Range<Duration>, words: [SpeechVocabulary.Word],
        confidence: Double, endConfidence: Double, trigger: String? = nil
    ) -> JSONValue {
        func seconds(_ time: Duration) -> JSONValue {
            .number(Double(time.inWholeMilliseconds) / 1000)
        }
        var members: [JSONValue.Member] = [
            .init("event", .string(event.rawValue)), .init("turn_index", JSONValue(index)),
            .init("audio_window_start", seconds(window.lowerBound)),
            .init("audio_window_end", seconds(window.upperBound)),
            .init("transcript", .string(words.map(\.written).joined(separator: " "))),
            .init(
                "words",
                .array(
                    words.map {
                        [
                            "word": .string($0.written), "confidence": .number(confidence),
                            "start": seconds($0.start), "end": seconds($0.end),
                        ]
                    })),
            .init("end_of_turn_confidence", .number(endConfidence)),
        ]
        if let trigger { members.append(.init("trigger", .string(trigger))) }
        return message("TurnInfo", .object(members))
    }
}
