import Testing
import UproarCore

@Suite struct UtterancePatternTests {
    @Test(
        arguments: [
            ("add {title} to my list", "Um, add buy milk to my list, please.", ["buy milk"]),
            ("add {title} to my list", "Add to my list", nil),
            ("remind me to {title}", "Remind me to call Anna tomorrow.", ["call Anna tomorrow"]),
            ("remind me to {title}", "remind me to", nil),
            ("{who} says {what}", "Anna says hello there", ["Anna", "hello there"]),
            ("what's on my list", "What’s on my list?", []),
            ("list", "nothing here", nil),
            ("a b", "a a b", []),
            ("move {title} to {day}", "move it to town to monday", ["it", "town to monday"]),
            ("done", "", nil),
        ] as [(String, String, [String]?)])
    func fitsWordsInARow(_ pattern: String, _ utterance: String, _ captures: [String]?) throws {
        let match = try UtterancePattern(pattern).match(UtterancePattern.words(of: utterance))
        #expect(match?.map(\.text) == captures)
    }

    @Test(arguments: [
        ("{a} {b} c", 4), ("{title}", 0), ("", 0), ("add {title to", 4), ("a {} b", 2),
    ])
    func refusesWhatCannotFit(_ text: String, _ offset: Int) {
        let problem = #expect(throws: TextProblem.self) { try UtterancePattern(text) }
        #expect(problem?.offset == offset)
    }
}
