import UproarCore

/// A generation request: on the WebSocket (with `context_id`), or as the body of `/tts/bytes` and `/tts/sse`
/// (docs.cartesia.ai, "TTS WebSocket").
package struct CartesiaRequest: Hashable, Sendable {
    package var contextID: String?
    package var transcript: String
    package var continues: Bool
    package var flushes: Bool
    package var model: String
    package var voice: String
    package var container: Container
    /// Of an MP3, in bits a second.
    package var bitRate: Int?
    package var format: VoiceFormat
    package var addsTimestamps: Bool
    package var bufferDelay: Duration

    package enum Container: String, Sendable {
        case raw, wav, mp3
    }

    /// What a client says on the WebSocket.
    package enum Message: Hashable, Sendable {
        case generate(CartesiaRequest)
        case cancel(contextID: String)
    }

    /// More text than this in one request is refused.
    package static let transcriptLimit = 20_000

    package static func message(parsing bytes: [UInt8]) throws(CartesiaProblem) -> Message {
        let json = try json(parsing: bytes)
        guard let id = json["context_id"]?.text, !id.isEmpty else {
            throw .badRequest("context_id is required")
        }
        if json["cancel"]?.isTrue == true { return .cancel(contextID: id) }
        var request: CartesiaRequest
        do { request = try CartesiaRequest(json) } catch {
            throw error.inContext(id)
        }
        guard request.container == .raw else {
            throw CartesiaProblem.badRequest("output_format.container must be raw on a WebSocket")
                .inContext(id)
        }
        request.contextID = id
        return .generate(request)
    }

    package static func json(parsing bytes: [UInt8]) throws(CartesiaProblem) -> JSONValue {
        do { return try JSONParser.parse(bytes) } catch { throw .badRequest(error.description) }
    }

    package init(_ json: JSONValue) throws(CartesiaProblem) {
        guard json.members != nil else { throw .badRequest("the request is not a JSON object") }
        guard let transcript = json["transcript"]?.text else {
            throw .badRequest("transcript is required")
        }
        guard transcript.utf8.count <= Self.transcriptLimit else {
            throw .badRequest("transcript is longer than \(Self.transcriptLimit) bytes")
        }
        guard let model = json["model_id"]?.text, !model.isEmpty else {
            throw .badRequest("model_id is required")
        }
        let voice = json["voice"]
        switch voice?["mode"]?.text {
        case "embedding": self.voice = ""
        case "id", nil:
            guard let id = voice?["id"]?.text, !id.isEmpty else {
                throw .badRequest("voice.id is required")
            }
            self.voice = id
        case let mode?: throw .badRequest("unknown voice.mode: \(mode)")
        }
        self.transcript = transcript
        self.model = model
        (container, format) = try Self.format(json["output_format"])
        bitRate = json["output_format"]?["bit_rate"]?.int
        continues = json["continue"]?.isTrue ?? false
        flushes = json["flush"]?.isTrue ?? false
        addsTimestamps = json["add_timestamps"]?.isTrue ?? false
        let delay = json["max_buffer_delay_ms"]?.int ?? 3000
        guard (0...5000).contains(delay) else {
            throw .badRequest("max_buffer_delay_ms must be from 0 to 5000")
        }
        bufferDelay = .milliseconds(delay)
    }

    private static func format(_ json: JSONValue?) throws(CartesiaProblem) -> (
        Container, VoiceFormat
    ) {
        guard let json, json.members != nil else { throw .badRequest("output_format is required") }
        guard let container = json["container"]?.text.flatMap(Container.init(rawValue:)) else {
            throw .badRequest("output_format.container must be raw, wav or mp3")
        }
        guard container != .mp3 else {
            guard let rate = json["sample_rate"]?.int, VoiceFormat.rates.contains(Hertz(rate))
            else { throw .badRequest("output_format.sample_rate is required for mp3") }
            return (container, VoiceFormat(.linear16, Hertz(rate)))
        }
        let encoding: VoiceFormat.Encoding
        switch json["encoding"]?.text {
        case "pcm_s16le": encoding = .linear16
        case "pcm_f32le": encoding = .float32
        case "pcm_mulaw": encoding = .mulaw
        case "pcm_alaw": encoding = .alaw
        default:
            throw .badRequest(
                "output_format.encoding must be pcm_s16le, pcm_f32le, pcm_mulaw or pcm_alaw")
        }
        guard let rate = json["sample_rate"]?.int, VoiceFormat.rates.contains(Hertz(rate)) else {
            let rates = VoiceFormat.rates.map { String($0.value) }.joined(separator: ", ")
            throw .badRequest("output_format.sample_rate must be one of \(rates)")
        }
        return (container, VoiceFormat(encoding, Hertz(rate)))
    }
}

