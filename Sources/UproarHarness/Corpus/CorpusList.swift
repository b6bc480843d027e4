import Glibc
import UproarCore
import UproarScenario

/// Corpora and clips as `uproar audio list` names them.
package enum CorpusList {
    /// Folders with a manifest: those that ship, and `corpus` in the working directory.
    package static func atHand() -> [String] {
        var found: [String] = []
        if ShareFolder.exists("corpus/manifest.yaml") { found.append("corpus") }
        guard let share = ShareFolder.find(), let folder = opendir(share + "/fixtures") else {
            return found
        }
        defer { closedir(folder) }
        var shipped: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let path = "fixtures/" + name
            if ShareFolder.exists(share + "/" + path + "/manifest.yaml") { shipped.append(path) }
        }
        return found + shipped.sorted()
    }

    /// `fixtures/task-manager  54 clips, 1m22s of speech, voices slt rms awb, clean  (Apache-2.0 …)`.
    package static func line(_ folder: CorpusFolder) -> String {
        let clips = folder.manifest.clips
        let speech = clips.reduce(Duration.zero) {
            $0 + ($1.speech.upperBound - $1.speech.lowerBound)
        }
        var line = "\(folder.path)  \(clips.count) clips, \(NumberText.duration(speech)) of sound"
        let voices = distinct(clips.map(\.speaker))
        if !voices.isEmpty { line += ", voices " + voices.joined(separator: " ") }
        line += ", " + distinct(clips.map(\.variant)).joined(separator: " ")
        return line + "  (\(folder.manifest.licence))"
    }

    /// `add-milk  utterance clean slt  120ms–1.84s  "Add buy milk to my list."`.
    package static func line(_ clip: ClipDescription) -> String {
        let start = NumberText.duration(clip.speech.lowerBound)
        let end = NumberText.duration(clip.speech.upperBound)
        var line = "\(clip.id)  \(clip.kind.rawValue) \(clip.variant)"
        if !clip.speaker.isEmpty { line += " \(clip.speaker)" }
        line += "  \(start)–\(end)"
        if !clip.transcript.isEmpty { line += "  \"\(clip.transcript)\"" }
        if !clip.isAnnotatedByUs { line += "  (annotated by hand)" }
        return line
    }

    private static func distinct(_ words: [String]) -> [String] {
        var seen = OrderedTable<String, Bool>()
        for word in words where !word.isEmpty { seen[word] = true }
        return seen.keys
    }
}
