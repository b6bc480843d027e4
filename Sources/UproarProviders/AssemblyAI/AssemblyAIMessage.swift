import UproarCore

/// What a server of `/v3/ws` says (assemblyai.com/docs, "Universal-Streaming messages"). Times are positions in the audio.
package enum AssemblyAIMessage: Hashable, Sendable {
    /// - expiresAt: seconds since 1970.
    case begin(id: String, expiresAt: Int64)
    case speechStarted(at: Duration)
    case turn(Turn)
    case termination(audio: Duration, session: Duration)
    case error(code: Int, message: String)
    /// JSON, but not what this vendor says.
    case malformed(String)
    /// Kinds yet to come.
    case other(String)

    package struct Turn: Hashable, Sendable {
        package var order: Int
        /// The turn is over; nothing of it follows but its formatted form.
        package var isEnd: Bool
        package var isFormatted: Bool
        package var confidence: Double
        package var transcript: String
        package var words: [Word]

        package init(
            order: Int, isEnd: Bool, isFormatted: Bool, confidence: Double, transcript: String,
            words: [Word]
        ) {
            self.order = order
            self.isEnd = isEnd
            self.isFormatted = isFormatted
            self.confidence = confidence
            self.transcript = transcript
            self.words = words
        }
    }

    package struct Word: Hashable, Sendable {
        package var text: String
        package var start: Duration
        package var end: Duration
        package var confidence: Double
        package var isFinal: Bool

        package init(
            text: String, start: Duration, end: Duration, confidence: Double, isFinal: Bool
        ) {
            self.text = text
            self.start = start
            self.end = end
            self.confidence = confidence
            self.isFinal = isFinal
        }
    }
}

extension AssemblyAIMessage {
    package var json: JSONValue {
        switch self {
        case .begin(let id, let expiresAt):
            ["type": "Begin", "id": .string(id), "expires_at": .integer(expiresAt)]
        case .speechStarted(let time):
            [
                "type": "SpeechStarted", "timestamp": .integer(Self.milliseconds(time)),
                "confidence": 0.98,
            ]
        case .turn(let turn):
            [
                "type": "Turn", "turn_order": JSONValue(turn.order),
                "turn_is_formatted": .bool(turn.isFormatted), "end_of_turn": .bool(turn.isEnd),
                "transcript": .string(turn.transcript),
                "end_of_turn_confidence": .number(turn.confidence),
                "words": .array(
                    turn.words.map {
                        [
                            "start": .integer(Self.milliseconds($0.start)),
                            "end": .integer(Self.milliseconds($0.end)),
                            "text": .string($0.text), "confidence": .number($0.confidence),
                            "word_is_final": .bool($0.isFinal),
                        ]
                    }),
                "utterance": .string(turn.isEnd ? turn.transcript : ""),
                "language_code": "en", "language_confidence": 0.99,
            ]
        case .termination(let audio, let session):
            [
                "type": "Termination",
                "audio_duration_seconds": .integer(audio.nanoseconds / 1_000_000_000),
                "session_duration_seconds": .integer(session.nanoseconds / 1_000_000_000),
            ]
        case .error(let code, let message):
            ["type": "Error", "error_code": JSONValue(code), "error": .string(message)]
        case .malformed(let what): ["malformed": .string(what)]
        case .other(let kind): ["type": .string(kind)]
        }
    }

    package init(parsing bytes: [UInt8]) throws(JSONError) {
        let json = try JSONParser.parse(bytes)
        switch json["type"]?.text {
        case "Begin":
            self = .begin(
                id: json["id"]?.text ?? "", expiresAt: Int64(json["expires_at"]?.int ?? 0))
        case "SpeechStarted": self = .speechStarted(at: Self.time(json["timestamp"]))
        case "Turn":
            guard let transcript = json["transcript"]?.text else {
                self = .malformed("a turn without a transcript")
                return
            }
            self = .turn(
                Turn(
                    order: json["turn_order"]?.int ?? 0,
                    isEnd: json["end_of_turn"]?.isTrue ?? false,
                    isFormatted: json["turn_is_formatted"]?.isTrue ?? false,
                    confidence: json["end_of_turn_confidence"]?.double ?? 0,
                    transcript: transcript,
                    words: (json["words"]?.items ?? []).map { word in
                        Word(
                            text: word["text"]?.text ?? "", start: Self.time(word["start"]),
                            end: Self.time(word["end"]),
                            confidence: word["confidence"]?.double ?? 0,
                            isFinal: word["word_is_final"]?.isTrue ?? false)
                    }))
        case "Termination":
            self = .termination(
                audio: Self.time(json["audio_duration_seconds"]) * 1000,
                session: Self.time(json["session_duration_seconds"]) * 1000)
        case "Error":
            self = .error(
                code: json["error_code"]?.int ?? 0,
                message: json["error"]?.text ?? json.text(pretty: false))
        case let kind?: self = .other(kind)
        case nil: self = .malformed("a message without a type")
        }
    }

    private static func milliseconds(_ time: Duration) -> Int64 { time.nanoseconds / 1_000_000 }

    /// Numbers from outside: what no session can be as long as reads as 0.
    private static func time(_ value: JSONValue?) -> Duration {
        guard let value = value?.double, abs(value) < 1e9 else { return .zero }
        return .fromSeconds(value / 1000)
    }
}

/// What a client of `/v3/ws` says in text.
package enum AssemblyAICommand: Hashable, Sendable {
    case forceEndpoint
    /// Silences that are to end turns from now on; nil stays as it is.
    case updateConfiguration(minimumSilence: Duration?, maximumSilence: Duration?)
    case keepAlive
    case terminate
    case unknown(String)

    package var json: JSONValue {
        switch self {
        case .forceEndpoint: return ["type": "ForceEndpoint"]
        case .updateConfiguration(let minimum, let maximum):
            var members: [JSONValue.Member] = [.init("type", "UpdateConfiguration")]
            for (key, value) in [("min_turn_silence", minimum), ("max_turn_silence", maximum)] {
                guard let value else { continue }
                members.append(.init(key, .integer(value.nanoseconds / 1_000_000)))
            }
            return .object(members)
        case .keepAlive: return ["type": "KeepAlive"]
        case .terminate: return ["type": "Terminate"]
        case .unknown(let kind): return ["type": .string(kind)]
        }
    }

    package init(parsing text: [UInt8]) throws(JSONError) {
        let json = try JSONParser.parse(text)
        func silence(_ key: String) -> Duration? {
            json[key]?.int.flatMap { (0...60_000).contains($0) ? .milliseconds($0) : nil }
        }
        switch json["type"]?.text {
        case "ForceEndpoint": self = .forceEndpoint
        case "UpdateConfiguration":
            self = .updateConfiguration(
                minimumSilence: silence("min_turn_silence")
                    ?? silence("min_end_of_turn_silence_when_confident"),
                maximumSilence: silence("max_turn_silence"))
        case "KeepAlive": self = .keepAlive
        case "Terminate": self = .terminate
        case let word: self = .unknown(word ?? "")
        }
    }
}
