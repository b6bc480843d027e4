import UproarCore

/// What a server of `/v1/listen` says, written without building values: a stream says dozens of these a minute.
package struct DeepgramWriter: Sendable {
    package let requestID: String
    /// From `model_info` to the end of `metadata`, the same in every result.
    private let metadata: [UInt8]

    package init(requestID: String, model: String, modelID: String) {
        self.requestID = requestID
        var bytes = Array(
            "\"metadata\":{\"request_id\":\"\(requestID)\",\"model_info\":{\"name\":".utf8)
        JSONValue.write(Self.shownName(of: model), into: &bytes)
        bytes.append(contentsOf: ",\"version\":\"2026-01-09.0\",\"arch\":".utf8)
        JSONValue.write(Self.architecture(of: model), into: &bytes)
        bytes.append(contentsOf: "},\"model_uuid\":\"\(modelID)\"}".utf8)
        metadata = bytes
    }

    static func modelInfo(_ model: String) -> JSONValue {
        [
            "name": .string(shownName(of: model)), "version": "2026-01-09.0",
            "arch": .string(architecture(of: model)),
        ]
    }

    /// `nova-3` is shown as `general-nova-3`, `nova-2-phonecall` as `phonecall-nova-2`.
    private static func shownName(of model: String) -> String {
        let parts = model.split(separator: "-")
        let kind = parts.count > 2 ? parts[2...].joined(separator: "-") : "general"
        return kind + "-" + architecture(of: model)
    }

    private static func architecture(of model: String) -> String {
        model.split(separator: "-").prefix(2).joined(separator: "-")
    }

    package struct Result: Hashable, Sendable {
        /// Seconds of audio, from the beginning of the stream.
        package var start: Duration
        package var duration: Duration
        package var isFinal: Bool
        package var endsSpeech: Bool
        package var isFromFinalize: Bool
        package var confidence: Double
        package var words: [Word]

        package init(
            start: Duration, duration: Duration, isFinal: Bool, endsSpeech: Bool,
            isFromFinalize: Bool, confidence: Double, words: [Word]
        ) {
            self.start = start
            self.duration = duration
            self.isFinal = isFinal
            self.endsSpeech = endsSpeech
            self.isFromFinalize = isFromFinalize
            self.confidence = confidence
            self.words = words
        }

        /// As `punctuate` writes it, or in plain small letters.
        package func transcript(punctuated: Bool) -> String {
            words.map { punctuated ? $0.punctuated : $0.plain }.joined(separator: " ")
        }
    }

    package struct Word: Hashable, Sendable {
        package var punctuated: String
        package var plain: String
        package var start: Duration
        package var end: Duration

        package init(punctuated: String, plain: String, start: Duration, end: Duration) {
            self.punctuated = punctuated
            self.plain = plain
            self.start = start
            self.end = end
        }
    }

    package func results(_ result: Result, punctuated: Bool, into output: inout [UInt8]) {
        // Piece by piece: to put them together first would take a text for each.
        func put(_ text: String) { output.append(contentsOf: text.utf8) }
        func put(_ value: Bool) { put(value ? "true" : "false") }
        put("{\"type\":\"Results\",\"channel_index\":[0,1],\"duration\":")
        put(Self.seconds(result.duration))
        put(",\"start\":")
        put(Self.seconds(result.start))
        put(",\"is_final\":")
        put(result.isFinal)
        put(",\"speech_final\":")
        put(result.endsSpeech)
        put(",\"channel\":{\"alternatives\":[{\"transcript\":")
        JSONValue.write(result.transcript(punctuated: punctuated), into: &output)
        let confidence = NumberText.fixed(result.confidence, 4)
        put(",\"confidence\":")
        put(confidence)
        put(",\"words\":[")
        for (index, word) in result.words.enumerated() {
            put(index == 0 ? "{\"word\":" : ",{\"word\":")
            JSONValue.write(word.plain, into: &output)
            put(",\"start\":")
            put(Self.seconds(word.start))
            put(",\"end\":")
            put(Self.seconds(word.end))
            put(",\"confidence\":")
            put(confidence)
            if punctuated {
                put(",\"punctuated_word\":")
                JSONValue.write(word.punctuated, into: &output)
            }
            put("}")
        }
        put("]}]},")
        output.append(contentsOf: metadata)
        put(",\"from_finalize\":")
        put(result.isFromFinalize)
        put("}")
    }

    package func speechStarted(at time: Duration, into output: inout [UInt8]) {
        output.append(
            contentsOf:
                "{\"type\":\"SpeechStarted\",\"channel\":[0,1],\"timestamp\":\(Self.seconds(time))}"
                .utf8)
    }

    package func utteranceEnd(lastWord time: Duration, into output: inout [UInt8]) {
        output.append(
            contentsOf:
                "{\"type\":\"UtteranceEnd\",\"channel\":[0,1],\"last_word_end\":\(Self.seconds(time))}"
                .utf8)
    }

    /// The last message before the close.
    package func closing(duration: Duration, sha256: String, created: String) -> JSONValue {
        [
            "type": "Metadata", "transaction_key": "deprecated",
            "request_id": .string(requestID), "sha256": .string(sha256),
            "created": .string(created),
            "duration": .number(Double(duration.nanoseconds / 1_000_000) / 1000), "channels": 1,
        ]
    }

    static func seconds(_ duration: Duration) -> String {
        NumberText.fixed(Double(duration.nanoseconds / 1_000_000) / 1000, 3)
    }
}

