import Testing
import UproarCore

@Suite struct CharacterKindsTests {
    @Test func theQuickAnswersAreUnicodes() {
        let some: [Character] = ["\r\n", "\u{a0}", "\u{2003}", "ä", "é", "٣", "½", "日", "—", "’"]
        let all = (UInt8(0)...127).map { Character(Unicode.Scalar($0)) } + some
        for character in all {
            #expect(character.isBlank == character.isWhitespace, "\(character)")
            #expect(
                character.isLetterOrNumber == (character.isLetter || character.isNumber),
                "\(character)")
        }
    }
}
