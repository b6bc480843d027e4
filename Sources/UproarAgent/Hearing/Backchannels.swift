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
        text.lowercased().split { $0.isBlank }.compactMap { word in
            let bare = word.drop { !$0.isLetterOrNumber }
            guard let last = bare.lastIndex(where: { $0.isLetterOrNumber }) else {
                return nil
            }
            return String(bare[...last])
        }
    }

    /// The same words in the same order, case and punctuation aside.
    static func matches(_ a: String, _ b: String) -> Bool { a == b || words(a) == words(b) }
}
