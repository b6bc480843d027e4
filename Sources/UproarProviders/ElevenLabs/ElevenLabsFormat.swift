import UproarAudio
import UproarCore

/// `output_format`: `pcm_24000`, `ulaw_8000`, `wav_16000`, `mp3_44100_128` (elevenlabs.io/docs, "Stream speech").
package struct ElevenLabsFormat: Hashable, Sendable {
    package enum Container: Hashable, Sendable {
        case raw
        case wav
        case mp3
        case opus

        var encoder: SoundEncoder.Kind? {
            switch self {
            case .raw, .wav: nil
            case .mp3: .mp3
            case .opus: .opus
            }
        }
    }

    package var container: Container
    package var voice: VoiceFormat
    /// Of an MP3, in kbit/s.
    package var bitRate: Int

    package init(_ voice: VoiceFormat, container: Container = .raw, bitRate: Int = 128) {
        self.voice = voice
        self.container = container
        self.bitRate = bitRate
    }

    /// - name: nil stands for the vendor's default, `mp3_44100_128`.
    package init(parsing name: String?) throws(ElevenLabsProblem) {
        let name = name ?? "mp3_44100_128"
        let parts = name.split(separator: "_").map(String.init)
        guard parts.count >= 2, let value = Int(parts[1]) else { throw .unknownFormat(name) }
        let rate = Hertz(value)
        let isKnown = VoiceFormat.rates.contains(rate)
        switch parts[0] {
        case "pcm" where isKnown: self.init(VoiceFormat(.linear16, rate))
        case "wav" where isKnown: self.init(VoiceFormat(.linear16, rate), container: .wav)
        case "mp3" where isKnown:
            let bitRate = parts.count > 2 ? Int(parts[2]) ?? 0 : 128
            guard (8...320).contains(bitRate) else { throw .unknownFormat(name) }
            self.init(VoiceFormat(.linear16, rate), container: .mp3, bitRate: bitRate)
        case "opus" where value == 48_000:
            self.init(VoiceFormat(.linear16, rate), container: .opus)
        case "ulaw" where value == 8_000: self.init(VoiceFormat(.mulaw, rate))
        case "alaw" where value == 8_000: self.init(VoiceFormat(.alaw, rate))
        default: throw .unknownFormat(name)
        }
    }

    /// As a client asks for it.
    package var name: String {
        switch (container, voice.encoding) {
        case (.wav, _): "wav_\(voice.rate.value)"
        case (.mp3, _): "mp3_\(voice.rate.value)_\(bitRate)"
        case (.opus, _): "opus_\(voice.rate.value)_64"
        case (.raw, .mulaw): "ulaw_\(voice.rate.value)"
        case (.raw, .alaw): "alaw_\(voice.rate.value)"
        case (.raw, _): "pcm_\(voice.rate.value)"
        }
    }

    package var contentType: String {
        switch (container, voice.encoding) {
        case (.wav, _): "audio/wav"
        case (.mp3, _): "audio/mpeg"
        case (.opus, _): "audio/opus"
        case (.raw, .mulaw): "audio/basic"
        case (.raw, .alaw): "audio/x-alaw-basic"
        case (.raw, _): "audio/pcm"
        }
    }
}

/// An answer that is no success: `{"detail":{"status","message"}}` (elevenlabs.io/docs, "Errors").
package struct ElevenLabsProblem: Error, Hashable, Sendable {
    package var status: Int
    /// The vendor's word: `invalid_api_key`.
    package var code: String
    package var message: String
    package var retryAfter: Duration?

    package init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    package var json: JSONValue {
        guard status != 422 else {
            return [
                "detail": [["loc": ["body"], "msg": .string(message), "type": .string(code)]]
            ]
        }
        return ["detail": ["status": .string(code), "message": .string(message)]]
    }

    /// On a WebSocket, before the close.
    package var socketJSON: JSONValue {
        ["message": .string(message), "error": .string(code), "code": 1008]
    }

    package static func unknownFormat(_ name: String) -> ElevenLabsProblem {
        ElevenLabsProblem(
            400, "invalid_output_format",
            "Output format \(name) is not made by this server. Use pcm_8000, pcm_16000, pcm_22050, pcm_24000, pcm_32000, pcm_44100, pcm_48000, ulaw_8000, alaw_8000, wav_…, mp3_… or opus_48000_…."
        )
    }

    package static func invalid(_ message: String) -> ElevenLabsProblem {
        ElevenLabsProblem(422, "value_error", message)
    }

    package static let wrongKey = ElevenLabsProblem(401, "invalid_api_key", "Invalid API key")
    package static let unknownPath = ElevenLabsProblem(404, "not_found", "Not Found")
    package static let tooLong = ElevenLabsProblem(
        400, "max_character_limit_exceeded", "The text is longer than 40000 characters.")
    package static func tooMany(_ limit: Int) -> ElevenLabsProblem {
        ElevenLabsProblem(
            429, "too_many_concurrent_requests",
            "Too many concurrent requests. Your current subscription is associated with a maximum of \(limit) concurrent requests."
        )
    }

    /// What the vendor would say with this status.
    package static func status(_ status: Int, retryAfter: Duration? = nil) -> ElevenLabsProblem {
        var problem =
            switch status {
            case 400: ElevenLabsProblem(400, "invalid_request", "The request was refused.")
            case 401: wrongKey
            case 403: ElevenLabsProblem(403, "missing_permissions", "Not allowed.")
            case 404: unknownPath
            case 429:
                ElevenLabsProblem(
                    429, "system_busy",
                    "We are experiencing heavy traffic. Please try again later.")
            default: ElevenLabsProblem(status, "internal_server_error", "Something went wrong.")
            }
        problem.retryAfter = retryAfter
        return problem
    }
}
