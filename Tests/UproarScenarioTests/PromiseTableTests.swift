import Foundation
import Testing

/// docs/agent.md lists every promise with the check that holds the agent to it.
@Suite struct PromiseTableTests {
    private static let rows: [String] = {
        let table = text("docs/agent.md").components(separatedBy: "<!-- promises -->").last ?? ""
        return table.split(separator: "\n").map(String.init).filter { $0.hasPrefix("| ") }
    }()

    private static func text(_ path: String) -> String {
        String(decoding: Repository.bytes(path) ?? [], as: UTF8.self)
    }

    @Test func everyScenarioOfTheAgentHasARow() throws {
        let folder = Repository.root + "/scenarios/agent"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".yaml") }
        #expect(files.count > 40)
        for file in files.sorted() {
            let name = file.dropLast(".yaml".count)
            #expect(
                Self.rows.contains { $0.contains("[`agent/\(name)`]") },
                "scripts/verify-agent --only agent/\(name) --write")
        }
    }

    /// Each check of the script is a line `("name", "promise", …`.
    @Test func everyCheckOfTheAgentThatStandsAloneHasARow() {
        let script = Self.text("scripts/verify-alone.py")
        let promises = script.split(separator: "\n").compactMap { line -> String? in
            let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
            guard line.hasPrefix("        (\"") || line.hasPrefix("            (\""),
                parts.count > 4, parts[2] == ", "
            else { return nil }
            return String(parts[3])
        }
        #expect(promises.count >= 13)
        for promise in promises {
            #expect(
                Self.rows.contains { $0.hasPrefix("| \(promise) | `verify-alone.py` |") },
                "\(promise): scripts/verify-agent --only alone --write")
        }
    }
}
