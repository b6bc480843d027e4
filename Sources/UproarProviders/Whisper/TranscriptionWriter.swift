import UproarCore

/// Writes what was heard of a file in the form that was asked for.
package struct TranscriptionWriter: Sendable {
    package let request: TranscriptionRequest
    package let heard: FileHearing

    package init(_ request: TranscriptionRequest, heard: FileHearing) {
        self.request = request
        self.heard = heard
    }

    /// A token for each tenth of a second of audio, as the vendor's usage shows it; references' seconds are left out.
    package var audioTokens: Int {
        let billed = max(.zero, heard.duration - .milliseconds(400) * heard.tagCount)
        return Int((billed.nanoseconds + 99_999_999) / 100_000_000)
    }

    package var contentType: String {
        switch request.format {
        case .json, .verboseJSON, .diarizedJSON: "application/json"
        case .text, .srt: "text/plain; charset=utf-8"
        case .vtt: "text/vtt"
        }
    }

    package var body: [UInt8] {
        let text = heard.transcript()
        switch request.format {
        case .json: return JSONValue.object(["text": .string(text), "usage": usage]).encoded()
        case .text: return Array((text + "\n").utf8)
        case .verboseJSON: return verbose.encoded()
        case .diarizedJSON:
            let value: JSONValue = [
                "task": "transcribe", "duration": Self.seconds(heard.duration),
                "text": .string(text),
                "segments": heard.words.isEmpty
                    ? []
                    : [
                        [
                            "type": "transcript.text.segment", "id": "seg_0", "speaker": "A",
                            "start": Self.seconds(start), "end": Self.seconds(end),
                            "text": .string(text),
                        ]
                    ], "usage": usage,
            ]
            return value.encoded()
        case .srt:
            let span = "\(Self.clock(start, ",")) --> \(Self.clock(end, ","))"
            return Array((heard.words.isEmpty ? "\n" : "1\n\(span)\n\(text)\n\n\n").utf8)
        case .vtt:
            let span = "\(Self.clock(start, ".")) --> \(Self.clock(end, "."))"
            return Array("WEBVTT\n\n\(heard.words.isEmpty ? "" : "\(span)\n\(text)\n\n")".utf8)
        }
    }

    /// The events of `stream=true`, one for each word and one at the end.
    package var events: [JSONValue] {
        var all = heard.words.enumerated().map { index, word -> JSONValue in
            [
                "type": "transcript.text.delta",
                "delta": .string((index == 0 ? "" : " ") + word.written),
            ]
        }
        all.append(
            [
                "type": "transcript.text.done", "text": .string(heard.transcript()),
                "usage": usage,
            ])
        return all
    }

    private var start: Duration { heard.words.first?.start ?? .zero }
    private var end: Duration { heard.words.last?.end ?? .zero }

    private var usage: JSONValue {
        guard request.isBilledByTokens else {
            return [
                "type": "duration",
                "seconds": JSONValue(Int((heard.duration.inSeconds).rounded(.up))),
            ]
        }
        let prompt = request.prompt.map { TokenText.count($0) } ?? 0
        let output = heard.words.reduce(0) { $0 + TokenText.count($1.written) }
        return [
            "type": "tokens", "input_tokens": JSONValue(audioTokens + prompt),
            "input_token_details": [
                "text_tokens": JSONValue(prompt), "audio_tokens": JSONValue(audioTokens),
            ],
            "output_tokens": JSONValue(output),
            "total_tokens": JSONValue(audioTokens + prompt + output),
        ]
    }

    private var verbose: JSONValue {
        var members: [JSONValue.Member] = [
            .init("task", "transcribe"),
            .init("language", .string(Self.languageName(request.language))),
            .init("duration", Self.seconds(heard.duration)),
            .init("text", .string(heard.transcript())),
        ]
        members.append(.init("segments", heard.words.isEmpty ? [] : [segment]))
        if request.wantsWords {
            members.append(
                .init(
                    "words",
                    .array(
                        heard.words.map {
                            [
                                "word": .string($0.written), "start": Self.seconds($0.start),
                                "end": Self.seconds($0.end),
                            ]
                        })))
        }
        members.append(.init("usage", usage))
        return .object(members)
    }

    private var segment: JSONValue {
        [
            "id": 0, "seek": 0, "start": Self.seconds(start), "end": Self.seconds(end),
            "text": .string(" " + heard.transcript()), "tokens": [], "temperature": 0.0,
            "avg_logprob": .number(heard.confidence > 0.5 ? -0.2 : -1.2),
            "compression_ratio": 1.1,
            "no_speech_prob": .number(heard.confidence > 0.5 ? 0.01 : 0.4),
        ]
    }

    /// The answer names languages in English; codes it has no name for stay codes.
    private static func languageName(_ code: String?) -> String {
        switch code?.lowercased() {
        case nil, "en": "english"
        case "de": "german"
        case "fr": "french"
        case "es": "spanish"
        case "it": "italian"
        case let code?: code
        }
    }

    private static func seconds(_ time: Duration) -> JSONValue {
        .number(Double(time.nanoseconds / 1_000_000) / 1000)
    }

    /// `00:00:01,240`
    private static func clock(_ time: Duration, _ mark: String) -> String {
        let total = Int(time.nanoseconds / 1_000_000)
        func two(_ value: Int) -> String { NumberText.padded(value, 2) }
        return two(total / 3_600_000) + ":" + two(total / 60_000 % 60) + ":"
            + two(total / 1000 % 60) + mark + NumberText.padded(total % 1000, 3)
    }
}
