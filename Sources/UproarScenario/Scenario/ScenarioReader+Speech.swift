import UproarCore

extension ScenarioReader {
    typealias ClipNames = [(name: String, mark: YAMLMark)]

    /// The conversation's file, or what is said without one: three utterances of the audio.
    func conversation(_ map: MapReader) -> (ConversationScript?, file: String?, ClipNames) {
        guard let node = map.node("conversation") else {
            return (.builtIn, nil, [("any utterance", map.mark("audio"))])
        }
        guard
            let found = reading.file(
                node, path: "conversation", page: ConversationReader.page, files)
        else { return (nil, nil, []) }
        var reader = ConversationReader(reading, files: files)
        let script = reader.read(found.bytes, file: found.path)
        return (script, found.path, reader.clipNames)
    }

    /// `fixtures/task-manager`, `recording.wav`, `[fixtures/a, fixtures/b]`, or `{path: …, variant: cafe}`.
    func audio(_ map: MapReader) -> Scenario.AudioSource? {
        let page = CorpusManifest.page
        guard map.hasRequired("audio", "a folder with manifest.yaml, or an audio file"),
            var node = map.node("audio")
        else { return nil }
        var variant: YAMLNode?
        if node.map != nil {
            guard let inner = map.map("audio", keys: ["path", "variant"], page: page),
                inner.hasRequired("path", "a folder with manifest.yaml, or an audio file"),
                let path = inner.node("path")
            else { return nil }
            variant = inner.node("variant")
            node = path
        }
        let paths = reading.texts(node, path: "audio", page: page)
        if node.list?.isEmpty == true {
            reading.report(
                node.mark, "audio names nothing",
                allowed: "at least one folder with manifest.yaml, or one audio file", page: page)
        }
        var corpora: [Scenario.Corpus] = []
        for path in paths {
            switch source(path, variant, isAlone: paths.count == 1) {
            case .corpora(let found)?: corpora += found
            case .file(let file)?: return .file(file)
            case nil: break
            }
        }
        checkIds(corpora, node)
        return corpora.isEmpty || corpora.count < paths.count ? nil : .corpora(corpora)
    }

    private func source(_ node: YAMLNode, _ variant: YAMLNode?, isAlone: Bool)
        -> Scenario.AudioSource?
    {
        let page = CorpusManifest.page
        let name = node.scalar ?? ""
        guard let found = reading.find(name, node, files) else {
            reading.report(
                node.mark, "audio: there is no \"\(name)\"",
                allowed:
                    "a folder with manifest.yaml or an audio file, relative to this file or to the installed share folder",
                page: page)
            return nil
        }
        let manifest = ScenarioFiles.path("manifest.yaml", in: found)
        switch files.read(manifest) {
        case .success(let bytes):
            return CorpusManifest.read(bytes, file: manifest, reading)
                .flatMap { corpus($0, found, variant) }.map { .corpora([$0]) }
        case .failure where files.find(manifest, "") == nil:
            guard isAlone, variant == nil else {
                reading.report(
                    variant?.mark ?? node.mark,
                    "a single audio file has no variants and stands beside no corpus",
                    allowed: "one audio file alone, or corpora", page: page)
                return nil
            }
            return .file(found)
        case .failure(let refusal):
            reading.report(
                node.mark, "audio: \(manifest) cannot be read: \(refusal.reason)",
                allowed: "a file that can be read", page: page)
            return nil
        }
    }

    private func corpus(_ manifest: CorpusManifest, _ folder: String, _ node: YAMLNode?)
        -> Scenario.Corpus?
    {
        let recorded = ClipSelection.variants(of: manifest.clips)
        var variant = recorded.contains("clean") ? "clean" : nil
        if let node {
            let known = recorded + catalog.variants.filter { !recorded.contains($0) }
            variant = reading.value(node, path: "audio.variant", page: CorpusManifest.page) {
                text throws(TextProblem) in
                try ScalarText.word(text, of: known.map { ($0, $0) }, what: "variant")
            }
            guard variant != nil else { return nil }
        }
        // What was not recorded is made of the clean clips.
        let isMade = variant.map { !recorded.contains($0) } ?? false
        let selected = isMade ? "clean" : variant
        let selection = selected.flatMap { ClipSelection.clips(of: manifest.clips, variant: $0) }
        let clips = (selection ?? manifest.clips).map { clip in
            var clip = clip
            clip.file = ScenarioFiles.path(clip.file, in: folder)
            if isMade, let variant { clip.variant = variant }
            return clip
        }
        return Scenario.Corpus(
            name: manifest.corpus, folder: folder, licence: manifest.licence, variant: variant,
            isVariantMade: isMade, clips: clips)
    }

