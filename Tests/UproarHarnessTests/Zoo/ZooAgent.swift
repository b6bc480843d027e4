import Testing
import UproarCore
import UproarPosix

@testable import UproarHarness

/// One agent of the zoo, as the head of its file describes it.
struct ZooAgent: CustomTestStringConvertible, Sendable {
    var name: String
    /// What takes the mechanism away.
    var switches: [String]
    /// The metric that must tell, and those that may tell with it.
    var flagged: String
    var others: Set<String>

    var path: String { "scenarios/zoo/\(name).yaml" }
    var testDescription: String { name }

    static let all: [ZooAgent] = names.compactMap(read)

    static var names: [String] {
        guard let folder = ShareFolder.locate("scenarios/zoo") else { return [] }
        return ProcFile.names(in: folder).filter { $0.hasPrefix("v") && $0.hasSuffix(".yaml") }
            .map { String($0.dropLast(5)) }.sorted()
    }

    private static func read(_ name: String) -> ZooAgent? {
        guard let path = ShareFolder.locate("scenarios/zoo/\(name).yaml"),
            let bytes = try? TextFile.read(path)
        else { return nil }
        var agent = ZooAgent(name: name, switches: [], flagged: "", others: [])
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            guard line.hasPrefix("# "), let colon = line.firstIndex(of: ":") else { break }
            let text = line[line.index(after: colon)...].drop { $0 == " " }
            switch line.dropFirst(2).prefix(while: { $0 != ":" }) {
            case "switch":
                agent.switches = text.split(separator: " ").filter { $0 != "--set" }.map(
                    String.init)
            case "flagged": agent.flagged = String(text)
            case "with":
                agent.others = Set(
                    text.split(separator: ",").map { String($0.drop { $0 == " " }) })
            default: break
            }
        }
        return agent
    }
}
