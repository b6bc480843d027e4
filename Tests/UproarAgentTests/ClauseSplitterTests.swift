import Testing

@testable import UproarAgent

@Suite struct ClauseSplitterTests {
    @Test(
        arguments: [
            // A short first piece, then sentences.
            (
                [
                    "Well", " then", ",", " sure", ",", " I", " added", " milk", ".", " Anything",
                    " else", "?",
                ],
                ["Well then, sure,", " I added milk.", " Anything else?"]
            ),
            // Points and commas inside numbers end nothing.
            (
                ["That makes 3", ".", "5 of 1", ",", "000", " in all", ".", " Fine."],
                ["That makes 3.5 of 1,000 in all.", " Fine."]
            ),
            // Later commas count only in long sentences.
            (
                ["One two three. A b c, d e f g, h i j k l, m n. O."],
                ["One two three.", " A b c, d e f g, h i j k l,", " m n. O."]
            ),
            // Without marks, after so many words.
            (
                [String(repeating: "w ", count: 30)],
                [
                    Array(repeating: "w", count: 24).joined(separator: " "),
                    " " + String(repeating: "w ", count: 6),
                ]
            ),
            ([""], []),
        ] as [([String], [String])])
    func piecesAreWorthSpeaking(tokens: [String], pieces: [String]) {
        var splitter = ClauseSplitter()
        var found: [String] = []
        for token in tokens { found += splitter.push(token) }
        if let rest = splitter.finish() { found.append(rest) }
        #expect(found == pieces)
        #expect(found.joined() == tokens.joined())
    }

    @Test func theCommaOfTheFirstPieceDoesNotWaitForTheNextToken() {
        var splitter = ClauseSplitter()
        check(&splitter, "Well then, sure thing", [])
        check(&splitter, ",", ["Well then, sure thing,"])
        check(&splitter, " done", [])
        let rest = splitter.finish()
        #expect(rest == " done")
    }

    @Test func whateverTheCutsThePiecesJoinToTheText() {
        let text =
            "Okay, I have put \"buy 1,5 litres of milk\" on your list. You have 3 tasks: a, b; c!"
        for length in 1...12 {
            var splitter = ClauseSplitter()
            var found = ""
            var rest = Substring(text)
            while !rest.isEmpty {
                found += splitter.push(String(rest.prefix(length))).joined()
                rest = rest.dropFirst(length)
            }
            found += splitter.finish() ?? ""
            #expect(found == text)
        }
    }

    private func check(_ splitter: inout ClauseSplitter, _ text: String, _ due: [String]) {
        let pieces = splitter.push(text)
        #expect(pieces == due)
    }
}
