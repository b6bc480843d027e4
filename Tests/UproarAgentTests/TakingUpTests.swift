import Testing

@testable import UproarAgent

@Suite struct TakingUpTests {
    /// What is said of `new` behind `said`, whatever pieces it comes in.
    private func rest(_ said: String, _ new: String, pieces: Int) -> String {
        var taking = TakingUp(said: said)
        var text = ""
        var left = Substring(new)
        while !left.isEmpty {
            text += taking.push(String(left.prefix(pieces)))
            left = left.dropFirst(pieces)
        }
        return text + taking.finish()
    }

    @Test(
        arguments: [
            (
                "I have added milk, to your",
                "Okay, I have added milk, to your list. Anything else?",
                " list. Anything else?"
            ),
            // Other words before, and the last of them at its old place.
            ("Well then, sure,", "Now then, sure, what should it say?", " what should it say?"),
            ("Sure,", "Sure, what should it say?", " what should it say?"),
            // Another answer.
            ("Sure,", "All right, go ahead.", "All right, go ahead."),
            ("", "All right.", "All right."),
        ])
    func whatHasBeenSaidIsLeftOut(_ said: String, _ new: String, _ wanted: String) {
        for pieces in [1, 3, 7, new.count] {
            #expect(rest(said, new, pieces: pieces) == wanted)
        }
    }
}