    private func checkIds(_ corpora: [Scenario.Corpus], _ node: YAMLNode) {
        var owners: [String: String] = [:]
        for corpus in corpora {
            for clip in corpus.clips {
                if let other = owners[clip.id], other != corpus.name {
                    reading.report(
                        node.mark, "the clip \(clip.id) is in \(other) and in \(corpus.name)",
                        allowed: "corpora without common ids", page: CorpusManifest.page)
                }
                owners[clip.id] = corpus.name
            }
        }
    }

    func checkClips(
        _ script: ConversationScript, _ corpora: [Scenario.Corpus], _ places: ClipNames
    ) {
        let missing = ConversationPlan.missingClips(of: script, in: corpora.flatMap(\.clips))
        let names = corpora.map(\.name).joined(separator: ", ")
        for place in places {
            guard let clip = missing.first(where: { $0.name == place.name }) else { continue }
            let near = clip.nearest.map { "; did you mean \"\($0)\"?" } ?? ""
            reading.report(
                place.mark, "the audio (\(names)) has no clip \"\(clip.name)\"\(near)",
                allowed: "an id of the manifest, with or without voice and variant",
                page: ConversationReader.page)
        }
    }

    /// Reads a distribution; `empirical(file.csv)` finds its file beside the scenario: one duration a line, or a plain number
    /// of milliseconds.
    /// `call_length: lognormal(p50=3m, p95=10m)`.
    func callLength(_ map: MapReader) -> Distribution? {
        let read = distribution(map, "call_length")
        return map.value("call_length") { text throws(TextProblem) in
            let length = try read(text)
            guard length.quantile(0.999) > .zero else {
                throw TextProblem(
                    offset: 0,
                    reason: "\"\(text)\" is no length: every call would end as it begins",
                    allowed: "a duration above zero, or a distribution of them")
            }
            return length
        }
    }

    func distribution(_ map: MapReader?, _ key: String) -> (String) throws(TextProblem) ->
        Distribution
    {
        let node = map?.node(key)
        return { text throws(TextProblem) in
            try DistributionText.parse(text) { name throws(TextProblem) in
                try measured(name, node)
            }
        }
    }

    private func measured(_ name: String, _ node: YAMLNode?) throws(TextProblem) -> [Duration] {
        guard let found = node.flatMap({ reading.find(name, $0, files) }),
            case .success(let bytes) = files.read(found)
        else {
            throw TextProblem(
                offset: 0, reason: "there is no file \"\(name)\" that can be read",
                allowed: "a path relative to this file")
        }
        var values: [Duration] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let text = String(decoding: line.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
                .filter { !$0.isWhitespace }
            if text.isEmpty || text.first == "#" { continue }
            var scanner = TextScanner(text)
            if let value = try? DurationText.parse(text) {
                values.append(value)
            } else if let value = scanner.decimal(), scanner.isAtEnd,
                let ns = value.times(1_000_000)
            {
                values.append(.nanoseconds(ns))
            } else if number > 1 || !values.isEmpty {
                throw TextProblem(
                    offset: 0, reason: "\(found), line \(number): \"\(text)\" is no duration",
                    allowed: "a duration, or a number of milliseconds, in each line")
            }
        }
        return values
    }
}

extension ConversationScript {
    /// Without a conversation file: three utterances of the audio, whatever they say, each answered in one sentence.
    package static let builtIn = ConversationScript(
        name: "built-in", steps: [.pool(count: 3, of: [Turn(clips: .any(.utterance))])],
        languageModel: LanguageModelScript(
            greeting: "Hello! How can I help you today?", intents: [],
            fallback: ["Okay, I have heard you and made a note of it."]))
}
