/// The form in which a corpus' clips travel to the emulators' process.
extension ClipDescription {
    package var json: JSONValue {
        [
            "id": .string(id), "file": .string(file), "transcript": .string(transcript),
            "speaker": .string(speaker), "kind": .string(kind.rawValue),
            "licence": .string(licence), "variant": .string(variant),
            "speech_ns": Self.json(speech),
            "inner_pauses_ns": .array(innerPauses.map(Self.json)),
            "is_annotated_by_us": .bool(isAnnotatedByUs),
        ]
    }

    /// nil when `json` is no clip: a key is missing or holds something else.
    package init?(json: JSONValue) {
        guard let id = json["id"]?.text, let file = json["file"]?.text,
            let transcript = json["transcript"]?.text, let speaker = json["speaker"]?.text,
            let kind = json["kind"]?.text.flatMap(Kind.init(rawValue:)),
            let licence = json["licence"]?.text, let variant = json["variant"]?.text,
            let speech = json["speech_ns"].flatMap(Self.range),
            let pauses = json["inner_pauses_ns"]?.items,
            let isAnnotatedByUs = json["is_annotated_by_us"]?.isTrue
        else { return nil }
        let innerPauses = pauses.compactMap(Self.range)
        guard innerPauses.count == pauses.count else { return nil }
        self.init(
            id: id, file: file, transcript: transcript, speaker: speaker, kind: kind,
            licence: licence, speech: speech, innerPauses: innerPauses, variant: variant,
            isAnnotatedByUs: isAnnotatedByUs)
    }

    private static func json(_ range: Range<Duration>) -> JSONValue {
        [.integer(range.lowerBound.nanoseconds), .integer(range.upperBound.nanoseconds)]
    }

    private static func range(_ json: JSONValue) -> Range<Duration>? {
        guard let from = json[0]?.int, let to = json[1]?.int, from <= to else { return nil }
        return .nanoseconds(from)..<(.nanoseconds(to))
    }
}