/// An error in the vendor's shapes: one JSON for versions from 2026-03-01, plain words before.
package struct CartesiaProblem: Error, Hashable, Sendable {
    package var status: Int
    package var code: String
    package var title: String
    package var message: String
    package var contextID: String?
    package var retryAfter: Duration?

    package init(status: Int, code: String, title: String, message: String) {
        self.status = status
        self.code = code
        self.title = title
        self.message = message
    }

    package func inContext(_ id: String?) -> CartesiaProblem {
        var copy = self
        copy.contextID = id ?? contextID
        return copy
    }

    package static func badRequest(_ message: String) -> CartesiaProblem {
        CartesiaProblem(
            status: 400, code: "bad_request", title: "Invalid request", message: message)
    }

    package static let wrongKey = CartesiaProblem(
        status: 401, code: "unauthorized", title: "Unauthorized",
        message: "The API key is missing or wrong.")
    package static let unknownPath = CartesiaProblem(
        status: 404, code: "not_found", title: "Not found", message: "There is nothing here.")
    package static let concurrencyLimited = CartesiaProblem(
        status: 429, code: "concurrency_limited", title: "Too many requests",
        message: "The concurrency limit of your plan is reached.")

    /// What the vendor would say with this status.
    package static func status(_ status: Int, retryAfter: Duration? = nil) -> CartesiaProblem {
        var problem =
            switch status {
            case 400: badRequest("The request was refused.")
            case 401: wrongKey
            case 402:
                CartesiaProblem(
                    status: 402, code: "quota_exceeded", title: "Payment required",
                    message: "Your credits are used up.")
            case 404: unknownPath
            case 429: concurrencyLimited
            case 503:
                CartesiaProblem(
                    status: 503, code: "service_unavailable", title: "Service unavailable",
                    message: "The service is overloaded.")
            default:
                CartesiaProblem(
                    status: status, code: "internal_error", title: "Internal error",
                    message: "The server could not handle the request.")
            }
        problem.retryAfter = retryAfter
        return problem
    }

    /// The body of an HTTP answer.
    package func body(_ version: CartesiaVersion, requestID: String) -> [UInt8] {
        guard version.hasErrorCodes else { return Array("\(title): \(message)".utf8) }
        return JSONValue.object(members(requestID)).encoded()
    }

    /// The message on a WebSocket, which stays open. Without a `context_id` clients cannot tell whom it concerns, so it is
    /// there whenever it is known.
    package func message(_ version: CartesiaVersion, requestID: String) -> JSONValue {
        var all: [JSONValue.Member] = [.init("type", "error"), .init("done", true)]
        all.append(.init("status_code", JSONValue(status)))
        if version.hasErrorCodes {
            all += members(requestID)
        } else {
            all.append(.init("error", .string("\(title): \(message)")))
        }
        if let contextID { all.append(.init("context_id", .string(contextID))) }
        return .object(all)
    }

    private func members(_ requestID: String) -> [JSONValue.Member] {
        [
            .init("error_code", .string(code)), .init("title", .string(title)),
            .init("message", .string(message)), .init("request_id", .string(requestID)),
            .init("doc_url", .string("https://docs.cartesia.ai/errors/\(code)")),
        ]
    }
}

/// The API version a client asks for, `2026-03-01`: it decides the shape of errors.
package struct CartesiaVersion: Hashable, Sendable {
    package var date: String
    /// Without a word from the client, the newest.
    package init(_ date: String?) { self.date = date ?? "2026-03-01" }
    package var hasErrorCodes: Bool { date >= "2026-03-01" }
}
