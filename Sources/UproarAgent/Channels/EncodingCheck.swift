import UproarCore

/// Whether what a channel carries, what a recogniser hears and what a voice speaks are the same, or a declared converter stands
/// between: codec, rate and number of channels (always one), compared before a call starts.
///
///     phone  mulaw 8000 Hz ──────────────────────────► deepgram  mulaw 8000 Hz        the same
///     phone  mulaw 8000 Hz ─ "mulaw 8000 -> linear16 16000" ─► deepgram  linear16 16000 Hz
///     phone  mulaw 8000 Hz ─✗                            deepgram  linear16 16000 Hz  refused, both named
struct EncodingCheck: Hashable, Sendable {
    /// From what to what the agent may convert.
    struct Converter: Hashable, Sendable {
        var source: AudioFormat
        var target: AudioFormat
    }

    /// What the recognisers are sent; nil: what the channel carries.
    var hearing: AudioFormat?
    /// What the voices are asked for; nil: what the channel carries.
    var speaking: AudioFormat?
    var converters: [Converter] = []
    /// By the names of the chains.
    var recognisers: [String] = []
    var voices: [String] = []

    /// What is wrong with calls of a channel, each naming both sides; empty when they can start.
    func problems(_ channel: String, carrying format: AudioFormat) -> [String] {
        var problems: [String] = []
        let hearing = hearing ?? format
        for name in recognisers {
            if let problem = Self.unable(name, hearing) {
                problems.append(
                    "\(channel) carries \(format) mono, to be heard as \(hearing) mono, which \(name) does not take: \(problem)"
                )
            }
        }
        if let name = recognisers.first, !isJoined(format, hearing) {
            problems.append(
                "\(channel) carries \(format) mono, \(name) hears \(hearing) mono, and no converter between them is declared"
            )
        }
        let speaking = speaking ?? format
        for name in voices {
            if let problem = Self.unable(name, speaking) {
                problems.append(
                    "\(channel) carries \(format) mono, to be spoken as \(speaking) mono, which \(name) does not make: \(problem)"
                )
            }
        }
        if let name = voices.first, !isJoined(speaking, format) {
            problems.append(
                "\(name) speaks \(speaking) mono, \(channel) carries \(format) mono, and no converter between them is declared"
            )
        }
        return problems
    }

    private func isJoined(_ source: AudioFormat, _ target: AudioFormat) -> Bool {
        source == target || converters.contains { $0.source == source && $0.target == target }
    }

    /// What a vendor takes or makes, by its documentation, as far as it is wrong here; nil when it can.
    static func unable(_ provider: String, _ format: AudioFormat) -> String? {
        let usual = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]
        switch provider {
        // developers.deepgram.com, "Encoding" and "Sample rate".
        case "deepgram":
            return (8_000...48_000).contains(format.rate.value) ? nil : "8000 to 48000 Hz"
        // assemblyai.com/docs, "Streaming API": pcm_s16le or pcm_mulaw.
        case "assemblyai":
            return format.encoding == .alaw ? "linear16 or mulaw" : nil
        // docs.cartesia.ai, "WebSocket": raw container.
        case "cartesia": return usual.contains(format.rate.value) ? nil : "8000 to 48000 Hz"
        // elevenlabs.io/docs, "output_format": pcm_…, ulaw_8000, alaw_8000.
        case "elevenlabs":
            if format.encoding == .linear16 {
                return usual.contains(format.rate.value) ? nil : "linear16 of 8000 to 48000 Hz"
            }
            return format.rate == .telephone ? nil : "mulaw and alaw of 8000 Hz only"
        // A file is sent, which says itself what it holds.
        default: return nil
        }
    }

    // MARK: As people write it

    /// `linear16 16000`; nil for what is no format.
    static func format(_ text: String) -> AudioFormat? {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 2, let encoding = AudioEncoding(rawValue: words[0]),
            let rate = Int(words[1]), (8_000...48_000).contains(rate)
        else { return nil }
        return AudioFormat(encoding, Hertz(rate))
    }

    /// `mulaw 8000 -> linear16 16000, linear16 16000 -> mulaw 8000`; nil for what is none.
    static func converters(_ text: String) -> [Converter]? {
        var converters: [Converter] = []
        for part in text.split(separator: ",") {
            guard let arrow = part.firstRange(of: "->"),
                let source = format(String(part[..<arrow.lowerBound])),
                let target = format(String(part[arrow.upperBound...]))
            else { return nil }
            converters.append(Converter(source: source, target: target))
        }
        return converters
    }
}

extension AgentSettings {
    /// What is heard and spoken of each call, as the settings declare it. Checked before: the texts are formats.
    var encodings: EncodingCheck {
        EncodingCheck(
            hearing: EncodingCheck.format(hearingFormat),
            speaking: EncodingCheck.format(speakingFormat),
            converters: EncodingCheck.converters(converters) ?? [],
            recognisers: Self.names(recognisers), voices: Self.names(voices))
    }

    /// What is wrong with the texts of formats.
    var encodingProblems: [String] {
        var problems: [String] = []
        for (key, text) in [("stt_format", hearingFormat), ("tts_format", speakingFormat)]
        where !text.isEmpty && EncodingCheck.format(text) == nil {
            problems.append(
                "'\(key)' is a format such as 'linear16 16000': mulaw, alaw or linear16, and 8000 to 48000 Hz"
            )
        }
        if EncodingCheck.converters(converters) == nil {
            problems.append(
                "'converters' are pairs such as 'mulaw 8000 -> linear16 16000', separated by commas"
            )
        }
        return problems
    }
}
