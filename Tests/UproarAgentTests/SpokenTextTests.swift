import Testing
import UproarCore

@testable import UproarAgent

@Suite struct SpokenTextTests {
    @Test(arguments: [
        ("Add \"Buy milk\", please.", ["add", "buy", "milk", "please"]),
        ("  Mm-hm…  ", ["mm-hm"]), ("", []), (" . , ", []),
        ("I'LL\tgo\r\nat 5", ["i'll", "go", "at", "5"]),
        ("'til 9:30?! -- OK", ["til", "9:30", "ok"]),
    ])
    func wordsAreBareAndSmall(_ text: String, _ words: [String]) {
        #expect(SpokenText.words(text) == words)
    }

    /// Text in ASCII is read byte by byte; one more word in another script makes it be read as characters.
    @Test func bothWaysOfReadingAgree() {
        let alphabet = Array(" \t\r\nabZ09.,'-\"?@[`{/:".unicodeScalars)
        var random = Seed(3).stream("words")
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<random.below(24) {
                text.unicodeScalars.append(alphabet[random.below(alphabet.count)])
            }
            #expect(SpokenText.words(text + " é") == SpokenText.words(text) + ["é"], "\(text)")
        }
    }
}
