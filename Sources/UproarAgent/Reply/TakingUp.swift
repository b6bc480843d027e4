/// Joins an answer to one that broke off: leaves out of the new one what the old one has said already.
///
///     said    I have added milk, to your
///     new     Okay, I have added milk, to your list. Anything else?
///                              passed on ────┴──────────────────────
///
/// The place is where the last words said stand in the new text, or where the last of them stands at the same place as before. Where
/// they do not stand, the new answer is another one and is passed on whole.
struct TakingUp {
    private let said: [String]
    private var pending = ""
    private var isFound: Bool

    init(said text: String) {
        said = SpokenText.words(text)
        isFound = said.isEmpty
    }

    /// What of the new text is to be said now.
    mutating func push(_ text: String) -> String {
        guard !isFound else { return text }
        pending += text
        return take(isOver: false)
    }

    /// The new text is over: what is left of it.
    mutating func finish() -> String {
        guard !isFound else { return "" }
        return take(isOver: true)
    }

    private mutating func take(isOver: Bool) -> String {
        let tail = said.suffix(3)
        var found = 0
        var index = pending.startIndex
        var words = 0
        var samePlace: String.Index?
        while index < pending.endIndex {
            let start = pending[index...].firstIndex { !$0.isWhitespace } ?? pending.endIndex
            guard start < pending.endIndex else { break }
            let end = pending[start...].firstIndex(where: \.isWhitespace) ?? pending.endIndex
            // A word at the end may go on.
            if end == pending.endIndex, !isOver { break }
            let word = SpokenText.words(String(pending[start..<end])).first ?? ""
            words += 1
            if word == tail[tail.startIndex + found] {
                found += 1
            } else {
                found = word == tail.first ? 1 : 0
            }
            index = end
            if words == said.count, word == said.last { samePlace = end }
            if found == tail.count {
                isFound = true
                defer { pending = "" }
                return String(pending[index...])
            }
        }
        // Past the place where it should have stood.
        guard isOver || words > said.count + 8 else { return "" }
        isFound = true
        defer { pending = "" }
        return String(pending[(samePlace ?? pending.startIndex)...])
    }
}
