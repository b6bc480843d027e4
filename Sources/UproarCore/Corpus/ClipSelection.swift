/// Which clips of a corpus a run speaks.
package enum ClipSelection {
    /// The clips of one variant, and of the others those that have no such version (a cough needs no café).
    ///
    /// nil when no clip has this variant. The order stays.
    package static func clips(of corpus: [ClipDescription], variant: String) -> [ClipDescription]? {
        guard corpus.contains(where: { $0.variant == variant }) else { return nil }
        let versions = Set(corpus.lazy.filter { $0.variant == variant }.map { $0.spokenWords })
        var others: Set<String> = []
        return corpus.filter {
            $0.variant == variant
                || !versions.contains($0.spokenWords) && others.insert($0.spokenWords).inserted
        }
    }

    /// The variants of a corpus in the order of their first clip.
    package static func variants(of corpus: [ClipDescription]) -> [String] {
        var found = OrderedTable<String, Bool>()
        for clip in corpus { found[clip.variant] = true }
        return found.keys
    }

    /// The longest silence inside an utterance: an agent that ends a turn sooner than this cuts callers off.
    package static func longestInnerPause(of corpus: [ClipDescription]) -> Duration {
        corpus.lazy.filter { $0.kind == .utterance }.flatMap(\.innerPauses)
            .map { $0.upperBound - $0.lowerBound }.max() ?? .zero
    }
}

extension ClipDescription {
    /// The id without its variant: the same words in the same voice (`add-milk-slt` for `add-milk-slt.cafe`).
    package var spokenWords: String { Self.cut(id, variant) }

    /// The id without variant and voice: the same words (`add-milk` for `add-milk-slt`).
    package var words: String { Self.cut(spokenWords, speaker) }

    private static func cut(_ id: String, _ ending: String) -> String {
        guard !ending.isEmpty, id.utf8.count > ending.utf8.count + 1,
            id.hasSuffix("-" + ending) || id.hasSuffix("." + ending)
        else { return id }
        return String(id.dropLast(ending.count + 1))
    }
}
