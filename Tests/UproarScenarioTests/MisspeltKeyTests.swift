import Testing
import UproarCore
import UproarScenario

/// Every key of every kind of file, misspelt in every simple way: always refused, with its place and a valid name.
@Suite struct MisspeltKeyTests {
    /// A key in a text: its bytes, line and column.
    struct Key {
        var name: String
        var line: Int
        var column: Int
        var range: Range<Int>
    }

    private func keys(of text: String) -> [Key] {
        var found: [Key] = []
        func walk(_ node: YAMLNode) {
            for entry in node.map ?? [] {
                // Argument names and header names are the author's own words.
                if entry.key == "arguments" { continue }
                let line = text.split(separator: "\n", omittingEmptySubsequences: false)[
                    entry.mark.line - 1]
                let start =
                    text.utf8.distance(from: text.startIndex, to: line.startIndex)
                    + line.prefix(entry.mark.column - 1).utf8.count
                found.append(
                    Key(
                        name: entry.key, line: entry.mark.line, column: entry.mark.column,
                        range: start..<start + entry.key.utf8.count))
                walk(entry.value)
            }
            for item in node.list ?? [] { walk(item) }
        }
        if let root = YAMLDocument.parse(text, file: "x").root { walk(root) }
        return found
    }

    private func misspellings(of name: String, _ random: inout RandomStream) -> [String] {
        let letters = Array(name)
        var results: Set<String> = []
        let place = random.below(letters.count)
        var copy = letters
        copy.insert("q", at: place)
        results.insert(String(copy))
        copy = letters
        copy[place] = "z"
        results.insert(String(copy))
        if letters.count > 1 {
            copy = letters
            copy.remove(at: place)
            results.insert(String(copy))
            copy = letters
            let pair = random.below(letters.count - 1)
            copy.swapAt(pair, pair + 1)
            results.insert(String(copy))
        }
        results.insert(name.uppercased())
        results.remove(name)
        // Two of them for each key: another seed tries others.
        return Array(results.sorted().shuffled(using: &random).prefix(2))
    }

    /// Replaces each key of `text` and reads it with `read`.
    private func check(_ text: String, file: String, _ read: (String) -> [FileProblem]) throws {
        #expect(read(text).isEmpty)
        let keys = keys(of: text)
        #expect(keys.count > 5)
        let names = Set(keys.map(\.name))
        var random = Seed(1).stream("misspelt")
        let bytes = Array(text.utf8)
        for key in keys {
            for wrong in misspellings(of: key.name, &random) where !names.contains(wrong) {
                let changed =
                    Array(bytes[..<key.range.lowerBound]) + Array(wrong.utf8)
                    + Array(bytes[key.range.upperBound...])
                let problems = read(String(decoding: changed, as: UTF8.self))
                let problem = problems.first {
                    $0.mark == YAMLMark(file: file, line: key.line, column: key.column)
                        && $0.reason.contains("unknown key \"\(wrong)\"")
                }
                #expect(problem != nil, "\(key.name) as \(wrong): \(problems.map(\.reason))")
                #expect(
                    problem?.reason.contains("did you mean \"") == true,
                    "\(key.name) as \(wrong): \(problem?.reason ?? "")")
            }
        }
    }

    @Test func ofAScenario() throws {
        try check(ScenarioFixture.full, file: "s/a.yaml") { ScenarioFixture.problems($0) }
    }

    @Test func ofAConversation() throws {
        try check(ScenarioFixture.conversation, file: "s/conversations/tasks.yaml") { text in
            var files = ScenarioFixture.files
            files["s/conversations/tasks.yaml"] = text
            return ScenarioFixture.problems(files: files)
        }
    }

    @Test func ofAManifest() throws {
        try check(ScenarioFixture.manifest, file: "m") { text in
            do throws(FileProblems) {
                _ = try CorpusManifest.read(Array(text.utf8), file: "m")
                return []
            } catch { return error.problems }
        }
    }

    @Test func ofAPriceFile() throws {
        try check(ScenarioFixture.prices, file: "p") { text in
            do throws(FileProblems) {
                _ = try PriceFile.read(Array(text.utf8), file: "p")
                return []
            } catch { return error.problems }
        }
    }
}
