import UproarCore

/// Text as a voice takes it: cut into clauses, each spoken on its own and cached by its words.
///
/// Agents cut replies differently (whole, by sentence, by first clause), and what they cut still consists of the same
/// clauses: so a reply known beforehand is in the cache however it arrives.
package enum VoiceText {
    package struct Clause: Hashable, Sendable {
        /// What is spoken, without punctuation at its ends; empty when there is nothing to say.
        package var spoken: String
        /// As written, for word timestamps.
        package var words: [String]
        /// Silence after it.
        package var pause: Duration

        package init(spoken: String, words: [String], pause: Duration) {
            self.spoken = spoken
            self.words = words
            self.pause = pause
        }
    }

    package static let shortPause = Duration.milliseconds(100)
    package static let longPause = Duration.milliseconds(200)
    /// A text without any mark is cut here, in words.
    private static let longestClause = 30

    package static func clauses(of text: String) -> [Clause] {
        var clauses: [Clause] = []
        var words: [String] = []
        func end(_ pause: Duration) {
            guard !words.isEmpty else { return }
            clauses.append(Clause(spoken: spoken(words), words: words, pause: pause))
            words = []
        }
        for word in text.split(whereSeparator: \.isBlank) {
            words.append(String(word))
            switch word.last {
            case ".", "!", "?", "…": end(longPause)
            case ",", ";", ":", "—", "–": end(shortPause)
            default: if words.count == longestClause { end(.zero) }
            }
        }
        end(.zero)
        return clauses
    }

    private static func spoken(_ words: [String]) -> String {
        let text = words.joined(separator: " ")
        let inner = text.drop { !$0.isLetterOrNumber }
        guard let last = inner.lastIndex(where: { $0.isLetterOrNumber }) else { return "" }
        return String(inner[...last])
    }

    /// How many bytes of `text` are clauses that no later text can change: up to the last mark that a blank follows.
    package static func completeCount(of text: [UInt8]) -> Int {
        var index = text.count - 1
        while index > 0 {
            if ReferenceText.isSpace(text[index]),
                ReferenceText.isEndMark(text[index - 1])
                    || ReferenceText.isSeparator(text[index - 1])
            {
                return index + 1
            }
            index -= 1
        }
        return 0
    }

    /// Where each word of a clause lies within `span`, by its letters.
    package static func times(of words: [String], within span: Range<Duration>)
        -> [Range<Duration>]
    {
        let weights = words.map { Int64(max(1, $0.utf8.count { ($0 | 0x20) >= 0x61 })) }
        let total = max(1, weights.reduce(0, +))
        let length = (span.upperBound - span.lowerBound).nanoseconds
        var sum: Int64 = 0
        return weights.map { weight in
            let start = span.lowerBound + .nanoseconds(length * sum / total)
            sum += weight
            return start..<span.lowerBound + .nanoseconds(length * sum / total)
        }
    }
}