/// What a client of `/v1/listen` says in text.
package enum DeepgramCommand: Hashable, Sendable {
    case keepAlive
    case finalize
    case closeStream
    /// Answered; key terms change nothing about what is recognised.
    case configure(JSONValue)
    case unknown(String)

    package init(parsing text: [UInt8]) throws(JSONError) {
        let json = try JSONParser.parse(text)
        switch json["type"]?.text {
        case "KeepAlive": self = .keepAlive
        case "Finalize": self = .finalize
        case "CloseStream": self = .closeStream
        case "Configure": self = .configure(json)
        case let word: self = .unknown(word ?? "")
        }
    }
}

/// A refusal in the vendor's shape; the reason stands in the header `dg-error` too.
package struct DeepgramProblem: Error, Hashable, Sendable {
    package var status: Int
    package var code: String
    package var message: String
    package var retryAfter: Duration?

    package init(status: Int, code: String, message: String, retryAfter: Duration? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// The 503 alone says `error_code`.
    package func json(requestID: String) -> JSONValue {
        [
            status == 503 ? "error_code" : "err_code": .string(code),
            "err_msg": .string(message), "request_id": .string(requestID),
        ]
    }

    package static let wrongKey = DeepgramProblem(
        status: 401, code: "INVALID_AUTH", message: "Invalid credentials.")
    package static let tooMany = DeepgramProblem(
        status: 429, code: "TOO_MANY_REQUESTS",
        message: "Too many requests. Please try again later")
    package static let unknownPath = DeepgramProblem(
        status: 404, code: "Not Found", message: "The requested resource could not be found.")

    package static func badRequest(_ message: String) -> DeepgramProblem {
        DeepgramProblem(status: 400, code: "Bad Request", message: message)
    }

    /// What the vendor would say with this status.
    package static func status(_ status: Int, retryAfter: Duration? = nil) -> DeepgramProblem {
        var problem =
            switch status {
            case 400: badRequest("The request was refused.")
            case 401: wrongKey
            case 402:
                DeepgramProblem(
                    status: 402, code: "ASR_PAYMENT_REQUIRED",
                    message: "Project does not have enough credits for an ASR request.")
            case 403:
                DeepgramProblem(
                    status: 403, code: "INSUFFICIENT_PERMISSIONS",
                    message: "User does not have sufficient permissions.")
            case 429: tooMany
            case 503:
                DeepgramProblem(
                    status: 503, code: "Service Unavailable",
                    message: "Service is temporarily unavailable.")
            default:
                DeepgramProblem(
                    status: status, code: "Internal Server Error",
                    message: "The server could not handle the request.")
            }
        problem.retryAfter = retryAfter
        return problem
    }
}
