import UproarCore

extension CorpusManifest {
    /// The manifest as YAML; `read` gives the same value back. Clips without a transcript of their own licence: the corpus'
    /// licence stands once, at the top.
    package var text: String {
        var lines = [
            "corpus: \(Self.quoted(corpus))", "licence: \(Self.quoted(licence))", "clips:",
        ]
        for clip in clips {
            lines.append("  - id: \(clip.id)")
            lines.append("    file: \(Self.quoted(clip.file))")
            lines.append("    transcript: \(Self.quoted(clip.transcript))")
            if !clip.speaker.isEmpty { lines.append("    speaker: \(clip.speaker)") }
            lines.append("    kind: \(clip.kind.rawValue)")
            lines.append("    variant: \(clip.variant)")
            lines.append("    speech: \(Self.text(clip.speech))")
            if !clip.innerPauses.isEmpty {
                let pauses = clip.innerPauses.map(Self.text).joined(separator: ", ")
                lines.append("    inner_pauses: [\(pauses)]")
            }
            if !clip.isAnnotatedByUs { lines.append("    annotated_by: hand") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Whole milliseconds where it is whole, else exact.
    private static func text(_ range: Range<Duration>) -> String {
        func time(_ value: Duration) -> String {
            let ns = value.nanoseconds
            return ns % 1_000_000 == 0 ? "\(ns / 1_000_000)ms" : DurationText.exact(value)
        }
        return "{start: \(time(range.lowerBound)), end: \(time(range.upperBound))}"
    }

    /// In double quotes, escaped as JSON, which YAML reads alike.
    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONValue.write(text, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
