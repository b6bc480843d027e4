import Testing
import UproarCore

@Suite struct CSVTableTests {
    private func table(_ text: String, limit: Int = 10) throws(CSVTable.Problem) -> CSVTable {
        try CSVTable(Array(text.utf8), rowLimit: limit)
    }

    @Test(arguments: [
        "a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "\u{FEFF}a,b\n\n1,2\n\n\n3,4",
        "a,b\n\"1\",\"2\"\n\"3\",4\n",
    ])
    func allWaysToEndALineAreTheSame(_ text: String) throws {
        let table = try table(text)
        #expect(table.heading == ["a", "b"])
        #expect(table.rows.map(\.cells) == [["1", "2"], ["3", "4"]])
    }

    @Test func quotedCellsHoldCommasQuotesAndLineEnds() throws {
        let table = try table("name,said\nAnn,\"Hello, \"\"you\"\"\nthere\"\nBob,\n")
        #expect(table.rows.map(\.cells) == [["Ann", "Hello, \"you\"\nthere"], ["Bob", ""]])
        #expect(table.rows.map(\.line) == [2, 4])
    }

    @Test(arguments: [
        ("", 1, "the file is empty"), ("a,b\n1\n", 2, "1 cells stand in this line"),
        ("a\n\n\"x", 3, "a quote is never closed"),
        ("a\n\"x\"y\n", 2, "text follows a closing quote"),
        ("a\n1\n2\n3\n", 4, "more than 2 lines"),
    ])
    func aProblemHasItsLine(_ text: String, _ line: Int, _ reason: String) {
        let problem = #expect(throws: CSVTable.Problem.self) { try table(text, limit: 2) }
        #expect(problem?.line == line && problem?.reason == reason)
    }

    @Test func noBytesCrashIt() {
        var random = Seed(7).stream("csv")
        let alphabet = Array("a,\"\n\r\u{FEFF}é".utf8) + [0xFF, 0]
        for _ in 0..<2000 {
            let bytes = (0..<random.below(24)).map { _ in alphabet[random.below(alphabet.count)] }
            if let table = try? CSVTable(bytes, rowLimit: 5) {
                #expect(table.rows.allSatisfy { $0.cells.count == table.heading.count })
            }
        }
    }
}
