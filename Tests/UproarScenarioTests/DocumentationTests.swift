import Testing
import UproarCore
import UproarScenario

/// What the documentation shows is what the readers read, and every message leads to a place that is there.
@Suite struct DocumentationTests {
    private func page(_ path: String) throws -> String {
        String(decoding: try #require(Repository.bytes(path)), as: UTF8.self)
    }

    @Test func everyGateThatIsShownParses() throws {
        let text = try page("docs/gates.md")
        let rules = text.split(separator: "\n").filter { $0.hasPrefix("  - \"") }
            .map { $0.dropFirst(5).dropLast() }
        #expect(rules.count == 6)
        for rule in rules { _ = try GateParser.parse(String(rule)) }
    }

    @Test func everyLoadLineThatIsShownParses() throws {
        let text = try page("docs/scenario.md")
        var count = 0
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cell = line.dropFirst(3).prefix { $0 != "`" }
            guard let colon = cell.firstIndex(of: ":"),
                LoadShape.keys.contains(String(cell[..<colon]))
            else { continue }
            let rest = cell[cell.index(after: colon)...].drop { $0 == " " }
            _ = try LoadText.parse(String(rest), key: String(cell[..<colon])) {
                _ throws(TextProblem) in [.zero]
            }
            count += 1
        }
        #expect(count == 10)
    }

    @Test func everyPageOfAMessageHasItsAnchor() throws {
        // Each source of the module: the pages it names.
        var pages: Set<String> = []
        for problem in ScenarioFixture.problems("a: 1\nload: [{x: 1}]\ntarget: 5\n") {
            pages.insert(problem.page)
        }
        for page in pages.union([
            "docs/scenario.md#yaml", "docs/scenario.md#keys", "docs/scenario.md#overrides",
            "docs/scenario.md#target", "docs/scenario.md#channels", "docs/scenario.md#load",
            "docs/scenario.md#audio", "docs/scenario.md#conversations",
            "docs/scenario.md#language-model", "docs/scenario.md#providers",
            "docs/scenario.md#agent", "docs/scenario.md#prices", "docs/scenario.md#timeline",
            "docs/gates.md#windows", "docs/gates.md#samples",
        ]).sorted() {
            let parts = page.split(separator: "#")
            let text = try self.page(String(parts[0]))
            #expect(parts.count == 1 || text.contains("<a id=\"\(parts[1])\">"), "\(page)")
        }
    }

    @Test func everyKeyIsExplained() throws {
        let text = try page("docs/scenario.md")
        let problem = try #require(
            ScenarioFixture.problems("zzzzzz: 1\n").first { $0.reason.contains("unknown key") })
        let keys = problem.allowed.split(separator: ", ")
        #expect(keys.count == 29)
        for key in keys { #expect(text.contains("`\(key)`"), "\(key)") }
    }
}
