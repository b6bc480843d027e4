import UproarCore
import UproarPosix

/// The drills that ship: `scenarios/drills/NAME.yaml`.
package enum Drills {
    package static func names() -> [String] {
        guard let folder = ShareFolder.locate("scenarios/drills") else { return [] }
        return ProcFile.names(in: folder).filter { $0.hasSuffix(".yaml") }
            .map { String($0.dropLast(5)) }.sorted()
    }

    package static func path(of name: String) throws -> String {
        if let found = ShareFolder.locate("scenarios/drills/\(name).yaml") { return found }
        let names = names()
        let near = NearestName.of(name, among: names).map { "; did you mean \($0)?" } ?? ""
        throw ScenarioLoading.Problem(
            "there is no drill \(name)\(near)\n  drills: \(names.joined(separator: " "))")
    }
}
