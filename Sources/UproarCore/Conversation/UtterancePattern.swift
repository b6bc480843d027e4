/// A few words that tell an intent, with captures: `add {title} to my list`.
///
/// The pattern fits when its words stand in a row somewhere in the utterance, whatever case and punctuation; a capture
/// takes one word or more, as few as it can, and at the pattern's end all that is left.
package struct UtterancePattern: Hashable, Sendable {
    package enum Element: Hashable, Sendable {
        /// In small letters.
        case word(String)
        case capture(String)
    }

    package struct Capture: Hashable, Sendable {
        package var name: String
        /// The utterance's own words, joined by spaces, without punctuation at their ends.
        package var text: String

        package init(_ name: String, _ text: String) {
            self.name = name
            self.text = text
        }
    }

    /// One word of an utterance: as spoken, and as compared.
    package struct Word: Hashable, Sendable {
        package var spoken: String
        package var plain: String
    }

    package let elements: [Element]
    /// As written.
    package let text: String

    package static let allowed =
        "words and captures, such as \"add {title} to my list\": at least one word, and a word between two captures"

    package init(_ text: String) throws(TextProblem) {
        var elements: [Element] = []
        var offset = 0
        for part in text.split(separator: " ", omittingEmptySubsequences: false) {
            defer { offset += part.utf8.count + 1 }
            guard !part.isEmpty else { continue }
            if part.first == "{" || part.last == "}" {
                let name = part.dropFirst().dropLast()
                guard part.first == "{", part.last == "}", !name.isEmpty,
                    name.utf8.allSatisfy(TextScanner.isWordByte)
                else {
                    throw TextProblem(
                        offset: offset, reason: "\"\(part)\" is no capture", allowed: Self.allowed)
                }
                if case .capture = elements.last {
                    throw TextProblem(
                        offset: offset, reason: "two captures stand side by side",
                        allowed: Self.allowed)
                }
                elements.append(.capture(String(name)))
            } else if let word = Self.words(of: part).first {
                elements.append(.word(word.plain))
            }
        }
        guard elements.contains(where: { if case .word = $0 { true } else { false } }) else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" has no word to look for", allowed: Self.allowed)
        }
        self.elements = elements
        self.text = text
    }

    package var captureNames: [String] {
        elements.compactMap { if case .capture(let name) = $0 { name } else { nil } }
    }

    /// The words of an utterance: cut at spaces, punctuation at their ends dropped. At most 400, for texts from outside.
    package static func words(of utterance: some StringProtocol) -> [Word] {
        var words: [Word] = []
        for part in utterance.split(maxSplits: 400, whereSeparator: \.isBlank).prefix(400) {
            let spoken = part.drop { !$0.isLetterOrNumber }
            guard let last = spoken.lastIndex(where: { $0.isLetterOrNumber }) else {
                continue
            }
            let word = String(spoken[...last].map { $0 == "’" ? "'" : $0 })
            words.append(Word(spoken: word, plain: word.lowercased()))
        }
        return words
    }

    /// What the captures hold, in order, or nil when the pattern does not fit.
    ///
    /// Looking for each run of words at its leftmost place is enough: an earlier place only leaves more room for the rest.
    package func match(_ words: [Word]) -> [Capture]? {
        var captures: [Capture] = []
        var place = 0
        var pending: String?
        var index = 0
        while index < elements.count {
            if case .capture(let name) = elements[index] {
                pending = name
                index += 1
                continue
            }
            var run: [String] = []
            while index < elements.count, case .word(let word) = elements[index] {
                run.append(word)
                index += 1
            }
            let earliest = pending == nil ? place : place + 1
            guard let found = Self.find(run, in: words, from: earliest) else { return nil }
            if let name = pending {
                captures.append(Capture(name, Self.text(words[place..<found])))
                pending = nil
            }
            place = found + run.count
        }
        if let name = pending {
            guard place < words.count else { return nil }
            captures.append(Capture(name, Self.text(words[place...])))
        }
        return captures
    }

    private static func find(_ run: [String], in words: [Word], from start: Int) -> Int? {
        guard run.count <= words.count, start <= words.count - run.count else { return nil }
        return (start...words.count - run.count).first { place in
            run.indices.allSatisfy { words[place + $0].plain == run[$0] }
        }
    }

    private static func text(_ words: ArraySlice<Word>) -> String {
        words.map(\.spoken).joined(separator: " ")
    }
}
