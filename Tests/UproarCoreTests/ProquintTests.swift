import Testing
import UproarCore

struct ProquintTests {
    @Test(
        "The paper's own examples come out, and back",
        arguments: [
            (UInt32(0x7f00_0001), "lusab babad"), (0x3f54_dcc1, "gutih tugad"),
            (0x3f76_0723, "gutuk bisog"), (0x8c62_c18d, "mudof sakat"),
        ])
    func knownWords(value: UInt32, words: String) {
        #expect(Proquint.words(value) == words)
        #expect(Proquint.matches(in: words.utf8).map(\.value) == [value])
    }

    @Test(
        "Case and punctuation do not matter",
        arguments: ["Lusab babad, done", "LUSAB, BABAD.", "so lusab-babad!", "lusab\nbabad"])
    func anyCase(text: String) {
        #expect(Proquint.matches(in: text.utf8).map(\.value) == [0x7f00_0001])
    }

    @Test(
        "Words apart, or split by other signs, are no pair",
        arguments: [
            "lusab and babad", "lusab/babad", "lusabbabad", "lusab babads", "lusab \"babad\"",
        ])
    func noPair(text: String) {
        #expect(Proquint.matches(in: text.utf8).isEmpty)
    }

    @Test(
        "A proquint-like English word before a pair hides it only from a caller who wants every pair"
    )
    func declinedPairs() {
        let text = "for the human, lusab babad."
        #expect(Proquint.matches(in: text.utf8).map(\.value) != [0x7f00_0001])
        let found = Proquint.matches(in: text.utf8) { $0 == 0x7f00_0001 }
        #expect(found.map(\.value) == [0x7f00_0001])
        #expect(found.map(\.range) == [15..<26])
    }
}
