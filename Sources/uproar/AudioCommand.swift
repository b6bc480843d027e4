import UproarCore
import UproarHarness

extension Command {
    static let audio = Command(
        name: "audio",
        summary: "recordings of your own: add them to a corpus, list and check corpora",
        form: "add FILE… --transcript TEXT… | list [CORPUS…] | check [CORPUS…]",
        text: """
            add     copies recordings of any rate and channel count into a corpus and writes its manifest: transcript, speaker,
                    where speech starts, pauses and ends. One --transcript for each FILE, in order; noises need none.
            list    the corpora at hand, or the clips of those named.
            check   reads every recording again and compares it with the manifest. Exit 2 when one is of no use.
            A scenario uses a corpus with `audio: DIR`.
            """,
        flags: [
            Arguments.Flag(
                "transcript", "TEXT", "the words that are spoken, once per FILE", repeats: true),
            Arguments.Flag(
                "corpus", "DIR", "the corpus to add to, made when it is not there (corpus)"),
            Arguments.Flag("speaker", "NAME", "who speaks"),
            Arguments.Flag(
                "licence", "TEXT", "who may use the recordings (\(CorpusFolder.ownLicence))"),
            Arguments.Flag(
                "kind", "KIND", "utterance, interruption, backchannel or noise (utterance)"),
            Arguments.Flag(
                "variant", "NAME", "clean, cafe, street, low or a word of your own (clean)"),
            Arguments.Flag(
                "id", "NAME", "the clip's name in conversations, for one FILE (its file's name)"),
        ]
    ) { arguments in
        let verbs = ["add", "list", "check"]
        guard let verb = arguments.rest.first, verbs.contains(verb) else {
            let near = arguments.rest.first.flatMap { NearestName.of($0, among: verbs) }
            throw Arguments.Mistake(
                text: """
                    'uproar audio' needs one of: \(verbs.joined(separator: " "))\
                    \(near.map { "; did you mean '\($0)'?" } ?? "")
                      see 'uproar help audio'
                    """)
        }
        let names = Array(arguments.rest.dropFirst())
        if verb == "add" { return try AudioVerbs.add(names, arguments) }
        for flag in ["transcript", "corpus", "speaker", "licence", "kind", "variant", "id"]
        where arguments.has(flag) {
            throw Arguments.Mistake(
                text: "--\(flag) goes with 'uproar audio add'; name corpora as they are: "
                    + "uproar audio \(verb) DIR")
        }
        return verb == "list" ? try AudioVerbs.list(names) : try AudioVerbs.check(names)
    }
}

private enum AudioVerbs {
    static func add(_ files: [String], _ arguments: Arguments) throws -> ExitCode {
        guard !files.isEmpty else {
            throw Arguments.Mistake(
                text: "a recording is due: uproar audio add hello.wav --transcript \"Hello!\"")
        }
        let kindName = arguments.text("kind") ?? ClipDescription.Kind.utterance.rawValue
        let kinds = ClipDescription.Kind.allCases.map(\.rawValue)
        guard let kind = ClipDescription.Kind(rawValue: kindName) else {
            let near = NearestName.of(kindName, among: kinds)
            throw Arguments.Mistake(
                text: "--kind \(kindName): one of \(kinds.joined(separator: ", "))"
                    + (near.map { "; did you mean '\($0)'?" } ?? ""))
        }
        let transcripts = arguments.all("transcript")
        guard transcripts.count == files.count || kind == .noise && transcripts.isEmpty else {
            throw Arguments.Mistake(
                text: """
                    \(files.count) recordings and \(transcripts.count) transcripts: one --transcript for each, in order
                      uproar audio add a.wav b.wav --transcript "First words." --transcript "Second words."
                      see 'uproar help audio'
                    """)
        }
        for transcript in transcripts where transcript.allSatisfy(\.isWhitespace) {
            throw Arguments.Mistake(
                text: "--transcript is empty: the words that are spoken are due")
        }
        if arguments.has("id"), files.count > 1 {
            throw Arguments.Mistake(text: "--id names one recording; \(files.count) are given")
        }
        for name in ["speaker", "variant"] {
            guard let text = arguments.text(name) else { continue }
            guard !text.isEmpty, text.utf8.allSatisfy(isNameByte) else {
                throw Arguments.Mistake(
                    text: "--\(name) \"\(text)\": letters, digits, - and _ are allowed")
            }
        }
        var folder = try CorpusFolder.openOrNew(
            arguments.text("corpus") ?? "corpus", licence: arguments.text("licence"))
        let added = try folder.add(
            files.enumerated().map { index, file in
                var entry = CorpusFolder.Entry(
                    file: file, transcript: transcripts.isEmpty ? "" : transcripts[index])
                entry.kind = kind
                entry.speaker = arguments.text("speaker") ?? ""
                entry.variant = arguments.text("variant") ?? entry.variant
                entry.id = arguments.text("id")
                return entry
            })
        for clip in added { Terminal.standardOutput(clip.text + "\n") }
        Terminal.standardOutput(
            """
            \(folder.path)/manifest.yaml: \(folder.clips.count) clips, \(folder.licence)
            in a scenario: audio: \(folder.path)

            """)
        return .passed
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a || byte >= 0x30 && byte <= 0x39
            || byte == 0x2d || byte == 0x5f
    }

    static func list(_ names: [String]) throws -> ExitCode {
        guard !names.isEmpty else {
            for path in CorpusList.atHand() {
                Terminal.standardOutput(CorpusList.line(try CorpusFolder(path)) + "\n")
            }
            return .passed
        }
        for name in names {
            let folder = try CorpusFolder(name)
            Terminal.standardOutput(CorpusList.line(folder) + "\n")
            for clip in folder.clips {
                Terminal.standardOutput("  " + CorpusList.line(clip) + "\n")
            }
        }
        return .passed
    }

    static func check(_ names: [String]) throws -> ExitCode {
        var isGood = true
        for name in names.isEmpty ? CorpusList.atHand() : names {
            let folder = try CorpusFolder(name)
            let clips = folder.check()
            let bad = clips.count { !$0.problems.isEmpty }
            for clip in clips where !(clip.problems + clip.notes).isEmpty {
                Terminal.standardOutput(clip.text + "\n")
            }
            Terminal.standardOutput(
                "\(folder.path): \(clips.count) clips, \(bad == 0 ? "all of use" : "\(bad) of no use")\n"
            )
            if bad > 0 { isGood = false }
        }
        return isGood ? .passed : .usage
    }
}
