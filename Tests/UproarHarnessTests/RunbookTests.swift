import Testing
import UproarCore
import UproarPosix

@testable import UproarHarness

/// Each page in `docs/runbooks` says what its drill came to, as `scripts/runbooks.py` has written it down.
@Suite struct RunbookTests {
    private static let begin = "<!-- figures: scripts/runbooks.py -->"
    private static let end = "<!-- end -->"

    private static var pages: [String] {
        guard let folder = ShareFolder.locate("docs/runbooks") else { return [] }
        return ProcFile.names(in: folder).filter { $0.hasSuffix(".md") && $0 != "README.md" }
            .map { String($0.dropLast(3)) }.sorted()
    }

    private func text(_ path: String) throws -> String {
        String(
            decoding: try TextFile.read(try #require(ShareFolder.locate(path), "\(path)")),
            as: UTF8.self)
    }

    /// What the page has to hold between its marks.
    private func block(_ name: String, _ record: JSONValue) throws -> String {
        func texts(_ value: JSONValue?) -> [String] { value?.items?.compactMap(\.text) ?? [] }
        var rows: [(String, String)] = []
        let stoodIn = texts(record["stood_in"])
        rows.append(("stood in", stoodIn.isEmpty ? "nobody" : stoodIn.joined(separator: ", ")))
        for figure in try #require(record["figures"]?.items) {
            let row = texts(figure)
            try #require(row.count == 2)
            rows.append((row[0], row[1]))
        }
        let errors = texts(record["errors"])
        rows.append(
            ("the agent's own errors", errors.isEmpty ? "none" : errors.joined(separator: ", ")))
        let alerts = texts(record["alerts"])
        rows.append(
            (
                "alerts",
                alerts.isEmpty
                    ? "none of the shipped rules fired" : alerts.joined(separator: "; ")
            ))
        let seed = try #require(record["seed"]?.int)
        var lines = [
            Self.begin, "Simulated, seed \(seed): `uproar simulate scenarios/drills/\(name).yaml`.",
            "", "| | |", "|---|---|",
        ]
        for (label, value) in rows { lines.append("| \(label) | \(value) |") }
        lines.append(Self.end)
        return lines.joined(separator: "\n")
    }

    @Test func everyDrillHasItsPageAndEveryPageItsDrill() throws {
        #expect(Self.pages == Drills.names())
        let list = try text("docs/runbooks/README.md")
        for name in Self.pages {
            #expect(list.contains("| [\(name)](\(name).md) | "), "the list lacks \(name)")
        }
    }

    @Test func everyFigureIsThatOfItsDrill() throws {
        let stored = try JSONParser.parse(Array(try text("reports/drills/figures.json").utf8))
        #expect(stored.members?.map(\.key).sorted() == Self.pages)
        for name in Self.pages {
            let page = try text("docs/runbooks/\(name).md")
            let record = try #require(stored[name], "no figures of \(name)")
            let wanted = try block(name, record)
            #expect(page.contains(wanted), "docs/runbooks/\(name).md says otherwise")
        }
    }

    @Test func whereTurnsAreLostThePageSaysWhichAndWhy() throws {
        let stored = try JSONParser.parse(Array(try text("reports/drills/figures.json").utf8))
        for name in Self.pages {
            let figures = stored[name]?["figures"]?.items ?? []
            let lost = figures.first { $0[0]?.text == "turns lost" }?[1]?.text ?? "0"
            let page = try text("docs/runbooks/\(name).md")
            #expect(lost == "0" || page.contains("**Turns lost.**"), "\(name): \(lost)")
        }
    }

    @Test func everyPageTellsAnEngineerWhatToDo() throws {
        for name in Self.pages {
            let page = try text("docs/runbooks/\(name).md")
            for part in [
                "Symptom", "Detection", "Now", "Failover", "Cost and latency", "Recovery",
                "What the caller notices",
            ] {
                #expect(page.contains("**\(part).**"), "\(name): \(part)")
            }
            #expect(page.contains("(../../scenarios/drills/\(name).yaml)"), "\(name)")
        }
    }
}
