import Testing
import UproarCore
import UproarScenario

@Suite struct YAMLDocumentTests {
    private func parse(_ text: String) -> YAMLDocument.Parsed {
        YAMLDocument.parse(text, file: "a.yaml")
    }

    @Test func everyKeyAndScalarHasItsPlace() throws {
        let root = try #require(parse("name: x\nload:\n  - hold: 3\n  - {ä: 'b'}\non: off\n").root)
        let entries = try #require(root.map)
        #expect(entries.map(\.key) == ["name", "load", "on"])
        #expect(entries[2].mark.text == "a.yaml:5:1")
        #expect(entries[2].value.scalar == "off")
        #expect(entries[2].value.mark.text == "a.yaml:5:5")
        let items = try #require(entries[1].value.list)
        #expect(items[0]["hold"]?.mark.text == "a.yaml:3:11")
        #expect(items[1].map?[0].mark.text == "a.yaml:4:6")
        // Columns count characters, not bytes.
        #expect(items[1]["ä"]?.mark.text == "a.yaml:4:9")
        #expect(items[1]["ä"]?.style == .quoted)
        #expect(items[1]["ä"]?.mark(at: 1).column == 11)
    }

    @Test func aByteOrderMarkIsNoPartOfTheText() {
        let root = parse("\u{feff}name: x\n").root
        #expect(root?["name"]?.scalar == "x")
        #expect(root?["name"]?.mark.text == "a.yaml:1:7")
    }

    @Test(arguments: ["|", ">"]) func aBlockHasNoLineEndBehindIt(_ mark: String) {
        #expect(
            parse("a: \(mark)\n  100 callers for 5s\n").root?["a"]?.scalar == "100 callers for 5s")
    }

    @Test(arguments: ["", "~", "null"]) func nothingIsNoText(_ text: String) {
        let node = parse("a: \(text)").root?["a"]
        #expect(node?.isEmpty == true && node?.kindName == "nothing")
        #expect(parse("a: '\(text)'").root?["a"]?.isEmpty == false)
    }

    @Test(arguments: ["on", "no", "~", "null", "1.10", "0x10", "2026-11-01", "true"])
    func scalarsStayText(_ text: String) {
        #expect(parse("a: \(text)").root?["a"]?.scalar == text)
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3:1", "\"a\" stands twice"),
        ("a: &x 1\nb: *x\n", "a.yaml:1:4", "anchors"),
        ("b: *x\n", "a.yaml:1:4", "aliases"),
        ("<<: {a: 1}\n", "a.yaml:1:1", "merge keys"),
        ("a: !!str 1\n", "a.yaml:1:4", "tags"),
        ("a: !t [1]\n", "a.yaml:1:4", "tags"),
        ("? [a]\n: b\n", "a.yaml:1:3", "cannot be a key"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1", "second document"),
        ("a:\n\t- b\n", "a.yaml:2:1", "tab"),
        ("a: [1, 2\n", "a.yaml:2:1", "no YAML"),
        ("a: b: c\n", "a.yaml:1:5", "no YAML"),
        ("a: 'x\n", "a.yaml:2:1", "no YAML"),
        ("", "a.yaml:1:1", "empty"),
        ("# only a comment\n", "a.yaml:2:1", "empty"),
        ("a: \u{1}\n", "a.yaml:1:4", "does not allow"),
    ])
    func whatIsRefusedHasItsPlace(_ text: String, _ place: String, _ reason: String) throws {
        let problem = try #require(parse(text).problems.first)
        #expect(problem.mark.text == place)
        #expect(problem.reason.contains(reason))
        #expect(!problem.allowed.isEmpty)
    }

    @Test func duplicatesAreAllReportedAndTheDocumentStillRead() {
        let parsed = parse("a: 1\na: 2\nb: {c: 1, c: 2}\n")
        #expect(parsed.problems.map(\.mark.text) == ["a.yaml:2:1", "a.yaml:3:11"])
        #expect(parsed.root?["b"]?["c"]?.scalar == "1")
    }

    @Test func invalidBytesHaveTheirPlace() throws {
        let bytes = Array("a: ä\nb: ".utf8) + [0xff, 0x20, 0x0a]
        let problem = try #require(YAMLDocument.parse(bytes, file: "a.yaml").problems.first)
        #expect(problem.mark.text == "a.yaml:2:4")
        #expect(problem.reason.contains("not UTF-8"))
    }

    @Test func depthAndSizeAreBounded() {
        let deep = String(repeating: "[", count: 10_000)
        #expect(parse(deep).problems[0].reason == "nested deeper than 32")
        let blocks = (0..<5_000).map { String(repeating: " ", count: $0) + "a:\n" }.prefix(200)
        #expect(parse(blocks.joined()).problems[0].reason == "nested deeper than 32")
        let long = [UInt8](repeating: 0x61, count: YAMLDocument.sizeLimit + 1)
        #expect(YAMLDocument.parse(long, file: "a.yaml").root == nil)
    }

    /// Bytes from outside never crash the reader; what it cannot read has a place inside the text.
    @Test func randomBytesNeverCrash() {
        var random = Seed(11).stream("yaml-fuzz")
        let alphabet = Array("ab: -[]{}'\"#&*!|>%@`,?\n\n  \t\u{fe}é~<0".utf8) + [0, 0xff, 0xc3]
        for _ in 0..<3_000 {
            let bytes = (0..<random.below(60)).map { _ in alphabet[random.below(alphabet.count)] }
            let parsed = YAMLDocument.parse(bytes, file: "f")
            #expect(parsed.root != nil || !parsed.problems.isEmpty)
            for problem in parsed.problems {
                #expect(problem.mark.line >= 1 && problem.mark.line <= 62)
            }
        }
    }
}
