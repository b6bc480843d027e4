import Glibc
import UproarAudio
import UproarCore
import UproarPosix
import UproarScenario

/// A folder with recordings and their `manifest.yaml`, as `uproar audio` makes and checks it.
package struct CorpusFolder {
    package let path: String
    package private(set) var manifest: CorpusManifest

    package var clips: [ClipDescription] { manifest.clips }
    package var licence: String { manifest.licence }

    /// The licence of a corpus whose owner has not said any.
    package static let ownLicence = "private recordings, not to be passed on"

    /// Reads the folder's manifest.
    package init(_ path: String) throws {
        guard let found = ShareFolder.locate(path) else {
            throw ScenarioLoading.Problem(
                """
                there is no folder \(path)
                  allowed: a folder with manifest.yaml; 'uproar audio add FILE --corpus \(path)' makes one
                  see docs/own-recordings.md
                """)
        }
        let file = found + "/manifest.yaml"
        guard ShareFolder.exists(file) else {
            throw ScenarioLoading.Problem(
                """
                \(found) holds no manifest.yaml
                  allowed: a folder with manifest.yaml; 'uproar audio add FILE --corpus \(path)' makes one
                  see docs/own-recordings.md
                """)
        }
        do {
            manifest = try CorpusManifest.read(try TextFile.read(file), file: file)
        } catch { throw ScenarioLoading.Problem("\(error)") }
        self.path = found
    }

    /// The folder as it is, or a new one without clips; nothing is written.
    package static func openOrNew(_ path: String, licence: String?) throws -> CorpusFolder {
        if ShareFolder.exists(path + "/manifest.yaml") {
            let folder = try CorpusFolder(path)
            if let licence, licence != folder.manifest.licence {
                throw ScenarioLoading.Problem(
                    """
                    --licence: the recordings in \(path) are under "\(folder.manifest.licence)"
                      allowed: that licence, or another --corpus: a corpus has one
                      see docs/own-recordings.md
                    """)
            }
            return folder
        }
        if ShareFolder.exists(path), !ShareFolder.isFolder(path) {
            throw ScenarioLoading.Problem("--corpus: \(path) is a file, and a folder is due")
        }
        let name = path.split(separator: "/").last.map(String.init) ?? "corpus"
        return CorpusFolder(
            path: path,
            manifest: CorpusManifest(corpus: name, licence: licence ?? ownLicence, clips: []))
    }

    private init(path: String, manifest: CorpusManifest) {
        self.path = path
        self.manifest = manifest
    }

    /// What a person says of a recording.
    package struct Entry {
        package var file: String
        package var transcript: String
        package var speaker = ""
        package var kind = ClipDescription.Kind.utterance
        package var variant = NoiseVariant.clean.rawValue
        /// Nil: the file's name without folder and ending.
        package var id: String?

        package init(file: String, transcript: String) {
            self.file = file
            self.transcript = transcript
        }
    }

    /// Annotates the recordings and takes them in: files are copied as they are, then the manifest is written. All or none.
    ///
    /// Throws a text with every problem.
    package mutating func add(_ entries: [Entry]) throws -> [CheckedClip] {
        var problems: [String] = []
        var added: [CheckedClip] = []
        var taken = Set(manifest.clips.map(\.id))
        for entry in entries {
            do {
                var clip = try Self.describe(entry)
                clip.description.licence = manifest.licence
                guard taken.insert(clip.description.id).inserted else {
                    throw ScenarioLoading.Problem(
                        "\(entry.file): the corpus has a clip \"\(clip.description.id)\" already; "
                            + "name this one with --id")
                }
                added.append(clip)
            } catch { problems.append("\(error)") }
        }
        guard problems.isEmpty else {
            throw ScenarioLoading.Problem(problems.joined(separator: "\n"))
        }
        do {
            try AtomicFile.makeFolder(path)
            for (entry, clip) in zip(entries, added) {
                try copy(entry.file, to: path + "/" + clip.description.file)
            }
            manifest.clips += added.map(\.description)
            try AtomicFile.write(Array(manifest.text.utf8), to: path + "/manifest.yaml")
        } catch { throw ScenarioLoading.Problem("\(path): \(error)") }
        return added
    }

    /// The recording of a new clip, heard through; throws when it is of no use.
    private static func describe(_ entry: Entry) throws -> CheckedClip {
        let name = String(entry.file.split(separator: "/").last ?? "")
        let stem = name.split(separator: ".").dropLast().joined(separator: ".")
        let id = entry.id ?? plainName(stem.isEmpty ? name : stem)
        guard entry.id != nil || !id.isEmpty else {
            throw ScenarioLoading.Problem(
                "\(entry.file): its name holds no letter or digit that an id may have; say --id NAME"
            )
        }
        guard !id.isEmpty, id.allSatisfy(plain) else {
            throw ScenarioLoading.Problem(
                "--id \"\(id)\": letters, digits, - and _ are allowed, such as add-milk")
        }
        let recording = try AudioFile.recording(entry.file)
        guard let annotation = ClipAnnotator.annotate(recording.sound) else {
            throw ScenarioLoading.Problem(
                "\(entry.file): nothing in it is loud enough to be speech: it is silent, or too quiet "
                    + "(\(SoundLevel.peak(of: recording.sound)) at its loudest)")
        }
        let ending = name.split(separator: ".").last.map { "." + $0.lowercased() } ?? ""
        let description = ClipDescription(
            id: id, file: id + ending, transcript: entry.transcript, speaker: entry.speaker,
            kind: entry.kind, speech: annotation.speech, innerPauses: annotation.innerPauses,
            variant: entry.variant)
        let clip = CheckedClip(description, recording)
        guard !clip.isClipped else {
            throw ScenarioLoading.Problem("\(entry.file): \(CheckedClip.clippedText(recording))")
        }
        return clip
    }

    /// `name with spaces` as `name-with-spaces`: what an id may not hold becomes one hyphen.
    private static func plainName(_ text: String) -> String {
        text.split { !plain($0) || $0 == "-" }.joined(separator: "-")
    }

    private static func plain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber)
            || character == "-" || character == "_"
    }

    private func copy(_ source: String, to target: String) throws {
        if let from = realpath(source, nil) {
            defer { free(from) }
            if let to = realpath(target, nil) {
                defer { free(to) }
                if strcmp(from, to) == 0 { return }
                throw ScenarioLoading.Problem(
                    "\(target) is there already, and no clip of the corpus")
            }
        }
        try AtomicFile.write(try TextFile.read(source, limit: 1 << 30), to: target)
    }

    /// Reads every recording again and compares it with what the manifest says.
    package func check() -> [CheckedClip] {
        manifest.clips.map { clip in
            do {
                let file = ScenarioFiles.path(clip.file, in: path)
                return CheckedClip(clip, try AudioFile.recording(file)).compared()
            } catch { return CheckedClip(clip, problem: "\(error)") }
        }
    }
}
