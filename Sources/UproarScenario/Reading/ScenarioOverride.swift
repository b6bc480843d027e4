import UproarCore

/// One `--set key=value` of the command line: a value put into the scenario before it is read, so that it meets the same
/// checks as one from the file.
///
/// The key is a path (`providers.deepgram.latency`, `load.0.hold`); numbers are places in lists, from 0. The value is YAML
/// (`agent.endpointing=300ms`, `load=[{hold: 5 callers for 10s}]`).
package struct ScenarioOverride: Hashable, Sendable {
    package var path: [String]
    package var value: YAMLNode
    /// `--set key=value`, for messages.
    package var option: String

    private static let page = "docs/scenario.md#overrides"

    /// Splits at the first `=`.
    package init(_ text: String) throws(FileProblems) {
        option = "--set \(text)"
        let mark = YAMLMark(file: option, line: 0, column: 0)
        func wrong(_ reason: String) -> FileProblems {
            FileProblems([
                FileProblem(
                    mark: mark, reason: reason,
                    allowed: "key=value, such as agent.endpointing=300ms", page: Self.page)
            ])
        }
        guard let equals = text.firstIndex(of: "=") else { throw wrong("no = in it") }
        path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false)
            .map(String.init)
        guard path.count <= 16, path.allSatisfy({ !$0.isEmpty }) else {
            throw wrong("\"\(text[..<equals])\" is no path of keys")
        }
        let written = String(text[text.index(after: equals)...])
        if written.isEmpty {
            value = YAMLNode(.scalar(""), mark: mark, style: .quoted)
            return
        }
        let parsed = YAMLDocument.parse(written, file: option)
        guard let root = parsed.root, parsed.problems.isEmpty else {
            throw FileProblems(
                parsed.problems.map {
                    FileProblem(mark: mark, reason: $0.reason, allowed: $0.allowed, page: $0.page)
                })
        }
        value = root.marked(mark)
    }

    /// `root` with this value in it. Maps on the way are made when missing; keys are checked later, by the scenario's reader.
    package func applied(to root: YAMLNode) throws(FileProblem) -> YAMLNode {
        try put(path[...], into: root)
    }

    private func put(_ rest: ArraySlice<String>, into node: YAMLNode) throws(FileProblem)
        -> YAMLNode
    {
        guard let key = rest.first else { return value }
        var node = node
        switch node.content {
        case .list(var items):
            guard let index = Int(key), items.indices.contains(index) else {
                throw FileProblem(
                    mark: value.mark,
                    reason: "\"\(key)\" is no place in a list of \(items.count)",
                    allowed: items.isEmpty ? "a whole list" : "0 to \(items.count - 1)",
                    page: Self.page)
            }
            items[index] = try put(rest.dropFirst(), into: items[index])
            node.content = .list(items)
        case .map(var entries):
            if let index = entries.firstIndex(where: { $0.key == key }) {
                entries[index].value = try put(rest.dropFirst(), into: entries[index].value)
            } else {
                let fresh = YAMLNode(.map([]), mark: value.mark, style: .collection)
                entries.append(
                    .init(
                        key: key, mark: value.mark, value: try put(rest.dropFirst(), into: fresh)))
            }
            node.content = .map(entries)
        case .scalar:
            // `target: embedded` and `deepgram:` become maps when a key below them is set.
            node = YAMLNode(.map([]), mark: value.mark, style: .collection)
            return try put(rest, into: node)
        }
        return node
    }
}

extension YAMLNode {
    /// The same node with every place replaced.
    fileprivate func marked(_ mark: YAMLMark) -> YAMLNode {
        var node = self
        node.mark = mark
        switch content {
        case .scalar: break
        case .list(let items): node.content = .list(items.map { $0.marked(mark) })
        case .map(let entries):
            node.content = .map(
                entries.map { .init(key: $0.key, mark: mark, value: $0.value.marked(mark)) })
        }
        return node
    }
}
