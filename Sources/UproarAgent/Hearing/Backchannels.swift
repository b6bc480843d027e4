import UproarCore

/// Words by which a listener shows that the speaker should go on.
struct Backchannels: Hashable, Sendable {
    /// Each a phrase in small letters without punctuation.
    var phrases: Set<String>

    static let english = Backchannels(phrases: [
        "mm", "mmm", "mhm", "mm hm", "mm hmm", "mmhm", "mm-hm", "mm-hmm", "hm", "hmm", "uh huh",
        "uh-huh", "uhuh", "huh", "yeah", "yep", "yes", "ok", "okay", "right", "sure", "i see",
        "got it", "oh", "ah", "alright", "all right",
    ])

    private func begins(_ word: String) -> Bool {
        phrases.contains { $0.hasPrefix(word + " ") }
    }

    /// Whether `text` holds nothing but such phrases. False for empty text.
    func covers(_ text: String) -> Bool {
        let words = SpokenText.words(text)
        guard !words.isEmpty else { return false }
        var index = 0
        while index < words.count {
            let two = index + 1 < words.count ? words[index] + " " + words[index + 1] : nil
            if let two, phrases.contains(two) {
                index += 2
            } else if phrases.contains(words[index]) {
                index += 1
            } else if index == words.count - 1, begins(words[index]) {
                // An interim that ends in the middle of one: "i" of "i see".
                index += 1
            } else {
                return false
            }
        }
        return true
    }
}

/// Text as it is compared: words in small letters, without punctuation at their ends.
enum SpokenText {
    static func words(_ text: String) -> [String] {
        if let plain = text.utf8.withContiguousStorageIfAvailable({ asciiWords($0) }) ?? nil {
            return plain
        }
        return text.lowercased().split { $0.isBlank }.compactMap { word in
            let bare = word.drop { !$0.isLetterOrNumber }
            guard let last = bare.lastIndex(where: { $0.isLetterOrNumber }) else {
                return nil
            }
            return String(bare[...last])
        }
    }

    /// The same for text in ASCII, as nearly all is; nil for any other.
    private static func asciiWords(_ text: UnsafeBufferPointer<UInt8>) -> [String]? {
        func isPart(_ byte: UInt8) -> Bool {
            (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte)
        }
        var words: [String] = []
        var index = 0
        while index < text.count {
            // From blank to blank, and of that from the first to the last letter or digit.
            var first: Int?
            var end = index
            while index < text.count, text[index] != 0x20, !(0x09...0x0d).contains(text[index]) {
                guard text[index] < 0x80 else { return nil }
                if isPart(text[index]) {
                    first = first ?? index
                    end = index + 1
                }
                index += 1
            }
            index += 1
            guard let first else { continue }
            words.append(
                String(unsafeUninitializedCapacity: end - first) { word in
                    for place in first..<end {
                        let byte = text[place]
                        word[place - first] = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
                    }
                    return end - first
                })
        }
        return words
    }

    /// The same words in the same order, case and punctuation aside.
    static func matches(_ a: String, _ b: String) -> Bool { a == b || words(a) == words(b) }
}
