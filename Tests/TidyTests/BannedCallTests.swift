import Testing

/// Nothing on a loop asks the world for time, chance or threads.
@Suite struct BannedCallTests {
    @Test func noFileMakesABannedCall() {
        let files = SourceTree.shared.code.filter { $0.path.hasSuffix(".swift") }
        #expect(files.count > 100)
        for file in files where BannedCall.all.contains(where: { $0.holds(file) }) {
            let text = SwiftText(file.text)
            for rule in BannedCall.all {
                for line in rule.lines(in: file, text: text) {
                    Issue.record("\(file.path):\(line): \(rule.phrase): use \(rule.instead)")
                }
            }
        }
    }

    /// A file that breaks every rule is caught once by each.
    @Test(arguments: BannedCall.all.indices)
    func everyRuleCatchesWhatItIsFor(index: Int) {
        let rule = BannedCall.all[index]
        let source = "func f() {\n    let a = 1; \(rule.phrase) }\n"
        let file = SourceTree.File(path: "Sources/UproarAgent/Turn/Sample.swift", text: source)
        #expect(rule.lines(in: file, text: SwiftText(source)) == [2])
        let outside = SourceTree.File(path: "Sources/uproar/Sample.swift", text: source)
        #expect(rule.lines(in: outside, text: SwiftText(source)).isEmpty)
    }

    @Test(arguments: [
        "// Task { }", "/* Task { /* nested */ Task { */", "let a = \"Task {\"",
        "let a = #\"say \"Task {\" \"#", "let a = \"\"\"\n  Task {\n  \"\"\"",
        "addTask { }", "struct StoredTask { }", "let a = \"\\\" Task {\"",
        "let a = \"\\(b[\"c\"]) Task {\"",
    ])
    func commentsStringsAndLongerWordsAreNoCalls(source: String) {
        #expect(SwiftText(source).lines(with: "Task {").isEmpty)
    }

    @Test(arguments: [
        ("Task {", 1), ("\n\n  _ = Task { }", 3), ("\"text\"; Task {", 1),
        ("\"\\(value) and \\(Task { 1 })\"", 1), ("/* one\n */ Task {", 2),
        ("\"\"\"\n \"quoted\" \n\"\"\"\nTask {", 4),
    ])
    func callsAreFoundOnTheirLine(source: String, line: Int) {
        #expect(SwiftText(source).lines(with: "Task {") == [line])
    }

    @Test func importsAreReadWithAllTheirForms() {
        let text = SwiftText(
            """
            import Glibc
            // import Nothing
            @testable import UproarCore
            package import UproarWire
            import struct Synchronization.Mutex
            let a = "import Foundation"
            """)
        #expect(
            text.imports.map(\.module) == ["Glibc", "UproarCore", "UproarWire", "Synchronization"])
        #expect(text.imports.map(\.line) == [1, 3, 4, 5])
    }
}
