import UproarCore
import UproarWire

/// The query of `POST /v1/listen`, as far as it changes the answer (developers.deepgram.com/reference, "Pre-Recorded Audio").
package struct DeepgramFileQuery: Hashable, Sendable {
    package var model: String
    package var language: String
    /// Of a body of bare samples; nil: a file, which says it itself.
    package var format: AudioFormat?
    package var punctuates: Bool
    package var detectsLanguage: Bool
    package var wantsParagraphs: Bool
    /// Gap between words that splits utterances; nil: none are wanted.
    package var utteranceSplit: Duration?

    package init(parsing parameters: FormParameters) throws(DeepgramQuery.Problem) {
        let parse = DeepgramQuery.self
        model = parameters["model"] ?? "base"
        language = parameters["language"] ?? "en"
        if parameters["encoding"] != nil {
            format = try DeepgramQuery(parsing: parameters).format
        }
        if let callback = parameters["callback"] {
            throw DeepgramQuery.Problem("Callbacks are not supported here: \(callback)")
        }
        let formats = try parse.flag(parameters, "smart_format")
        punctuates = try parse.flag(parameters, "punctuate") || formats
        detectsLanguage = try parse.flag(parameters, "detect_language")
        wantsParagraphs = try parse.flag(parameters, "paragraphs") || formats
        if try parse.flag(parameters, "utterances") {
            let text = parameters["utt_split"] ?? "0.8"
            guard let seconds = Double(text), (0.01...3_600).contains(seconds) else {
                throw DeepgramQuery.Problem("Invalid value for utt_split: \(text)")
            }
            utteranceSplit = .milliseconds(Int64(seconds * 1000))
        }
        for name in ["diarize", "numerals", "filler_words", "profanity_filter", "summarize"]
        where name != "summarize" || parameters[name] != "v2" {
            _ = try parse.flag(parameters, name)
        }
    }

    static let unreadable = DeepgramProblem.badRequest(
        "Bad Request: failed to process audio: corrupt or unsupported data")

    /// The body is sound, or may be; an address in its place would have to be fetched, which emulators do not.
    func check(_ body: [UInt8], contentType: String?) throws(DeepgramProblem) {
        guard !body.isEmpty else {
            throw .badRequest("Bad Request: failed to process audio: the request has no body")
        }
        guard contentType?.lowercased().hasPrefix("application/json") == true else { return }
        guard let json = try? JSONParser.parse(body), let url = json["url"]?.text else {
            throw .badRequest("The body holds no address of audio: {\"url\": …}")
        }
        throw DeepgramProblem(
            status: 400, code: "REMOTE_CONTENT_ERROR",
            message: "The remote server hosting the media could not be reached: \(url)")
    }
}

/// What is answered to a file.
struct DeepgramFileWriter: Sendable {
    private let query: DeepgramFileQuery
    private let requestID: String
    private let modelID: String
    private let sha256: String
    private let created: String

    init(
        _ query: DeepgramFileQuery, requestID: String, modelID: String, sha256: String,
        created: String
    ) {
        self.query = query
        self.requestID = requestID
        self.modelID = modelID
        self.sha256 = sha256
        self.created = created
    }

    func json(_ heard: FileHearing) -> JSONValue {
        var alternative: [JSONValue.Member] = [
            .init("transcript", .string(transcript(heard.words[...]))),
            .init("confidence", .number(heard.confidence)),
            .init("words", words(heard.words[...], heard.confidence)),
        ]
        if query.wantsParagraphs, !heard.words.isEmpty {
            alternative.append(.init("paragraphs", paragraphs(heard)))
        }
        var channel: [JSONValue.Member] = [.init("alternatives", [.object(alternative)])]
        if query.detectsLanguage {
            channel.append(.init("detected_language", "en"))
            channel.append(.init("language_confidence", .number(0.99)))
        }
        var results: [JSONValue.Member] = [.init("channels", [.object(channel)])]
        if let split = query.utteranceSplit {
            results.append(.init("utterances", .array(utterances(heard, split))))
        }
        let info = DeepgramWriter.modelInfo(query.model)
        return [
            "metadata": [
                "transaction_key": "deprecated", "request_id": .string(requestID),
                "sha256": .string(sha256), "created": .string(created),
                "duration": seconds(heard.duration), "channels": 1,
                "models": [.string(modelID)],
                "model_info": .object([.init(modelID, info)]),
            ],
            "results": .object(results),
        ]
    }

    private func seconds(_ time: Duration) -> JSONValue {
        .number(Double(time.nanoseconds / 1_000_000) / 1000)
    }

    private func transcript(_ words: ArraySlice<SpeechVocabulary.Word>) -> String {
        words.map { query.punctuates ? $0.written : $0.plain }.joined(separator: " ")
    }

    private func words(_ words: ArraySlice<SpeechVocabulary.Word>, _ confidence: Double)
        -> JSONValue
    {
        .array(
            words.map { word in
                var members: [JSONValue.Member] = [
                    .init("word", .string(word.plain)), .init("start", seconds(word.start)),
                    .init("end", seconds(word.end)), .init("confidence", .number(confidence)),
                ]
                if query.punctuates {
                    members.append(.init("punctuated_word", .string(word.written)))
                }
                return .object(members)
            })
    }

    /// Sentences end at their mark.
    private func paragraphs(_ heard: FileHearing) -> JSONValue {
        let sentences = Self.cut(heard.words) { before, _ in
            [".", "!", "?"].contains(before.written.last.map(String.init))
        }
        return [
            "transcript": .string("\n" + transcript(heard.words[...])),
            "paragraphs": [
                [
                    "sentences": .array(
                        sentences.map {
                            [
                                "text": .string(transcript($0)),
                                "start": seconds($0.first?.start ?? .zero),
                                "end": seconds($0.last?.end ?? .zero),
                            ]
                        }),
                    "num_words": JSONValue(heard.words.count),
                    "start": seconds(heard.words.first?.start ?? .zero),
                    "end": seconds(heard.words.last?.end ?? .zero),
                ]
            ],
        ]
    }

    private func utterances(_ heard: FileHearing, _ split: Duration) -> [JSONValue] {
        Self.cut(heard.words) { $1.start - $0.end >= split }.enumerated().map { index, part in
            [
                "start": seconds(part.first?.start ?? .zero),
                "end": seconds(part.last?.end ?? .zero), "confidence": .number(heard.confidence),
                "channel": 0, "transcript": .string(transcript(part)),
                "words": words(part, heard.confidence), "id": .string("\(requestID)-\(index)"),
            ]
        }
    }

    private static func cut(
        _ words: [SpeechVocabulary.Word],
        where isEnd: (SpeechVocabulary.Word, SpeechVocabulary.Word) -> Bool
    ) -> [ArraySlice<SpeechVocabulary.Word>] {
        var parts: [ArraySlice<SpeechVocabulary.Word>] = []
        var start = 0
        for index in words.indices
        where index + 1 == words.count || isEnd(words[index], words[index + 1]) {
            parts.append(words[start...index])
            start = index + 1
        }
        return parts
    }
}
