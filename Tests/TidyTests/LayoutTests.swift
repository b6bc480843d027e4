import Testing

/// Files stay small, finished, and about the product.
@Suite struct LayoutTests {
    @Test func noFileIsTooLong() {
        for file in SourceTree.shared.code where file.lineCount > 500 {
            Issue.record(
                "\(file.path) has \(file.lineCount) lines; at most 500: look for the second idea in it"
            )
        }
    }

    @Test func nothingIsLeftUnfinished() {
        // Put together, so that this file does not break its own rule.
        let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX:", "HA" + "CK:"]
        for file in SourceTree.shared.all {
            for mark in marks {
                for line in Self.lines(of: file, with: mark) {
                    Issue.record(
                        "\(file.path):\(line): \(mark): finish the thought, or open an issue")
                }
            }
        }
    }

    @Test func noPathOfSomebodysMachineIsWrittenDown() {
        let paths = ["/wo" + "rk/", "/ho" + "me/", "/Us" + "ers/"]
        for file in SourceTree.shared.all {
            for path in paths {
                for line in Self.lines(of: file, with: path) {
                    Issue.record("\(file.path):\(line): \(path) is a path of one machine")
                }
            }
        }
    }

    @Test func everySourceFileIsNamedForWhatItHolds() {
        let files = SourceTree.shared.code.filter {
            $0.path.hasPrefix("Sources/") && $0.path.hasSuffix(".swift")
        }
        for file in files {
            let name = file.path.split(separator: "/").last?.dropLast(6) ?? ""
            #expect(
                name.first?.isUppercase ?? false,
                "\(file.path): a file is named for its type, in capitals as the type is")
            #expect(!name.hasPrefix("Placeholder") || Self.isAlone(file), "\(file.path)")
        }
    }

    /// A module that has nothing yet needs one file to be built at all.
    private static func isAlone(_ file: SourceTree.File) -> Bool {
        SourceTree.shared.code.filter { $0.path.hasPrefix("Sources/\(file.target)/") }.count == 1
    }

    @Test func marksAreFoundOnTheirLine() {
        let file = SourceTree.File(path: "a.md", text: "one\ntwo mark\n\nmark mark\n")
        #expect(Self.lines(of: file, with: "mark") == [2, 4])
        #expect(file.lineCount == 4)
    }

    private static func lines(of file: SourceTree.File, with mark: String) -> [Int] {
        guard file.text.contains(mark) else { return [] }
        return file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .filter { $0.element.contains(mark) }.map { $0.offset + 1 }
    }
}
