import UproarCore

/// Cuts a reply that arrives in tokens into pieces worth speaking. The pieces joined are the text.
///
/// The first piece is short, so that speech starts soon; later ones are sentences, or long clauses. A mark that ends a piece
/// counts once the next character shows that it is no decimal point; a comma behind a letter counts at once.
struct ClauseSplitter {
    struct Rules: Hashable, Sendable {
        /// The first piece ends at a mark after at least so many words …
        var firstWords = 3
        /// … and later ones at the end of a sentence after so many,
        var sentenceWords = 3
        /// or at a comma, colon or semicolon after so many.
        var clauseWords = 8
        /// Without any mark a piece ends after so many.
        var mostWords = 24
    }

    private let rules: Rules
    private var pending = ""
    /// Words completed in `pending`.
    private var words = 0
    private var isInWord = false
    private var previous: Character?
    private var hasSpoken = false

    init(_ rules: Rules = Rules()) { self.rules = rules }

    /// The pieces completed by `text`, in order.
    mutating func push(_ text: String) -> [String] {
        var pieces: [String] = []
        for character in text {
            if character.isBlank {
                if isInWord { words += 1 }
                isInWord = false
                if endsPiece(at: previous) { pieces.append(take()) }
            } else if character.isLetterOrNumber {
                isInWord = true
            }
            pending.append(character)
            previous = character
        }
        // No number continues behind a letter and its comma.
        if previous == ",", isInWord, pending.dropLast().last?.isLetter == true {
            words += 1
            if endsPiece(at: ",") {
                pieces.append(take())
            } else {
                words -= 1
            }
        }
        return pieces
    }

    /// What is left when the text is over.
    mutating func finish() -> String? {
        pending.isEmpty ? nil : take()
    }

    private func endsPiece(at mark: Character?) -> Bool {
        if words >= rules.mostWords { return true }
        switch mark {
        case ".", "!", "?", "…":
            return words >= (hasSpoken ? rules.sentenceWords : rules.firstWords)
        case ",", ";", ":", "—": return words >= (hasSpoken ? rules.clauseWords : rules.firstWords)
        default: return false
        }
    }

    private mutating func take() -> String {
        let piece = pending
        pending = ""
        words = 0
        isInWord = false
        hasSpoken = true
        return piece
    }
}
