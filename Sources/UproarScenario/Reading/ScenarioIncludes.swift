import UproarCore

/// `include: common.yaml`, or a list: scenario files whose keys stand in for those that this file does not have.
///
/// A later file of the list goes before an earlier one, the including file before all. Maps are joined key by key; lists and plain
/// values are taken whole. Paths in a file count from that file, wherever it is included. `name` and `summary` are never taken over.
struct ScenarioIncludes {
    static let key = "include"
    static let page = "docs/scenario.md#include"
    private static let depthLimit = 8

    let reading: Reading
    let files: ScenarioFiles

    /// The document of `file` with what it includes.
    func document(_ bytes: [UInt8], file: String) -> YAMLNode? {
        document(bytes, file: file, within: [])
    }

    private func document(_ bytes: [UInt8], file: String, within: [String]) -> YAMLNode? {
        guard let read = reading.document(bytes, file: file) else { return nil }
        let root = read.withEnvironment(reading, files.variable)
        guard let entries = root.map, let node = root[Self.key] else { return root }
        var own = root
        own.content = .map(entries.filter { $0.key != Self.key })
        var result = own
        for item in reading.texts(node, path: Self.key, page: Self.page).reversed() {
            guard let base = included(item, within: within + [file]) else { continue }
            result = Self.joined(base, result)
        }
        return result
    }

    private func included(_ item: YAMLNode, within: [String]) -> YAMLNode? {
        guard let (path, bytes) = reading.file(item, path: Self.key, page: Self.page, files) else {
            return nil
        }
        guard !within.contains(path), within.count < Self.depthLimit else {
            let way = (within + [path]).joined(separator: ", which includes ")
            reading.report(
                item.mark,
                within.contains(path)
                    ? "the files include each other: \(way)"
                    : "files are included \(Self.depthLimit) deep",
                allowed: "files that do not include this one, \(Self.depthLimit) deep at most",
                page: Self.page)
            return nil
        }
        guard var base = document(bytes, file: path, within: within) else { return nil }
        guard let entries = base.map else {
            reading.report(
                base.mark, "the included file holds \(base.kindName)",
                allowed: "a map with keys of a scenario", page: Self.page)
            return nil
        }
        base.content = .map(entries.filter { $0.key != "name" && $0.key != "summary" })
        return base
    }

    private static func joined(_ base: YAMLNode, _ over: YAMLNode) -> YAMLNode {
        guard let under = base.map, let upper = over.map else { return over }
        var entries = upper
        for entry in under {
            if let place = entries.firstIndex(where: { $0.key == entry.key }) {
                entries[place].value = joined(entry.value, entries[place].value)
            } else {
                entries.append(entry)
            }
        }
        var node = over
        node.content = .map(entries)
        return node
    }
}
