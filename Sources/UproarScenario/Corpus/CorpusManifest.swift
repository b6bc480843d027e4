import UproarCore

/// `manifest.yaml` of a corpus: what each clip says and when. `uproar audio add` writes it, scenarios read it.
package struct CorpusManifest: Hashable, Sendable {
    package var corpus: String
    /// In words, with who spoke.
    package var licence: String
    package var clips: [ClipDescription]

    package init(corpus: String, licence: String, clips: [ClipDescription]) {
        self.corpus = corpus
        self.licence = licence
        self.clips = clips
    }

    static let page = "docs/scenario.md#audio"
    static let keys = ["corpus", "licence", "clips"]
    static let clipKeys = [
        "id", "file", "transcript", "speaker", "kind", "variant", "speech", "inner_pauses",
        "annotated_by",
    ]

    package static func read(_ bytes: [UInt8], file: String) throws(FileProblems) -> CorpusManifest
    {
        let reading = Reading(file: file)
        let manifest = read(bytes, file: file, reading)
        guard let manifest, reading.problems.isEmpty else {
            throw FileProblems(reading.sortedProblems)
        }
        return manifest
    }

    static func read(_ bytes: [UInt8], file: String, _ reading: Reading) -> CorpusManifest? {
        guard let root = reading.document(bytes, file: file),
            let map = MapReader(reading, root, path: "", keys: keys, page: page)
        else { return nil }
        let name = map.required("corpus", "the name of the corpus", ScalarText.text)
        let licence = map.required(
            "licence", "who may use the recordings, in words", ScalarText.text)
        guard map.hasRequired("clips", "a list of clips"), let node = map.node("clips"),
            let items = reading.list(node, path: "clips", page: page, of: "clips")
        else { return nil }
        var clips: [ClipDescription] = []
        var places: [String: YAMLMark] = [:]
        for (index, item) in items.enumerated() {
            guard let clip = clip(item, "clips[\(index)]", licence ?? "", reading) else { continue }
            if let first = places[clip.id] {
                reading.report(
                    item.mark, "a second clip with the id \"\(clip.id)\"",
                    allowed: "each id once: it stands first on line \(first.line)", page: page)
            }
            places[clip.id] = item.mark
            clips.append(clip)
        }
        if items.isEmpty {
            reading.report(
                node.mark, "the corpus has no clip", allowed: "at least one clip", page: page)
        }
        guard let name, let licence else { return nil }
        return CorpusManifest(corpus: name, licence: licence, clips: clips)
    }

    private static func clip(
        _ node: YAMLNode, _ path: String, _ licence: String, _ reading: Reading
    )
        -> ClipDescription?
    {
        guard let map = MapReader(reading, node, path: path, keys: clipKeys, page: page) else {
            return nil
        }
        let id = map.required("id", "a name, once in the corpus", identifier)
        let file = map.required("file", "the audio file, relative to the manifest", ScalarText.text)
        let kinds = ClipDescription.Kind.allCases.map { ($0.rawValue, $0) }
        let kind = map.value("kind") { text throws(TextProblem) in
            try ScalarText.word(text, of: kinds, what: "kind of clip")
        }
        let isSpeech = kind != .noise
        let transcript =
            isSpeech
            ? map.required("transcript", "the words that are spoken", ScalarText.text)
            : map.value("transcript", ScalarText.text) ?? ""
        let speech =
            map.hasRequired("speech", "{start: 120ms, end: 1840ms}")
            ? map.node("speech").flatMap { range($0, map.name("speech"), reading) } : nil
        var pauses: [Range<Duration>] = []
        if let list = map.node("inner_pauses") {
            let path = map.name("inner_pauses")
            for item in reading.list(list, path: path, page: page, of: "pauses") ?? [] {
                guard let pause = range(item, path, reading), let speech else { continue }
                guard pause.lowerBound >= pauses.last?.upperBound ?? speech.lowerBound,
                    pause.upperBound <= speech.upperBound
                else {
                    reading.report(
                        item.mark,
                        "this pause does not lie inside the speech, after the one before",
                        allowed: "pauses in order, within speech", page: page)
                    continue
                }
                pauses.append(pause)
            }
        }
        let annotators = [("uproar", true), ("hand", false)]
        let isOurs = map.value("annotated_by") { text throws(TextProblem) in
            try ScalarText.word(text, of: annotators, what: "annotator")
        }
        guard let id, let file, let transcript, let speech else { return nil }
        return ClipDescription(
            id: id, file: file, transcript: transcript,
            speaker: map.value("speaker", identifier) ?? "", kind: kind ?? .utterance,
            licence: licence, speech: speech, innerPauses: pauses,
            variant: map.value("variant", identifier) ?? "clean", isAnnotatedByUs: isOurs ?? true)
    }

    /// Letters, digits, `_`, `-`, `.` and `/`: what can stand in a list of clips without quotes.
    private static func identifier(_ text: String) throws(TextProblem) -> String {
        guard text.utf8.allSatisfy({ TextScanner.isWordByte($0) || $0 == 0x2e || $0 == 0x2f })
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no id",
                allowed: "letters, digits, - and _, such as add-milk-slt")
        }
        return text
    }

    private static func range(_ node: YAMLNode, _ path: String, _ reading: Reading)
        -> Range<Duration>?
    {
        guard
            let map = MapReader(reading, node, path: path, keys: ["start", "end"], page: page),
            let start = map.required(
                "start", "a duration from the file's start", ScalarText.duration),
            let end = map.required("end", "a duration from the file's start", ScalarText.duration)
        else { return nil }
        guard start < end else {
            reading.report(
                node.mark, "\(path) ends before it begins", allowed: "start below end", page: page)
            return nil
        }
        return start..<end
    }
}
